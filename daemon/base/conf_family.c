/*
 * Owns the families of sections while they are loaded: which instance a section means, how one is
 * made, what it has from its base section, and that it is finished before what refers to it is
 * resolved. l->families[f].items goes step by step with the instances in the settings.
 */
#include "base/conf_load.h"

#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"

void
conf_family_start(struct conf_load *l)
{
	l->families = mem_alloc_array(l->table->n_families, sizeof *l->families);
	for (size_t f = 0; f < l->table->n_families; f++) {
		const struct conf_family *family = &l->table->families[f];
		bool is_good = family->n <= CONF_FAMILY_KEYS_MAX &&
		    family->size >= sizeof(struct conf_instance);

		for (size_t k = 0; k < family->n && is_good; k++)
			is_good = strcmp(family->keys[k].section, family->section) == 0;
		if (is_good)
			continue;
		diag_error("bad family of sections: %s", family->section);
		abort();
	}
}

void
conf_family_end(struct conf_load *l)
{
	for (size_t f = 0; f < l->table->n_families; f++) {
		size_t n = conf_family_instances(&l->table->families[f], l->settings)->n;

		for (size_t i = 0; i < n; i++)
			free(l->families[f].items[i].marks);
		free(l->families[f].items);
	}
	free(l->families);
}

struct conf_instances *
conf_family_instances(const struct conf_family *family, void *settings)
{
	return (void *)((char *)settings + family->offset);
}

static struct conf_family_load *
load_of(const struct conf_load *l, const struct conf_family *family)
{
	return &l->families[family - l->table->families];
}

const struct conf_family *
conf_family_find(const struct conf_table *table, struct str section, struct str *name)
{
	size_t n = 0;

	while (n < section.n && !str_is_blank(section.p[n]))
		n++;
	*name = str_trim(str_from(section, n));
	for (size_t f = 0; f < table->n_families; f++)
		if (str_eq(str_head(section, n), str_of(table->families[f].section)))
			return &table->families[f];
	return NULL;
}

static bool
find_instance(const struct conf_family *family, const struct conf_instances *all, struct str name,
    size_t *instance)
{
	for (size_t i = 0; i < all->n; i++) {
		struct str other = str_of(all->items[i]->name);

		if (family->ignores_case ? str_eq_nocase(name, other) : str_eq(name, other)) {
			*instance = i;
			return true;
		}
	}
	return false;
}

static const char *
check_name(const struct conf_family *family, struct str name)
{
	struct buf section = { 0 };
	const char *wrong;

	buf_printf(&section, "%s %.*s", family->section, STR_ARG(name));
	wrong = conf_file_check_section(buf_str(&section));
	buf_fini(&section);
	if (!wrong && family->check_name)
		wrong = family->check_name(name);
	return wrong;
}

static void
add_instance(const struct conf_load *l, struct conf_origin at, const struct conf_family *family,
    struct str name)
{
	struct conf_instances *all = conf_family_instances(family, l->settings);
	struct conf_family_load *load = load_of(l, family);
	struct conf_instance *instance = mem_alloc(family->size);

	instance->name = mem_copy_str(name);
	all->items = mem_resize_array(all->items, all->n + 1, sizeof *all->items);
	all->items[all->n] = instance;
	load->items = mem_resize_array(load->items, all->n + 1, sizeof *load->items);
	load->items[all->n] = (struct conf_instance_load){
		.first = at,
		.marks = mem_alloc_array(family->n, sizeof(struct conf_mark)),
	};
	all->n++;
}

bool
conf_family_open(const struct conf_load *l, struct conf_origin at, const struct conf_family *family,
    struct str name, bool is_told, size_t *instance)
{
	struct conf_instances *all = conf_family_instances(family, l->settings);
	struct conf_family_load *load = load_of(l, family);
	const char *wrong = NULL;
	struct buf what = { 0 };

	if (name.n > 0 && find_instance(family, all, name, instance))
		return true;
	if (name.n == 0) {
		buf_printf(&what, "[%s] needs a name: [%s NAME]", family->section, family->section);
	} else if ((wrong = check_name(family, name)) != NULL) {
		buf_printf(&what, "[%s %.*s]: %s", family->section, STR_ARG(name), wrong);
	} else if (all->n < CONF_INSTANCES_MAX) {
		*instance = all->n;
		add_instance(l, at, family, name);
		return true;
	} else if (!load->is_full_told) {
		buf_printf(&what,
		    "[%s %.*s]: there are %d such sections before it, the most there may be",
		    family->section, STR_ARG(name), CONF_INSTANCES_MAX);
		load->is_full_told = true;
	}
	if (is_told && what.len > 0)
		conf_report(l, at, &what);
	buf_fini(&what);
	return false;
}

struct conf_slot
conf_family_slot(const struct conf_load *l, const struct conf_family *family, size_t instance,
    const struct conf_key *key)
{
	struct conf_instance *i = conf_family_instances(family, l->settings)->items[instance];
	size_t k = (size_t)(key - family->keys);

	return (struct conf_slot){
		.key = key,
		.field = (char *)i + key->offset,
		.mark = &load_of(l, family)->items[instance].marks[k],
		.instance = i,
		.bit = UINT64_C(1) << k,
	};
}

/* The plain key that an instance's key falls back to, NULL when there is none. */
static const struct conf_key *
base_of(const struct conf_load *l, const struct conf_family *family, const struct conf_key *key)
{
	if (!family->base || key->is_own)
		return NULL;
	return conf_find_key(l->table, str_of(family->base), str_of(key->name));
}

/* Calls visit for each key of all instances of a family, and with the plain key it falls back to,
 * which is NULL when it was given or there is none. */
static void
visit_slots(const struct conf_load *l, const struct conf_family *family,
    void (*visit)(
	const struct conf_load *l, const struct conf_slot *slot, const struct conf_key *base))
{
	size_t n = conf_family_instances(family, l->settings)->n;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < family->n; k++) {
			const struct conf_key *key = &family->keys[k];
			struct conf_slot slot = conf_family_slot(l, family, i, key);
			bool is_given = (slot.instance->given & slot.bit) != 0;

			visit(l, &slot, is_given ? NULL : base_of(l, family, key));
		}
}

static void
inherit(const struct conf_load *l, const struct conf_slot *slot, const struct conf_key *base)
{
	struct buf value = { 0 };
	const char *wrong;

	if (!base)
		return;
	base->type->format(base, &value, l->settings + base->offset);
	wrong = conf_slot_parse(slot, buf_str(&value));
	slot->mark->won = l->marks[base - l->table->keys].won;
	if (wrong)
		conf_slot_report(l, slot->mark->won, slot, wrong);
	buf_fini(&value);
}

void
conf_family_inherit(const struct conf_load *l)
{
	for (size_t f = 0; f < l->table->n_families; f++)
		visit_slots(l, &l->table->families[f], inherit);
}

static bool
finish(const struct conf_load *l, const struct conf_family *family)
{
	struct conf_instances *all = conf_family_instances(family, l->settings);
	bool is_good = true;

	for (size_t i = 0; family->finish && i < all->n; i++) {
		struct buf why = { 0 }, what = { 0 };

		if (!family->finish(all->items[i], l->settings, &why)) {
			buf_printf(&what, "[%s %s]: %.*s", family->section, all->items[i]->name,
			    STR_ARG(buf_str(&why)));
			conf_report(l, load_of(l, family)->items[i].first, &what);
			is_good = false;
		}
		buf_fini(&why);
	}
	return is_good;
}

static void
resolve_given(const struct conf_load *l, const struct conf_slot *slot,
    __attribute__((unused)) const struct conf_key *base)
{
	if (slot->instance->given & slot->bit)
		conf_slot_resolve(l, slot);
}

static void
resolve_inherited(
    const struct conf_load *l, const struct conf_slot *slot, const struct conf_key *base)
{
	if (base && !l->marks[base - l->table->keys].is_unresolved)
		conf_slot_resolve(l, slot);
}

bool
conf_family_resolve(const struct conf_load *l)
{
	for (size_t f = 0; f < l->table->n_families; f++) {
		if (!finish(l, &l->table->families[f]))
			return false;
		visit_slots(l, &l->table->families[f], resolve_given);
	}
	return true;
}

void
conf_family_resolve_inherited(const struct conf_load *l)
{
	for (size_t f = 0; f < l->table->n_families; f++)
		visit_slots(l, &l->table->families[f], resolve_inherited);
}
