/*
 * Owns the table of hashes. A place holds sixteen bits of the hash, and a number or, when several
 * requests share these bits (most often since they share the id), a list of numbers: a client that
 * gives the same id a million times must not make a million places collide.
 *
 * Tried before: chains through the messages. To take one out of its chain cost two cache misses, a
 * quarter of all that a message sent by its own line costs; and 16 to 24 octets. What is added one
 * by one costs a miss each, too, so the ids of a run are added together.
 */
#include "core/id_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PLACES_MIN 256
#define SLACK 1024 /* numbers of what is gone that are never worth the work */
#define TAG_MASK 0xffffU
#define IS_LIST 0x10000U
#define NUMBER_SHIFT 17

struct id_list {
	uint64_t *numbers;
	size_t n, cap;
};

void
id_index_init(struct id_index *ix, size_t expected)
{
	*ix = (struct id_index){ .cap = expected * 2 + PLACES_MIN };
	ix->limit = expected * 2 + SLACK;
	ix->places = mem_alloc_array(ix->cap, sizeof ix->places[0]);
}

void
id_index_fini(struct id_index *ix)
{
	size_t i;

	for (i = 0; i < ix->n_lists; i++)
		free(ix->lists[i].numbers);
	free(ix->lists);
	free(ix->places);
	*ix = (struct id_index){ 0 };
}

bool
id_index_has_room(const struct id_index *ix, size_t more)
{
	return ix->total + more <= ix->limit && ix->used + more <= ix->cap - ix->cap / 8;
}

/* The first place to look at. */
static size_t
home_of(const struct id_index *ix, uint64_t hash)
{
	return (size_t)((hash >> 32) * ix->cap >> 32);
}

void
id_index_prefetch(const struct id_index *ix, uint64_t hash)
{
	__builtin_prefetch(&ix->places[home_of(ix, hash)]);
}

/* The place of that hash, or the free one where it belongs. */
static uint64_t *
find_place(const struct id_index *ix, uint64_t hash)
{
	size_t at = home_of(ix, hash);

	while (ix->places[at] != 0 && ((ix->places[at] ^ hash) & TAG_MASK) != 0)
		at = at + 1 < ix->cap ? at + 1 : 0;
	return &ix->places[at];
}

static void
list_add(struct id_list *list, uint64_t number)
{
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 4;
		list->numbers = mem_resize_array(list->numbers, list->cap, sizeof list->numbers[0]);
	}
	list->numbers[list->n++] = number;
}

/* The number of a new list. */
static size_t
new_list(struct id_index *ix)
{
	/* doubled at each power of two */
	if ((ix->n_lists & (ix->n_lists - 1)) == 0)
		ix->lists = mem_resize_array(
		    ix->lists, ix->n_lists ? ix->n_lists * 2 : 1, sizeof ix->lists[0]);
	ix->lists[ix->n_lists] = (struct id_list){ 0 };
	return ix->n_lists++;
}

void
id_index_add(struct id_index *ix, uint64_t hash, uint64_t number)
{
	uint64_t *place = find_place(ix, hash), tag = hash & TAG_MASK;
	size_t list;

	ix->total++;
	if (*place == 0) {
		ix->used++;
		*place = number << NUMBER_SHIFT | tag;
		return;
	}
	if (*place & IS_LIST) {
		list = *place >> NUMBER_SHIFT;
	} else {
		list = new_list(ix);
		list_add(&ix->lists[list], *place >> NUMBER_SHIFT);
		*place = (uint64_t)list << NUMBER_SHIFT | IS_LIST | tag;
	}
	list_add(&ix->lists[list], number);
}

uint64_t *
id_index_find(const struct id_index *ix, uint64_t hash, size_t *n)
{
	uint64_t place = *find_place(ix, hash), *numbers, one = place >> NUMBER_SHIFT;
	struct id_list single = { &one, 1, 1 };
	const struct id_list *list = place & IS_LIST ? &ix->lists[one] : &single;

	*n = 0;
	if (place == 0)
		return NULL;
	*n = list->n;
	numbers = mem_alloc_array(list->n, sizeof numbers[0]);
	memcpy(numbers, list->numbers, list->n * sizeof numbers[0]);
	return numbers;
}
