/*
 * Owns the way from texts to a filled struct: which source beats which, which key a name means,
 * what is reported. Knows no key and no file syntax. A value reaches its field only through its
 * type's parse(), so the struct always holds something valid.
 */
#include "base/conf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"

#define NAME_OCTETS_MAX 99 /* of what is worth a hint: no "section.key" is longer */
#define HINT_DISTANCE 2    /* edits; two neighbours that changed places are as many */
#define HELP_COLUMNS 96

/* Where a value comes from. */
struct origin {
	struct str name;
	unsigned line; /* 0: it has no lines */
};

/* One conf_load() under way. */
struct load {
	const struct conf_table *table;
	char *settings;
	struct conf_problems *problems;
	struct str file;
	unsigned *lines; /* of each key: where the file set it first; 0: nowhere so far */
};

void
conf_problems_tell(const struct conf_problems *p,
    void (*say)(const char *format, ...) __attribute__((format(printf, 1, 2))))
{
	struct str rest = buf_str(&p->lines);

	while (rest.n > 0) {
		size_t n = str_find(rest, '\n');

		say("%.*s", (int)n, rest.p);
		rest = str_from(rest, n + 1);
	}
}

void
conf_problems_fini(struct conf_problems *p)
{
	buf_fini(&p->lines);
	p->count = 0;
}

void
conf_problem(struct conf_problems *p, const char *format, ...)
{
	char *line = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&line, format, ap);
	va_end(ap);
	if (n == -1) {
		diag_error("out of memory");
		_Exit(1);
	}
	for (int i = 0; i < n; i++)
		buf_add_char(
		    &p->lines, (unsigned char)line[i] < ' ' || line[i] == 0x7f ? '?' : line[i]);
	buf_add_char(&p->lines, '\n');
	p->count++;
	free(line);
}

/* "FILE:LINE: what" or "ORIGIN: what"; takes what is in `what`. */
static void
report(const struct load *l, struct origin at, struct buf *what)
{
	if (at.line > 0)
		conf_problem(l->problems, "%.*s:%u: %.*s", STR_ARG(at.name), at.line,
		    STR_ARG(buf_str(what)));
	else
		conf_problem(l->problems, "%.*s: %.*s", STR_ARG(at.name), STR_ARG(buf_str(what)));
	buf_fini(what);
}

/* How many octets must be added, removed or changed to make b of a (Levenshtein). */
static size_t
distance(struct str a, struct str b)
{
	size_t row[NAME_OCTETS_MAX + 1];

	if (a.n > NAME_OCTETS_MAX || b.n > NAME_OCTETS_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.n];
}

static void
add_full_name(struct buf *b, struct str section, struct str name)
{
	buf_add_str(b, section);
	buf_add_char(b, '.');
	buf_add_str(b, name);
}

static void
report_unknown_section(const struct load *l, struct origin at, struct str section)
{
	const char *nearest = NULL;
	size_t least = HINT_DISTANCE + 1;
	struct buf what = { 0 };

	for (size_t i = 0; i < l->table->n; i++) {
		const char *candidate = l->table->keys[i].section;
		size_t d = distance(section, str_of(candidate));

		if (d < least && d < section.n) {
			least = d;
			nearest = candidate;
		}
	}
	buf_printf(&what, "unknown section [%.*s]", STR_ARG(section));
	if (nearest)
		buf_printf(&what, "; did you mean [%s]?", nearest);
	report(l, at, &what);
}

static void
report_unknown_key(const struct load *l, struct origin at, struct str section, struct str name)
{
	const struct conf_key *nearest = NULL;
	size_t least = HINT_DISTANCE + 1;
	struct buf what = { 0 }, full = { 0 };

	add_full_name(&what, section, name);
	for (size_t i = 0; i < l->table->n; i++) {
		const struct conf_key *candidate = &l->table->keys[i];
		size_t d;

		full.len = 0;
		add_full_name(&full, str_of(candidate->section), str_of(candidate->name));
		d = distance(buf_str(&what), buf_str(&full));
		/* right but for the section is near, too, unless something is nearer */
		if (d > HINT_DISTANCE && str_eq(name, str_of(candidate->name)))
			d = HINT_DISTANCE;
		if (d < least && d < name.n) {
			least = d;
			nearest = candidate;
		}
	}
	buf_add_lit(&what, ": unknown key");
	if (nearest)
		buf_printf(&what, "; did you mean %s.%s?", nearest->section, nearest->name);
	buf_fini(&full);
	report(l, at, &what);
}

static bool
is_section(const struct conf_table *table, struct str section)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(section, str_of(table->keys[i].section)))
			return true;
	return false;
}

static const struct conf_key *
find_key(const struct conf_table *table, struct str section, struct str name)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(section, str_of(table->keys[i].section)) &&
		    str_eq(name, str_of(table->keys[i].name)))
			return &table->keys[i];
	return NULL;
}

static const char *
set_value(const struct load *l, const struct conf_key *key, struct str value)
{
	const char *wrong = conf_file_check(key->name, value);

	return wrong ? wrong : key->type->parse(key, value, l->settings + key->offset);
}

static void
assign(const struct load *l, struct origin at, const struct conf_key *key, struct str value)
{
	const char *wrong = set_value(l, key, value);
	struct buf what = { 0 };

	if (!wrong)
		return;
	buf_printf(&what, "%s.%s: %s", key->section, key->name, wrong);
	if (wrong == conf_out_of_range) {
		buf_add_lit(&what, ": ");
		key->type->format(key, &what, &key->min);
		buf_add_lit(&what, " to ");
		key->type->format(key, &what, &key->max);
	}
	report(l, at, &what);
}

static void
assign_cb(void *ctx, const char *section_name, const char *name, struct str value, unsigned line)
{
	struct load *l = ctx;
	struct str section = str_of(section_name);
	struct origin at = { l->file, line };
	const struct conf_key *key;
	unsigned *first;

	if (!is_section(l->table, section)) {
		/* its keys are not worth a line each */
		if (!name)
			report_unknown_section(l, at, section);
		return;
	}
	if (!name)
		return;
	key = find_key(l->table, section, str_of(name));
	if (!key) {
		report_unknown_key(l, at, section, str_of(name));
		return;
	}
	first = &l->lines[key - l->table->keys];
	if (*first != 0) {
		struct buf what = { 0 };

		buf_printf(
		    &what, "%s.%s: given twice, first in line %u", section_name, name, *first);
		report(l, at, &what);
	} else {
		*first = line;
	}
	assign(l, at, key, value);
}

/* Whether variable is the prefix and "SECTION_KEY": the key in capitals, '_' for what is neither
 * letter nor digit. */
static bool
is_variable_of(const struct conf_key *key, struct str variable)
{
	struct buf full = { 0 };
	bool is_same;

	add_full_name(&full, str_of(key->section), str_of(key->name));
	for (size_t i = 0; i < full.len; i++) {
		char c = full.data[i];

		if (c >= 'a' && c <= 'z')
			full.data[i] = (char)(c - 'a' + 'A');
		else if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
			full.data[i] = '_';
	}
	is_same = str_eq(buf_str(&full), variable);
	buf_fini(&full);
	return is_same;
}

static void
load_environ(const struct load *l, const char *const *environ, struct str prefix)
{
	for (; *environ; environ++) {
		struct str whole = str_of(*environ);
		struct str variable = str_head(whole, str_find(whole, '='));
		const struct conf_key *key = NULL;

		if (variable.n == whole.n || !str_has_prefix(variable, prefix))
			continue;
		for (size_t i = 0; i < l->table->n && !key; i++)
			if (is_variable_of(&l->table->keys[i], str_from(variable, prefix.n)))
				key = &l->table->keys[i];
		if (key)
			assign(l, (struct origin){ variable, 0 }, key,
			    str_from(whole, variable.n + 1));
		else
			diag_warning("%.*s: ignored, there is no such key", STR_ARG(variable));
	}
}

/* "section.key=value", the section up to the last dot before the '='. */
static bool
split_option(struct str option, struct str *section, struct str *name, struct str *value)
{
	size_t sign = str_find(option, '='), dot = sign;

	while (dot > 0 && option.p[dot - 1] != '.')
		dot--;
	if (sign == option.n || dot < 2 || dot == sign)
		return false;
	*section = str_head(option, dot - 1);
	*name = (struct str){ option.p + dot, sign - dot };
	*value = str_from(option, sign + 1);
	return true;
}

static void
load_option(const struct load *l, struct str option)
{
	static const struct origin at = { { "-o", 2 }, 0 };
	struct str section, name, value;
	const struct conf_key *key;

	if (!split_option(option, &section, &name, &value)) {
		struct buf what = { 0 };

		text_add_quoted(&what, option);
		buf_add_lit(&what, " is not SECTION.KEY=VALUE");
		report(l, at, &what);
		return;
	}
	key = find_key(l->table, section, name);
	if (key)
		assign(l, at, key, value);
	else
		report_unknown_key(l, at, section, name);
}

static void
preset(const struct load *l, const struct conf_key *key, struct str value)
{
	const char *wrong = set_value(l, key, value);

	if (!wrong)
		return;
	diag_error("built-in default of %s.%s %s", key->section, key->name, wrong);
	abort();
}

static void
load_presets(const struct load *l, const char *const *presets)
{
	for (size_t i = 0; i < l->table->n; i++)
		preset(l, &l->table->keys[i], str_of(l->table->keys[i].preset));
	for (; presets && *presets; presets++) {
		struct str section, name, value;
		const struct conf_key *key = NULL;

		if (split_option(str_of(*presets), &section, &name, &value))
			key = find_key(l->table, section, name);
		if (!key) {
			diag_error("no such key to preset: %s", *presets);
			abort();
		}
		preset(l, key, value);
	}
}

bool
conf_load(const struct conf_table *table, const struct conf_sources *from, void *settings,
    struct conf_problems *problems)
{
	unsigned before = problems->count;
	struct load l = {
		.table = table,
		.settings = settings,
		.problems = problems,
		.file = str_of(from->file),
		.lines = mem_alloc_array(table->n, sizeof *l.lines),
	};

	load_presets(&l, from->presets);
	if (from->file)
		conf_file_read(from->file, assign_cb, &l, problems);
	if (from->environ)
		load_environ(&l, from->environ, str_of(from->env_prefix));
	for (const char *const *option = from->options; option && *option; option++)
		load_option(&l, str_of(*option));
	free(l.lines);
	return problems->count == before;
}

void
conf_free(const struct conf_table *table, void *settings)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];

		if (key->type->fini)
			key->type->fini(key, (char *)settings + key->offset);
	}
}

static void
format_field(const struct conf_key *key, const void *settings, struct buf *b)
{
	key->type->format(key, b, (const char *)settings + key->offset);
}

/* The help as comment lines, broken at spaces. */
static void
add_help(struct buf *b, struct str help)
{
	size_t column = 0;

	while (help.n > 0) {
		struct str word = str_head(help, str_find(help, ' '));

		if (column > 0 && column + 1 + word.n > HELP_COLUMNS) {
			buf_add_char(b, '\n');
			column = 0;
		}
		if (column == 0)
			buf_add_char(b, ';');
		buf_add_char(b, ' ');
		buf_add_str(b, word);
		column += word.n + (column == 0 ? 2 : 1);
		help = str_from(help, word.n + 1);
	}
	buf_add_char(b, '\n');
}

void
conf_print(const struct conf_table *table, const void *settings, bool with_help, struct buf *b)
{
	const char *section = NULL;
	struct buf value = { 0 };

	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];
		bool is_new = !section || strcmp(section, key->section) != 0;

		if (i > 0 && (is_new || with_help))
			buf_add_char(b, '\n');
		if (is_new)
			buf_printf(b, "[%s]\n", key->section);
		section = key->section;
		if (with_help)
			add_help(b, str_of(key->help));
		value.len = 0;
		format_field(key, settings, &value);
		conf_file_add(b, key->name, buf_str(&value));
		buf_add_char(b, '\n');
	}
	buf_fini(&value);
}

bool
conf_check_fixed(const struct conf_table *table, const void *old_settings, const void *new_settings,
    struct conf_problems *problems)
{
	struct buf was = { 0 }, is = { 0 };
	unsigned before = problems->count;

	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];

		if (!key->is_fixed)
			continue;
		was.len = is.len = 0;
		format_field(key, old_settings, &was);
		format_field(key, new_settings, &is);
		if (!str_eq(buf_str(&was), buf_str(&is)))
			conf_problem(problems,
			    "%s.%s: only a restart can change this, from %.*s to %.*s",
			    key->section, key->name, STR_ARG(buf_str(&was)), STR_ARG(buf_str(&is)));
	}
	buf_fini(&was);
	buf_fini(&is);
	return problems->count == before;
}
