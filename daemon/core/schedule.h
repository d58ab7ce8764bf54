#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

/*
 * The due moments of all messages, in the exact order (due_ns, seq). A hierarchical timing wheel
 * (Varghese and Lauck, 1987) whose finest slots are one microsecond, the grain of simulated time:
 * adding and removing cost the same whether ten or ten million messages are pending, a removed
 * message leaves nothing behind, and what a slot of the finest level holds is due at one moment,
 * so only its seqs need sorting, and only when they came out of order.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/schedule_slot.h"

struct message;

#define SCHEDULE_SLOT_BITS 10
#define SCHEDULE_SLOTS (1 << SCHEDULE_SLOT_BITS)
#define SCHEDULE_LEVELS 6 /* 2^60 us, more than there is */

struct schedule {
	int64_t tick; /* us; nothing due before it is left */
	uint64_t n;
	bool is_sorted;                                      /* the slot of this tick */
	uint64_t used[SCHEDULE_LEVELS][SCHEDULE_SLOTS / 64]; /* slots that may hold something */
	struct slot slots[SCHEDULE_LEVELS][SCHEDULE_SLOTS];
	struct slot_arena arena;
};

/* Time starts there. The schedule must not move while it holds something. */
void schedule_init(struct schedule *s, int64_t now_ns);

/* It may still hold messages, which are not touched. */
void schedule_fini(struct schedule *s);

/* m->due_ns: whole microseconds, not before what was last given by schedule_first(). */
void schedule_add(struct schedule *s, struct message *m);
void schedule_remove(struct schedule *s, struct message *m);

/*
 * The first message due at or before until_ns, still in the schedule; NULL when there is none.
 * After this, nothing may be added that is due before the message given, or, when there was none,
 * before until_ns.
 */
struct message *schedule_first(struct schedule *s, int64_t until_ns);

/* Whether anything is due at or before that moment. May look at all that lies in one slot. */
bool schedule_has_by(struct schedule *s, int64_t until_ns);

/* A moment not after the first due one: when to ask again. CLOCK_NEVER when nothing is
 * scheduled. */
int64_t schedule_deadline(struct schedule *s);

#endif
