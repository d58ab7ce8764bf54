/* Owns the memory of whether all that is due was fired in this turn. */
#include "io/present.h"

#include "core/simulator.h"

bool
present_is_reached(struct present *p)
{
	if (p->turn == loop_turn(p->loop))
		return p->is_reached;
	p->turn = loop_turn(p->loop);
	p->is_reached = simulator_run(p->sim, loop_read_clock(p->loop), SIMULATOR_SLICE);
	return p->is_reached;
}

bool
present_is_missed(const struct present *p)
{
	return p->turn == loop_turn(p->loop) && !p->is_reached && !bus_is_congested(&p->sim->bus);
}
