/* Computing is not waiting: what processor work does to the loop, and what waiting does not. */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define JOBS 10
#define LAG_MS 1000 /* of all jobs on the loop: JOBS times 100 ms */

static double
lag_of(struct client *c)
{
	const char *stats = client_ask(c, "stats"), *at = strstr(stats, "loop_lag_max=");

	expect(at != NULL);
	return at ? strtod(at + strlen("loop_lag_max="), NULL) * 1000 : -1;
}

/* Ten dispatches of 100 ms of work each, and when they end in simulated time. */
static double
lag_with(const char *threads)
{
	struct daemon *d = daemon_start("-o", "delivery.work=100ms", "-o", threads, "-o",
	    "clock.scale=max", "-o", "delivery.latency=1s", NULL);
	struct client *c = client_connect(d), *other = client_connect(d);
	int64_t began = harness_now_ms();
	double lag;
	int i;

	client_send(c, "gather 0..9\n");
	for (i = 0; i < JOBS; i++)
		expect_text(
		    client_line(c), "* % delivered code=250 dsn=2.0.0 attempts=1 delay=1.000s");
	expect_text(client_line(c), "+OK n=10 delivered=10 % simulated=1.000s");
	lag = lag_of(other);
	while (text_number(client_ask(other, "stats"), "work_pending") > 0)
		harness_pause(began, "all the work to be done");
	daemon_stop(d);
	return lag;
}

static void
test_work_on_the_loop_holds_everybody_up(void **state)
{
	(void)state;
	expect(lag_with("delivery.work_threads=0") >= LAG_MS);
}

static void
test_work_on_threads_does_not(void **state)
{
	double lag = lag_with("delivery.work_threads=2");

	(void)state;
	print_message("the lag with threads: %.3f ms\n", lag);
	expect(lag < LAG_MS / 2.0);
}

static void
test_waiting_costs_nothing(void **state)
{
	struct daemon *d = daemon_start("-o", "delivery.latency=300ms", NULL);
	struct client *c = client_connect(d);
	double lag;

	(void)state;
	expect_text(client_ask(c, "send 0..9999"), "+OK queued=10000 %");
	expect_text(client_ask(c, "wait"), "+OK n=10000 delivered=10000 %");
	lag = lag_of(c);
	print_message("the lag of 10,000 deliveries: %.3f ms\n", lag);
	expect(lag < LAG_MS / 2.0);
	daemon_stop(d);
}

/* A reload turns it on and off; the threads are what they were. */
static void
test_work_is_reloaded(void **state)
{
	struct daemon *d = daemon_new();
	struct daemon_setup setup = { 0 };
	char path[256];
	const char *args[] = { "-c", path, NULL };
	struct client *c;

	(void)state;
	snprintf(path, sizeof path, "%s/conf", d->dir);
	daemon_write_file(d, "conf", "[clock]\nscale = max\n");
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	c = client_connect(d);
	expect_text(client_ask(c, "send 0..9"), "+OK queued=10 %");
	expect_text(client_ask(c, "wait"), "+OK n=10 %");
	expect(lag_of(c) < LAG_MS / 2.0);
	daemon_write_file(d, "conf",
	    "[clock]\nscale = max\n[delivery]\nwork = 1ms\n[domain busy.test]\nwork = 1s\n");
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, "reloaded", 1);
	expect_text(client_ask(c, "send to=a@busy.test"), "+OK queued=1 %");
	expect_text(client_ask(c, "wait"), "+OK n=11 %");
	expect(lag_of(c) >= LAG_MS);
	expect_text(client_ask(c, "reset"), "+OK cancelled=0 %");
	expect(lag_of(c) < LAG_MS / 2.0);
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_work_on_the_loop_holds_everybody_up),
		LIVE_TEST(test_work_on_threads_does_not),
		LIVE_TEST(test_waiting_costs_nothing),
		LIVE_TEST(test_work_is_reloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
