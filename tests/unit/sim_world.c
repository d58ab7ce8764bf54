/*
 * Owns the simulator of a unit test.
 */
#include "sim_world.h"

#include <stdlib.h>

#include "base/mem.h"

struct simulator_conf
world_conf(void)
{
	return (struct simulator_conf){
		.pending = 1000000,
		.range = 10000000,
		.history = 10000,
		.delivery = {
			.latency = latency_fixed(SEC),
			.connect = latency_fixed(0),
			.outcome = OUTCOME_DELIVERED,
			.concurrency = DELIVERY_UNLIMITED,
		},
	};
}

static void
event_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	struct world *w = ctx;

	w->n_events++;
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
	w->owner = owner_new();
	bus_subscribe(&w->sim->bus, EVENT_MASK_ALL, event_cb, w);
	return w;
}

void
world_free(struct world *w)
{
	simulator_free(w->sim);
	owner_unref(w->owner);
	buf_fini(&w->events);
	free(w);
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
	struct batch *b = intake_open(w->sim, w->owner, r);

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
		.plan.outcome = OUTCOME_COUNT,
	};
}

struct batch_request
world_one(const char *id)
{
	return (struct batch_request){
		.id = str_of(id),
		.concurrency = DELIVERY_UNLIMITED,
		.plan.outcome = OUTCOME_COUNT,
	};
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

	assert_true(counts_are_balanced(counts));
	assert_true(counts_are_balanced(&w->owner->tally.counts));
	assert_int_equal(
	    sim->schedule.n, counts->state[STATE_SENDING] + counts->state[STATE_DEFERRED]);
	assert_int_equal(sim->lanes.in_flight, counts->state[STATE_SENDING]);
	assert_true(sim->lanes.in_flight <= sim->conf.delivery.concurrency);
	assert_int_equal(sim->history.n_messages, length_of(&sim->history.messages));
	assert_int_equal(sim->history.n_batches, length_of(&sim->history.batches));
	assert_true(counts_pending(counts) <= sim->conf.pending);
}
