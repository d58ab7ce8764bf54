/*
 * Processor work on a bus of its own. What is compared are clocks of processor time, which do not
 * run while somebody else has the processor; every wait is for a condition, with a deadline.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "back/work.h"
#include "base/text.h"

#define US TEXT_NS_PER_US
#define MS TEXT_NS_PER_MS
#define SEC TEXT_NS_PER_S
#define HOUR (3600 * SEC)
#define DEADLINE_NS (20 * SEC)

struct world {
	struct bus bus;
	struct work *work;
	unsigned asked; /* how often */
};

static struct world the_world;

/* The tests put the amount into the event's time. */
static int64_t
amount_of(const struct event *ev)
{
	the_world.asked++;
	return ev->time_ns;
}

static void
start(struct world *w, unsigned threads)
{
	struct buf why = { 0 };

	w->work = work_start(&w->bus, threads, amount_of, &why);
	assert_non_null(w->work);
	assert_int_equal(why.len, 0);
	work_set_enabled(w->work, true);
}

static void
stop(struct world *w)
{
	work_stop(w->work);
	w->work = NULL;
}

static int
set_up(void **state)
{
	the_world = (struct world){ 0 };
	bus_init(&the_world.bus);
	*state = &the_world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	work_stop(w->work);
	bus_fini(&w->bus);
	return 0;
}

static void
dispatch(struct world *w, unsigned n, int64_t amount_ns)
{
	struct event ev = { .kind = EVENT_DISPATCHED, .time_ns = amount_ns };

	while (n-- > 0)
		bus_emit(&w->bus, &ev);
}

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	assert_int_equal(clock_gettime(id, &t), 0);
	return t.tv_sec * SEC + t.tv_nsec;
}

static uint64_t
pending(const struct world *w)
{
	struct buf b = { 0 };
	unsigned long n = UINT64_MAX;
	char end;

	work_add_stats(w->work, &b);
	buf_add_lit(&b, ".\0");
	assert_int_equal(sscanf(b.data, " work_pending=%lu%c", &n, &end), 2);
	assert_int_equal(end, '.');
	buf_fini(&b);
	return n;
}

static void
wait_until_done(const struct world *w)
{
	const struct timespec moment = { .tv_nsec = MS };
	int64_t until = read_clock(CLOCK_MONOTONIC) + DEADLINE_NS;

	while (pending(w) > 0) {
		assert_true(read_clock(CLOCK_MONOTONIC) < until);
		nanosleep(&moment, NULL);
	}
}

/* ---- on the loop ---- */

static void
test_without_threads_the_caller_works(void **state)
{
	struct world *w = *state;
	int64_t began, used;

	start(w, 0);
	began = read_clock(CLOCK_THREAD_CPUTIME_ID);
	dispatch(w, 10, 3 * MS);
	dispatch(w, 1, 20 * MS);
	used = read_clock(CLOCK_THREAD_CPUTIME_ID) - began;
	assert_in_range(used, 50 * MS, 75 * MS);
	assert_int_equal(pending(w), 0);
}

static void
test_nothing_is_done_for_nothing(void **state)
{
	struct event ev = { .kind = EVENT_DELIVERED, .time_ns = SEC };
	struct world *w = *state;
	int64_t began = read_clock(CLOCK_THREAD_CPUTIME_ID);

	start(w, 0);
	for (ev.kind = 0; ev.kind < EVENT_KINDS; ev.kind++)
		if (ev.kind != EVENT_DISPATCHED)
			bus_emit(&w->bus, &ev);
	assert_int_equal(w->asked, 0);
	dispatch(w, 1, 0);
	assert_int_equal(w->asked, 1);
	stop(w);
	start(w, 1);
	dispatch(w, 1, 0);
	assert_int_equal(pending(w), 0);
	assert_true(read_clock(CLOCK_THREAD_CPUTIME_ID) - began < SEC / 2);
}

static void
test_only_while_enabled(void **state)
{
	struct world *w = *state;
	struct buf why = { 0 };

	w->work = work_start(&w->bus, 0, amount_of, &why);
	assert_true(list_is_empty(&w->bus.subscribers));
	work_set_enabled(w->work, false);
	dispatch(w, 1, US);
	assert_int_equal(w->asked, 0);
	work_set_enabled(w->work, true);
	work_set_enabled(w->work, true);
	dispatch(w, 1, US);
	assert_int_equal(w->asked, 1);
	work_set_enabled(w->work, false);
	assert_true(list_is_empty(&w->bus.subscribers));
	work_set_enabled(w->work, true);
	stop(w);
	assert_true(list_is_empty(&w->bus.subscribers));
}

/* ---- on threads ---- */

static void
test_with_threads_the_caller_is_free(void **state)
{
	struct world *w = *state;
	int64_t caller = read_clock(CLOCK_THREAD_CPUTIME_ID);
	int64_t all = read_clock(CLOCK_PROCESS_CPUTIME_ID);

	start(w, 3);
	dispatch(w, 20, 5 * MS);
	caller = read_clock(CLOCK_THREAD_CPUTIME_ID) - caller;
	wait_until_done(w);
	all = read_clock(CLOCK_PROCESS_CPUTIME_ID) - all;
	assert_true(caller < 50 * MS);
	assert_true(all >= 100 * MS);
}

static void
test_what_is_queued_is_done_while_disabled(void **state)
{
	struct world *w = *state;

	start(w, 1);
	dispatch(w, 10, MS);
	work_set_enabled(w->work, false);
	dispatch(w, 10, MS);
	assert_int_equal(w->asked, 10);
	wait_until_done(w);
}

/* More amounts in turn than there can be runs: what is done is what was asked for, all the same. */
static void
test_mixed_amounts_add_up(void **state)
{
	struct world *w = *state;
	int64_t all = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	unsigned i;

	start(w, 1);
	dispatch(w, 1, 20 * MS); /* until the rest is queued */
	for (i = 0; i < 300; i++) {
		dispatch(w, 1, 900 * US);
		dispatch(w, 1, 100 * US);
	}
	wait_until_done(w);
	all = read_clock(CLOCK_PROCESS_CPUTIME_ID) - all;
	assert_in_range(all, 320 * MS, 400 * MS);
}

static void
test_backlog_takes_no_memory(void **state)
{
	struct world *w = *state;
	size_t used;
	unsigned i;

	start(w, 2);
	used = mallinfo2().uordblks;
	dispatch(w, 500000, HOUR);
	for (i = 0; i < 500000; i++)
		dispatch(w, 1, HOUR + i);
	assert_int_equal(mallinfo2().uordblks, used);
	assert_int_equal(pending(w), 1000000);
}

static void
test_stop_leaves_the_rest_undone(void **state)
{
	struct world *w = *state;
	int64_t began;

	start(w, 4);
	dispatch(w, 100000, HOUR);
	dispatch(w, 100000, US);
	began = read_clock(CLOCK_MONOTONIC);
	stop(w);
	assert_true(read_clock(CLOCK_MONOTONIC) - began < 2 * SEC);
}

static void
test_idle_threads_stop_too(void **state)
{
	struct world *w = *state;

	start(w, WORK_THREADS_MAX);
	stop(w);
}

/* A signal that the loop's thread blocks stays with the process: no worker takes it. */
static void
test_threads_take_no_signals(void **state)
{
	const struct timespec at_once = { 0 };
	struct world *w = *state;
	sigset_t set, before;

	start(w, 1);
	dispatch(w, 1, US); /* a thread that is still being made takes none anyway */
	wait_until_done(w);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	assert_false(sigismember(&before, SIGUSR1));
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_int_equal(sigtimedwait(&set, NULL, &at_once), SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Stacks that no address space has room for. */
static void
test_threads_that_cannot_start(void **state)
{
	static const char said[] = "thread 1 of 2 cannot start: ";
	struct world *w = *state;
	struct buf why = { 0 };
	pthread_attr_t before, vast;

	assert_int_equal(pthread_getattr_default_np(&before), 0);
	assert_int_equal(pthread_getattr_default_np(&vast), 0);
	assert_int_equal(pthread_attr_setstacksize(&vast, (size_t)1 << 47), 0);
	assert_int_equal(pthread_setattr_default_np(&vast), 0);
	w->work = work_start(&w->bus, 2, amount_of, &why);
	assert_int_equal(pthread_setattr_default_np(&before), 0);
	pthread_attr_destroy(&before);
	pthread_attr_destroy(&vast);
	assert_null(w->work);
	/* which error it is, is the system's business */
	assert_true(why.len > sizeof said - 1);
	assert_memory_equal(why.data, said, sizeof said - 1);
	buf_fini(&why);
	start(w, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_without_threads_the_caller_works),
		TEST(test_nothing_is_done_for_nothing),
		TEST(test_only_while_enabled),
		TEST(test_with_threads_the_caller_is_free),
		TEST(test_what_is_queued_is_done_while_disabled),
		TEST(test_mixed_amounts_add_up),
		TEST(test_backlog_takes_no_memory),
		TEST(test_stop_leaves_the_rest_undone),
		TEST(test_idle_threads_stop_too),
		TEST(test_threads_take_no_signals),
		TEST(test_threads_that_cannot_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
