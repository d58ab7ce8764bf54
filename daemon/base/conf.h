#ifndef BASE_CONF_H
#define BASE_CONF_H

/*
 * A configuration as a table: one row per key says its type, default, range, whether a reload may
 * change it, and its help. The engine fills a caller's struct from the table's defaults, an INI
 * file, the environment and the command line, in rising order, and reports every problem there
 * is, not only the first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct conf_key;

/* How a kind of value is read, written and freed. field points into the struct being filled. */
struct conf_type {
	/* NULL, or what is wrong; then the field is as before. May use key->min and key->max. */
	const char *(*parse)(const struct conf_key *key, struct str value, void *field);
	/* Adds the text that parse() reads back. */
	void (*format)(const struct conf_key *key, struct buf *b, const void *field);
	/* Frees what the field owns and clears it; NULL when it owns nothing. */
	void (*fini)(const struct conf_key *key, void *field);
	/* Once all is loaded without a problem: looks up what the value refers to in settings, the
	 * whole struct, even where field is an instance's. False when that fails, and *why says
	 * why, as parse() would. NULL when the value says all by itself. */
	bool (*resolve)(const struct conf_key *key, void *settings, void *field, struct buf *why);
};

/* What parse() gives for a value outside key->min and key->max: the engine adds the two bounds, as
 * format() writes them. Only for kinds whose field is an int64_t or uint64_t. */
extern const char conf_out_of_range[];

/* The kinds that know nothing of mail. Fields: uint64_t, int64_t ns, uint64_t octets, char *
 * (owned), unsigned. */
extern const struct conf_type conf_type_number;
extern const struct conf_type conf_type_duration;
extern const struct conf_type conf_type_size;
extern const struct conf_type conf_type_text;
extern const struct conf_type conf_type_mode; /* of a file: octal, at most 0777 */

struct conf_key {
	const char *section;
	const char *name;
	const struct conf_type *type;
	size_t offset;      /* of the field in the struct */
	const char *preset; /* the default, as text */
	int64_t min, max; /* for numbers, durations (ns) and sizes; both 0: the type's own range */
	bool is_fixed;    /* a reload cannot change it */
	const char *help; /* one or two lines; they are wrapped where they are printed */
	bool is_own;      /* of a family: does not fall back to the base section */
};

/* The head of every instance of a family; the fields of the family's keys follow it. */
struct conf_instance {
	char *name;
	uint64_t given; /* which keys were set for it: bit i is that of keys[i] */
};

/* In the order in which they were first mentioned. */
struct conf_instances {
	struct conf_instance **items;
	size_t n; /* at most CONF_INSTANCES_MAX */
};

#define CONF_INSTANCES_MAX 1000
#define CONF_FAMILY_KEYS_MAX 64

/*
 * Sections whose names are the user's: [domain NAME]. A section line, or an option for one of its
 * keys, makes an instance, all zero but for its name; a variable only changes one that the file
 * has. What is neither given nor in the base section stays zero.
 */
struct conf_family {
	const char *section; /* one word: "domain" for [domain NAME] */
	/* Offsets are in the instance, the section is the family's, and there is no preset. */
	const struct conf_key *keys;
	size_t n;          /* at most CONF_FAMILY_KEYS_MAX */
	size_t size;       /* of an instance */
	size_t offset;     /* of its struct conf_instances in the struct */
	bool ignores_case; /* [domain A] and [domain a] are one */
	/* NULL, or what is wrong with a name: never empty, without blanks at its ends, and fit for
	 * a section line. NULL when all others will do. */
	const char *(*check_name)(struct str name);
	/* A plain section. What an instance was not given has the value of the key of the same name
	 * there, through its text, unless there is none or the row is_own. Or NULL. */
	const char *base;
	/* Called for each instance before any resolve() of its family. False and a text in *why is
	 * a problem of the section; then neither later families nor keys are looked at. Or NULL. */
	bool (*finish)(struct conf_instance *instance, void *settings, struct buf *why);
	const char *help;
};

/* The keys of a section stand together. */
struct conf_table {
	const struct conf_key *keys;
	size_t n;
	size_t size; /* of the struct */
	const struct conf_family *families;
	size_t n_families;
};

/* Every problem as a line of its own: "FILE:LINE: section.key: what is wrong". */
struct conf_problems {
	struct buf lines;
	unsigned count;
};

void conf_problems_fini(struct conf_problems *p);

/* Says each line, by diag_error() or diag_plain(). */
void conf_problems_tell(const struct conf_problems *p,
    void (*say)(const char *format, ...) __attribute__((format(printf, 1, 2))));

/* Adds one line; control characters in it become '?'. */
void conf_problem(struct conf_problems *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What to load from besides the table. All may be NULL; the three lists end with NULL. */
struct conf_sources {
	const char *const *presets; /* "section.key=value": defaults that replace the table's */
	const char *file;           /* the INI file's path */
	const char *const *options; /* "section.key=value" of the command line */
	const char *const *environ; /* "MAILSIMD_SECTION_KEY=value" */
	const char *env_prefix;     /* "MAILSIMD_"; not NULL where environ is not */
};

/*
 * Fills settings (table->size octets, all zero) from all sources. False when there was any
 * problem; settings is complete all the same (a bad value leaves what was there), so that further
 * checks can add what they find; end it with conf_free() in either case. A bad value is a problem
 * even where a stronger source overrides it; an unknown variable with the prefix is a warning
 * (diag), not a problem. A bad default in the table is a bug and aborts.
 *
 * If there was no problem, everything is then resolved: the families in the order of the table,
 * all finish() of one before the keys given for its instances; then the plain keys; then what
 * instances have from their base section, unless that did not resolve itself. What fails is
 * reported with the origin of the assignment that won, and without one where that is the default.
 */
bool conf_load(const struct conf_table *table, const struct conf_sources *from, void *settings,
    struct conf_problems *problems);
void conf_free(const struct conf_table *table, void *settings);

/* An INI file that reads back to the same settings; with_help also says what each key is for. Of
 * instances, only what they were given. */
void conf_print(
    const struct conf_table *table, const void *settings, bool with_help, struct buf *b);

/* Reports each key that is_fixed and whose text differs between the two. True when there is none.
 * What belongs to a family is never fixed. */
bool conf_check_fixed(const struct conf_table *table, const void *old_settings,
    const void *new_settings, struct conf_problems *problems);

/*
 * The INI reader by itself (conf_file.c), the only user of inih: calls assign_cb for each
 * "[section]" (name NULL) and each "key = value" with quotes and comments taken away, and reports
 * what is wrong with the file. A line it reports is not assigned, nor are the keys of a section
 * whose line it reports.
 */
typedef void conf_assign_cb(
    void *ctx, const char *section, const char *name, struct str value, unsigned line);
void conf_file_read(
    const char *path, conf_assign_cb *assign_cb, void *ctx, struct conf_problems *problems);

/* The same for a text that stands for the file `path`. */
void conf_file_parse(struct str text, const char *path, conf_assign_cb *assign_cb, void *ctx,
    struct conf_problems *problems);

/* NULL, or why no line of such a file can hold that key and value. */
const char *conf_file_check(const char *name, struct str value);

/* NULL, or why no "[section]" line can hold that name. */
const char *conf_file_check_section(struct str section);

/* "name = value", in quotes where it would not read back to itself without. */
void conf_file_add(struct buf *b, const char *name, struct str value);

#endif
