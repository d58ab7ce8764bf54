/*
 * The loop's turns and its lag. No test relies on a machine that is not busy: every bound is
 * between readings of the clock that the test itself took around what it bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/text.h"
#include "io/loop.h"

#define MS TEXT_NS_PER_MS
#define LONG (30 * MS)
#define SHORT (5 * MS)

struct world {
	struct loop *loop;
	struct loop_event *timer;
	unsigned turns; /* so many are to be run; the last one stops the loop */
	bool wants_turns;
	int64_t cb_ns, other_cb_ns, hook_ns; /* how long each keeps the loop, at its next call */
	int64_t hook_began_ns, hook_end_ns;  /* of the last turn … */
	int64_t earlier_hook_end_ns;         /* … and the one before */
};

/* Keeps the loop; once only. */
static void
spin(struct world *w, int64_t *ns)
{
	int64_t until = loop_read_clock(w->loop) + *ns;

	while (loop_read_clock(w->loop) < until)
		;
	*ns = 0;
}

static void
timer_cb(void *ctx)
{
	struct world *w = ctx;

	spin(w, &w->cb_ns);
}

static void
other_cb(void *ctx)
{
	struct world *w = ctx;

	spin(w, &w->other_cb_ns);
}

static void
turn_end_cb(void *ctx)
{
	struct world *w = ctx;

	w->earlier_hook_end_ns = w->hook_end_ns;
	w->hook_began_ns = loop_read_clock(w->loop);
	spin(w, &w->hook_ns);
	if (--w->turns == 0)
		loop_stop(w->loop);
	else if (w->wants_turns)
		loop_want_turn(w->loop);
	w->hook_end_ns = loop_read_clock(w->loop);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	if (!w)
		return -1;
	*state = w;
	w->loop = loop_new();
	w->timer = loop_add_timer(w->loop, timer_cb, w);
	loop_set_turn_end(w->loop, turn_end_cb, w);
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	loop_remove(w->timer);
	loop_free(w->loop);
	free(w);
	return 0;
}

/* Runs one turn that sleeps for so long and then calls back. Gives how long it was awake at most:
 * the event library counts whole microseconds. */
static int64_t
sleep_a_turn(struct world *w, int64_t ns)
{
	int64_t began = loop_read_clock(w->loop);

	w->turns = 1;
	loop_timer_at(w->timer, began + ns);
	loop_run(w->loop);
	return loop_read_clock(w->loop) - began - ns + TEXT_NS_PER_US;
}

static struct loop_lag
lag_of(const struct world *w)
{
	struct loop_lag lag;

	loop_lag(w->loop, &lag);
	return lag;
}

static void
test_nothing_yet(void **state)
{
	assert_int_equal(lag_of(*state).p99_ns, 0);
	assert_int_equal(lag_of(*state).max_ns, 0);
}

static void
test_sleep_does_not_count(void **state)
{
	struct world *w = *state;
	int64_t awake = sleep_a_turn(w, LONG);

	assert_in_range(lag_of(w).max_ns, 1, awake);
}

static void
test_callback_counts(void **state)
{
	struct world *w = *state;
	int64_t awake;

	w->cb_ns = SHORT;
	awake = sleep_a_turn(w, LONG);
	assert_in_range(lag_of(w).max_ns, SHORT, awake);
}

static void
test_all_callbacks_count(void **state)
{
	struct world *w = *state;
	struct loop_event *other = loop_add_timer(w->loop, other_cb, w);
	int64_t awake;

	w->cb_ns = SHORT;
	w->other_cb_ns = SHORT;
	loop_timer_at(other, loop_read_clock(w->loop));
	awake = sleep_a_turn(w, 0);
	loop_remove(other);
	assert_in_range(lag_of(w).max_ns, 2 * SHORT, awake);
}

static void
test_hook_counts(void **state)
{
	struct world *w = *state;
	int64_t awake;

	w->cb_ns = SHORT;
	w->hook_ns = SHORT;
	awake = sleep_a_turn(w, LONG);
	assert_in_range(lag_of(w).max_ns, 2 * SHORT, awake);
}

static void
test_burial_counts(void **state)
{
	struct world *w = *state;
	int64_t awake;

	w->other_cb_ns = SHORT;
	loop_bury(w->loop, other_cb, w);
	awake = sleep_a_turn(w, LONG);
	assert_in_range(lag_of(w).max_ns, SHORT, awake);
}

/* A turn with a callback, then one without, which is no longer than its hook. */
static void
test_turn_without_callback(void **state)
{
	struct world *w = *state;
	int64_t end;

	sleep_a_turn(w, LONG);
	loop_lag_reset(w->loop);
	w->turns = 1;
	loop_want_turn(w->loop);
	w->hook_ns = SHORT;
	loop_run(w->loop);
	end = loop_read_clock(w->loop);
	assert_true(loop_was_idle(w->loop));
	assert_in_range(lag_of(w).max_ns, SHORT, end - w->earlier_hook_end_ns);
}

static void
test_each_turn_counts_for_itself(void **state)
{
	struct world *w = *state;
	int64_t began = loop_read_clock(w->loop), first, second;

	loop_timer_at(w->timer, began);
	w->turns = 2;
	w->wants_turns = true;
	w->cb_ns = SHORT;
	w->hook_ns = SHORT;
	loop_run(w->loop);
	second = loop_read_clock(w->loop) - w->earlier_hook_end_ns;
	first = w->hook_began_ns - began;
	assert_in_range(lag_of(w).max_ns, SHORT, first > second ? first : second);
}

/* One long turn among many is the maximum and no percentile. */
static void
test_percentile(void **state)
{
	struct world *w = *state;
	struct loop_lag lag;

	w->turns = 1000;
	w->wants_turns = true;
	w->hook_ns = LONG;
	loop_want_turn(w->loop);
	loop_run(w->loop);
	lag = lag_of(w);
	assert_true(lag.max_ns >= LONG);
	assert_in_range(lag.p99_ns, 1, lag.max_ns - 1);
}

static void
test_reset(void **state)
{
	struct world *w = *state;

	w->cb_ns = LONG;
	sleep_a_turn(w, 0);
	assert_true(lag_of(w).p99_ns >= LONG);
	loop_lag_reset(w->loop);
	assert_int_equal(lag_of(w).p99_ns, 0);
	assert_int_equal(lag_of(w).max_ns, 0);
}

static void
test_stats(void **state)
{
	struct world *w = *state;
	struct buf got = { 0 }, expected = { 0 };

	w->turns = 200;
	w->wants_turns = true;
	w->cb_ns = SHORT;
	loop_timer_at(w->timer, 0);
	loop_run(w->loop);
	loop_add_stats(w->loop, &got);
	buf_add_lit(&expected, " loop_lag_p99=");
	text_format_seconds(&expected, lag_of(w).p99_ns, 6);
	buf_add_lit(&expected, "s loop_lag_max=");
	text_format_seconds(&expected, lag_of(w).max_ns, 6);
	buf_add_lit(&expected, "s");
	assert_int_equal(got.len, expected.len);
	assert_memory_equal(got.data, expected.data, got.len);
	buf_fini(&got);
	buf_fini(&expected);
}

#define CROWD (4 * 128 + 1) /* and one is removed */

struct crowd {
	struct loop *loop;
	struct loop_waker *wakers[CROWD];
	unsigned called, in_turn, most_in_turn, turns, idle_turns;
};

static void
crowd_cb(void *ctx)
{
	struct crowd *c = ctx;

	c->called++;
	c->in_turn++;
}

static void
crowd_turn_end_cb(void *ctx)
{
	struct crowd *c = ctx;

	c->turns++;
	c->idle_turns += loop_was_idle(c->loop);
	if (c->in_turn > c->most_in_turn)
		c->most_in_turn = c->in_turn;
	c->in_turn = 0;
	/* what is removed between two callbacks of the library's is not called any more */
	if (c->turns == 1) {
		loop_waker_free(c->wakers[CROWD - 1]);
		c->wakers[CROWD - 1] = NULL;
	}
	if (c->called == CROWD - 1)
		loop_stop(c->loop);
}

/* What is ready at once is no single turn: whoever is served is answered before the last is heard.
 */
static void
test_a_crowd_is_served_in_turns(void **state)
{
	struct world *w = *state;
	struct crowd c = { .loop = w->loop };
	int i;

	loop_set_turn_end(w->loop, crowd_turn_end_cb, &c);
	for (i = 0; i < CROWD; i++)
		c.wakers[i] = loop_add_waker(w->loop, crowd_cb, &c);
	for (i = 0; i < CROWD; i++)
		loop_wake(c.wakers[i]);
	loop_run(w->loop);
	assert_int_equal(c.called, CROWD - 1);
	assert_in_range(c.most_in_turn, 1, 128);
	assert_in_range(c.turns, CROWD / 128, CROWD);
	/* not even when the last of the crowd filled its turn */
	assert_int_equal(c.idle_turns, 0);
	for (i = 0; i < CROWD; i++)
		loop_waker_free(c.wakers[i]);
}

struct repeat {
	struct world *w;
	struct loop_event *timer;
	unsigned called;
};

static void
repeat_cb(void *ctx)
{
	struct repeat *r = ctx;

	r->called++;
	loop_timer_at(r->timer, 0);
}

/* A timer that is always due again does so once a turn, and others have their turn. */
static void
test_timer_that_is_always_due(void **state)
{
	struct world *w = *state;
	struct repeat r = { .w = w };

	r.timer = loop_add_timer(w->loop, repeat_cb, &r);
	loop_timer_at(r.timer, 0);
	w->turns = 5;
	loop_run(w->loop);
	assert_int_equal(r.called, 5);
	loop_remove(r.timer);
}

static void
readable_cb(void *ctx, enum loop_fd_event what)
{
	struct world *w = ctx;

	assert_int_equal(what, LOOP_READABLE);
	spin(w, &w->other_cb_ns);
}

/* The loop sleeps until that timer or the moment when another descriptor wakes it. */
static void
sleep_until_woken(struct world *w, int64_t ns)
{
	struct itimerspec in = { .it_value.tv_nsec = ns };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct loop_event *e = loop_add_fd(w->loop, fd, readable_cb, w);

	assert_int_equal(timerfd_settime(fd, 0, &in, NULL), 0);
	loop_fd_want(e, true, false, 0);
	w->turns = 1;
	loop_run(w->loop);
	assert_false(loop_was_idle(w->loop));
	loop_remove(e);
	close(fd);
}

/* The kernel still wakes the loop for a timer that was put off: the turn is idle. */
static void
test_timer_that_was_put_off(void **state)
{
	struct world *w = *state;
	int64_t until = 2 * SHORT;

	loop_timer_at(w->timer, loop_read_clock(w->loop) + 2 * SHORT);
	sleep_until_woken(w, SHORT);
	loop_timer_at(w->timer, loop_read_clock(w->loop) + 1000 * LONG);
	spin(w, &until);
	w->turns = 1;
	loop_run(w->loop);
	assert_true(loop_was_idle(w->loop));
}

/* A loop that never sleeps sees by the clock what is due. */
static void
test_timer_of_a_busy_loop(void **state)
{
	struct world *w = *state;
	struct repeat r = { .w = w };

	r.timer = loop_add_timer(w->loop, repeat_cb, &r);
	loop_timer_at(r.timer, loop_read_clock(w->loop) + SHORT);
	w->wants_turns = true;
	loop_want_turn(w->loop);
	while (r.called == 0) {
		w->turns = 100;
		loop_want_turn(w->loop);
		loop_run(w->loop);
	}
	loop_remove(r.timer);
}

/* The first of two timers removes the other, which is due as well. */
static void
remove_cb(void *ctx)
{
	struct repeat *r = ctx;

	loop_remove(r->timer);
	r->timer = NULL;
}

static void
test_timer_removes_another(void **state)
{
	struct world *w = *state;
	struct repeat r = { .w = w };
	struct loop_event *first = loop_add_timer(w->loop, remove_cb, &r);

	r.timer = loop_add_timer(w->loop, repeat_cb, &r);
	loop_timer_at(first, 1);
	loop_timer_at(r.timer, 2);
	w->turns = 1;
	loop_run(w->loop);
	assert_null(r.timer);
	assert_int_equal(r.called, 0);
	loop_remove(first);
}

static void
stop_cb(void *ctx)
{
	loop_stop(((struct world *)ctx)->loop);
}

/* What is due besides is for the next run. */
static void
test_timer_stops_the_loop(void **state)
{
	struct world *w = *state;
	struct repeat r = { .w = w };
	struct loop_event *first = loop_add_timer(w->loop, stop_cb, w);

	r.timer = loop_add_timer(w->loop, repeat_cb, &r);
	loop_timer_at(first, 1);
	loop_timer_at(r.timer, 2);
	loop_run(w->loop);
	assert_int_equal(r.called, 0);
	w->turns = 1;
	loop_run(w->loop);
	assert_int_equal(r.called, 1);
	loop_remove(first);
	loop_remove(r.timer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_nothing_yet),
		TEST(test_sleep_does_not_count),
		TEST(test_callback_counts),
		TEST(test_all_callbacks_count),
		TEST(test_hook_counts),
		TEST(test_burial_counts),
		TEST(test_turn_without_callback),
		TEST(test_each_turn_counts_for_itself),
		TEST(test_percentile),
		TEST(test_reset),
		TEST(test_stats),
		TEST(test_a_crowd_is_served_in_turns),
		TEST(test_timer_that_is_always_due),
		TEST(test_timer_that_was_put_off),
		TEST(test_timer_of_a_busy_loop),
		TEST(test_timer_removes_another),
		TEST(test_timer_stops_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
