/*
 * Owns the moments that fronts wait for. The simulator asks for the next one and rings it when its
 * time has come; what is done then is the front's affair, outside of the callback.
 */
#include "core/alarm.h"

#include "base/clock.h"
#include "base/list.h"
#include "core/simulator.h"

void
alarms_fini(struct alarms *alarms)
{
	heap_fini(&alarms->heap);
}

int64_t
alarms_next(const struct alarms *alarms)
{
	const struct heap_node *first = heap_first(&alarms->heap);

	return first ? first->key : CLOCK_NEVER;
}

void
alarms_ring(struct alarms *alarms)
{
	struct heap_node *first = heap_first(&alarms->heap);
	struct alarm *alarm = list_entry(first, struct alarm, node);

	heap_remove(&alarms->heap, first);
	alarm->ring_cb(alarm->ctx);
}

void
alarm_set(struct simulator *sim, struct alarm *alarm, int64_t delay_ns)
{
	heap_set(&sim->alarms.heap, &alarm->node, clock_after(sim->now_ns, delay_ns));
}

void
alarm_stop(struct simulator *sim, struct alarm *alarm)
{
	heap_remove(&sim->alarms.heap, &alarm->node);
}
