#ifndef IO_PRESENT_H
#define IO_PRESENT_H

/*
 * Simulated time brought up to the present, once a turn for all fronts: what is accepted now comes
 * after all that was due before.
 */

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"

struct simulator;

struct present {
	struct loop *loop;
	struct simulator *sim;
	uint64_t turn;   /* in which the simulator was brought up to date… */
	bool is_reached; /* …and whether it was done with it */
};

/* False when there is still something to fire, or the log is full. */
bool present_is_reached(struct present *p);

/* Whether somebody asked in this turn and it was not reached, though the log is not full: the next
 * turn must not wait. */
bool present_is_missed(const struct present *p);

#endif
