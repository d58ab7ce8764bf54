/*
 * Owns the shared, counted settings that messages were accepted with. A plan never changes.
 */
#include "core/plan.h"

#include <stdlib.h>

#include "base/mem.h"

struct plan *
plan_new(struct delivery_conf *conf, uint64_t seed)
{
	struct plan *p = mem_alloc(sizeof *p);

	p->refs = 1;
	p->seed = seed;
	p->conf = delivery_conf_ref(conf);
	p->said = PLAN_UNCHANGED;
	return p;
}

static struct latency *
keep_latency(const struct latency *l)
{
	struct latency *copy;

	if (!l)
		return NULL;
	copy = mem_alloc(sizeof *copy);
	*copy = latency_copy(l);
	return copy;
}

static struct retry *
keep_retry(const struct retry *r)
{
	struct retry *copy;

	if (!r)
		return NULL;
	copy = mem_alloc(sizeof *copy);
	*copy = *r;
	return copy;
}

struct plan *
plan_derive(struct plan *base, const struct plan_change *change)
{
	struct plan *p;

	if (!change->latency && !change->connect && !change->fate && !change->retry &&
	    change->expire_ns < 0 && change->max_attempts == PLAN_UNSAID)
		return plan_ref(base);
	p = plan_new(base->conf, base->seed);
	p->said = *change;
	p->said.latency = p->latency = keep_latency(change->latency);
	p->said.connect = p->connect = keep_latency(change->connect);
	p->said.retry = p->retry = keep_retry(change->retry);
	if (change->fate)
		fate_ref(change->fate);
	return p;
}

struct plan *
plan_ref(struct plan *p)
{
	p->refs++;
	return p;
}

static void
drop_latency(struct latency *l)
{
	if (l)
		latency_fini(l);
	free(l);
}

void
plan_unref(struct plan *p)
{
	if (--p->refs > 0)
		return;
	drop_latency(p->latency);
	drop_latency(p->connect);
	free(p->retry);
	fate_unref(p->said.fate);
	delivery_conf_unref(p->conf);
	free(p);
}
