/*
 * Owns two positions in one stream of octets and the decision whether to wait for the gap between
 * them. Pure: real time comes in as an argument.
 */
#include "io/gate.h"

#include "base/clock.h"

void
gate_promise(struct gate *g, uint64_t n, int64_t real_ns)
{
	if (g->promised == g->reached)
		g->moved_ns = real_ns;
	g->promised += n;
}

void
gate_hand_over(struct gate *g, uint64_t position, int64_t real_ns)
{
	if (position <= g->handed)
		return;
	if (g->handed <= g->reached)
		g->moved_ns = real_ns;
	g->handed = position;
}

void
gate_reach(struct gate *g, uint64_t position, int64_t real_ns)
{
	if (position <= g->reached)
		return;
	g->reached = position;
	g->moved_ns = real_ns;
	g->is_open = false;
}

void
gate_give_up(struct gate *g)
{
	g->is_open = true;
}

bool
gate_is_passable(const struct gate *g, uint64_t position)
{
	return g->is_open || g->reached >= position;
}

int64_t
gate_deadline(const struct gate *g)
{
	if (g->is_open || g->reached >= g->promised)
		return CLOCK_NEVER;
	return clock_add(g->moved_ns, GATE_PATIENCE_NS);
}

void
gate_check(struct gate *g, int64_t real_ns)
{
	if (real_ns >= gate_deadline(g))
		g->is_open = true;
}
