#ifndef CORE_ALARM_H
#define CORE_ALARM_H

/*
 * Waiting for a moment of simulated time without being a message: a front's reply that has its
 * latency. Alarms ring in the order of their moments, after all messages that are due at the same
 * one, and a clock that jumps stops there, so that whoever was rung for acts at that moment.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"

struct simulator;

/* All zero but for the callback: it is not set. */
struct alarm {
	struct heap_node node;
	void (*ring_cb)(void *ctx);
	void *ctx;
};

struct alarms {
	struct heap heap;
};

void alarms_fini(struct alarms *alarms);

/* When the next one rings; CLOCK_NEVER when none is set. */
int64_t alarms_next(const struct alarms *alarms);

/* Rings the next one, which is then set no more. There must be one. */
void alarms_ring(struct alarms *alarms);

/* Rings once so long after now, in simulated time; at once, inside the next simulator_run(), for 0.
 * Set again, it rings at the new moment only. A reset of the simulator rings it, too. */
void alarm_set(struct simulator *sim, struct alarm *alarm, int64_t delay_ns);

/* Does not ring any more. */
void alarm_stop(struct simulator *sim, struct alarm *alarm);

/* Whether it is still to ring. */
static inline bool
alarm_is_set(const struct alarm *alarm)
{
	return alarm->node.at > 0;
}

#endif
