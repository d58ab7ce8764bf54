/*
 * The simulator as a whole: order, limits, history, and a long random run in which every equation
 * is checked after every step.
 */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
expect_events(struct world *w, const char *expected)
{
	char *events = world_take_events(w);

	assert_string_equal(events, expected);
	free(events);
}

static void
test_gathered_and_sequential(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, false);
	struct batch_request r = world_range(0, 1);

	(void)state;
	world_send(w, &r);
	world_pass(w, SEC - MS);
	expect_events(w,
	    "2026-01-01T00:00:00.000Z queued id=0 seq=1 batch=1\n"
	    "2026-01-01T00:00:00.000Z dispatched id=0 seq=1 batch=1 attempt=1\n"
	    "2026-01-01T00:00:00.000Z queued id=1 seq=2 batch=1\n"
	    "2026-01-01T00:00:00.000Z dispatched id=1 seq=2 batch=1 attempt=1\n");
	world_pass(w, MS);
	expect_events(w,
	    "2026-01-01T00:00:01.000Z delivered id=0 seq=1 batch=1 attempt=1 outcome=delivered "
	    "code=250 dsn=2.0.0 text=\"OK\" delay=1.000s\n"
	    "2026-01-01T00:00:01.000Z delivered id=1 seq=2 batch=1 attempt=1 outcome=delivered "
	    "code=250 dsn=2.0.0 text=\"OK\" delay=1.000s\n"
	    "2026-01-01T00:00:01.000Z finished batch=1 n=2 delivered=2 bounced=0 expired=0 "
	    "dropped=0 "
	    "cancelled=0 attempts=2 elapsed=1.000s simulated=1.000s\n");
	r.concurrency = 1;
	world_send(w, &r);
	world_pass(w, 2 * SEC);
	expect_events(w,
	    "2026-01-01T00:00:01.000Z queued id=0 seq=3 batch=2\n"
	    "2026-01-01T00:00:01.000Z dispatched id=0 seq=3 batch=2 attempt=1\n"
	    "2026-01-01T00:00:01.000Z queued id=1 seq=4 batch=2\n"
	    "2026-01-01T00:00:02.000Z delivered id=0 seq=3 batch=2 attempt=1 outcome=delivered "
	    "code=250 dsn=2.0.0 text=\"OK\" delay=1.000s\n"
	    "2026-01-01T00:00:02.000Z dispatched id=1 seq=4 batch=2 attempt=1\n"
	    "2026-01-01T00:00:03.000Z delivered id=1 seq=4 batch=2 attempt=1 outcome=delivered "
	    "code=250 dsn=2.0.0 text=\"OK\" delay=2.000s\n"
	    "2026-01-01T00:00:03.000Z finished batch=2 n=2 delivered=2 bounced=0 expired=0 "
	    "dropped=0 "
	    "cancelled=0 attempts=2 elapsed=2.000s simulated=2.000s\n");
	world_free(w);
}

/* A message without latency ends before the next one of its range is accepted. */
static void
test_no_latency_is_in_order_of_seq(void **state)
{
	struct simulator_conf conf = world_conf();
	struct latency none = latency_fixed(0);
	struct batch_request r = world_range(0, 1);
	struct world *w = world_new(&conf, false);
	char *events, *second, *end;

	(void)state;
	r.plan.latency = &none;
	world_send(w, &r);
	events = world_take_events(w);
	end = strstr(events, "delivered id=0");
	second = strstr(events, "queued id=1");
	assert_non_null(end);
	assert_non_null(second);
	assert_true(end < second);
	free(events);
	world_free(w);
}

static void
test_a_small_batch_is_not_starved(void **state)
{
	struct simulator_conf conf = world_conf();
	struct batch_request big = world_range(0, 9999), small = world_range(0, 9);
	struct world *w;
	struct batch *b;
	int i;

	(void)state;
	conf.delivery->all.concurrency = 1;
	w = world_new(&conf, false);
	world_send(w, &big);
	for (i = 0; i < 1000; i++) {
		struct batch_request one = world_one("single");

		world_send(w, &one);
	}
	b = world_send(w, &small);
	/* three lanes in turn: the ten are through after thirty seconds, not after eleven thousand
	 */
	world_pass(w, 31 * SEC);
	assert_true(batch_is_done(b));
	assert_int_equal(w->sim->tally.counts.state[STATE_DELIVERED], 31);
	world_check(w);
	world_free(w);
}

static void
test_pending_limit_holds_a_range_up(void **state)
{
	struct simulator_conf conf = world_conf();
	struct batch_request r = world_range(0, 24);
	struct world *w;
	struct batch *b;
	int rounds = 0;

	(void)state;
	conf.pending = 10;
	w = world_new(&conf, false);
	b = intake_open(w->sim, w->owner, &r, NULL);
	while (intake_accept(w->sim, b, 100) == INTAKE_NO_ROOM) {
		assert_int_equal(intake_room(w->sim), 0);
		world_check(w);
		world_pass(w, SEC);
		rounds++;
	}
	assert_int_equal(rounds, 2);
	assert_int_equal(b->accepted, 25);
	intake_release(w->sim, b);
	world_pass(w, SEC);
	assert_int_equal(w->sim->tally.counts.state[STATE_DELIVERED], 25);
	world_free(w);
}

static void
test_draining_cuts_a_range_short(void **state)
{
	struct simulator_conf conf = world_conf();
	struct batch_request r = world_range(0, 24);
	struct world *w = world_new(&conf, false);
	struct batch *b = intake_open(w->sim, w->owner, &r, NULL);

	(void)state;
	assert_int_equal(intake_accept(w->sim, b, 7), INTAKE_MORE);
	w->sim->is_draining = true;
	assert_int_equal(intake_accept(w->sim, b, 7), INTAKE_DRAINING);
	assert_int_equal(b->accepted, 7);
	assert_null(intake_open(w->sim, w->owner, &r, NULL));
	intake_release(w->sim, b);
	world_pass(w, SEC);
	assert_int_equal(w->sim->tally.counts.state[STATE_DELIVERED], 7);
	world_check(w);
	world_free(w);
}

/* Room that was promised to one is not there for another. */
static void
test_reserved_room_is_kept(void **state)
{
	struct simulator_conf conf = world_conf();
	struct batch_request whole = world_range(0, 29), other = world_one("other");
	struct batch *b, *late;
	struct world *w;

	(void)state;
	conf.pending = 30;
	w = world_new(&conf, false);
	whole.is_reserved = true;
	b = intake_open(w->sim, w->owner, &whole, NULL);
	assert_int_equal(intake_room(w->sim), 0);
	assert_int_equal(intake_accept(w->sim, b, 10), INTAKE_MORE);
	late = intake_open(w->sim, w->owner, &other, NULL);
	assert_int_equal(intake_accept(w->sim, late, 1), INTAKE_NO_ROOM);
	/* for who has its room, only a full log is a reason to wait */
	bus_set_congested(&w->sim->bus, true);
	assert_int_equal(intake_accept(w->sim, b, 100), INTAKE_CONGESTED);
	bus_set_congested(&w->sim->bus, false);
	assert_int_equal(intake_accept(w->sim, b, 100), INTAKE_DONE);
	intake_release(w->sim, b);
	world_pass(w, SEC);
	assert_int_equal(intake_accept(w->sim, late, 1), INTAKE_DONE);
	intake_release(w->sim, late);
	/* what is cut short gives its room back */
	b = intake_open(w->sim, w->owner, &whole, NULL);
	assert_int_equal(intake_accept(w->sim, b, 10), INTAKE_MORE);
	intake_close(w->sim, b);
	intake_release(w->sim, b);
	assert_int_equal(w->sim->reserved, 0);
	assert_int_equal(intake_room(w->sim), 19);
	world_free(w);
}

static void
test_raised_limit_dispatches_now(void **state)
{
	struct simulator_conf conf = world_conf();
	struct batch_request r = world_range(0, 9);
	struct world *w;
	struct batch *b;

	(void)state;
	conf.delivery->all.concurrency = 1;
	conf.delivery->all.latency = latency_fixed(10 * SEC);
	w = world_new(&conf, false);
	b = world_send(w, &r);
	world_pass(w, 3 * SEC);
	conf.delivery->all.concurrency = 5;
	world_configure(w, &conf);
	assert_false(simulator_run(w->sim, w->real_ns, 3));
	world_pass(w, 0);
	assert_int_equal(w->sim->lanes.all.in_flight, 5);
	assert_int_equal(batch_message(b, 4)->due_ns, WORLD_EPOCH + 13 * SEC);
	world_free(w);
}

/* Who waits and is cancelled leaves nothing behind that grows, also where others go on waiting. */
static void
test_cancelled_leave_no_trace_in_the_lane(void **state)
{
	struct domain_conf own[2] = { world_domain("a.test"), world_domain("b.test") };
	struct selector recent = { .kind = SELECT_SEQ };
	struct batch_request r = world_one("x");
	struct simulator_conf conf = world_conf();
	struct world *w;
	uint64_t n = 0;
	int i;

	(void)state;
	delivery_conf_unref(conf.delivery);
	own[0].concurrency = own[1].concurrency = 1;
	own[0].latency = own[1].latency = latency_fixed(DAY);
	conf.delivery = world_delivery("delivered", own, 2, "");
	conf.history = 10;
	w = world_new(&conf, false);
	for (i = 0; i < 100000; i++) {
		struct selection walk;

		r.to = i % 2 ? STR("u@a.test") : STR("u@b.test");
		world_send(w, &r);
		if (i < 4)
			continue;
		recent.number = (uint64_t)i + 1;
		selection_init(&walk, &w->sim->registry, &recent, false);
		while (!intake_cancel(w->sim, &walk, NULL, 3, &n))
			;
		selection_fini(&walk);
		w->events.len = 0;
	}
	assert_int_equal(w->sim->lanes.n_waiting, 2);
	assert_int_equal(w->sim->lanes.n_lanes, 2);
	for (i = 0; i < 2; i++) {
		struct list *l =
		    i ? w->sim->lanes.common.lanes.next : w->sim->lanes.common.lanes.prev;

		assert_true(list_entry(l, struct lane, group_link)->queue.n < 3000);
	}
	world_free(w);
}

/* What is about to be cancelled is not dispatched first. */
static void
test_cancel_dispatches_nothing(void **state)
{
	struct simulator_conf conf = world_conf();
	struct selector all = { .kind = SELECT_ALL };
	struct batch_request r = world_range(0, 9);
	struct selection walk;
	struct world *w;
	uint64_t n = 0;

	(void)state;
	conf.delivery->all.concurrency = 2;
	w = world_new(&conf, false);
	world_send(w, &r);
	selection_init(&walk, &w->sim->registry, &all, false);
	while (!intake_cancel(w->sim, &walk, NULL, 3, &n))
		;
	selection_fini(&walk);
	assert_int_equal(n, 10);
	assert_int_equal(w->sim->tally.counts.attempts, 2);
	world_check(w);
	world_free(w);
}

/* A cancel is done when the slots it made free are given away, and not before; what came after it
 * began is none of its business. */
static void
test_cancel_is_complete(void **state)
{
	struct simulator_conf conf = world_conf();
	struct selector all = { .kind = SELECT_ALL };
	struct batch_request r = world_range(0, 9), late = world_range(0, 19);
	struct selection walk;
	struct world *w;
	uint64_t n = 0;

	(void)state;
	conf.delivery->all.concurrency = 10;
	w = world_new(&conf, false);
	world_send(w, &r);
	selection_init(&walk, &w->sim->registry, &all, false);
	assert_false(intake_cancel(w->sim, &walk, NULL, 3, &n));
	world_send(w, &late);
	while (!intake_cancel(w->sim, &walk, NULL, 3, &n))
		;
	selection_fini(&walk);
	assert_int_equal(n, 10);
	assert_int_equal(w->sim->lanes.all.in_flight, 10);
	world_check(w);
	world_free(w);
}

static void
test_history_forgets_the_oldest(void **state)
{
	struct simulator_conf conf = world_conf();
	struct batch_request r = world_range(0, 99), one = world_one("last");
	struct selector all = { .kind = SELECT_ALL };
	struct selection walk;
	struct message *m;
	struct world *w;
	uint64_t n = 0;

	(void)state;
	conf.history = 10;
	w = world_new(&conf, false);
	world_send(w, &r);
	world_send(w, &one);
	world_pass(w, SEC);
	selection_init(&walk, &w->sim->registry, &all, false);
	for (; (m = selection_next(&walk)) != NULL; n++)
		assert_int_equal(message_seq(m), 92 + n);
	selection_fini(&walk);
	assert_int_equal(n, 10);
	conf.history = 0;
	world_configure(w, &conf);
	assert_int_equal(w->sim->registry.n, w->sim->registry.gone);
	world_check(w);
	world_free(w);
}

/* A clock of scale max goes from one moment to the next, and stops when there is news. */
static void
test_jump(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w;
	struct latency far = latency_fixed(5 * 86400 * SEC);
	struct batch_request r = world_range(0, 2), late = world_one("late");

	(void)state;
	w = world_new(&conf, true);
	late.plan.latency = &far;
	world_send(w, &late);
	world_send(w, &r);
	world_pass(w, 100 * SEC);
	assert_int_equal(w->sim->now_ns, WORLD_EPOCH);
	assert_true(simulator_jump(w->sim, w->real_ns, 1, false));
	assert_int_equal(w->sim->now_ns, WORLD_EPOCH + SEC);
	while (simulator_jump(w->sim, w->real_ns, 100, false))
		;
	assert_int_equal(w->sim->now_ns, WORLD_EPOCH + 5 * 86400 * SEC);
	assert_int_equal(w->sim->tally.counts.state[STATE_DELIVERED], 4);
	world_free(w);
}

static void
test_congestion_stops_time(void **state)
{
	struct simulator_conf conf = world_conf();
	struct batch_request r = world_range(0, 9);
	struct world *w = world_new(&conf, false);
	struct batch *b;

	(void)state;
	world_send(w, &r);
	bus_set_congested(&w->sim->bus, true);
	w->real_ns += 2 * SEC;
	assert_false(simulator_run(w->sim, w->real_ns, 100));
	assert_int_equal(w->sim->now_ns, WORLD_EPOCH);
	b = intake_open(w->sim, w->owner, &r, NULL);
	assert_int_equal(intake_accept(w->sim, b, 100), INTAKE_CONGESTED);
	bus_set_congested(&w->sim->bus, false);
	world_pass(w, 0);
	assert_int_equal(w->sim->tally.counts.state[STATE_DELIVERED], 10);
	assert_int_equal(intake_accept(w->sim, b, 100), INTAKE_DONE);
	intake_release(w->sim, b);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gathered_and_sequential),
		cmocka_unit_test(test_no_latency_is_in_order_of_seq),
		cmocka_unit_test(test_a_small_batch_is_not_starved),
		cmocka_unit_test(test_pending_limit_holds_a_range_up),
		cmocka_unit_test(test_draining_cuts_a_range_short),
		cmocka_unit_test(test_reserved_room_is_kept),
		cmocka_unit_test(test_raised_limit_dispatches_now),
		cmocka_unit_test(test_cancelled_leave_no_trace_in_the_lane),
		cmocka_unit_test(test_cancel_dispatches_nothing),
		cmocka_unit_test(test_cancel_is_complete),
		cmocka_unit_test(test_history_forgets_the_oldest),
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_congestion_stops_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
