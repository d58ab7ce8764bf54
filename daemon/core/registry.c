/*
 * Owns the index of batches. The vector is in order of number, which is also the order of seq;
 * where a batch is gone there is a hole that keeps its numbers, and the holes are closed when they
 * are more than half. Ids that are forgotten stay in the index until it is built anew; those of the
 * newest run come into it when the next batch does.
 */
#include "core/registry.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/batch.h"
#include "core/selector.h"

void
registry_init(struct registry *r, uint64_t hash_seed)
{
	*r = (struct registry){ .hash_seed = hash_seed };
	id_index_init(&r->by_id, 0);
	list_init(&r->ranges);
	list_init(&r->open);
}

void
registry_fini(struct registry *r)
{
	while (r->n_spares > 0)
		batch_free(r->spares[--r->n_spares]);
	free(r->entries);
	id_index_fini(&r->by_id);
}

void
registry_reset(struct registry *r)
{
	uint64_t hash_seed = r->hash_seed;

	registry_fini(r);
	registry_init(r, hash_seed);
}

/* Eight octets at a time, each mixed in by a multiplication; keyed, so that a client cannot choose
 * ids that fall into one chain. */
static uint64_t
hash(const struct registry *r, struct str s)
{
	uint64_t h = r->hash_seed ^ (s.n * 0x9e3779b97f4a7c15ULL);

	while (s.n > 0) {
		h = (h ^ str_word(str_head(s, 8))) * 0xd6e8feb86659fd93ULL;
		h ^= h >> 32;
		h += r->hash_seed;
		s = str_from(s, 8);
	}
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ (h >> 32);
}

static void
close_holes(struct registry *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->n; i++)
		if (r->entries[i].batch)
			r->entries[n++] = r->entries[i];
	r->n = n;
	r->gone = 0;
}

/* Whether nothing is left of the request with that index. */
static bool
is_over(const struct batch *b, uint32_t index)
{
	const struct message *m;

	if (!b->is_run)
		return !b->is_open && b->kept == 0;
	m = batch_message(b, index);
	return index < b->accepted && (!m || message_is_forgotten(m));
}

/* Puts into *hash that of the id which the request was given; false when there was none, or all of
 * it is forgotten. */
static bool
hash_own_id(const struct registry *r, const struct batch *b, uint32_t index, uint64_t *hash_out)
{
	struct str id = batch_own_id_at(b, index);

	if (!id.p || is_over(b, index))
		return false;
	*hash_out = hash(r, id);
	return true;
}

/* All ids of a run, or that of another request: first all hashes, so that their places come from
 * memory at once. */
static void
index_batch(struct registry *r, const struct batch *b)
{
	struct {
		uint64_t hash, number;
	} found[BATCH_BLOCK];
	uint32_t requests = batch_requests(b), index, n = 0, i;

	for (index = 0; index < requests; index++) {
		if (!hash_own_id(r, b, index, &found[n].hash))
			continue;
		found[n].number = batch_number_at(b, index);
		id_index_prefetch(&r->by_id, found[n++].hash);
	}
	for (i = 0; i < n; i++)
		id_index_add(&r->by_id, found[i].hash, found[i].number);
}

static void
rebuild_index(struct registry *r)
{
	size_t n = 0, i;

	for (i = 0; i < r->n; i++)
		if (r->entries[i].batch && !r->entries[i].batch->is_range)
			n += r->entries[i].batch->kept;
	id_index_fini(&r->by_id);
	id_index_init(&r->by_id, n);
	for (i = 0; i < r->n; i++)
		if (r->entries[i].batch && !r->entries[i].batch->is_range)
			index_batch(r, r->entries[i].batch);
}

/* The newest run is over: its ids go into the index. */
static void
index_tail(struct registry *r)
{
	if (!r->tail)
		return;
	if (id_index_has_room(&r->by_id, batch_requests(r->tail)))
		index_batch(r, r->tail);
	else
		rebuild_index(r);
	r->tail = NULL;
}

void
registry_add(struct registry *r, struct batch *b)
{
	index_tail(r);
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->entries = mem_resize_array(r->entries, r->cap, sizeof r->entries[0]);
	}
	r->entries[r->n++] = (struct registry_entry){ b->number, b->first_seq, b };
	if (b->is_range)
		list_add_tail(&r->ranges, &b->range_link);
	else
		r->tail = b;
}

void
registry_open(struct registry *r, struct batch *b)
{
	list_add_tail(&r->open, &b->open_link);
}

struct batch *
registry_add_run(struct registry *r, uint32_t room, uint64_t number, uint64_t first_seq)
{
	struct batch *b;

	if (room == BATCH_BLOCK && r->n_spares > 0)
		b = r->spares[--r->n_spares];
	else
		b = batch_new_run(room);
	batch_begin_run(b, number, first_seq);
	registry_add(r, b);
	return b;
}

void
registry_discard(struct registry *r, struct batch *b)
{
	if (r->n_spares == REGISTRY_SPARES || !batch_is_reusable(b)) {
		batch_free(b);
		return;
	}
	batch_empty_run(b);
	r->spares[r->n_spares++] = b;
}

/* The first place whose number is at least that; r->n when there is none. */
static size_t
place_of(const struct registry *r, uint64_t number)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->entries[mid].number >= number)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

void
registry_remove(struct registry *r, struct batch *b)
{
	r->entries[place_of(r, b->number)].batch = NULL;
	r->gone++;
	while (r->n > 0 && !r->entries[r->n - 1].batch) {
		r->n--;
		r->gone--;
	}
	if (r->gone > r->n / 2 + 64)
		close_holes(r);
	list_remove(&b->range_link);
	list_remove(&b->open_link);
	if (r->tail == b)
		r->tail = NULL;
}

struct batch *
registry_next(const struct registry *r, uint64_t number)
{
	size_t at = place_of(r, number);

	while (at < r->n && !r->entries[at].batch)
		at++;
	return at < r->n ? r->entries[at].batch : NULL;
}

struct batch *
registry_prev(const struct registry *r, uint64_t number)
{
	size_t at = place_of(r, number);

	if (at < r->n && r->entries[at].number == number && r->entries[at].batch)
		return r->entries[at].batch;
	while (at > 0)
		if (r->entries[--at].batch)
			return r->entries[at].batch;
	return NULL;
}

struct batch *
registry_last(const struct registry *r)
{
	return r->n > 0 ? r->entries[r->n - 1].batch : NULL;
}

struct batch *
registry_find(const struct registry *r, uint64_t number)
{
	size_t after = number < UINT64_MAX ? place_of(r, number + 1) : r->n;
	struct batch *b = after > 0 ? r->entries[after - 1].batch : NULL;

	return b && number - b->number < batch_requests(b) ? b : NULL;
}

struct batch *
registry_find_seq(const struct registry *r, uint64_t seq)
{
	size_t lo = 0, hi = r->n;
	struct batch *b;

	/* the last one that begins at or before it */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->entries[mid].first_seq > seq)
			hi = mid;
		else
			lo = mid + 1;
	}
	b = lo > 0 ? r->entries[lo - 1].batch : NULL;
	return b && seq - b->first_seq < b->count ? b : NULL;
}

struct found {
	uint64_t *numbers;
	size_t n, cap;
};

static void
found_add(struct found *f, uint64_t number)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 8;
		f->numbers = mem_resize_array(f->numbers, f->cap, sizeof f->numbers[0]);
	}
	f->numbers[f->n++] = number;
}

/* Those of the newest run. */
static void
find_in_tail(const struct registry *r, struct str id, struct found *f)
{
	uint32_t index;

	for (index = 0; r->tail && index < batch_requests(r->tail); index++)
		if (str_eq(batch_own_id_at(r->tail, index), id))
			found_add(f, batch_number_at(r->tail, index));
}

/* The message that was given the id "s" and its seq. */
static void
find_given(const struct registry *r, struct str id, struct found *f)
{
	struct batch *b;
	uint64_t seq;

	if (id.n < 2 || id.p[0] != 's' || text_parse_u63(str_from(id, 1), &seq))
		return;
	b = registry_find_seq(r, seq);
	if (b && !b->is_range && !batch_own_id_at(b, (uint32_t)(seq - b->first_seq)).p)
		found_add(f, batch_number_at(b, (uint32_t)(seq - b->first_seq)));
}

static int
compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
is_rising(const struct found *f)
{
	size_t i;

	for (i = 1; i < f->n; i++)
		if (f->numbers[i - 1] > f->numbers[i])
			return false;
	return true;
}

uint64_t *
registry_find_id(const struct registry *r, struct str id, size_t *n)
{
	struct selector wanted = { .kind = SELECT_ID, .text = id };
	struct found f = { 0 };
	struct batch *b;
	struct list *l;
	uint32_t first, last;

	f.numbers = id_index_find(&r->by_id, hash(r, id), &f.n);
	f.cap = f.n;
	find_in_tail(r, id, &f);
	find_given(r, id, &f);
	list_foreach (l, &r->ranges) {
		b = list_entry(l, struct batch, range_link);
		if (selector_match_batch(&wanted, b, &first, &last))
			found_add(&f, b->number);
	}
	/* no numbers at all would mean any */
	if (!f.numbers)
		f.numbers = mem_alloc(sizeof f.numbers[0]);
	if (!is_rising(&f))
		qsort(f.numbers, f.n, sizeof f.numbers[0], compare_numbers);
	*n = f.n;
	return f.numbers;
}
