#ifndef CORE_LANE_H
#define CORE_LANE_H

/*
 * Who is dispatched next when there are limits. Messages wait in lanes: one for each batch of
 * several, one common lane for all single messages. Lanes that may go take turns, a message each,
 * so a batch of ten is not starved by a batch of a million, nor a batch by a million single
 * messages. Within a lane the order is that of acceptance.
 */

#include <stdint.h>

#include "base/list.h"

struct message;

struct lane {
	struct list waiting;    /* messages, by their link */
	struct list ready_link; /* on lanes.ready while it has both messages and room */
	uint64_t in_flight;
	uint64_t concurrency; /* at most in flight at once; DELIVERY_UNLIMITED: no limit */
};

struct lanes {
	struct list ready;
	struct lane common;
	uint64_t in_flight;
	uint64_t concurrency;
};

void lane_init(struct lane *l, uint64_t concurrency);
void lanes_init(struct lanes *ls, uint64_t concurrency);

/* A message waits at the end of the lane, or no longer does. */
void lane_add(struct lanes *ls, struct lane *l, struct message *m);
void lane_remove(struct lanes *ls, struct lane *l, struct message *m);

/* One more attempt in flight, or one less. */
void lane_take_slot(struct lanes *ls, struct lane *l);
void lane_free_slot(struct lanes *ls, struct lane *l);

/* The message whose turn it is, still in its lane; NULL when no one may go. The lane it stands in
 * goes to the end of the turn order. */
struct message *lanes_next(struct lanes *ls);

#endif
