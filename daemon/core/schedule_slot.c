/*
 * Owns the chunks. Invariants: a chunk in use holds at least one message; its first and last entry
 * hold one, between them there may be holes; message->place names its chunk and entry, or the slot
 * that the message is alone in. A slot that holds chunks has no such message.
 *
 * Why chunks and not links in the messages: messages with differing latencies lie all over memory,
 * and a linked list of them is walked at the price of a cache miss each, one after the other, since
 * the next address is only known when the last message is there. Chunks tell the addresses ahead.
 *
 * Most slots of the lowest level hold one message, and a chunk for each cost four cache lines
 * instead of one: a fifth of what a delivery of differing latency costs.
 */
#include "core/schedule_slot.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/batch.h"

#define ENTRIES 29
#define ENTRY_BITS 5        /* of message->place, the rest is the number of the chunk */
#define IS_ALONE (1U << 31) /* in message->place; the rest is the number of the slot */
#define SLAB_BITS 10
#define SLAB_CHUNKS (1U << SLAB_BITS)

struct slot_chunk {
	uint32_t next, prev; /* in the slot; next also of the spare ones */
	struct slot *slot;
	uint8_t first, end; /* what is used of the entries */
	uint8_t n;          /* messages in it */
	struct message *entries[ENTRIES];
};

_Static_assert(sizeof(struct slot_chunk) == 256, "a chunk is four cache lines");

static struct slot_chunk *
chunk_at(const struct slot_arena *a, uint32_t number)
{
	return &a->slabs[number >> SLAB_BITS][number & (SLAB_CHUNKS - 1)];
}

static void
free_slabs(struct slot_arena *a, size_t kept)
{
	while (a->n_slabs > kept)
		free(a->slabs[--a->n_slabs]);
	a->fresh = a->spare = 0;
}

void
slot_arena_fini(struct slot_arena *a)
{
	free_slabs(a, 0);
	free(a->slabs);
	*a = (struct slot_arena){ .slots = a->slots };
}

static uint32_t
new_chunk(struct slot_arena *a, struct slot *slot, uint8_t first)
{
	uint32_t number = a->spare;
	struct slot_chunk *c;

	if (number != 0) {
		a->spare = chunk_at(a, number)->next;
	} else {
		number = ++a->fresh;
		/* 16 GB of chunks */
		if (number >= IS_ALONE >> ENTRY_BITS)
			abort();
		if (number >> SLAB_BITS == a->n_slabs) {
			a->slabs = mem_resize_array(a->slabs, a->n_slabs + 1, sizeof a->slabs[0]);
			a->slabs[a->n_slabs++] =
			    mem_alloc_array(SLAB_CHUNKS, sizeof(struct slot_chunk));
		}
	}
	a->used++;
	c = chunk_at(a, number);
	c->next = c->prev = 0;
	c->slot = slot;
	c->first = c->end = first;
	c->n = 0;
	return number;
}

/* When the last one is free, the memory of a high tide is given back. */
static void
free_chunk(struct slot_arena *a, uint32_t number)
{
	chunk_at(a, number)->next = a->spare;
	a->spare = number;
	if (--a->used == 0 && a->n_slabs > 1)
		free_slabs(a, 1);
}

static void
put(struct slot *slot, struct slot_chunk *c, uint32_t number, uint8_t entry, struct message *m)
{
	c->entries[entry] = m;
	c->n++;
	m->place = number << ENTRY_BITS | entry;
	if (m->due_ns < slot->least_ns)
		slot->least_ns = m->due_ns;
}

/* A chunk in front of the others or behind them. */
static struct slot_chunk *
add_chunk(struct slot_arena *a, struct slot *slot, bool is_front)
{
	uint32_t number = new_chunk(a, slot, is_front ? ENTRIES : 0);
	struct slot_chunk *c = chunk_at(a, number);

	if (slot->head == 0) {
		slot->head = slot->tail = number;
		slot->least_ns = INT64_MAX;
	} else if (is_front) {
		c->next = slot->head;
		chunk_at(a, slot->head)->prev = number;
		slot->head = number;
	} else {
		c->prev = slot->tail;
		chunk_at(a, slot->tail)->next = number;
		slot->tail = number;
	}
	return c;
}

static void
put_alone(const struct slot_arena *a, struct slot *slot, struct message *m)
{
	slot->only = m;
	slot->least_ns = m->due_ns;
	m->place = IS_ALONE | (uint32_t)(slot - a->slots);
}

/* It has company from now on. */
static void
join(struct slot_arena *a, struct slot *slot)
{
	struct message *m = slot->only;
	struct slot_chunk *c;

	slot->only = NULL;
	c = add_chunk(a, slot, false);
	put(slot, c, slot->tail, c->end++, m);
}

void
slot_push(struct slot_arena *a, struct slot *slot, struct message *m)
{
	struct slot_chunk *c;

	if (slot_is_empty(slot)) {
		put_alone(a, slot, m);
		return;
	}
	if (slot->only)
		join(a, slot);
	c = chunk_at(a, slot->tail);
	if (c->end == ENTRIES)
		c = add_chunk(a, slot, false);
	put(slot, c, slot->tail, c->end++, m);
}

void
slot_push_front(struct slot_arena *a, struct slot *slot, struct message *m)
{
	struct slot_chunk *c;

	if (slot_is_empty(slot)) {
		put_alone(a, slot, m);
		return;
	}
	if (slot->only)
		join(a, slot);
	c = chunk_at(a, slot->head);
	if (c->first == 0)
		c = add_chunk(a, slot, true);
	put(slot, c, slot->head, --c->first, m);
}

static void
unlink_chunk(struct slot_arena *a, uint32_t number)
{
	const struct slot_chunk *c = chunk_at(a, number);

	*(c->prev != 0 ? &chunk_at(a, c->prev)->next : &c->slot->head) = c->next;
	*(c->next != 0 ? &chunk_at(a, c->next)->prev : &c->slot->tail) = c->prev;
	free_chunk(a, number);
}

void
slot_remove(struct slot_arena *a, struct message *m)
{
	uint32_t number = m->place >> ENTRY_BITS;
	struct slot_chunk *c;

	if (m->place & IS_ALONE) {
		a->slots[m->place & ~IS_ALONE].only = NULL;
		return;
	}
	c = chunk_at(a, number);
	c->entries[m->place & ((1U << ENTRY_BITS) - 1)] = NULL;
	if (--c->n == 0) {
		unlink_chunk(a, number);
		return;
	}
	while (!c->entries[c->first])
		c->first++;
	while (!c->entries[c->end - 1])
		c->end--;
}

struct message *
slot_first(const struct slot_arena *a, const struct slot *slot)
{
	const struct slot_chunk *c;

	if (slot->only)
		return slot->only;
	c = chunk_at(a, slot->head);
	return c->entries[c->first];
}

struct message *
slot_last(const struct slot_arena *a, const struct slot *slot)
{
	const struct slot_chunk *c;

	if (slot->only)
		return slot->only;
	c = chunk_at(a, slot->tail);
	return c->entries[c->end - 1];
}

void
slot_drain(
    struct slot_arena *a, struct slot *slot, void (*each)(void *ctx, struct message *m), void *ctx)
{
	uint32_t number = slot->head, next;
	struct message *only = slot->only;
	uint8_t i;

	*slot = (struct slot){ 0 };
	if (only)
		each(ctx, only);
	for (; number != 0; number = next) {
		const struct slot_chunk *c = chunk_at(a, number), *ahead;

		next = c->next;
		ahead = next != 0 ? chunk_at(a, next) : c;
		for (i = c->first; i < c->end; i++) {
			__builtin_prefetch(ahead->entries[i]);
			if (c->entries[i])
				each(ctx, c->entries[i]);
		}
		free_chunk(a, number);
	}
}

/* Calls see() for all that is in the slot, until it says no; whether it never did. */
static bool
see_all(const struct slot_arena *a, const struct slot *slot,
    bool (*see)(void *ctx, struct message *m), void *ctx)
{
	const struct slot_chunk *c;
	uint32_t number;
	uint8_t i;

	if (slot->only)
		return see(ctx, slot->only);
	for (number = slot->head; number != 0; number = c->next) {
		c = chunk_at(a, number);
		for (i = c->first; i < c->end; i++)
			if (c->entries[i] && !see(ctx, c->entries[i]))
				return false;
	}
	return true;
}

static bool
is_after(void *ctx, struct message *m)
{
	uint64_t *last = ctx, seq = message_seq(m);
	bool is_later = seq > *last;

	*last = seq;
	return is_later;
}

struct sorted {
	struct {
		uint64_t seq;
		struct message *m;
	} * at;
	size_t n, cap;
};

static void
gather(void *ctx, struct message *m)
{
	struct sorted *s = ctx;

	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->at = mem_resize_array(s->at, s->cap, sizeof s->at[0]);
	}
	s->at[s->n].seq = message_seq(m);
	s->at[s->n++].m = m;
}

static int
compare_seqs(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void
slot_sort(struct slot_arena *a, struct slot *slot)
{
	struct sorted s = { 0 };
	uint64_t last = 0;
	size_t i;

	if (slot->only)
		return;
	if (see_all(a, slot, is_after, &last))
		return;
	slot_drain(a, slot, gather, &s);
	if (s.n > 0)
		qsort(s.at, s.n, sizeof s.at[0], compare_seqs);
	for (i = 0; i < s.n; i++)
		slot_push(a, slot, s.at[i].m);
	free(s.at);
}

static bool
is_due_later(void *ctx, struct message *m)
{
	const int64_t *until_ns = ctx;

	return m->due_ns > *until_ns;
}

bool
slot_has_by(const struct slot_arena *a, const struct slot *slot, int64_t until_ns)
{
	return !see_all(a, slot, is_due_later, &until_ns);
}
