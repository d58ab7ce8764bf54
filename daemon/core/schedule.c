/*
 * Owns the wheel. A message lies at the level of the highest octet in which its due microsecond
 * differs from the current tick, in the slot that this octet names; when the tick reaches the
 * start of a slot, what is in it moves to lower levels. Since the tick never passes a slot without
 * emptying it, a message's level does not change until then, and the lowest occupied level always
 * holds what is due first.
 */
#include "core/schedule.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/message.h"

#define SLOT_BITS 8
#define SLOT_MASK (SCHEDULE_SLOTS - 1)

struct place {
	int level;
	int slot;
	int64_t start; /* the first microsecond of the slot */
};

void
schedule_init(struct schedule *s, int64_t now_ns)
{
	int level, slot;

	*s = (struct schedule){ .tick = now_ns / TEXT_NS_PER_US };
	for (level = 0; level < SCHEDULE_LEVELS; level++)
		for (slot = 0; slot < SCHEDULE_SLOTS; slot++)
			list_init(&s->slots[level][slot]);
}

static int
octet_of(int64_t tick, int level)
{
	return (int)(tick >> (level * SLOT_BITS)) & SLOT_MASK;
}

static struct message *
entry(struct list *link)
{
	return list_entry(link, struct message, link);
}

/* Into the slot of the current tick, which is being given out: in order of seq where that is cheap,
 * else the slot is sorted again. */
static void
add_to_current(struct schedule *s, struct list *slot, struct message *m)
{
	if (list_is_empty(slot) || message_seq(entry(slot->prev)) < message_seq(m)) {
		list_add_tail(slot, &m->link);
	} else if (message_seq(m) < message_seq(entry(slot->next))) {
		list_add_before(slot->next, &m->link);
	} else {
		list_add_tail(slot, &m->link);
		s->is_sorted = false;
	}
}

static void
place_message(struct schedule *s, struct message *m)
{
	int64_t due = m->due_ns / TEXT_NS_PER_US;
	uint64_t differs = (uint64_t)(due ^ s->tick);
	int level = differs == 0 ? 0 : (63 - __builtin_clzll(differs)) / SLOT_BITS;
	int slot = octet_of(due, level);

	if (differs == 0)
		add_to_current(s, &s->slots[0][slot], m);
	else
		list_add_tail(&s->slots[level][slot], &m->link);
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
	list_remove(&m->link);
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

			if (!list_is_empty(&s->slots[level][slot]))
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
		int shift = level * SLOT_BITS;
		int from = octet_of(s->tick, level) + (level > 0);
		int slot = from < SCHEDULE_SLOTS ? first_used(s, level, from) : SCHEDULE_SLOTS;

		if (slot < SCHEDULE_SLOTS) {
			int64_t above = s->tick >> shift >> SLOT_BITS << SLOT_BITS << shift;

			*at = (struct place){ level, slot, above | ((int64_t)slot << shift) };
			return true;
		}
	}
	abort();
}

/* Merges two chains, linked by next and ending in NULL, by seq. */
static struct list *
merge(struct list *a, struct list *b)
{
	struct list head, *tail = &head;

	while (a && b) {
		struct list **first = message_seq(entry(a)) < message_seq(entry(b)) ? &a : &b;

		tail->next = *first;
		tail = *first;
		*first = (*first)->next;
	}
	tail->next = a ? a : b;
	return head.next;
}

/* Merge sort, bottom up: runs[i] is a sorted chain of 2^i entries or nothing. */
static void
sort_slot(struct list *slot)
{
	struct list *runs[48] = { NULL }, *chain = slot->next, *l;
	size_t i;

	slot->prev->next = NULL;
	list_init(slot);
	while (chain) {
		l = chain;
		chain = l->next;
		l->next = NULL;
		for (i = 0; runs[i]; i++) {
			l = merge(runs[i], l);
			runs[i] = NULL;
		}
		runs[i] = l;
	}
	for (i = 0; i < sizeof runs / sizeof runs[0]; i++)
		if (runs[i])
			chain = chain ? merge(runs[i], chain) : runs[i];
	for (; chain; chain = l) {
		l = chain->next;
		list_add_tail(slot, chain);
	}
}

static bool
is_in_order(const struct list *slot)
{
	struct list *l;

	list_foreach (l, slot)
		if (l->next != slot && message_seq(entry(l)) > message_seq(entry(l->next)))
			return false;
	return true;
}

static struct message *
first_of_tick(struct schedule *s, struct list *slot)
{
	if (!s->is_sorted && !is_in_order(slot))
		sort_slot(slot);
	s->is_sorted = true;
	return entry(slot->next);
}

static void
move_tick(struct schedule *s, int64_t tick)
{
	if (tick == s->tick)
		return;
	s->tick = tick;
	s->is_sorted = false;
}

/* The tick has reached the start of this slot: what it holds moves down. */
static void
cascade(struct schedule *s, const struct place *at)
{
	struct list moving, *l;

	list_init(&moving);
	list_splice(&moving, &s->slots[at->level][at->slot]);
	while ((l = list_pop(&moving)) != NULL)
		place_message(s, entry(l));
}

struct message *
schedule_first(struct schedule *s, int64_t until_ns)
{
	int64_t until = until_ns / TEXT_NS_PER_US;
	struct place at;

	while (find_first(s, &at) && at.start <= until) {
		move_tick(s, at.start);
		if (at.level == 0)
			return first_of_tick(s, &s->slots[0][at.slot]);
		cascade(s, &at);
	}
	if (until_ns != CLOCK_NEVER && until > s->tick)
		move_tick(s, until);
	return NULL;
}

bool
schedule_has_by(struct schedule *s, int64_t until_ns)
{
	struct place at;
	struct list *l;

	if (!find_first(s, &at) || at.start > until_ns / TEXT_NS_PER_US)
		return false;
	/* what is due first is in this slot */
	list_foreach (l, &s->slots[at.level][at.slot])
		if (entry(l)->due_ns <= until_ns)
			return true;
	return false;
}

int64_t
schedule_deadline(struct schedule *s)
{
	struct place at;

	return find_first(s, &at) ? at.start * TEXT_NS_PER_US : CLOCK_NEVER;
}
