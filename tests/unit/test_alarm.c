/*
 * Alarms of simulated time: they ring in order, after the messages of the same moment and never
 * late; a clock that jumps stops where one rings; a reset rings them all.
 */
#include "sim_world.h"

#include <stdlib.h>

#include "core/alarm.h"

struct bell {
	struct alarm alarm;
	struct world *w;
	int64_t rang_ns;  /* after the epoch; -1: not yet */
	uint64_t n_fired; /* events until then */
};

static void
ring_cb(void *ctx)
{
	struct bell *b = ctx;

	assert_int_equal(b->rang_ns, -1);
	b->rang_ns = b->w->sim->now_ns - WORLD_EPOCH;
	b->n_fired = b->w->sim->n_fired;
}

static void
set(struct bell *b, struct world *w, int64_t delay_ns)
{
	b->alarm.ring_cb = ring_cb;
	b->alarm.ctx = b;
	b->w = w;
	b->rang_ns = -1;
	alarm_set(w->sim, &b->alarm, delay_ns);
}

static struct world *
new_world(bool is_max)
{
	struct simulator_conf conf = world_conf();

	return world_new(&conf, is_max);
}

static void
test_in_order_and_on_time(void **state)
{
	struct world *w = new_world(false);
	struct bell first = { 0 }, second = { 0 }, stopped = { 0 };

	(void)state;
	set(&second, w, 2 * SEC);
	set(&first, w, 5 * SEC);
	set(&first, w, 1500 * MS);
	set(&stopped, w, SEC);
	alarm_stop(w->sim, &stopped.alarm);
	assert_false(alarm_is_set(&stopped.alarm));
	assert_true(alarm_is_set(&first.alarm));
	assert_true(simulator_has_next(w->sim));
	assert_int_equal(simulator_deadline(w->sim), w->real_ns + 1500 * MS);
	assert_false(simulator_has_by(w->sim, w->real_ns + 1499 * MS));
	assert_true(simulator_has_by(w->sim, w->real_ns + 1500 * MS));
	world_pass(w, 1400 * MS);
	assert_int_equal(first.rang_ns, -1);
	world_pass(w, 5 * SEC);
	assert_int_equal(first.rang_ns, 1500 * MS);
	assert_int_equal(second.rang_ns, 2 * SEC);
	assert_int_equal(stopped.rang_ns, -1);
	assert_int_equal(w->sim->now_ns - WORLD_EPOCH, 6400 * MS);
	assert_false(simulator_has_next(w->sim));
	world_free(w);
}

/* A message takes a second: dispatched is fired at once, delivered at the alarm's moment. */
static void
test_after_the_messages_of_its_moment(void **state)
{
	struct world *w = new_world(false);
	struct batch_request r = world_one("a");
	struct bell b = { 0 }, before = { 0 };

	(void)state;
	set(&b, w, SEC);
	set(&before, w, 999 * MS);
	world_send(w, &r);
	world_pass(w, 3 * SEC);
	assert_int_equal(b.rang_ns, SEC);
	assert_int_equal(b.n_fired, 2);
	/* and not after those of a later one */
	assert_int_equal(before.rang_ns, 999 * MS);
	assert_int_equal(before.n_fired, 1);
	world_free(w);
}

static void
test_a_jump_stops_where_it_rings(void **state)
{
	struct world *w = new_world(true);
	struct batch_request r = world_one("a");
	struct bell b = { 0 };

	(void)state;
	set(&b, w, 300 * MS);
	world_send(w, &r);
	assert_true(simulator_jump(w->sim, w->real_ns, 1000, false));
	assert_int_equal(b.rang_ns, 300 * MS);
	assert_int_equal(w->sim->now_ns - WORLD_EPOCH, 300 * MS);
	assert_false(simulator_jump(w->sim, w->real_ns, 1000, false));
	assert_int_equal(w->sim->now_ns - WORLD_EPOCH, SEC);
	world_free(w);
}

static void
test_a_reset_rings(void **state)
{
	struct world *w = new_world(false);
	struct bell b = { 0 };

	(void)state;
	world_pass(w, SEC);
	set(&b, w, 300 * SEC);
	simulator_reset(w->sim, w->real_ns, 0);
	assert_int_equal(b.rang_ns, 0);
	assert_int_equal(w->sim->era, 1);
	assert_false(simulator_has_next(w->sim));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order_and_on_time),
		cmocka_unit_test(test_after_the_messages_of_its_moment),
		cmocka_unit_test(test_a_jump_stops_where_it_rings),
		cmocka_unit_test(test_a_reset_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
