#ifndef CORE_DELIVERY_H
#define CORE_DELIVERY_H

/*
 * The life of a message: accepted, dispatched, its outcome, its end. Each step moves the state,
 * then says so on the bus. All happens at sim->now_ns.
 */

struct batch;
struct message;
struct simulator;

/* A new record of an open batch is accepted, and dispatched if no limit holds it. */
void delivery_accept(struct simulator *sim, struct message *m);

/* Its moment has come. */
void delivery_fire(struct simulator *sim, struct message *m);

/* Ends a message that is not final. The slot that becomes free is not given to anybody yet, since
 * who waits for it may be next to end: delivery_refill() after the last. */
void delivery_cancel(struct simulator *sim, struct message *m);

/* Nothing more is accepted for this batch: it may be done now. */
void delivery_close_batch(struct simulator *sim, struct batch *b);

/* Dispatches what waits, as far as the limits allow; while the bus is congested this is put off
 * (sim->needs_refill). */
void delivery_refill(struct simulator *sim);

#endif
