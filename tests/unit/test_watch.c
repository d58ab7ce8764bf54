/*
 * Waiting: for what is there, for what is still to come, and for what can never be.
 */
#include "sim_world.h"

static void
done_cb(void *ctx)
{
	++*(int *)ctx;
}

struct bench {
	struct world *w;
	struct watch watch;
	int done;
};

static enum watch_status
start(struct bench *t, struct selector s, unsigned goals, enum watch_goal goal, uint64_t n)
{
	uint64_t numbers[GOAL_COUNT] = { 0 };

	numbers[goal] = n;
	t->done = 0;
	return watch_start(&t->watch, t->w->sim, &s, goals, numbers, done_cb, &t->done);
}

static void
setup(struct bench *t)
{
	struct simulator_conf conf = world_conf();

	t->w = world_new(&conf, false);
}

static void
send_to(struct bench *t, const char *to)
{
	struct batch_request r = world_one(NULL);

	r.to = str_of(to);
	world_send(t->w, &r);
}

static void
test_all_that_is_there_now(void **state)
{
	struct selector all = { .kind = SELECT_ALL };
	struct bench t;

	(void)state;
	setup(&t);
	assert_int_equal(start(&t, all, 0, 0, 0), WATCH_NOTHING);
	watch_stop(&t.watch);
	send_to(&t, "a@x.test");
	assert_int_equal(start(&t, all, 0, 0, 0), WATCH_PENDING);
	world_pass(t.w, SEC / 2);
	send_to(&t, "late@x.test"); /* does not count */
	world_pass(t.w, SEC / 2);
	assert_int_equal(t.done, 1);
	assert_int_equal(t.watch.status, WATCH_DONE);
	assert_int_equal(t.watch.counts.accepted, 1);
	assert_int_equal(t.watch.counts.state[STATE_DELIVERED], 1);
	watch_stop(&t.watch);
	world_free(t.w);
}

/* Of a range that is being accepted only what was accepted before counts. */
static void
test_half_a_range(void **state)
{
	struct selector all = { .kind = SELECT_ALL };
	struct batch_request r = world_range(0, 9);
	struct batch *b;
	struct bench t;

	(void)state;
	setup(&t);
	b = intake_open(t.w->sim, t.w->owner, &r, NULL);
	assert_int_equal(intake_accept(t.w->sim, b, 4), INTAKE_MORE);
	assert_int_equal(start(&t, all, 0, 0, 0), WATCH_PENDING);
	world_pass(t.w, SEC / 2);
	assert_int_equal(intake_accept(t.w->sim, b, 100), INTAKE_DONE);
	world_pass(t.w, SEC / 2);
	assert_int_equal(t.watch.status, WATCH_DONE);
	assert_int_equal(t.watch.counts.accepted, 4);
	watch_stop(&t.watch);
	intake_release(t.w->sim, b);
	world_free(t.w);
}

static void
test_goal_counts_past_and_future(void **state)
{
	struct selector bob = { .kind = SELECT_TO, .text = STR("bob@x.test") };
	struct bench t;

	(void)state;
	setup(&t);
	send_to(&t, "bob@x.test");
	world_pass(t.w, SEC);
	assert_int_equal(start(&t, bob, 1U << GOAL_DELIVERED, GOAL_DELIVERED, 1), WATCH_DONE);
	watch_stop(&t.watch);
	assert_int_equal(start(&t, bob, 1U << GOAL_DELIVERED, GOAL_DELIVERED, 2), WATCH_PENDING);
	send_to(&t, "ann@x.test");
	world_pass(t.w, SEC);
	assert_int_equal(t.done, 0);
	send_to(&t, "bob@x.test");
	world_pass(t.w, SEC - MS);
	assert_int_equal(t.done, 0);
	world_pass(t.w, MS);
	assert_int_equal(t.done, 1);
	assert_int_equal(t.watch.counts.accepted, 2);
	watch_stop(&t.watch);
	world_free(t.w);
}

static void
test_accepted_is_a_goal(void **state)
{
	struct selector all = { .kind = SELECT_ALL };
	struct bench t;

	(void)state;
	setup(&t);
	assert_int_equal(start(&t, all, 1U << GOAL_ACCEPTED, GOAL_ACCEPTED, 2), WATCH_PENDING);
	send_to(&t, "a@x.test");
	assert_int_equal(t.done, 0);
	send_to(&t, "a@x.test");
	assert_int_equal(t.done, 1);
	watch_stop(&t.watch);
	world_free(t.w);
}

/* One owner's messages: nothing new can come while it waits, so some goals are hopeless. */
static void
test_own_goal_that_cannot_be(void **state)
{
	struct selector own = { .kind = SELECT_OWN };
	struct bench t;

	(void)state;
	setup(&t);
	own.owner = t.w->owner;
	send_to(&t, "a@x.test");
	assert_int_equal(start(&t, own, 1U << GOAL_DELIVERED, GOAL_DELIVERED, 2), WATCH_PENDING);
	world_pass(t.w, SEC);
	assert_int_equal(t.done, 1);
	assert_int_equal(t.watch.status, WATCH_NOTHING);
	watch_stop(&t.watch);
	assert_int_equal(start(&t, own, 1U << GOAL_BOUNCED, GOAL_BOUNCED, 1), WATCH_NOTHING);
	watch_stop(&t.watch);
	world_free(t.w);
}

/* A range that is cut short wakes those who waited for the rest of it. */
static void
test_range_cut_short(void **state)
{
	struct selector of_batch = { .kind = SELECT_BATCH, .number = 1 };
	struct batch_request r = world_range(0, 9);
	struct batch *b;
	struct bench t;

	(void)state;
	setup(&t);
	b = intake_open(t.w->sim, t.w->owner, &r, NULL);
	assert_int_equal(intake_accept(t.w->sim, b, 3), INTAKE_MORE);
	assert_int_equal(
	    start(&t, of_batch, 1U << GOAL_DELIVERED, GOAL_DELIVERED, 5), WATCH_PENDING);
	world_pass(t.w, SEC);
	assert_int_equal(t.done, 0);
	intake_close(t.w->sim, b);
	assert_int_equal(t.done, 1);
	assert_int_equal(t.watch.status, WATCH_NOTHING);
	watch_stop(&t.watch);
	intake_release(t.w->sim, b);
	world_free(t.w);
}

/* A watch counts on after what it counted first was forgotten. */
static void
test_counts_outlive_history(void **state)
{
	struct selector all = { .kind = SELECT_ALL }, bob = { .kind = SELECT_TO };
	struct simulator_conf conf = world_conf();
	struct bench t;
	int i;

	(void)state;
	conf.history = 2;
	t.w = world_new(&conf, false);
	bob.text = STR("bob@x.test");
	assert_int_equal(start(&t, bob, 1U << GOAL_FINAL, GOAL_FINAL, 20), WATCH_PENDING);
	for (i = 0; i < 20; i++)
		send_to(&t, "bob@x.test");
	world_pass(t.w, SEC);
	assert_int_equal(t.watch.status, WATCH_DONE);
	watch_stop(&t.watch);
	assert_int_equal(start(&t, all, 0, 0, 0), WATCH_DONE);
	assert_int_equal(t.watch.counts.state[STATE_DELIVERED], 20);
	watch_stop(&t.watch);
	world_free(t.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_is_there_now),
		cmocka_unit_test(test_half_a_range),
		cmocka_unit_test(test_goal_counts_past_and_future),
		cmocka_unit_test(test_accepted_is_a_goal),
		cmocka_unit_test(test_own_goal_that_cannot_be),
		cmocka_unit_test(test_range_cut_short),
		cmocka_unit_test(test_counts_outlive_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
