/*
 * Owns the way from texts to a filled struct: which source beats which, which key a name means,
 * what is reported. Knows no key and no file syntax. A value reaches its field only through its
 * type's parse(), so the struct always holds something valid.
 */
#include "base/conf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/conf_load.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"

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

void
conf_report(const struct conf_load *l, struct conf_origin at, struct buf *what)
{
	if (at.line > 0)
		conf_problem(l->problems, "%.*s:%u: %.*s", STR_ARG(at.name), at.line,
		    STR_ARG(buf_str(what)));
	else
		conf_problem(l->problems, "%.*s: %.*s", STR_ARG(at.name), STR_ARG(buf_str(what)));
	buf_fini(what);
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
set_value(const struct conf_load *l, const struct conf_key *key, struct str value)
{
	const char *wrong = conf_file_check(key->name, value);

	return wrong ? wrong : key->type->parse(key, value, l->settings + key->offset);
}

static void
assign(
    const struct conf_load *l, struct conf_origin at, const struct conf_key *key, struct str value)
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
	conf_report(l, at, &what);
}

static void
assign_cb(void *ctx, const char *section_name, const char *name, struct str value, unsigned line)
{
	struct conf_load *l = ctx;
	struct str section = str_of(section_name);
	struct conf_origin at = { l->file, line };
	const struct conf_key *key;
	unsigned *first;

	if (!is_section(l->table, section)) {
		/* its keys are not worth a line each */
		if (!name)
			conf_hint_section(l, at, section);
		return;
	}
	if (!name)
		return;
	key = find_key(l->table, section, str_of(name));
	if (!key) {
		conf_hint_key(l, at, section, str_of(name));
		return;
	}
	first = &l->lines[key - l->table->keys];
	if (*first != 0) {
		struct buf what = { 0 };

		buf_printf(
		    &what, "%s.%s: given twice, first in line %u", section_name, name, *first);
		conf_report(l, at, &what);
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

	buf_printf(&full, "%s.%s", key->section, key->name);
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
load_environ(const struct conf_load *l, const char *const *environ, struct str prefix)
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
			assign(l, (struct conf_origin){ variable, 0 }, key,
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
load_option(const struct conf_load *l, struct str option)
{
	static const struct conf_origin at = { { "-o", 2 }, 0 };
	struct str section, name, value;
	const struct conf_key *key;

	if (!split_option(option, &section, &name, &value)) {
		struct buf what = { 0 };

		text_add_quoted(&what, option);
		buf_add_lit(&what, " is not SECTION.KEY=VALUE");
		conf_report(l, at, &what);
		return;
	}
	key = find_key(l->table, section, name);
	if (key)
		assign(l, at, key, value);
	else
		conf_hint_key(l, at, section, name);
}

static void
preset(const struct conf_load *l, const struct conf_key *key, struct str value)
{
	const char *wrong = set_value(l, key, value);

	if (!wrong)
		return;
	diag_error("built-in default of %s.%s %s", key->section, key->name, wrong);
	abort();
}

static void
load_presets(const struct conf_load *l, const char *const *presets)
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
	struct conf_load l = {
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
