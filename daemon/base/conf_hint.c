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

static void
add_full_name(struct buf *b, struct str section, struct str name)
{
	buf_add_str(b, section);
	buf_add_char(b, '.');
	buf_add_str(b, name);
}

void
conf_hint_section(const struct conf_load *l, struct conf_origin at, struct str section)
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
	conf_report(l, at, &what);
}

void
conf_hint_key(const struct conf_load *l, struct conf_origin at, struct str section, struct str name)
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
	conf_report(l, at, &what);
}
