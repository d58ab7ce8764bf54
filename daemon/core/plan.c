/*
 * Owns the shared, counted settings that messages were accepted with. A plan never changes.
 */
#include "core/plan.h"

#include <stdlib.h>

#include "base/mem.h"

struct plan *
plan_new(const struct delivery_conf *conf, uint64_t seed)
{
	struct plan *p = mem_alloc(sizeof *p);
	p->refs = 1;
	p->seed = seed;
	p->latency = conf->latency;
	p->connect = conf->connect;
	p->outcome = conf->outcome;
	return p;
}

struct plan *
plan_derive(struct plan *base, const struct plan_change *change)
{
	struct plan *p;

	if (!change->latency && !change->connect && change->outcome == OUTCOME_COUNT)
		return plan_ref(base);
	p = mem_alloc(sizeof *p);
	*p = *base;
	p->refs = 1;
	if (change->latency)
		p->latency = *change->latency;
	if (change->connect)
		p->connect = *change->connect;
	if (change->outcome != OUTCOME_COUNT)
		p->outcome = change->outcome;
	return p;
}

bool
plan_is_random(const struct plan *p)
{
	return p->latency.kind != LATENCY_FIXED || p->connect.kind != LATENCY_FIXED;
}

struct plan *
plan_ref(struct plan *p)
{
	p->refs++;
	return p;
}

void
plan_unref(struct plan *p)
{
	if (--p->refs == 0)
		free(p);
}
