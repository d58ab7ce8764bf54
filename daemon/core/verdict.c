/*
 * Owns the order of who speaks first for attempts without a message. What it says is a function of
 * the settings in force, the round and the time.
 */
#include "core/verdict.h"

#include "base/clock.h"
#include "core/address.h"
#include "core/delivery.h"
#include "core/draw.h"
#include "core/magic.h"
#include "core/simulator.h"

struct choice {
	struct fate_script script;
	struct fate_step own;
	bool is_general; /* what holds for all recipients chose it */
};

static struct fate_script
choose_from(const struct verdict_round *round, const struct fate *f)
{
	uint64_t bits = fate_is_random(f) ? draw_bits(round->key, 0, DRAW_OUTCOME) : 0;

	return fate_choose(f, bits);
}

static const struct rule *
rule_of(struct simulator *sim, struct verdict_round *round, const struct verdict_request *r)
{
	if (!round->has_asked_rules && r->to.p && !r->fate && sim->rules.n > 0)
		round->rule = rules_choose(&sim->rules, sim->plan->conf->outcomes, r->to, r->from);
	round->has_asked_rules |= r->to.p != NULL;
	return round->rule > 0 ? rules_get(&sim->rules, round->rule) : NULL;
}

static void
choose(const struct simulator *sim, const struct verdict_round *round, const struct rule *rule,
    const struct domain_conf *d, const struct verdict_request *r, struct choice *out)
{
	const struct delivery_conf *conf = sim->plan->conf;
	struct str domain = address_domain(r->to);

	out->is_general = false;
	if (r->fate) {
		out->script = choose_from(round, r->fate);
	} else if (rule) {
		out->script = choose_from(round, rule->fate);
	} else if (r->to.p && delivery_conf_is_magic(conf, domain) &&
	    magic_read(conf->outcomes, r->to, &out->own, NULL) == MAGIC_CHOSEN) {
		out->script = (struct fate_script){ &out->own, 1 };
	} else {
		/* a section that says nothing of it has the text of [delivery] */
		out->is_general = str_eq(fate_text(d->fate), fate_text(conf->all.fate));
		out->script = choose_from(round, d->fate);
	}
}

static int64_t
draw(const struct verdict_round *round, const struct latency *l, enum draw_purpose purpose)
{
	return latency_draw(l, draw_bits(round->key, round->attempts + 1, purpose));
}

void
verdict_of(struct simulator *sim, struct verdict_round *round, const struct verdict_request *r,
    struct verdict *out)
{
	const struct delivery_conf *conf = sim->plan->conf;
	const struct domain_conf *d = delivery_conf_find(conf, address_domain(r->to));
	const struct rule *rule = rule_of(sim, round, r);
	int64_t age = round->attempts > 0 ? sim->now_ns - round->first_ns : 0;
	uint16_t id = OUTCOME_NONE;
	struct choice c;

	choose(sim, round, rule, d, r, &c);
	out->place = round->place;
	if (r->is_dispatch && r->to.p && !r->fate)
		id = delivery_receiver_outcome(sim, r->to);
	if (id == OUTCOME_NONE) {
		while (r->is_past && c.is_general && out->place.step < c.script.n &&
		    r->is_past(
			outcome_get(conf->outcomes, c.script.steps[out->place.step].outcome)))
			out->place = (struct fate_place){ .step = out->place.step + 1U };
		id = fate_next(&c.script, age, &out->place);
	}
	out->outcome = outcome_get(conf->outcomes, id);
	out->delay_ns = clock_add(draw(round, &d->connect, DRAW_CONNECT),
	    draw(round,
		r->latency                      ? r->latency
		    : rule && rule->has_latency ? &rule->latency
						: &d->latency,
		DRAW_LATENCY));
}

bool
verdict_take(const struct simulator *sim, struct verdict_round *round, const struct verdict *v)
{
	if (round->attempts == 0)
		round->first_ns = sim->now_ns;
	round->attempts++;
	round->place = v->place;
	return v->outcome->class != OUTCOME_TRANSIENT;
}

void
verdict_end_round(struct simulator *sim, struct verdict_round *round)
{
	if (round->rule > 0)
		rules_release(&sim->rules, round->rule);
	round->rule = 0;
}
