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
	p->latency = latency_copy(&conf->latency);
	p->connect = latency_copy(&conf->connect);
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
	p->latency = latency_copy(change->latency ? change->latency : &base->latency);
	p->connect = latency_copy(change->connect ? change->connect : &base->connect);
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
	if (--p->refs > 0)
		return;
	latency_fini(&p->latency);
	latency_fini(&p->connect);
	free(p);
}
