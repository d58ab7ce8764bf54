/*
 * Owns the simulator of a unit test.
 */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

struct domain_conf
world_domain(const char *name)
{
	struct domain_conf d = {
		.name = str_of(name),
		.latency = latency_fixed(SEC),
		.connect = latency_fixed(0),
		.expire_ns = 5 * DAY,
		.concurrency = DELIVERY_UNLIMITED,
	};

	assert_null(retry_parse(STR("5m 5m *2 max 4000s"), &d.retry));
	return d;
}

struct fate *
world_fate(struct outcome_set *outcomes, const char *text)
{
	struct fate *fate = NULL;
	struct buf why = { 0 };

	if (fate_parse(outcomes, str_of(text), &fate, &why) != FATE_OK)
		fail_msg("%s: %.*s", text, STR_ARG(buf_str(&why)));
	buf_fini(&why);
	return fate;
}

struct delivery_conf *
world_delivery(const char *outcome, const struct domain_conf *domains, size_t n, const char *magic)
{
	struct outcome_set *outcomes = outcome_set_new();
	struct domain_conf all = world_domain(NULL);
	struct fate *fate = world_fate(outcomes, outcome);
	struct domain_conf own[16];
	struct delivery_conf *conf;
	size_t i;

	assert_true(n <= 16);
	all.fate = fate;
	for (i = 0; i < n; i++) {
		own[i] = domains[i];
		if (!own[i].fate)
			own[i].fate = fate;
	}
	conf = delivery_conf_new(outcomes, &all, own, n, str_of(magic));
	fate_unref(fate);
	outcome_set_unref(outcomes);
	return conf;
}

struct simulator_conf
world_conf(void)
{
	return (struct simulator_conf){
		.pending = 1000000,
		.range = 10000000,
		.history = 10000,
		.delivery = world_delivery("delivered", NULL, 0, ""),
	};
}

static void
event_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	struct world *w = ctx;

	w->n_events++;
	if (ev->kind == EVENT_DISPATCHED)
		assert_true(w->sim->lanes.all.in_flight <= w->sim->conf.delivery->all.concurrency);
	buf_add_str(&w->events, bus_text(bus, ev));
	buf_add_char(&w->events, '\n');
}

struct world *
world_new(const struct simulator_conf *conf, bool is_max)
{
	struct clock_conf clock = {
		.scale = is_max ? 0 : CLOCK_SCALE_ONE,
		.is_max = is_max,
		.epoch_ns = WORLD_EPOCH,
	};
	struct world *w = mem_alloc(sizeof *w);

	w->real_ns = SEC;
	w->sim = simulator_new(conf, &clock, 1, 2, w->real_ns, 0);
	delivery_conf_unref(conf->delivery);
	w->owner = owner_new(&w->sim->owners);
	bus_subscribe(&w->sim->bus, EVENT_MASK_ALL, event_cb, w);
	return w;
}

void
world_free(struct world *w)
{
	owner_unref(w->owner);
	simulator_free(w->sim);
	buf_fini(&w->events);
	free(w);
}

void
world_configure(struct world *w, const struct simulator_conf *conf)
{
	bool is_other = conf->delivery != w->sim->conf.delivery;

	simulator_configure(w->sim, conf);
	if (is_other)
		delivery_conf_unref(conf->delivery);
}

void
world_pass(struct world *w, int64_t ns)
{
	w->real_ns += ns;
	assert_true(simulator_run(w->sim, w->real_ns, UINT32_MAX));
}

struct batch *
world_send(struct world *w, const struct batch_request *r)
{
	struct batch *b = intake_open(w->sim, w->owner, r, NULL);

	assert_non_null(b);
	assert_int_equal(intake_accept(w->sim, b, UINT32_MAX), INTAKE_DONE);
	intake_release(w->sim, b);
	return b;
}

struct batch_request
world_range(uint64_t first, uint64_t last)
{
	return (struct batch_request){
		.is_range = true,
		.first = first,
		.last = last,
		.concurrency = DELIVERY_UNLIMITED,
		.plan = PLAN_UNCHANGED,
	};
}

struct batch_request
world_one(const char *id)
{
	return (struct batch_request){
		.id = str_of(id),
		.concurrency = DELIVERY_UNLIMITED,
		.plan = PLAN_UNCHANGED,
	};
}

struct world_mail
world_mail(const char *id, const struct str *recipients, uint32_t n)
{
	struct world_mail m = {
		.r = world_one(id),
		.mail = { recipients, n, str_of(id), id != NULL },
	};

	m.r.from = STR("sender@x.test");
	return m;
}

struct batch *
world_send_mail(struct world *w, const struct world_mail *m)
{
	struct batch *b = intake_open_mail(w->sim, w->owner, &m->r, &m->mail, NULL);

	assert_non_null(b);
	assert_int_equal(intake_accept_mail(w->sim, b, UINT32_MAX, m->notifications), INTAKE_DONE);
	intake_release(w->sim, b);
	return b;
}

/* How many of all messages the selector matches, one by one. */
static size_t
count_matches(struct world *w, const struct selector *s)
{
	struct selector all = { .kind = SELECT_ALL };
	struct selection walk;
	struct message *m;
	size_t n = 0;

	selection_init(&walk, &w->sim->registry, &all, false);
	while ((m = selection_next(&walk)) != NULL)
		n += selector_match(s, m);
	selection_fini(&walk);
	return n;
}

void
world_expect_walk(struct world *w, struct selector s, bool is_backwards, const char *expected)
{
	struct selection walk;
	struct message *m;
	char found[1024] = "";
	size_t n = 0, count = 0;

	selection_init(&walk, &w->sim->registry, &s, is_backwards);
	while ((m = selection_next(&walk)) != NULL) {
		n += (size_t)snprintf(
		    found + n, sizeof found - n, "%s%lu", n ? " " : "", message_seq(m));
		assert_true(selector_match(&s, m));
		count++;
	}
	selection_fini(&walk);
	assert_string_equal(found, expected);
	assert_int_equal(count_matches(w, &s), count);
}

char *
world_take_events(struct world *w)
{
	char *text = mem_copy_str(buf_str(&w->events));

	w->events.len = 0;
	return text;
}

static uint64_t
length_of(const struct list *head)
{
	const struct list *l;
	uint64_t n = 0;

	list_foreach (l, head)
		n++;
	return n;
}

void
world_check(const struct world *w)
{
	const struct simulator *sim = w->sim;
	const struct counts *counts = &sim->tally.counts;
	const struct history *h = &sim->history;
	uint64_t i;

	assert_true(counts_are_balanced(counts));
	assert_true(counts_are_balanced(&w->owner->tally.counts));
	assert_int_equal(sim->schedule.n, counts_pending(counts));
	assert_int_equal(sim->lanes.n_waiting, counts->state[STATE_WAITING]);
	assert_int_equal(sim->lanes.all.in_flight, counts->state[STATE_SENDING]);
	for (i = 0; i < h->n_messages; i++) {
		const struct history_entry *e = &h->messages[(h->first + i) & (h->cap - 1)];

		assert_true(message_is_final(&e->block->messages[e->slot]));
	}
	assert_int_equal(h->n_batches, length_of(&h->batches));
	assert_true(counts_pending(counts) <= sim->conf.pending);
}

struct lane_group *
world_lane_turn(struct lanes *ls)
{
	struct lane *lane = lanes_next(ls, WORLD_EPOCH);
	struct limiter *destination;
	struct lane_group *g;
	uint64_t seq;

	assert_non_null(lane);
	g = lane->group;
	destination = lane->destination;
	assert_true(seq_queue_pop(&lane->queue, &seq));
	lanes_remove(ls, g, destination, lane->kind, WORLD_EPOCH);
	lanes_take(ls, g, destination, WORLD_EPOCH);
	assert_null(lanes_next(ls, WORLD_EPOCH));
	lanes_give_back(ls, g, destination, WORLD_EPOCH);
	return g;
}
