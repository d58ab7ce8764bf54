/* The line protocol on standard input and output: files, pipes, nothing at all; and runs that do
 * not depend on how fast their input comes. */
#include "harness.h"

#include <fcntl.h>
#include <unistd.h>

static void
expect_output(const struct daemon *d, const char *pattern)
{
	struct text t = { 0 };

	text_read_file(&t, d->output);
	expect_text(t.p, pattern);
	text_free(&t);
}

static void
test_file_pipe_and_nothing(void **state)
{
	static const char text[] = "gather 0..2 latency=20ms\nping\n";
	static const char answer[] =
	    "* 0 delivered code=250 dsn=2.0.0 attempts=1 delay=0.020s\n"
	    "* 1 delivered %\n* 2 delivered %\n+OK n=3 delivered=3 %\n+OK pong\n";
	struct daemon *file = daemon_new(), *pipe = daemon_new(), *slow = daemon_new(),
		      *nothing = daemon_new();
	struct feeder feeder;

	(void)state;
	expect_number(daemon_run_stdio(file, input_file(text), NULL), 0);
	expect_output(file, answer);
	expect_number(daemon_ledger(file, "delivered"), 3);
	expect_number(daemon_run_stdio(pipe, input_pipe(&feeder, text, 0), NULL), 0);
	feeder_join(&feeder);
	expect_output(pipe, answer);
	expect_number(daemon_run_stdio(slow, input_pipe(&feeder, text, 1), NULL), 0);
	feeder_join(&feeder);
	expect_output(slow, answer);
	expect_number(daemon_run_stdio(nothing, 0, NULL), 0);
	expect_output(nothing, "");
	expect_number(daemon_ledger(nothing, "accepted"), 0);
}

/* It stays until every message is final, not just until the input has ended. */
static void
test_end_of_input_is_not_the_end(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	expect_number(daemon_run_stdio(d, input_file("send 0..9 latency=300ms\nquit\n"), NULL), 0);
	expect_output(d, "+OK queued=10 ids=0..9 batch=1 seq=1..10\n+OK bye\n");
	expect_number(daemon_ledger(d, "delivered"), 10);
	expect_number(daemon_count_log(d, " delivered "), 10);
}

static void
test_an_error_is_seen_in_the_status(void **state)
{
	static const char *const inputs[] = { "nonsense\n", "send 9..0\nping\n", "status 1\n",
		"ping", "wait to=x delivered=1 timeout=50ms\n" };
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(inputs); i++) {
		struct daemon *d = daemon_new();

		expect_number(daemon_run_stdio(d, input_file(inputs[i]), NULL), 3);
		expect_output(d, "-ERR %");
	}
}

/* What can never come is not waited for. */
static void
test_stuck_runs_end(void **state)
{
	static const char *const rows[][2] = {
		{ "gather 1\n", "clock.scale=0" },
		{ "send 1\n", "clock.scale=0" },
		{ "send 0..4\nwait\n", "clock.scale=0" },
		{ "wait to=nobody@x.test delivered=1\n", "clock.scale=1" },
		{ "wait to=nobody@x.test delivered=1\n", "clock.scale=max" },
		{ "send 0..9\n", "limits.pending=5" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(rows); i++) {
		struct daemon *d = daemon_new();

		expect_number(daemon_run_stdio(d, input_file(rows[i][0]), rows[i][1],
				  i == 5 ? "clock.scale=0" : NULL, NULL),
		    2);
		daemon_wait_errors(d, "nothing can happen any more", 1);
	}
}

/* The same, though the input has not ended: nobody else can come. */
static void
test_stuck_with_open_input(void **state)
{
	struct daemon_setup setup = { .is_stdio = true };
	struct daemon *d = daemon_new();
	int ends[2];

	(void)state;
	expect(pipe2(ends, O_CLOEXEC) == 0);
	setup.stdin_fd = ends[0];
	daemon_run(d, &setup, NULL);
	close(ends[0]);
	expect(write(ends[1], "wait to=x delivered=1\n", 22) == 22);
	expect_number(daemon_wait_exit(d), 2);
	daemon_wait_errors(d, "nothing can happen any more", 1);
	close(ends[1]);
}

static void
test_output_that_nobody_reads(void **state)
{
	struct daemon_setup setup = { .is_stdio = true };
	struct daemon *d = daemon_new();
	int ends[2];

	(void)state;
	expect(pipe2(ends, O_CLOEXEC) == 0);
	setup.stdin_fd = input_file("gather 0..9 latency=50ms\nsend 10\nping\n");
	setup.stdout_fd = ends[1];
	daemon_run(d, &setup, NULL);
	close(setup.stdin_fd);
	close(ends[0]);
	close(ends[1]);
	/* whatever it says of it, it ends, and what was accepted is delivered */
	expect(daemon_wait_exit(d) >= 0);
	expect(daemon_ledger(d, "accepted") >= 10);
	expect_number(daemon_ledger(d, "delivered"), daemon_ledger(d, "accepted"));
	expect_number(daemon_ledger(d, "delivered"), (long long)daemon_count_log(d, " delivered "));
}

/* Replies and the log on one stream: each line is one of either, and whole. */
static void
test_log_and_replies_share_a_pipe(void **state)
{
	const struct daemon_setup setup = { .is_stdio = true,
		.has_own_log = true,
		.stdin_fd = input_file("events on\ngather 0..1999 to=bob@x.test\nquit\n") };
	const char *args[] = { "-o", "log.target=stdout", "-o", "clock.scale=max", NULL };
	struct daemon *d = daemon_new();
	struct text t = { 0 };
	size_t replies = 0, events = 0;
	char *p, *end;

	(void)state;
	daemon_run(d, &setup, args);
	close(setup.stdin_fd);
	expect_number(daemon_wait_exit(d), 0);
	text_read_file(&t, d->output);
	for (p = t.p; *p; p = end + 1) {
		end = strchr(p, '\n');
		expect(end != NULL);
		*end = '\0';
		if (harness_match(p, "20%Z % batch=1 %") ||
		    harness_match(p, "20%Z queued id=% batch=1 to=bob@x.test"))
			events++;
		else if (p[0] == '+' || harness_match(p, "* % time=%") ||
		    harness_match(p, "* % delivered code=%") || harness_match(p, "* lost n=%"))
			replies += p[0] == '+';
		else
			harness_fail(__FILE__, __LINE__, "this line is neither: %s", p);
	}
	expect_number(replies, 3);
	expect_number(events, 3 * 2000 + 1);
	text_free(&t);
}

static const char script[] = "events on type=queued\n"
			     "send 0..99\n"
			     "send 100..199 latency=500ms concurrency=3 to=u{n}@x.test\n"
			     "wait 50\n"
			     "send a latency=10ms\n"
			     "gather 200..3000 concurrency=1 latency=1ms\n"
			     "send b\nsend c\ncancel b\n"
			     "send 0..4999 latency=2s\n"
			     "wait c\n"
			     "cancel to=*@x.test\n"
			     "wait\n"
			     "gather late\n";

/* The same commands are the same run, however they come. */
static void
test_runs_do_not_depend_on_their_input(void **state)
{
	static const size_t steps[] = { 0, 0, 1, 7, 64 };
	struct text first = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i <= HARNESS_EXTENT(steps); i++) {
		struct daemon *d = daemon_new();
		struct feeder feeder;
		bool is_pipe = i > 0;
		int input =
		    is_pipe ? input_pipe(&feeder, script, steps[i - 1]) : input_file(script);

		expect_number(daemon_run_stdio(d, input, "clock.scale=max",
				  "clock.epoch=2026-11-23T06:12:00Z", "random.seed=7",
				  "delivery.concurrency=2000", NULL),
		    0);
		if (is_pipe)
			feeder_join(&feeder);
		daemon_log(d);
		if (i == 0)
			text_add(&first, d->seen.p, d->seen.n);
		else if (first.n != d->seen.n || memcmp(first.p, d->seen.p, first.n) != 0)
			harness_fail(__FILE__, __LINE__,
			    "run %zu has another event stream than the first", i);
		expect(text_count_lines(first.p, " delivered ") > 5000);
	}
	text_free(&first);
}

/* Time that jumps has no reason to let anybody wait. */
static void
test_max_clock_does_not_sleep(void **state)
{
	const struct daemon_setup setup = { .is_stdio = true,
		.has_own_log = true,
		.stdin_fd = input_file("gather 1..20000\ngather 1..3\nsend 1..20000\nwait\n") };
	const char *args[] = { "-o", "clock.scale=max", NULL };
	struct daemon *d = daemon_new();
	int64_t began = harness_now_ms();

	(void)state;
	daemon_run(d, &setup, args);
	close(setup.stdin_fd);
	expect_number(daemon_wait_exit(d), 0);
	expect(harness_now_ms() - began < 8000 || HARNESS_IS_SANITIZED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_file_pipe_and_nothing),
		LIVE_TEST(test_end_of_input_is_not_the_end),
		LIVE_TEST(test_an_error_is_seen_in_the_status),
		LIVE_TEST(test_stuck_runs_end),
		LIVE_TEST(test_stuck_with_open_input),
		LIVE_TEST(test_output_that_nobody_reads),
		LIVE_TEST(test_log_and_replies_share_a_pipe),
		LIVE_TEST(test_runs_do_not_depend_on_their_input),
		LIVE_TEST(test_max_clock_does_not_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
