/*
 * Owns the index of batches. The vector is in order of number, which is also the order of seq;
 * where a batch is gone there is a hole that keeps its numbers, and the holes are closed when they
 * are more than half.
 */
#include "core/registry.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/batch.h"
#include "core/selector.h"

#define BUCKETS_MIN 64

void
registry_init(struct registry *r, uint64_t hash_seed)
{
	*r = (struct registry){ .hash_seed = hash_seed, .buckets = BUCKETS_MIN };
	r->by_id = mem_alloc_array(r->buckets, sizeof(struct batch *));
	list_init(&r->ranges);
	list_init(&r->open);
}

void
registry_fini(struct registry *r)
{
	free(r->entries);
	free(r->by_id);
}

/* Eight octets at a time, each mixed in by a multiplication; keyed, so that a client cannot choose
 * ids that fall into one chain. */
static uint64_t
hash(const struct registry *r, struct str s)
{
	uint64_t h = r->hash_seed ^ (s.n * 0x9e3779b97f4a7c15ULL), word;

	while (s.n > 0) {
		size_t n = s.n < sizeof word ? s.n : sizeof word;

		word = 0;
		memcpy(&word, s.p, n);
		h = (h ^ word) * 0xd6e8feb86659fd93ULL;
		h ^= h >> 32;
		h += r->hash_seed;
		s = str_from(s, n);
	}
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ (h >> 32);
}

static struct batch **
chain_of(const struct registry *r, struct str id)
{
	return &r->by_id[hash(r, id) & (r->buckets - 1)];
}

static bool
has_plain_id(const struct batch *b)
{
	return b->id.p && !b->is_range;
}

static void
grow_chains(struct registry *r)
{
	struct batch **old = r->by_id;
	size_t n = r->buckets, i;

	r->buckets *= 2;
	r->by_id = mem_alloc_array(r->buckets, sizeof(struct batch *));
	for (i = 0; i < n; i++) {
		struct batch *b = old[i], *reversed = NULL, *next;

		for (; b; b = next) {
			next = b->same_hash;
			b->same_hash = reversed;
			reversed = b;
		}
		for (b = reversed; b; b = next) {
			struct batch **head = chain_of(r, b->id);

			next = b->same_hash;
			b->same_hash = *head;
			*head = b;
		}
	}
	free(old);
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

static void
add_to_chain(struct registry *r, struct batch *b)
{
	struct batch **head;

	if (r->named++ == r->buckets)
		grow_chains(r);
	head = chain_of(r, b->id);
	b->same_hash = *head;
	*head = b;
}

void
registry_add(struct registry *r, struct batch *b)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->entries = mem_resize_array(r->entries, r->cap, sizeof r->entries[0]);
	}
	r->entries[r->n++] = (struct registry_entry){ b->number, b->first_seq, b };
	if (b->is_range)
		list_add_tail(&r->ranges, &b->range_link);
	if (b->is_open)
		list_add_tail(&r->open, &b->open_link);
	if (has_plain_id(b))
		add_to_chain(r, b);
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
	struct batch **at;

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
	if (has_plain_id(b)) {
		for (at = chain_of(r, b->id); *at != b; at = &(*at)->same_hash)
			;
		*at = b->same_hash;
		r->named--;
	}
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
registry_find(const struct registry *r, uint64_t number)
{
	size_t at = place_of(r, number);

	return at < r->n && r->entries[at].number == number ? r->entries[at].batch : NULL;
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
found_add(struct found *f, const struct batch *b)
{
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 8;
		f->numbers = mem_resize_array(f->numbers, f->cap, sizeof f->numbers[0]);
	}
	f->numbers[f->n++] = b->number;
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
	if (b && !b->id.p && !b->is_range)
		found_add(f, b);
}

static int
compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

uint64_t *
registry_find_id(const struct registry *r, struct str id, size_t *n)
{
	struct selector wanted = { .kind = SELECT_ID, .text = id };
	struct found f = { 0 };
	struct batch *b;
	struct list *l;
	uint32_t first, last;

	for (b = *chain_of(r, id); b; b = b->same_hash)
		if (str_eq(b->id, id))
			found_add(&f, b);
	find_given(r, id, &f);
	list_foreach (l, &r->ranges) {
		b = list_entry(l, struct batch, range_link);
		if (selector_match_batch(&wanted, b, &first, &last))
			found_add(&f, b);
	}
	if (f.n > 1)
		qsort(f.numbers, f.n, sizeof f.numbers[0], compare_numbers);
	*n = f.n;
	return f.numbers;
}
