#ifndef BASE_CONF_LOAD_H
#define BASE_CONF_LOAD_H

/* What the files of the engine share while a configuration is loaded; of no use to others. */

#include "base/conf.h"

/* Where a value comes from. */
struct conf_origin {
	struct str name; /* not there: from the table */
	unsigned line;   /* 0: it has no lines */
};

/* How a key came by its value. */
struct conf_mark {
	unsigned file_line;     /* where the file set it first; 0: nowhere so far */
	struct conf_origin won; /* of the value in force */
	bool is_unresolved;
};

struct conf_instance_load {
	struct conf_origin first; /* of its first mention */
	struct conf_mark *marks;  /* of each key of the family */
};

struct conf_family_load {
	struct conf_instance_load *items; /* as many as there are instances */
	bool is_full_told;
};

/* One conf_load() under way. */
struct conf_load {
	const struct conf_table *table;
	char *settings;
	struct conf_problems *problems;
	struct str file;
	struct conf_mark *marks;           /* of each plain key */
	struct conf_family_load *families; /* of each family */
};

/* What a section's name means: a plain section, or an instance of a family. */
struct conf_place {
	const struct conf_family *family; /* NULL: plain */
	size_t instance;
};

/* One key that can be set. */
struct conf_slot {
	const struct conf_key *key;
	void *field;
	struct conf_mark *mark;
	struct conf_instance *instance; /* NULL: of a plain section */
	uint64_t bit;                   /* in instance->given */
};

/* "FILE:LINE: what", "ORIGIN: what" or just what is in `what`, which is taken. */
void conf_report(const struct conf_load *l, struct conf_origin at, struct buf *what);

/* "section.key" */
void conf_slot_add_name(struct buf *b, const struct conf_slot *slot);
const char *conf_slot_parse(const struct conf_slot *slot, struct str value);
/* Reports what parse() found wrong. */
void conf_slot_report(const struct conf_load *l, struct conf_origin at,
    const struct conf_slot *slot, const char *wrong);
void conf_slot_resolve(const struct conf_load *l, const struct conf_slot *slot);

/* NULL when there is no such plain key. */
const struct conf_key *conf_find_key(
    const struct conf_table *table, struct str section, struct str name);

/* Report a section, or a key of a section, that does not exist, and the nearest that does. */
void conf_hint_section(const struct conf_load *l, struct conf_origin at, struct str section);
void conf_hint_key(
    const struct conf_load *l, struct conf_origin at, struct str section, struct str name);

void conf_family_start(struct conf_load *l);
void conf_family_end(struct conf_load *l);

/* The family whose section this is, NULL when it is none's; *name gets the rest, which may be
 * empty. */
const struct conf_family *conf_family_find(
    const struct conf_table *table, struct str section, struct str *name);

/* Finds or makes the instance; false when it cannot be, which is reported if is_told. */
bool conf_family_open(const struct conf_load *l, struct conf_origin at,
    const struct conf_family *family, struct str name, bool is_told, size_t *instance);

struct conf_slot conf_family_slot(const struct conf_load *l, const struct conf_family *family,
    size_t instance, const struct conf_key *key);
struct conf_instances *conf_family_instances(const struct conf_family *family, void *settings);

/* Gives every instance what it has from its family's base section. */
void conf_family_inherit(const struct conf_load *l);

/* Finishes all instances and resolves what they were given; false when one cannot be finished. */
bool conf_family_resolve(const struct conf_load *l);
void conf_family_resolve_inherited(const struct conf_load *l);

#endif
