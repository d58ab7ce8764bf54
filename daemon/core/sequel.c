/*
 * Owns the counts by recipient. Invariant: at most half of the places are taken, so a search always
 * ends at a free one.
 */
#include "core/sequel.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/draw.h"

#define PLACES_MIN 64

void
sequel_init(struct sequels *s)
{
	*s = (struct sequels){ .cap = PLACES_MIN };
	s->places = mem_alloc_array(s->cap, sizeof s->places[0]);
}

void
sequel_fini(struct sequels *s)
{
	free(s->places);
}

/* The place of that hash, or the free one where it belongs. */
static struct sequel *
find(const struct sequels *s, uint64_t hash)
{
	size_t at = hash & (s->cap - 1);

	while (s->places[at].count > 0 && s->places[at].hash != hash)
		at = (at + 1) & (s->cap - 1);
	return &s->places[at];
}

static void
grow(struct sequels *s)
{
	struct sequels old = *s;
	size_t i;

	s->cap *= 2;
	s->places = mem_alloc_array(s->cap, sizeof s->places[0]);
	for (i = 0; i < old.cap; i++)
		if (old.places[i].count > 0)
			*find(s, old.places[i].hash) = old.places[i];
	free(old.places);
}

uint64_t
sequel_next(struct sequels *s, struct str recipient)
{
	uint64_t hash = draw_key_nth(0, recipient, 0);
	struct sequel *at;

	if (s->n * 2 >= s->cap)
		grow(s);
	at = find(s, hash);
	if (at->count == 0)
		s->n++;
	at->hash = hash;
	return ++at->count;
}
