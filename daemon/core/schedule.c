/*
 * Owns the wheel. The due microsecond of a message and the current tick are read as digits of ten
 * bits: it lies at the level of the highest digit in which they differ, in the slot that this digit
 * names. Before the tick goes into a slot, what is in it moves to lower levels; and the tick goes
 * at once to what is due first there, so what is due together moves once, from however far away.
 * Since the tick never passes a slot without emptying it, a message's level does not change until
 * then, and the lowest occupied level always holds what is due first.
 *
 * Measured with a million messages of differing latencies, two log lines each: as linked lists they
 * cost 1.0 us a message more than with one latency; in chunks, with what comes next on its way from
 * memory, and at most one turn of the loop a millisecond, 0.25 us. Chunks without the prefetching
 * gain next to nothing. Digits of eight bits cost one move more for latencies of a second.
 */
#include "core/schedule.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/batch.h"

#define SLOT_MASK (SCHEDULE_SLOTS - 1)

struct place {
	int level;
	struct slot *slot;
	int64_t start; /* the first microsecond of the slot */
	int64_t least; /* nothing in it is due before; not before start */
};

void
schedule_init(struct schedule *s, int64_t now_ns)
{
	*s = (struct schedule){ .tick = now_ns / TEXT_NS_PER_US };
	s->arena.slots = &s->slots[0][0];
}

void
schedule_fini(struct schedule *s)
{
	slot_arena_fini(&s->arena);
}

static int
digit_of(int64_t tick, int level)
{
	return (int)(tick >> (level * SCHEDULE_SLOT_BITS)) & SLOT_MASK;
}

/* Into the slot of the current tick, which is being given out: in order of seq where that is cheap,
 * else the slot is sorted again. */
static void
add_to_current(struct schedule *s, struct slot *slot, struct message *m)
{
	uint64_t seq = message_seq(m);

	if (!slot_is_empty(slot) && seq < message_seq(slot_first(&s->arena, slot))) {
		slot_push_front(&s->arena, slot, m);
		return;
	}
	if (!slot_is_empty(slot) && seq < message_seq(slot_last(&s->arena, slot)))
		s->is_sorted = false;
	slot_push(&s->arena, slot, m);
}

static void
place_message(struct schedule *s, struct message *m)
{
	int64_t due = m->due_ns / TEXT_NS_PER_US;
	uint64_t differs = (uint64_t)(due ^ s->tick);
	int level = differs == 0 ? 0 : (63 - __builtin_clzll(differs)) / SCHEDULE_SLOT_BITS;
	int slot = digit_of(due, level);

	if (level == 0)
		message_prefetch(m);
	if (differs == 0)
		add_to_current(s, &s->slots[0][slot], m);
	else
		slot_push(&s->arena, &s->slots[level][slot], m);
	s->used[level][slot / 64] |= 1ULL << (slot % 64);
}

void
schedule_add(struct schedule *s, struct message *m)
{
	if (m->due_ns / TEXT_NS_PER_US < s->tick)
		abort();
	place_message(s, m);
	s->n++;
}

void
schedule_remove(struct schedule *s, struct message *m)
{
	slot_remove(&s->arena, m);
	s->n--;
}

/* The first slot from `from` on, in this level, that holds something; SCHEDULE_SLOTS if none. The
 * marks of slots that became empty are cleared on the way. */
static int
first_used(struct schedule *s, int level, int from)
{
	int word;

	for (word = from / 64; word < SCHEDULE_SLOTS / 64; word++) {
		uint64_t bits = s->used[level][word];

		if (word == from / 64)
			bits &= ~0ULL << (from % 64);
		for (; bits != 0; bits &= bits - 1) {
			int slot = word * 64 + __builtin_ctzll(bits);

			if (!slot_is_empty(&s->slots[level][slot]))
				return slot;
			s->used[level][word] &= ~(bits & -bits);
		}
	}
	return SCHEDULE_SLOTS;
}

/* The place of what is due first. False when nothing is scheduled. */
static bool
find_first(struct schedule *s, struct place *at)
{
	int level;

	if (s->n == 0)
		return false;
	for (level = 0; level < SCHEDULE_LEVELS; level++) {
		int shift = level * SCHEDULE_SLOT_BITS;
		int from = digit_of(s->tick, level) + (level > 0);
		int slot = from < SCHEDULE_SLOTS ? first_used(s, level, from) : SCHEDULE_SLOTS;

		if (slot < SCHEDULE_SLOTS) {
			int64_t above = s->tick >> shift >> SCHEDULE_SLOT_BITS << SCHEDULE_SLOT_BITS
									       << shift;

			at->level = level;
			at->slot = &s->slots[level][slot];
			at->start = above | ((int64_t)slot << shift);
			at->least = at->slot->least_ns / TEXT_NS_PER_US;
			return true;
		}
	}
	abort();
}

static void
move_tick(struct schedule *s, int64_t tick)
{
	if (tick == s->tick)
		return;
	s->tick = tick;
	s->is_sorted = slot_is_empty(&s->slots[0][digit_of(tick, 0)]);
}

static void
place_cb(void *ctx, struct message *m)
{
	place_message(ctx, m);
}

/* What is due at this very tick; NULL when nothing is. */
static struct message *
first_of_tick(struct schedule *s)
{
	struct slot *slot = &s->slots[0][digit_of(s->tick, 0)];

	if (slot_is_empty(slot))
		return NULL;
	if (!s->is_sorted)
		slot_sort(&s->arena, slot);
	s->is_sorted = true;
	return slot_first(&s->arena, slot);
}

struct message *
schedule_first(struct schedule *s, int64_t until_ns)
{
	int64_t until = until_ns / TEXT_NS_PER_US;
	struct message *m = s->tick <= until ? first_of_tick(s) : NULL;
	struct place at;
	bool is_any = false;

	while (!m && (is_any = find_first(s, &at)) && at.least <= until) {
		move_tick(s, at.least);
		/* the tick is in this slot now: what it holds moves down */
		if (at.level > 0)
			slot_drain(&s->arena, at.slot, place_cb, s);
		m = first_of_tick(s);
	}
	if (m)
		return m;
	/* never into a slot that is not emptied */
	if (is_any && at.start <= until)
		until = at.start - 1;
	if (until_ns != CLOCK_NEVER && until > s->tick)
		move_tick(s, until);
	return NULL;
}

bool
schedule_has_by(struct schedule *s, int64_t until_ns)
{
	struct place at;

	/* what is due first is in this slot */
	return find_first(s, &at) && at.least <= until_ns / TEXT_NS_PER_US &&
	    slot_has_by(&s->arena, at.slot, until_ns);
}

int64_t
schedule_deadline(struct schedule *s)
{
	struct place at;

	return find_first(s, &at) ? at.least * TEXT_NS_PER_US : CLOCK_NEVER;
}
