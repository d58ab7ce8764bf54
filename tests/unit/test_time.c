/*
 * What the simulator does with time: it never goes back, ends where it ends, leaves nobody behind
 * who could go, and says beforehand whether anything falls due by then.
 */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>

#define US TEXT_NS_PER_US

static struct simulator_conf
conf_of(const struct domain_conf *domains, size_t n)
{
	struct simulator_conf conf = world_conf();

	delivery_conf_unref(conf.delivery);
	conf.delivery = world_delivery("delivered", domains, n, "");
	return conf;
}

static struct world *
new_world(const struct domain_conf *domains, size_t n, bool is_max)
{
	struct simulator_conf conf = conf_of(domains, n);

	return world_new(&conf, is_max);
}

/* world_pass() that fails when it does not get on. */
static void
pass(struct world *w, int64_t ns)
{
	w->real_ns += ns;
	assert_true(simulator_run(w->sim, w->real_ns, 10000));
}

static void
expect_message(const struct batch *b, uint32_t index, enum message_state state, int64_t at_ns)
{
	const struct message *m = batch_message(b, index);

	assert_non_null(m);
	assert_int_equal(m->state, state);
	assert_int_equal(m->due_ns - WORLD_EPOCH, at_ns);
}

/* The events' times as they come: "2026-01-01T00:00:11.000Z". */
static void
expect_times_in_order(struct world *w)
{
	char *events = world_take_events(w), *line = events, *before = events;

	for (; *line; line = strchr(line, '\n') + 1) {
		if (memcmp(before, line, 24) > 0)
			fail_msg("time goes back from %.24s:\n%s", before, line);
		before = line;
	}
	free(events);
}

/* Two rates and a message that expires at the moment at which one of them lets it go. */
static void
test_an_opening_that_is_past(void **state)
{
	struct domain_conf own[2] = { world_domain("*.test"), world_domain("d1.test") };
	struct latency latency = latency_fixed(10 * SEC);
	struct batch_request r = world_range(0, 2);
	struct simulator_conf conf;
	struct world *w;
	struct batch *b;

	(void)state;
	own[0].concurrency = own[1].concurrency = 5;
	own[1].expire_ns = SEC;
	conf = conf_of(own, 2);
	conf.delivery->all.rate = (struct rate){ 1000, SEC, 0 };
	r.to = STR("u@d{n}.test");
	r.rate = (struct rate){ 1, SEC, 0 };
	r.plan.latency = &latency;
	w = world_new(&conf, false);
	b = world_send(w, &r);
	pass(w, 1500 * MS);
	assert_int_equal(w->sim->now_ns, WORLD_EPOCH + 1500 * MS);
	pass(w, 3600 * SEC);
	expect_message(b, 0, STATE_DELIVERED, 10 * SEC);
	expect_message(b, 1, STATE_EXPIRED, SEC);
	expect_message(b, 2, STATE_DELIVERED, 11 * SEC);
	expect_times_in_order(w);
	world_free(w);
}

/* A cancel gives slots away at its own moment, though the rate would have let others go before. */
static void
test_slots_that_a_cancel_gives_away(void **state)
{
	struct simulator_conf conf = world_conf();
	struct selector first = { .kind = SELECT_BATCH, .number = 1 };
	struct batch_request busy = world_range(0, 4), r = world_range(5, 99);
	struct latency none = latency_fixed(0), long_one = latency_fixed(3600 * SEC);
	struct selection walk;
	struct world *w;
	uint64_t n = 0;

	(void)state;
	conf.delivery->all.concurrency = 5;
	conf.delivery->all.rate = (struct rate){ 100, SEC, 10 };
	w = world_new(&conf, false);
	busy.plan.latency = &long_one;
	r.plan.latency = &none;
	world_send(w, &busy);
	world_send(w, &r);
	pass(w, 60 * SEC);
	selection_init(&walk, &w->sim->registry, &first, false);
	while (!intake_cancel(w->sim, &walk, NULL, 1, &n))
		pass(w, 100 * MS);
	selection_fini(&walk);
	pass(w, SEC);
	assert_int_equal(n, 5);
	assert_int_equal(w->sim->tally.counts.state[STATE_DELIVERED], 95);
	expect_times_in_order(w);
	world_free(w);
}

/* The batch's rate opens while its next message waits for its destination, which opens later. */
static void
test_nobody_is_left_behind(void **state)
{
	struct domain_conf own = world_domain("d1.test");
	struct latency latency = latency_fixed(1500 * MS);
	struct batch_request x = world_one("x"), r = world_range(0, 2);
	struct world *w;
	struct batch *b;

	(void)state;
	own.concurrency = 1;
	w = new_world(&own, 1, false);
	x.to = STR("u@d1.test");
	x.plan.latency = &latency;
	world_send(w, &x);
	r.to = STR("u@d{n}.test");
	r.rate = (struct rate){ 1, SEC, 0 };
	r.plan.latency = &latency;
	b = world_send(w, &r);
	pass(w, 3600 * SEC);
	expect_message(b, 0, STATE_DELIVERED, 1500 * MS);
	expect_message(b, 2, STATE_DELIVERED, 2500 * MS);
	expect_message(b, 1, STATE_DELIVERED, 3500 * MS);
	world_check(w);
	world_free(w);
}

/* What is due beyond the last moment that can be told is due then. */
static void
test_the_end_of_time(void **state)
{
	struct latency latency = latency_fixed(36500 * DAY);
	struct batch_request r = world_one("x");
	struct world *w = new_world(NULL, 0, true);
	int i, jumps;

	(void)state;
	r.plan.latency = &latency;
	for (i = 0; i < 5; i++) {
		world_send(w, &r);
		for (jumps = 0; simulator_jump(w->sim, w->real_ns, 100, false); jumps++)
			assert_true(jumps < 10);
		assert_int_equal(w->sim->tally.counts.state[STATE_DELIVERED], i + 1);
		assert_false(simulator_has_next(w->sim));
	}
	assert_true(w->sim->now_ns > WORLD_EPOCH + 80000 * DAY);
	expect_times_in_order(w);
	world_free(w);
}

/* Whether anything falls due by then is known to the microsecond, however far off it is. */
static void
test_what_falls_due_by_then(void **state)
{
	static const int64_t latencies[] = { 1 * US, 999 * US, 7 * MS, 31 * SEC, 40 * SEC,
		3600 * SEC + US, 29 * DAY };
	size_t i, starts;

	(void)state;
	for (starts = 0; starts < 20; starts++)
		for (i = 0; i < sizeof latencies / sizeof latencies[0]; i++) {
			struct latency latency = latency_fixed(latencies[i]);
			struct batch_request r = world_one("x");
			struct world *w = new_world(NULL, 0, false);
			int64_t due;

			/* wherever the clock is when it is accepted */
			pass(w, (int64_t)starts * 7919 * MS + (int64_t)starts * US);
			assert_false(simulator_has_by(w->sim, w->real_ns + 36500 * DAY));
			r.plan.latency = &latency;
			world_send(w, &r);
			due = w->real_ns + latencies[i];
			assert_true(simulator_has_by(w->sim, due));
			assert_false(simulator_has_by(w->sim, due - US));
			world_free(w);
		}
}

static void
test_a_rate_that_opens_by_then(void **state)
{
	struct simulator_conf conf = world_conf();
	struct latency day = latency_fixed(DAY);
	struct batch_request r = world_range(0, 1);
	struct world *w;

	(void)state;
	conf.delivery->all.rate = (struct rate){ 1, SEC, 0 };
	w = world_new(&conf, false);
	r.plan.latency = &day;
	world_send(w, &r);
	assert_true(simulator_has_by(w->sim, w->real_ns + SEC));
	assert_false(simulator_has_by(w->sim, w->real_ns + SEC - US));
	world_free(w);
}

/* What came after the cancel began is none of its business, also if it is still being accepted. */
static void
test_a_cancel_leaves_later_ranges_open(void **state)
{
	struct simulator_conf conf = world_conf();
	struct selector all = { .kind = SELECT_ALL };
	struct batch_request r = world_range(0, 9), late = world_range(0, 19);
	struct world *w = world_new(&conf, false);
	struct selection walk;
	struct batch *before, *after;
	uint64_t n = 0;

	(void)state;
	world_send(w, &r);
	before = intake_open(w->sim, w->owner, &late, NULL);
	assert_int_equal(intake_accept(w->sim, before, 5), INTAKE_MORE);
	selection_init(&walk, &w->sim->registry, &all, false);
	assert_false(intake_cancel(w->sim, &walk, NULL, 3, &n));
	after = intake_open(w->sim, w->owner, &late, NULL);
	assert_int_equal(intake_accept(w->sim, after, 5), INTAKE_MORE);
	while (!intake_cancel(w->sim, &walk, NULL, 3, &n))
		;
	selection_fini(&walk);
	assert_int_equal(n, 15);
	assert_int_equal(intake_accept(w->sim, before, 100), INTAKE_DONE);
	assert_int_equal(before->accepted, 5);
	assert_int_equal(intake_accept(w->sim, after, 100), INTAKE_DONE);
	assert_int_equal(after->accepted, 20);
	intake_release(w->sim, before);
	intake_release(w->sim, after);
	world_check(w);
	world_free(w);
}

/* The end comes while they wait in lanes of a batch and for a destination. */
static void
test_the_end_while_some_wait(void **state)
{
	struct domain_conf own = world_domain("*.test");
	struct batch_request r = world_range(0, 9);
	struct world *w;

	(void)state;
	own.concurrency = 1;
	w = new_world(&own, 1, false);
	world_send(w, &r);
	r.concurrency = 1;
	world_send(w, &r);
	r.to = STR("u@d.test");
	r.rate = (struct rate){ 1, SEC, 0 };
	world_send(w, &r);
	assert_true(w->sim->lanes.n_waiting > 0);
	world_check(w);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_opening_that_is_past),
		cmocka_unit_test(test_slots_that_a_cancel_gives_away),
		cmocka_unit_test(test_nobody_is_left_behind),
		cmocka_unit_test(test_the_end_of_time),
		cmocka_unit_test(test_what_falls_due_by_then),
		cmocka_unit_test(test_a_rate_that_opens_by_then),
		cmocka_unit_test(test_a_cancel_leaves_later_ranges_open),
		cmocka_unit_test(test_the_end_while_some_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
