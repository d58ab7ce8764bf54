/*
 * Owns what is said of sections and keys that do not exist: the nearest that does.
 */
#include "base/conf_load.h"

#include <stdint.h>

#define NAME_OCTETS_MAX 99 /* of what is worth a hint: no "section.key" is longer */
#define HINT_DISTANCE 2    /* edits; two neighbours that changed places are as many */

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

/* The word that may be meant for a family's name, and what follows it, for its instance's. */
static struct str
split_section(struct str section, struct str *rest)
{
	size_t n = 0;

	while (n < section.n && !str_is_blank(section.p[n]) && section.p[n] != '.' &&
	    section.p[n] != ':')
		n++;
	*rest = str_trim(str_from(section, n + 1));
	return str_head(section, n);
}

void
conf_hint_section(const struct conf_load *l, struct conf_origin at, struct str section)
{
	const struct conf_table *table = l->table;
	const char *nearest = NULL, *name = "";
	size_t least = HINT_DISTANCE + 1;
	struct buf what = { 0 };
	struct str rest, word = split_section(section, &rest);

	for (size_t i = 0; i < table->n + table->n_families; i++) {
		bool is_plain = i < table->n;
		const char *candidate =
		    is_plain ? table->keys[i].section : table->families[i - table->n].section;
		struct str given = is_plain ? section : word;
		size_t d = distance(given, str_of(candidate));

		if (d < least && d < given.n) {
			least = d;
			nearest = candidate;
			name = is_plain ? "" : " NAME";
		}
	}
	buf_printf(&what, "unknown section [%.*s]", STR_ARG(section));
	if (nearest)
		buf_printf(&what, "; did you mean [%s%s]?", nearest, name);
	conf_report(l, at, &what);
}

/* What may have been meant by a key that does not exist. */
struct hint {
	struct str section, name; /* as they were given */
	struct buf text;          /* "section.key" */
	size_t distance;          /* of text; the nearest wins, the first of several */
	bool is_name_only;        /* only the key is right */
};

static void
weigh(struct hint *h, size_t d, struct str section, struct str instance, const char *name)
{
	bool is_name = str_eq(h->name, str_of(name));
	bool is_name_only = is_name && d > HINT_DISTANCE;
	bool is_nearer;

	/* right but for the section is near, too, unless the section is near as well */
	if (is_name_only)
		d = HINT_DISTANCE;
	is_nearer =
	    d < h->distance || (d == h->distance && h->is_name_only && is_name && !is_name_only);
	if (!is_nearer || d >= h->name.n)
		return;
	h->distance = d;
	h->is_name_only = is_name_only;
	h->text.len = 0;
	buf_add_str(&h->text, section);
	if (instance.n > 0)
		buf_printf(&h->text, " %.*s", STR_ARG(instance));
	buf_printf(&h->text, ".%s", name);
}

static void
weigh_plain_keys(struct hint *h, const struct conf_table *table)
{
	struct buf given = { 0 }, full = { 0 };
	size_t d;

	buf_printf(&given, "%.*s.%.*s", STR_ARG(h->section), STR_ARG(h->name));
	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];

		full.len = 0;
		buf_printf(&full, "%s.%s", key->section, key->name);
		d = distance(buf_str(&given), buf_str(&full));
		/* both words are right, but swapped */
		if (str_eq(h->section, str_of(key->name)) && str_eq(h->name, str_of(key->section)))
			d = HINT_DISTANCE;
		weigh(h, d, str_of(key->section), (struct str){ NULL, 0 }, key->name);
	}
	buf_fini(&given);
	buf_fini(&full);
}

static void
weigh_family(struct hint *h, const struct conf_family *family)
{
	struct str section = str_of(family->section), instance;
	struct str word = split_section(h->section, &instance);
	size_t off = distance(word, section);

	if (off > HINT_DISTANCE || instance.n == 0)
		instance = STR("NAME");
	for (size_t k = 0; k < family->n; k++) {
		const char *name = family->keys[k].name;
		size_t d = distance(h->name, str_of(name));

		if (off > HINT_DISTANCE || d > HINT_DISTANCE)
			d = HINT_DISTANCE + 1;
		else
			d += off;
		weigh(h, d, section, instance, name);
	}
}

void
conf_hint_key(const struct conf_load *l, struct conf_origin at, struct str section, struct str name)
{
	struct hint h = { .section = section, .name = name, .distance = HINT_DISTANCE + 1 };
	struct buf what = { 0 };

	weigh_plain_keys(&h, l->table);
	for (size_t f = 0; f < l->table->n_families; f++)
		weigh_family(&h, &l->table->families[f]);
	buf_printf(&what, "%.*s.%.*s: unknown key", STR_ARG(section), STR_ARG(name));
	if (h.text.len > 0)
		buf_printf(&what, "; did you mean %.*s?", STR_ARG(buf_str(&h.text)));
	buf_fini(&h.text);
	conf_report(l, at, &what);
}
