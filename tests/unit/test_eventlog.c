/*
 * The event log with its real loop, bus and thread: which lines come out, where, in which order.
 * Every wait is for a condition, with a deadline.
 */
#include "eventlog_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/batch.h"
#include "io/stdout_lock.h"

/* ---- lines and targets ---- */

static void
test_file_is_appended_to(void **state)
{
	struct world *w = *state;
	mode_t mask = umask(0);
	struct stat st;

	world_start(w, w->path, LONG_TIMEOUT_NS);
	world_emit(w, 3);
	assert_int_equal(world_stop(w, PATIENCE_NS), 0);
	world_start(w, w->path, LONG_TIMEOUT_NS);
	umask(mask);
	world_emit(w, 100000);
	assert_int_equal(world_stop(w, PATIENCE_NS), 0);
	world_assert_file(w->path, 0, w->next);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void
test_styles_are_those_of_the_bus(void **state)
{
	static struct batch_group group;
	static struct batch batch = { .number = 7, .count = 3, .group = &group };
	struct event ev = { .kind = EVENT_FINISHED, .batch = &batch };
	struct world *w = *state;
	struct buf expected = { 0 }, b;

	w->conf.style = EVENT_TEXT;
	world_start(w, w->path, LONG_TIMEOUT_NS);
	bus_emit(&w->bus, &ev);
	event_format_text(&expected, &ev, NULL);
	buf_add_char(&expected, '\n');
	w->conf.style = EVENT_JSON;
	bus_emit(&w->bus, &ev);
	event_format_json(&expected, &ev, NULL);
	buf_add_char(&expected, '\n');
	world_stop(w, PATIENCE_NS);
	b = world_slurp(w->path);
	assert_int_equal(b.len, expected.len);
	assert_memory_equal(b.data, expected.data, b.len);
	buf_fini(&b);
	buf_fini(&expected);
}

static void
test_mask_and_missing_template_give_no_line(void **state)
{
	struct event ev = { .kind = EVENT_DISPATCHED };
	struct world *w = *state;

	world_start(w, w->path, LONG_TIMEOUT_NS);
	bus_emit(&w->bus, &ev);
	w->conf.events = EVENT_MASK_ALL & ~(1U << EVENT_QUEUED);
	world_emit(w, 1);
	assert_int_equal(w->gate.promised, 0);
	w->conf.events = 1U << EVENT_QUEUED;
	world_emit(w, 1);
	world_stop(w, PATIENCE_NS);
	world_assert_file(w->path, 1, 2);
}

static void
test_none_subscribes_to_nothing(void **state)
{
	struct world *w = *state;
	const char *why;

	w->log = eventlog_start(&w->bus, w->loop, &w->gate, &w->conf, NULL);
	assert_true(list_is_empty(&w->bus.subscribers));
	eventlog_reconfigure(w->log, &w->conf, eventlog_target_open("none", &why));
	assert_true(list_is_empty(&w->bus.subscribers));
	eventlog_reopen(w->log);
	world_emit(w, 1);
	eventlog_reconfigure(w->log, &w->conf, eventlog_target_open(w->path, &why));
	world_emit(w, 2);
	eventlog_reconfigure(w->log, &w->conf, eventlog_target_open("none", &why));
	assert_true(list_is_empty(&w->bus.subscribers));
	world_emit(w, 1);
	eventlog_reconfigure(w->log, &w->conf, eventlog_target_open(w->other, &why));
	world_emit(w, 1);
	assert_int_equal(world_stop(w, PATIENCE_NS), 0);
	world_assert_file(w->path, 1, 3);
	world_assert_file(w->other, 4, 5);
}

static void
test_what_cannot_be_opened(void **state)
{
	struct world *w = *state;
	const char *why = NULL;

	assert_null(eventlog_target_open(w->dir, &why));
	assert_string_equal(why, "Is a directory");
	assert_null(eventlog_target_open("/nowhere/log", &why));
	assert_string_equal(why, "No such file or directory");
	assert_int_equal(mkfifo(w->path, 0600), 0);
	assert_null(eventlog_target_open(w->path, &why));
	assert_string_equal(why, "nobody reads from it");
}

static void
test_gate_is_promised_each_line(void **state)
{
	struct world *w = *state;

	w->gate = (struct gate){ .promised = 1000, .reached = 1000 };
	world_start(w, w->path, LONG_TIMEOUT_NS);
	world_emit(w, 1);
	assert_int_equal(w->gate.promised, 1000 + strlen("line 1970-01-01T00:00:00.000Z\n"));
	assert_int_equal(w->gate.reached, 1000);
	world_run_until(w, world_is_all_reached, NULL);
	world_assert_file(w->path, 0, 1);
}

/* What lies for a moment is not with the writer yet. */
static void
test_gate_is_told_what_the_writer_has(void **state)
{
	struct world *w = *state;

	world_start(w, w->path, LONG_TIMEOUT_NS);
	world_run_until(w, world_is_all_reached, NULL);
	world_emit(w, 1);
	eventlog_flush(w->log, false);
	assert_int_equal(w->gate.handed, 0);
	eventlog_flush(w->log, true);
	assert_int_equal(w->gate.handed, w->gate.promised);
	world_run_until(w, world_is_all_reached, NULL);
	world_assert_file(w->path, 0, 1);
}

/* ---- rotation and reload ---- */

/* They lie for a moment, together with those of other turns, and are written all the same. */
static void
test_what_nobody_waits_for(void **state)
{
	struct world *w = *state;
	int64_t began;

	world_start(w, w->path, LONG_TIMEOUT_NS);
	world_emit(w, 1);
	world_run_until(w, world_is_all_reached, NULL);
	w->is_unawaited = true;
	began = loop_read_clock(w->loop);
	world_emit(w, 1);
	eventlog_flush(w->log, false);
	world_emit(w, 1);
	world_run_until(w, world_is_all_reached, NULL);
	assert_true(loop_read_clock(w->loop) - began >= EVENTLOG_LINGER_NS);
	world_assert_file(w->path, 0, 3);
	/* and again; but what is much goes at once */
	world_emit(w, 1);
	world_run_until(w, world_is_all_reached, NULL);
	world_emit(w, 10000);
	world_run_until(w, world_is_all_reached, NULL);
	world_emit(w, 1);
	world_stop(w, PATIENCE_NS);
	world_assert_file(w->path, 0, 10005);
}

static void
test_reopen_in_the_order_of_the_stream(void **state)
{
	struct world *w = *state;

	world_start(w, w->path, LONG_TIMEOUT_NS);
	world_emit(w, 1);
	world_run_until(w, world_is_all_reached, NULL);
	world_emit(w, 1000);
	assert_int_equal(rename(w->path, w->other), 0);
	eventlog_reopen(w->log);
	eventlog_reopen(w->log);
	world_emit(w, 10);
	assert_int_equal(world_stop(w, PATIENCE_NS), 0);
	world_assert_file(w->other, 0, 1001);
	world_assert_file(w->path, 1001, 1011);
}

/* A file that was opened for a reload may be moved away before the writer ever sees it. */
static void
test_reopen_right_after_a_switch(void **state)
{
	struct world *w = *state;
	const char *why;

	world_start(w, "none", LONG_TIMEOUT_NS);
	eventlog_reconfigure(w->log, &w->conf, eventlog_target_open(w->path, &why));
	assert_int_equal(rename(w->path, w->other), 0);
	eventlog_reopen(w->log);
	eventlog_reopen(w->log);
	world_emit(w, 10);
	assert_int_equal(world_stop(w, PATIENCE_NS), 0);
	world_assert_file(w->path, 0, 10);
	world_assert_file(w->other, 0, 0);
}

static void
test_failed_reopen_keeps_the_old(void **state)
{
	struct world *w = *state;

	world_start(w, w->path, LONG_TIMEOUT_NS);
	world_emit(w, 1);
	world_run_until(w, world_is_all_reached, NULL);
	assert_int_equal(rename(w->path, w->other), 0);
	assert_int_equal(mkdir(w->path, 0700), 0);
	eventlog_reopen(w->log);
	world_run_until(
	    w, world_is_said, "cannot be opened again (Is a directory); the old one is kept");
	world_emit(w, 1);
	world_stop(w, PATIENCE_NS);
	world_assert_file(w->other, 0, 2);
}

static void
test_switch_in_the_order_of_the_stream(void **state)
{
	struct world *w = *state;
	const char *why;

	world_start_fifo(w, LONG_TIMEOUT_NS);
	world_emit(w, 10000);
	eventlog_reconfigure(w->log, &w->conf, eventlog_target_open(w->other, &why));
	world_emit(w, 10);
	world_run_until(w, world_is_drained, NULL);
	world_assert_lines(&w->input, 0, 10000);
	assert_int_equal(read(w->reader, w->input.data, 1), 0); /* closed */
	world_assert_file(w->other, 10000, 10010);
}

/* ---- standard output ---- */

static void
test_stdout_is_written_under_its_lock(void **state)
{
	struct world *w = *state;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	dup2(p[1], STDOUT_FILENO);
	close(p[1]);
	w->reader = p[0];
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	stdout_lock();
	world_start(w, "stdout", 30 * MS);
	world_emit(w, 10);
	world_run_until(w, world_is_said, "does not move");
	stdout_unlock();
	world_run_until(w, world_is_drained, NULL);
	assert_false(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK);
	eventlog_reopen(w->log);
	world_emit(w, 1);
	world_run_until(w, world_is_drained, NULL);
	world_stop(w, PATIENCE_NS);
	stdout_lock(); /* is free again */
	stdout_unlock();
	world_assert_lines(&w->input, 0, 11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)
		TEST(test_file_is_appended_to),
		TEST(test_styles_are_those_of_the_bus),
		TEST(test_mask_and_missing_template_give_no_line),
		TEST(test_none_subscribes_to_nothing),
		TEST(test_what_cannot_be_opened),
		TEST(test_gate_is_promised_each_line),
		TEST(test_gate_is_told_what_the_writer_has),
		TEST(test_what_nobody_waits_for),
		TEST(test_reopen_in_the_order_of_the_stream),
		TEST(test_reopen_right_after_a_switch),
		TEST(test_failed_reopen_keeps_the_old),
		TEST(test_switch_in_the_order_of_the_stream),
		TEST(test_stdout_is_written_under_its_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
