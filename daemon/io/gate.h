#ifndef IO_GATE_H
#define IO_GATE_H

/*
 * Replies leave only after what they promise is written. Whoever stores things (the event log)
 * raises `promised` with every octet it queues and `reached` as they are written; a connection
 * notes `promised` when it queues output and holds it back until `reached` has come that far.
 * However long the loop is busy before the store gets what it queued, that is none of its patience.
 *
 * A store in trouble must not silence the daemon: after GATE_PATIENCE without progress the gate
 * stands open until the store moves again.
 */

#include <stdbool.h>
#include <stdint.h>

#define GATE_PATIENCE_NS 100000000LL

struct gate {
	uint64_t promised; /* octets queued so far */
	uint64_t handed;  /* of which the store has got so many, though it may not have moved yet */
	uint64_t reached; /* octets known to be written, or given up */
	int64_t moved_ns; /* real time when reached last changed, or there was more after a rest */
	bool is_open;     /* the store does not move: nobody waits for it */
};

/* n more octets are queued at that real time. */
void gate_promise(struct gate *g, uint64_t n, int64_t real_ns);

/* The store has got everything up to this position. */
void gate_hand_over(struct gate *g, uint64_t position, int64_t real_ns);

/* Everything up to this position is written. */
void gate_reach(struct gate *g, uint64_t position, int64_t real_ns);

/* The store says that it is in trouble (a write failed): nobody waits until it moves. */
void gate_give_up(struct gate *g);

/* Whether output that was queued when promised stood at `position` may leave. */
bool gate_is_passable(const struct gate *g, uint64_t position);

/* The real time at which to ask gate_check() again; CLOCK_NEVER when nothing is held. */
int64_t gate_deadline(const struct gate *g);

/* Opens the gate when its patience has run out. */
void gate_check(struct gate *g, int64_t real_ns);

#endif
