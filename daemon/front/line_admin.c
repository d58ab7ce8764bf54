/*
 * Owns the commands that act on everybody: the clock, the seed, rules, destinations, reset.
 */
#include <stdlib.h>

#include "base/text.h"
#include "core/address.h"
#include "core/delivery.h"
#include "core/intake.h"
#include "front/line_client.h"

/* Nothing is advanced beyond the year 2199, which is as far as clock.epoch goes. */
#define LAST_MOMENT_NS (7258118400LL * TEXT_NS_PER_S)

static void
nothing_to_free_cb(struct line_client *c)
{
	(void)c;
}

static void
add_now(const struct line_client *c, struct buf *b)
{
	buf_add_lit(b, " now=");
	text_format_time(b, c->front->sim->now_ns, 3);
}

static enum line_progress
advance_step(struct line_client *c)
{
	struct line_front *front = c->front;
	struct simulator *sim = front->sim;
	struct buf b = { 0 };

	front->present->is_reached =
	    simulator_run(sim, loop_read_clock(front->loop), SIMULATOR_SLICE);
	if (!front->present->is_reached)
		return bus_is_congested(&sim->bus) ? LINE_CONGESTED : LINE_AGAIN;
	buf_add_lit(&b, "+OK");
	add_now(c, &b);
	buf_printf(&b, " fired=%lu", sim->n_fired - c->task->fired_before);
	line_reply_buf(c, &b);
	buf_fini(&b);
	return LINE_DONE;
}

void
line_advance(struct line_client *c, const struct line_options *o)
{
	struct simulator *sim = c->front->sim;
	int64_t real_ns = loop_read_clock(c->front->loop), by_ns, to_ns;
	const char *why = o->word.p ? text_parse_duration(o->word, &by_ns) : "is missing";

	if (why) {
		line_error(c, LINE_BAD_ARGUMENT, "the duration %s", why);
		return;
	}
	/* from where the clock is: while the log is full, what has happened lags behind it */
	to_ns = clock_add(clock_now(&sim->clock, real_ns), by_ns);
	if (to_ns > LAST_MOMENT_NS) {
		line_error(c, LINE_BAD_ARGUMENT, "the duration goes beyond the year 2199");
		return;
	}
	line_client_begin(c, advance_step, nothing_to_free_cb)->fired_before = sim->n_fired;
	simulator_advance(sim, real_ns, to_ns);
	line_client_start(c);
}

void
line_scale(struct line_client *c, const struct line_options *o)
{
	struct buf b = { 0 };
	int64_t scale;
	bool is_max;
	const char *why = o->word.p ? clock_parse_scale(o->word, &scale, &is_max) : "is missing";

	if (why) {
		line_error(c, LINE_BAD_ARGUMENT, "the scale %s", why);
		return;
	}
	simulator_set_scale(c->front->sim, loop_read_clock(c->front->loop), scale, is_max);
	buf_add_lit(&b, "+OK scale=");
	clock_format_scale(&b, scale, is_max);
	add_now(c, &b);
	line_reply_buf(c, &b);
	buf_fini(&b);
}

void
line_seed(struct line_client *c, const struct line_options *o)
{
	uint64_t seed;

	if (!o->word.p || text_parse_u63(o->word, &seed)) {
		line_error(c, LINE_BAD_ARGUMENT,
		    "the seed is not a whole number up to 9223372036854775807");
		return;
	}
	simulator_set_seed(c->front->sim, seed);
	line_reply(c, "+OK seed=%lu", seed);
}

static void
reset_end_cb(struct line_client *c)
{
	selection_fini(&c->task->walk);
	c->front->sim->is_resetting = false;
	/* everybody else was kept waiting */
	loop_want_turn(c->front->loop);
}

/* The messages that others look for are gone, and their numbers will be others'. */
static void
end_walks(struct line_front *front)
{
	struct list *l;

	list_foreach (l, &front->clients) {
		struct line_task *t = list_entry(l, struct line_client, link)->task;

		if (!t)
			continue;
		if (t->is_walking)
			t->walk.is_over = true;
		t->at = t->n;
	}
}

/* All that is pending is cancelled, some at a time; when nothing is, all of it is forgotten. */
static enum line_progress
reset_step(struct line_client *c)
{
	struct line_front *front = c->front;
	struct simulator *sim = front->sim;
	struct line_task *t = c->task;
	struct buf b = { 0 };

	if (!intake_cancel(sim, &t->walk, NULL, LINE_SLICE, &t->count))
		return bus_is_congested(&sim->bus) ? LINE_CONGESTED : LINE_AGAIN;
	if (counts_pending(&sim->tally.counts) > 0) {
		selection_fini(&t->walk);
		selection_init(&t->walk, &sim->registry, &t->selector, false);
		return LINE_AGAIN;
	}
	end_walks(front);
	simulator_reset(sim, loop_read_clock(front->loop), loop_wall_clock());
	loop_lag_reset(front->loop);
	buf_printf(&b, "+OK cancelled=%lu", t->count);
	add_now(c, &b);
	line_reply_buf(c, &b);
	buf_fini(&b);
	return LINE_DONE;
}

void
line_reset(struct line_client *c, const struct line_options *o)
{
	struct line_task *t;

	(void)o;
	t = line_client_begin(c, reset_step, reset_end_cb);
	t->outlives_client = true;
	t->selector = (struct selector){ .kind = SELECT_ALL };
	c->front->sim->is_resetting = true;
	selection_init(&t->walk, &c->front->sim->registry, &t->selector, false);
	line_client_start(c);
}

static void
rule_off(struct line_client *c, const struct line_options *o)
{
	struct rules *rules = &c->front->sim->rules;
	uint64_t number;

	if (o->fate || o->to.p || o->from.p || o->has_latency || o->has_count)
		line_error(c, LINE_BAD_ARGUMENT, "off stands alone");
	else if (str_eq(o->off, STR("all")))
		line_reply(c, "+OK off=%lu", rules_remove_all(rules));
	else if (text_parse_u63(o->off, &number))
		line_error(c, LINE_BAD_ARGUMENT, "off is not the number of a rule, or all");
	else if (!rules_remove(rules, number))
		line_error(c, LINE_NOT_FOUND, "there is no such rule, or it is used up");
	else
		line_reply(c, "+OK off=1");
}

void
line_rule(struct line_client *c, const struct line_options *o)
{
	struct rule_request request = {
		.to = o->to,
		.from = o->from,
		.fate = o->fate,
		.outcomes = c->front->sim->plan->conf->outcomes,
		.latency = o->has_latency ? &o->latency : NULL,
		.is_counted = o->has_count,
		.count = o->count,
	};
	uint64_t number;

	if (o->off.p) {
		rule_off(c, o);
		return;
	}
	if (!o->fate) {
		line_error(c, LINE_BAD_ARGUMENT, "outcome is missing");
		return;
	}
	number = rules_add(&c->front->sim->rules, &request);
	if (number > 0)
		line_reply(c, "+OK rule=%lu", number);
	else
		line_error(c, LINE_BUSY, "there are too many rules, at most %d", RULES_MAX);
}

void
line_rules(struct line_client *c, const struct line_options *o)
{
	const struct rules *rules = &c->front->sim->rules;
	struct list *l;

	(void)o;
	list_foreach (l, &rules->active) {
		struct buf b = { 0 };

		buf_add_lit(&b, "* ");
		rule_format(&b, list_entry(l, struct rule, link));
		line_reply_buf(c, &b);
		buf_fini(&b);
	}
	line_reply(c, "+OK n=%zu", rules->n);
}

/* "+OK down=DOMAIN", or up. */
static void
reply_domain(struct line_client *c, const char *key, struct str domain, int64_t until_ns)
{
	struct buf b = { 0 };

	buf_printf(&b, "+OK %s=", key);
	text_add_value(&b, domain);
	if (until_ns != CLOCK_NEVER) {
		buf_add_lit(&b, " until=");
		text_format_time(&b, until_ns, 3);
	}
	line_reply_buf(c, &b);
	buf_fini(&b);
}

static bool
has_domain(struct line_client *c, const struct line_options *o)
{
	const char *why = o->word.p ? address_check_domain(o->word) : "is missing";

	if (why)
		line_error(c, LINE_BAD_ARGUMENT, "the domain %s", why);
	return !why;
}

void
line_down(struct line_client *c, const struct line_options *o)
{
	struct simulator *sim = c->front->sim;
	int64_t until_ns = o->has_for ? clock_add(sim->now_ns, o->for_ns) : CLOCK_NEVER;

	if (!has_domain(c, o))
		return;
	if (delivery_set_down(sim, o->word, until_ns))
		reply_domain(c, "down", o->word, until_ns);
	else
		line_error(c, LINE_BUSY, "there are %d domains down already", OUTAGES_MAX);
}

void
line_up(struct line_client *c, const struct line_options *o)
{
	if (!has_domain(c, o))
		return;
	if (delivery_set_up(c->front->sim, o->word))
		reply_domain(c, "up", o->word, CLOCK_NEVER);
	else
		line_error(c, LINE_BUSY, "there are %d domains down already", OUTAGES_MAX);
}
