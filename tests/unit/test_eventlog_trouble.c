/*
 * The event log with targets that fail: pipes nobody reads, /dev/full, files that may not grow.
 */
#include "eventlog_world.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- slow and stuck readers ---- */

static bool
is_congested(struct world *w, const void *arg)
{
	(void)arg;
	world_emit(w, 1000);
	return bus_is_congested(&w->bus);
}

static bool
has_room_again(struct world *w, const void *arg)
{
	(void)world_is_drained_slowly(w, arg);
	return !bus_is_congested(&w->bus);
}

static void
test_full_queue_congests_and_loses_nothing(void **state)
{
	struct world *w = *state;
	uint64_t queued;

	world_start_fifo(w, LONG_TIMEOUT_NS);
	world_run_until(w, is_congested, NULL);
	queued = w->gate.promised - w->gate.reached;
	assert_in_range(queued, 16 << 20, (16 << 20) + 100000);
	world_run_until(w, has_room_again, NULL);
	queued = w->gate.promised - w->gate.reached;
	assert_in_range(queued, (8 << 20) - 200000, 8 << 20);
	world_run_until(w, world_is_drained, NULL);
	assert_false(bus_is_congested(&w->bus));
	world_assert_lines(&w->input, 0, w->next);
	assert_int_equal(eventlog_lost(w->log), 0);
}

static void
test_small_turns_do_not_fill_memory(void **state)
{
	struct world *w = *state;
	size_t before;
	unsigned i;

	world_start_fifo(w, LONG_TIMEOUT_NS);
	world_emit(w, 10000);
	before = mallinfo2().uordblks;
	for (i = 0; i < 20000; i++) {
		world_emit(w, 1);
		eventlog_flush(w->log, true);
	}
	assert_true(mallinfo2().uordblks - before < 2 << 20);
	world_run_until(w, world_is_drained, NULL);
	world_assert_lines(&w->input, 0, w->next);
}

static void
test_memory_is_bounded_whoever_emits(void **state)
{
	struct world *w = *state;
	char text[8193];
	uint64_t lost;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	world_set_template(w, text);
	world_start_fifo(w, LONG_TIMEOUT_NS);
	world_emit(w, 6000);
	assert_in_range(w->gate.promised - w->gate.reached, 31 << 20, (32 << 20) + sizeof text);
	lost = eventlog_lost(w->log);
	assert_true(lost > 0);
	world_run_until(w, world_is_drained, NULL);
	assert_true(world_is_said(w, "lines were lost"));
	assert_int_equal(world_count_lines(&w->input), 6000 - lost);
	assert_int_equal(w->input.len, (6000 - lost) * sizeof text);
}

static void
test_stuck_reader_is_reported_and_lines_are_counted(void **state)
{
	struct world *w = *state;
	int64_t kept = 800000;
	char text[128];

	world_start_fifo(w, 50 * MS);
	world_emit(w, (unsigned)kept);
	assert_true(bus_is_congested(&w->bus));
	world_run_until(
	    w, world_is_said, "does not move (a write does not return); events are dropped");
	assert_false(bus_is_congested(&w->bus));
	world_emit(w, 123);
	assert_int_equal(eventlog_lost(w->log), 123);
	world_run_until(w, world_is_drained, NULL);
	snprintf(text, sizeof text, "warning log target %s: 123 lines were lost", w->path);
	world_run_until(w, world_is_said, text);
	world_assert_lines(&w->input, 0, kept);
	world_clear_said(w);
	w->input.len = 0;
	world_emit(w, 10);
	world_run_until(w, world_is_drained, NULL);
	assert_false(world_is_said(w, "lost"));
	world_assert_lines(&w->input, kept + 123, kept + 133);
}

static void
test_stall_is_noticed_again(void **state)
{
	struct world *w = *state;

	world_start_fifo(w, 50 * MS);
	world_emit(w, 10000);
	world_run_until(w, world_is_said, "does not move");
	/* the reader takes something and stops again: no new line is needed to notice that */
	w->input.len += (size_t)read(w->reader, buf_reserve(&w->input, 16384), 16384);
	world_run_until(w, world_is_said, "moves again");
	world_clear_said(w);
	world_run_until(w, world_is_said, "does not move");
	world_run_until(w, world_is_drained, NULL);
	world_assert_lines(&w->input, 0, 10000);
}

static void
test_slow_reader_is_not_stuck(void **state)
{
	struct world *w = *state;

	world_start_fifo(w, 400 * MS);
	world_emit(w, 6000);
	w->tick_ns = 20 * MS;
	world_run_until(w, world_is_drained_slowly, NULL);
	world_assert_lines(&w->input, 0, 6000);
	assert_false(world_is_said(w, "does not move"));
}

/* ---- errors ---- */

static void
test_full_device(void **state)
{
	struct world *w = *state;

	world_start(w, "/dev/full", 300 * MS);
	world_emit(w, 5);
	world_run_until(w, world_is_gate_open, NULL);
	assert_false(
	    world_is_said(w, "does not move")); /* nobody waits, though it is not given up yet */
	world_run_until(w, world_is_said, "does not move (No space left on device)");
	world_emit(w, 3);
	assert_int_equal(eventlog_lost(w->log), 3);
	assert_int_equal(world_stop(w, 0), 8);
	assert_int_equal(w->gate.reached, w->gate.promised);
}

static void
test_lost_reader_comes_back(void **state)
{
	struct world *w = *state;

	world_start_fifo(w, LONG_TIMEOUT_NS);
	close(w->reader);
	world_emit(w, 100);
	world_run_until(w, world_is_gate_open, NULL);
	w->reader = open(w->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	world_run_until(w, world_is_drained, NULL);
	world_assert_lines(&w->input, 0, 100);
	assert_false(w->gate.is_open);
}

static struct rlimit
limit_files(rlim_t size)
{
	struct rlimit before, now;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	now = before;
	now.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	return before;
}

static void
test_partial_write_goes_on_where_it_was(void **state)
{
	struct world *w = *state;
	struct rlimit before;

	world_start(w, w->path, LONG_TIMEOUT_NS);
	before = limit_files(100001);
	world_emit(w, 10000);
	world_run_until(w, world_is_gate_open, NULL);
	assert_int_equal(w->gate.reached, 100001);
	setrlimit(RLIMIT_FSIZE, &before);
	world_run_until(w, world_is_all_reached, NULL);
	world_assert_file(w->path, 0, 10000);
}

static void
test_torn_line_is_taken_back_at_the_end(void **state)
{
	struct world *w = *state;
	struct rlimit before;
	uint64_t lost;

	world_start(w, w->path, LONG_TIMEOUT_NS);
	before = limit_files(100001);
	world_emit(w, 10000);
	world_run_until(w, world_is_gate_open, NULL);
	lost = world_stop(w, 0);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(lost, 10000 - 100001 / 30);
	world_assert_file(w->path, 0, 100001 / 30);
}

static void
test_stop_leaves_a_stuck_thread(void **state)
{
	struct world *w = *state;
	uint64_t lost, n;
	ssize_t got;

	world_start_fifo(w, LONG_TIMEOUT_NS);
	world_emit(w, 20000);
	eventlog_flush(w->log, true);
	lost = world_stop(w, 20 * MS);
	assert_int_equal(w->gate.reached, w->gate.promised);
	fcntl(w->reader, F_SETFL, 0);
	while ((got = read(w->reader, buf_reserve(&w->input, 65536), 65536)) > 0)
		w->input.len += (size_t)got;
	/* the piece that was under way when it was given up comes through now, and no other */
	n = world_count_lines(&w->input);
	assert_in_range(n + lost, 20000, 20000 + 4096 / 30);
	world_assert_lines(&w->input, 0, (int64_t)n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
		TEST(test_full_queue_congests_and_loses_nothing),
		TEST(test_small_turns_do_not_fill_memory),
		TEST(test_memory_is_bounded_whoever_emits),
		TEST(test_stuck_reader_is_reported_and_lines_are_counted),
		TEST(test_stall_is_noticed_again),
		TEST(test_slow_reader_is_not_stuck),
		TEST(test_full_device),
		TEST(test_lost_reader_comes_back),
		TEST(test_partial_write_goes_on_where_it_was),
		TEST(test_torn_line_is_taken_back_at_the_end),
		TEST(test_stop_leaves_a_stuck_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
