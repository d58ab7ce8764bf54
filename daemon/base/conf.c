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
	if (!at.name.p)
		conf_problem(l->problems, "%.*s", STR_ARG(buf_str(what)));
	else if (at.line > 0)
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

const struct conf_key *
conf_find_key(const struct conf_table *table, struct str section, struct str name)
{
	for (size_t i = 0; i < table->n; i++)
		if (str_eq(section, str_of(table->keys[i].section)) &&
		    str_eq(name, str_of(table->keys[i].name)))
			return &table->keys[i];
	return NULL;
}

static struct conf_slot
plain_slot(const struct conf_load *l, const struct conf_key *key)
{
	return (struct conf_slot){
		.key = key,
		.field = l->settings + key->offset,
		.mark = &l->marks[key - l->table->keys],
	};
}

/* False when there is no such section, or none can be made, which is reported if is_told: the keys
 * of such a section are not worth a line each. */
static bool
open_section(const struct conf_load *l, struct conf_origin at, struct str section, bool is_told,
    struct conf_place *place)
{
	struct str name;

	*place = (struct conf_place){ NULL, 0 };
	if (is_section(l->table, section))
		return true;
	place->family = conf_family_find(l->table, section, &name);
	if (place->family)
		return conf_family_open(l, at, place->family, name, is_told, &place->instance);
	if (is_told)
		conf_hint_section(l, at, section);
	return false;
}

/* The key of that name in an open section; key NULL when it has none. */
static struct conf_slot
find_slot(
    const struct conf_load *l, const struct conf_place *place, struct str section, struct str name)
{
	const struct conf_family *family = place->family;
	const struct conf_key *key = NULL;

	for (size_t i = 0; family && i < family->n && !key; i++)
		if (str_eq(name, str_of(family->keys[i].name)))
			key = &family->keys[i];
	if (key)
		return conf_family_slot(l, family, place->instance, key);
	if (!family)
		key = conf_find_key(l->table, section, name);
	return key ? plain_slot(l, key) : (struct conf_slot){ 0 };
}

void
conf_slot_add_name(struct buf *b, const struct conf_slot *slot)
{
	buf_add_str(b, str_of(slot->key->section));
	if (slot->instance)
		buf_printf(b, " %s", slot->instance->name);
	buf_printf(b, ".%s", slot->key->name);
}

const char *
conf_slot_parse(const struct conf_slot *slot, struct str value)
{
	const char *wrong = conf_file_check(slot->key->name, value);

	return wrong ? wrong : slot->key->type->parse(slot->key, value, slot->field);
}

void
conf_slot_report(const struct conf_load *l, struct conf_origin at, const struct conf_slot *slot,
    const char *wrong)
{
	const struct conf_key *key = slot->key;
	struct buf what = { 0 };

	conf_slot_add_name(&what, slot);
	buf_printf(&what, ": %s", wrong);
	if (wrong == conf_out_of_range) {
		buf_add_lit(&what, ": ");
		key->type->format(key, &what, &key->min);
		buf_add_lit(&what, " to ");
		key->type->format(key, &what, &key->max);
	}
	conf_report(l, at, &what);
}

void
conf_slot_resolve(const struct conf_load *l, const struct conf_slot *slot)
{
	const struct conf_key *key = slot->key;
	struct buf why = { 0 };

	if (key->type->resolve && !key->type->resolve(key, l->settings, slot->field, &why)) {
		slot->mark->is_unresolved = true;
		buf_add_char(&why, '\0');
		conf_slot_report(l, slot->mark->won, slot, why.data);
	}
	buf_fini(&why);
}

static void
assign(const struct conf_load *l, struct conf_origin at, const struct conf_slot *slot,
    struct str value)
{
	const char *wrong = conf_slot_parse(slot, value);

	if (wrong) {
		conf_slot_report(l, at, slot, wrong);
		return;
	}
	slot->mark->won = at;
	if (slot->instance)
		slot->instance->given |= slot->bit;
}

static void
assign_cb(void *ctx, const char *section_name, const char *name, struct str value, unsigned line)
{
	const struct conf_load *l = ctx;
	struct str section = str_of(section_name);
	struct conf_origin at = { l->file, line };
	struct conf_place place;
	struct conf_slot slot;

	if (!open_section(l, at, section, !name, &place) || !name)
		return;
	slot = find_slot(l, &place, section, str_of(name));
	if (!slot.key) {
		conf_hint_key(l, at, section, str_of(name));
		return;
	}
	if (slot.mark->file_line != 0) {
		struct buf what = { 0 };

		conf_slot_add_name(&what, &slot);
		buf_printf(&what, ": given twice, first in line %u", slot.mark->file_line);
		conf_report(l, at, &what);
	} else {
		slot.mark->file_line = line;
	}
	assign(l, at, &slot, value);
}

/* Whether a variable without its prefix is "SECTION_KEY": the key in capitals, '_' for what is
 * neither letter nor digit. */
static bool
is_variable_of(const struct conf_slot *slot, struct str variable)
{
	struct buf full = { 0 };
	bool is_same;

	conf_slot_add_name(&full, slot);
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

/* How many keys a variable without its prefix may mean: names of instances are anything, so there
 * may be several. The first two go to `found`. */
static size_t
find_variable(const struct conf_load *l, struct str variable, struct conf_slot found[2])
{
	size_t n = 0;

	for (size_t i = 0; i < l->table->n && n < 2; i++) {
		found[n] = plain_slot(l, &l->table->keys[i]);
		n += is_variable_of(&found[n], variable);
	}
	for (size_t f = 0; f < l->table->n_families; f++) {
		const struct conf_family *family = &l->table->families[f];
		size_t n_instances = conf_family_instances(family, l->settings)->n;

		for (size_t i = 0; i < n_instances; i++)
			for (size_t k = 0; k < family->n && n < 2; k++) {
				found[n] = conf_family_slot(l, family, i, &family->keys[k]);
				n += is_variable_of(&found[n], variable);
			}
	}
	return n;
}

static void
load_variable(
    const struct conf_load *l, struct str variable, size_t prefix_octets, struct str value)
{
	const struct conf_origin at = { variable, 0 };
	struct conf_slot found[2];
	size_t n = find_variable(l, str_from(variable, prefix_octets), found);

	if (n == 0) {
		diag_warning("%.*s: ignored, there is no such key", STR_ARG(variable));
	} else if (n == 1) {
		assign(l, at, &found[0], value);
	} else {
		struct buf what = { 0 };

		buf_add_lit(&what, "may mean ");
		conf_slot_add_name(&what, &found[0]);
		buf_add_lit(&what, " or ");
		conf_slot_add_name(&what, &found[1]);
		conf_report(l, at, &what);
	}
}

static void
load_environ(const struct conf_load *l, const char *const *environ, struct str prefix)
{
	for (; *environ; environ++) {
		struct str whole = str_of(*environ);
		struct str variable = str_head(whole, str_find(whole, '='));

		if (variable.n < whole.n && str_has_prefix(variable, prefix))
			load_variable(l, variable, prefix.n, str_from(whole, variable.n + 1));
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
	struct str section, name, value, instance;
	struct conf_place place;
	struct conf_slot slot;

	if (!split_option(option, &section, &name, &value)) {
		struct buf what = { 0 };

		text_add_quoted(&what, option);
		buf_add_lit(&what, " is not SECTION.KEY=VALUE");
		conf_report(l, at, &what);
		return;
	}
	/* of an unknown section the key says more than the section alone */
	if (!is_section(l->table, section) && !conf_family_find(l->table, section, &instance)) {
		conf_hint_key(l, at, section, name);
		return;
	}
	if (!open_section(l, at, section, true, &place))
		return;
	slot = find_slot(l, &place, section, name);
	if (slot.key)
		assign(l, at, &slot, value);
	else
		conf_hint_key(l, at, section, name);
}

static void
preset(const struct conf_load *l, const struct conf_key *key, struct str value)
{
	struct conf_slot slot = plain_slot(l, key);
	const char *wrong = conf_slot_parse(&slot, value);

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
			key = conf_find_key(l->table, section, name);
		if (!key) {
			diag_error("no such key to preset: %s", *presets);
			abort();
		}
		preset(l, key, value);
	}
}

static void
resolve(const struct conf_load *l)
{
	if (!conf_family_resolve(l))
		return;
	for (size_t i = 0; i < l->table->n; i++) {
		struct conf_slot slot = plain_slot(l, &l->table->keys[i]);

		conf_slot_resolve(l, &slot);
	}
	conf_family_resolve_inherited(l);
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
		.marks = mem_alloc_array(table->n, sizeof *l.marks),
	};

	conf_family_start(&l);
	load_presets(&l, from->presets);
	if (from->file)
		conf_file_read(from->file, assign_cb, &l, problems);
	if (from->environ)
		load_environ(&l, from->environ, str_of(from->env_prefix));
	for (const char *const *option = from->options; option && *option; option++)
		load_option(&l, str_of(*option));
	conf_family_inherit(&l);
	if (problems->count == before)
		resolve(&l);
	conf_family_end(&l);
	free(l.marks);
	return problems->count == before;
}

static void
free_fields(const struct conf_key *keys, size_t n, void *base)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i].type->fini)
			keys[i].type->fini(&keys[i], (char *)base + keys[i].offset);
}

void
conf_free(const struct conf_table *table, void *settings)
{
	free_fields(table->keys, table->n, settings);
	for (size_t i = 0; i < table->n_families; i++) {
		const struct conf_family *family = &table->families[i];
		struct conf_instances *all = conf_family_instances(family, settings);

		for (size_t k = 0; k < all->n; k++) {
			free_fields(family->keys, family->n, all->items[k]);
			free(all->items[k]->name);
			free(all->items[k]);
		}
		free(all->items);
		*all = (struct conf_instances){ NULL, 0 };
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
