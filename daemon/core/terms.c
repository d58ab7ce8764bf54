/*
 * Owns the order of who speaks first. Everything here is a function of what the message was
 * accepted with, so nothing but the rule's handle is stored with it.
 */
#include "core/terms.h"

#include "base/clock.h"
#include "core/address.h"
#include "core/batch.h"
#include "core/draw.h"
#include "core/magic.h"
#include "core/simulator.h"

void
terms_of(struct simulator *sim, const struct message *m, struct terms *t)
{
	const struct plan *plan = message_plan(m);
	const struct plan_change *said = &plan->said;
	const struct rule *rule = m->rule > 0 ? rules_get(&sim->rules, m->rule) : NULL;
	const struct domain_conf *d;
	int64_t expire_ns;

	t->has_script = false;
	t->to = message_to(m, &sim->scratch_to);
	d = t->domain = delivery_conf_find(plan->conf, address_domain(t->to));
	t->latency = said->latency      ? said->latency
	    : rule && rule->has_latency ? &rule->latency
					: &d->latency;
	t->connect = said->connect ? said->connect : &d->connect;
	t->retry = said->retry ? said->retry : &d->retry;
	expire_ns = said->expire_ns >= 0 ? said->expire_ns : d->expire_ns;
	t->expires_ns = clock_after(m->accepted_ns, expire_ns);
	t->max_attempts = said->max_attempts != PLAN_UNSAID ? said->max_attempts : d->max_attempts;
}

static struct fate_script
choose(struct simulator *sim, const struct message *m, const struct fate *f)
{
	uint64_t bits = 0;

	if (fate_is_random(f))
		bits = draw_bits(message_draw_key(sim, m), 0, DRAW_OUTCOME);
	return fate_choose(f, bits);
}

static struct fate_script
find_script(struct simulator *sim, const struct message *m, struct terms *t)
{
	const struct plan *plan = message_plan(m);

	if (plan->said.fate)
		return choose(sim, m, plan->said.fate);
	if (m->rule > 0)
		return choose(sim, m, rules_get(&sim->rules, m->rule)->fate);
	if (delivery_conf_is_magic(plan->conf, address_domain(t->to)) &&
	    magic_read(plan->conf->outcomes, t->to, &t->own, NULL) == MAGIC_CHOSEN)
		return (struct fate_script){ &t->own, 1 };
	return choose(sim, m, t->domain->fate);
}

const struct fate_script *
terms_script(struct simulator *sim, const struct message *m, struct terms *t)
{
	if (!t->has_script)
		t->script = find_script(sim, m, t);
	t->has_script = true;
	return &t->script;
}

int64_t
terms_work(const struct message *m)
{
	const struct delivery_conf *conf = message_plan(m)->conf;
	struct buf scratch = { 0 };
	int64_t work_ns;

	work_ns = delivery_conf_find(conf, address_domain(message_to(m, &scratch)))->work_ns;
	buf_fini(&scratch);
	return work_ns;
}
