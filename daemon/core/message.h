#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

/*
 * One mail to one recipient, as small as it can be: there may be millions. What it shares with
 * others of its batch (envelope, plan, owner) is in the batch: message_batch() and what follows
 * from it are in core/batch.h.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/fate.h"
#include "core/lane.h"

struct batch;
struct outcome;
struct owner;
struct plan;
struct registry;
struct simulator;

/* The final states come last. */
enum message_state {
	STATE_NEW, /* not accepted yet */
	STATE_WAITING,
	STATE_SENDING,
	STATE_DEFERRED,
	STATE_DELIVERED,
	STATE_BOUNCED,
	STATE_EXPIRED,
	STATE_DROPPED,
	STATE_CANCELLED,
	STATE_COUNT
};

#define STATE_FIRST_FINAL STATE_DELIVERED

/* The names that users see, in the order of the enum; STATE_NEW has none. */
extern const char *const message_state_names[STATE_COUNT];

/* STATE_COUNT when there is none of that name. */
enum message_state message_state_find(struct str name);

/* Of millions, each octet counts: 36, which is why it is packed, to the four that suffice. */
struct message {
	int64_t accepted_ns; /* simulated, as all times here */
	int64_t due_ns;      /* of the attempt's end, the retry or the expiry; final: the end */
	uint32_t attempt;    /* the last one begun; 0: none yet */
	struct fate_place script; /* where it is in the script of its attempts */
	uint32_t place;           /* in the schedule, by which it is found there */
	uint32_t rule : 24;       /* the handle of the rule that chose for it; 0: none */
	uint32_t state : 8;       /* enum message_state; written by message_set_state() only */
	uint16_t outcome;         /* of that attempt; final: the last one */
	uint8_t slot;             /* its place in its block */
	uint8_t held : 2;         /* waiting: in a lane of the kind held - 1; 0: in none */
	uint8_t was_deferred : 1;
	uint8_t has_destination : 1; /* sending: its destination counts it */
	uint8_t is_last : 1;         /* deferred: it expires before it would be tried again */
} __attribute__((packed, aligned(4)));

static inline bool
message_is_final(const struct message *m)
{
	return m->state >= STATE_FIRST_FINAL;
}

/* What its request said and is: see batch_from_at() and those beside it. */
struct str message_from(const struct message *m);
uint64_t message_size(const struct message *m);
uint64_t message_number(const struct message *m);

/* Its id and recipient; *scratch is overwritten where they must be put together. The recipient
 * is not there (p is NULL) when none was given. */
struct str message_id(const struct message *m, struct buf *scratch);
struct str message_to(const struct message *m, struct buf *scratch);

/* What its draws are keyed by: seed, id and recipient. */
uint64_t message_draw_key(struct simulator *sim, const struct message *m);

/* The row of what it got so far; NULL when there is nothing yet. Of one that expired or was
 * cancelled that says so, and message_last_outcome() what the last attempt got, or NULL. */
const struct outcome *message_outcome(const struct message *m);
const struct outcome *message_last_outcome(const struct message *m);

/* Acceptance to now, or to the end once final. */
int64_t message_delay(const struct message *m);

/*
 * The only mover: takes the message off the place of its old state and puts it to that of the new
 * one (due_ns must be set before), moves the counters of all tallies and tells their watches. A
 * move that makes no sense aborts. A waiting message is at first in no place: it is dispatched at
 * once if it may pass those who wait, or held.
 */
void message_set_state(struct simulator *sim, struct message *m, enum message_state to);

/* Whether no limit holds it, and nobody who waits could go instead. */
bool message_may_pass(struct simulator *sim, const struct message *m);

/* It waits in its lane, with due_ns as its expiry. */
void message_hold(struct simulator *sim, struct message *m, enum lane_kind kind);

/* The message with that seq if it waits; else NULL. */
struct message *message_waiting(const struct registry *registry, uint64_t seq);

/* The limits are others now, and nobody is in a lane any more: who waits joins the lane that it
 * would join now, and an attempt in flight is counted by a destination that did not count before.
 */
void message_rejoin(struct simulator *sim, struct message *m);

#endif
