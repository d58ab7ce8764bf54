#ifndef CORE_DELIVERY_H
#define CORE_DELIVERY_H

/*
 * The life of a message: accepted, dispatched, its outcome, its end. Each step moves the state,
 * then says so on the bus. All happens at sim->now_ns.
 */

#include <stdbool.h>
#include <stdint.h>

struct batch;
struct message;
struct simulator;

/* A new record of an open batch is accepted, and dispatched if no limit holds it. */
void delivery_accept(struct simulator *sim, struct message *m);

/* Its moment has come. */
void delivery_fire(struct simulator *sim, struct message *m);

/* Ends a message that is not final. The slot that becomes free is not given to anybody yet, since
 * who waits for it may be next to end: set sim->needs_refill after the last. */
void delivery_cancel(struct simulator *sim, struct message *m);

/* Nothing more is accepted for this batch: it may be done now. */
void delivery_close_batch(struct simulator *sim, struct batch *b);

/* Where many slots may have become free (sim->needs_refill): dispatches at most that many of those
 * who wait. True when no more can be. */
bool delivery_refill(struct simulator *sim, uint32_t slice);

#endif
