#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

/*
 * One mail to one recipient, as small as it can be: there may be millions. What it shares with
 * others of its batch (envelope, plan, owner) is in the batch.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"

struct batch;
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

struct message {
	struct list link;    /* its one place: a lane, the schedule or the history */
	int64_t accepted_ns; /* simulated, as all times here */
	int64_t due_ns;      /* sending: of the outcome; deferred: of the retry; final: the end */
	uint32_t attempt;    /* the last one begun; 0: none yet */
	uint8_t state;       /* enum message_state; written by message_set_state() only */
	uint8_t outcome;     /* enum outcome_id, once final or deferred */
	uint8_t slot;        /* its place in its block */
	bool is_forgotten;   /* out of the history, kept only for a gather */
};

static inline bool
message_is_final(const struct message *m)
{
	return m->state >= STATE_FIRST_FINAL;
}

struct batch *message_batch(const struct message *m);

/* Its place in its batch, from 0. */
uint32_t message_index(const struct message *m);
uint64_t message_seq(const struct message *m);

/* Its id and recipient; *scratch is overwritten where they must be put together. The recipient
 * is not there (p is NULL) when none was given. */
struct str message_id(const struct message *m, struct buf *scratch);
struct str message_to(const struct message *m, struct buf *scratch);

/* What its draws are keyed by: seed, id and recipient. */
uint64_t message_draw_key(const struct message *m);

/* Acceptance to now, or to the end once final. */
int64_t message_delay(const struct message *m);

/*
 * The only mover: takes the message off the place of its old state and puts it to that of the new
 * one (due_ns must be set before), moves the counters of all tallies and tells their watches. A
 * move that makes no sense aborts.
 */
void message_set_state(struct simulator *sim, struct message *m, enum message_state to);

#endif
