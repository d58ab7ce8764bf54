#ifndef CORE_DELIVERY_H
#define CORE_DELIVERY_H

/*
 * The life of a message: accepted, dispatched, its outcome, tried again, its end. Each step moves
 * the state, then says so on the bus. All happens at sim->now_ns.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct batch;
struct event_notification;
struct message;
struct simulator;

/* Whether the receiving side refuses an attempt now, whatever is to become of the message. Asked
 * anew at each dispatch, and counted against receiver_rate. OUTCOME_NONE when it does not. */
uint16_t delivery_receiver_outcome(struct simulator *sim, struct str to);

/* A new record of an open batch is accepted, and dispatched if no limit holds it. notification:
 * what its sender asked to be told, for the event; or NULL. */
void delivery_accept(
    struct simulator *sim, struct message *m, const struct event_notification *notification);

/* Its moment has come. */
void delivery_fire(struct simulator *sim, struct message *m);

/* Ends a message that is not final. */
void delivery_cancel(struct simulator *sim, struct message *m);

/* A deferred message is tried again now, or as soon as the limits let it. */
void delivery_flush(struct simulator *sim, struct message *m);

/* Nothing more is accepted for this open batch: it may be done now. */
void delivery_close_batch(struct simulator *sim, struct batch *b);

/* Where slots may be free and somebody waits (sim->needs_refill): dispatches the next. When there
 * is none sim->needs_refill is over. */
void delivery_refill(struct simulator *sim);

/* Destinations that cannot be reached until that moment, or can again, whatever was said of them
 * or stands in the configuration for now. False when too much has been said. */
bool delivery_set_down(struct simulator *sim, struct str pattern, int64_t until_ns);
bool delivery_set_up(struct simulator *sim, struct str pattern);

/* The limits are others now: who waits waits for them. */
void delivery_requeue(struct simulator *sim);

#endif
