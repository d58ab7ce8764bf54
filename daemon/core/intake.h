#ifndef CORE_INTAKE_H
#define CORE_INTAKE_H

/*
 * The front door. A front describes what is asked for, opens it, and lets it be accepted as there
 * is room; a range of millions is accepted in slices over many turns of the loop.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/batch.h"
#include "core/event.h"
#include "core/selector.h"

struct simulator;

#define INTAKE_ID_MAX 255      /* octets of an id */
#define INTAKE_ADDRESS_MAX 320 /* octets of an address: 64 + 1 + 255 (RFC 5321 §4.5.3.1) */
#define INTAKE_SIZE_MAX (1ULL << 53)

enum intake_status {
	INTAKE_DONE,      /* all of it is accepted, or it was cut short */
	INTAKE_MORE,      /* the slice is used up: call again next turn */
	INTAKE_NO_ROOM,   /* limits.pending is reached: call again when it is not */
	INTAKE_CONGESTED, /* the log is full: call again when it is not */
	INTAKE_DRAINING,  /* the daemon accepts nothing more */
};

/* Gives number and seqs to the request and makes it known; nothing of it is accepted yet. Its
 * messages are those of the batch from *index on (which may be NULL). The batch is held
 * (batch_hold) for the caller: intake_release(). NULL when draining. */
struct batch *intake_open(
    struct simulator *sim, struct owner *owner, const struct batch_request *r, uint32_t *index);

/*
 * The same for a mail: r->to and r->is_range are not used. Where its Message-ID was seen before, of
 * the last limits.history messages since start or reset, the queued events say so (dup_of). The
 * messages of more than one recipient are one batch, with a finished event as a range has.
 */
struct batch *intake_open_mail(struct simulator *sim, struct owner *owner,
    const struct batch_request *r, const struct batch_mail *mail, uint32_t *index);

/* Accepts at most `slice` messages more, with their events, at sim->now_ns. */
enum intake_status intake_accept(struct simulator *sim, struct batch *b, uint32_t slice);

/* The same of a mail whose sender asked to be told of it: notifications has what, for the next
 * message and those behind it. NULL: it did not ask. */
enum intake_status intake_accept_mail(struct simulator *sim, struct batch *b, uint32_t slice,
    const struct event_notification *notifications);

/* Says that a recipient was refused with that outcome, and counts it: it is no message and not in
 * the ledger. */
void intake_reject(
    struct simulator *sim, const struct event_rejection *rejection, const struct outcome *outcome);

/* Nothing more of it is accepted. */
void intake_close(struct simulator *sim, struct batch *b);

/* The caller needs the batch no longer. */
void intake_release(struct simulator *sim, struct batch *b);

/* How many messages there is room for. */
uint64_t intake_room(const struct simulator *sim);

/* Whether intake_accept() would accept something. */
bool intake_is_possible(const struct simulator *sim);

/*
 * Ends what the walk still finds and is not final, at most `slice` messages, and closes ranges
 * that it means as a whole; of one owner only, if that is not NULL. *cancelled is counted up. True
 * when the walk has ended and the slots that became free are given to others.
 */
bool intake_cancel(struct simulator *sim, struct selection *walk, const struct owner *only,
    uint32_t slice, uint64_t *cancelled);

/* The same for what is deferred, which is tried again now; what has no latency is through. */
bool intake_flush(struct simulator *sim, struct selection *walk, const struct owner *only,
    uint32_t slice, uint64_t *flushed);

#endif
