/*
 * Owns the shared, counted settings that messages were accepted with. A plan never changes.
 */
#include "core/plan.h"

#include <stdlib.h>

#include "base/mem.h"

#define LOOKED_AT 8 /* derived plans, for one that says the same */

struct plan *
plan_new(struct delivery_conf *conf, uint64_t seed)
{
	struct plan *p = mem_alloc(sizeof *p);

	p->refs = 1;
	list_init(&p->derived);
	list_init(&p->sibling);
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

static bool
is_same_latency(const struct latency *a, const struct latency *b)
{
	return a && b ? latency_equals(a, b) : a == b;
}

static bool
is_same_retry(const struct retry *a, const struct retry *b)
{
	return a && b ? retry_equals(a, b) : a == b;
}

/* The text says it all, as the outcomes are those of one configuration. */
static bool
is_same_fate(const struct fate *a, const struct fate *b)
{
	return a && b ? str_eq(fate_text(a), fate_text(b)) : a == b;
}

static bool
is_same(const struct plan_change *a, const struct plan_change *b)
{
	return a->expire_ns == b->expire_ns && a->max_attempts == b->max_attempts &&
	    is_same_latency(a->latency, b->latency) && is_same_latency(a->connect, b->connect) &&
	    is_same_retry(a->retry, b->retry) && is_same_fate(a->fate, b->fate);
}

/* One that says the same, if there is one among the newest. */
static struct plan *
find_derived(const struct plan *base, const struct plan_change *change)
{
	int looked_at = 0;
	struct list *l;

	list_foreach (l, &base->derived) {
		struct plan *p = list_entry(l, struct plan, sibling);

		if (is_same(&p->said, change))
			return p;
		if (++looked_at == LOOKED_AT)
			break;
	}
	return NULL;
}

struct plan *
plan_derive(struct plan *base, const struct plan_change *change)
{
	struct plan *p;

	if (!change->latency && !change->connect && !change->fate && !change->retry &&
	    change->expire_ns < 0 && change->max_attempts == PLAN_UNSAID)
		return plan_ref(base);
	p = find_derived(base, change);
	if (p) {
		/* the next one of its kind shall find it soon */
		list_remove(&p->sibling);
		list_add_before(base->derived.next, &p->sibling);
		return plan_ref(p);
	}
	p = plan_new(base->conf, base->seed);
	p->base = plan_ref(base);
	list_add_before(base->derived.next, &p->sibling);
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
	list_remove(&p->sibling);
	if (p->base)
		plan_unref(p->base);
	delivery_conf_unref(p->conf);
	free(p);
}
