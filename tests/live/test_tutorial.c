/* The two runs of the tutorial that all of this began with, at the speed of real life: the log is
 * what the Python programs print, byte for byte, and how long it took. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#define LAST_LINE "Время выполнения программы: "

/* The log is the text of that file and one line more, with the seconds it took. */
static double
expect_tutorial(struct daemon *d, const char *expected_path)
{
	struct text expected = { 0 };
	const char *log, *rest;
	double elapsed;
	char *end;

	text_read_file(&expected, harness_source_path(expected_path));
	expect(expected.n > 0);
	log = daemon_log(d);
	if (strncmp(log, expected.p, expected.n) != 0)
		harness_fail(__FILE__, __LINE__, "the log is not as in %s", expected_path);
	rest = log + expected.n;
	text_free(&expected);
	expect(strncmp(rest, LAST_LINE, strlen(LAST_LINE)) == 0);
	rest += strlen(LAST_LINE);
	elapsed = strtod(rest, &end);
	expect(end - rest == (elapsed < 10 ? 5 : 6)); /* three decimals */
	expect_text(end, " с\n");
	return elapsed;
}

static struct daemon *
start(void)
{
	char path[1024];

	snprintf(path, sizeof path, "%s", harness_source_path("config/asyncio.ini"));
	return daemon_start("-c", path, NULL);
}

static void
expect_results(struct client *c)
{
	char expected[128];
	int i;

	for (i = 0; i < 10; i++) {
		snprintf(expected, sizeof expected,
		    "* %d delivered code=250 dsn=2.0.0 attempts=1 delay=%%", i);
		expect_text(client_line(c), expected);
	}
}

static void
test_gather_is_the_gathered_tutorial(void **state)
{
	struct daemon *d = start();
	struct client *c = client_connect(d);
	double elapsed;

	(void)state;
	client_send(c, "gather 0..9\n");
	client_half_close(c);
	expect_results(c);
	expect_text(client_line(c),
	    "+OK n=10 delivered=10 bounced=0 expired=0 dropped=0 cancelled=0 "
	    "attempts=10 elapsed=1.0%s simulated=1.000s");
	client_expect_end(c);
	elapsed = expect_tutorial(d, "tests/data/tutorial_gather.out");
	expect(elapsed >= 1.0 && elapsed < 1.1);
	daemon_stop(d);
	/* and nothing behind that line */
	expect_tutorial(d, "tests/data/tutorial_gather.out");
}

static void
test_one_by_one_is_the_sequential_tutorial(void **state)
{
	struct daemon *d = start();
	struct client *c = client_connect(d);
	double elapsed;

	(void)state;
	client_send(c, "gather 0..9 concurrency=1\n");
	client_half_close(c);
	expect_results(c);
	expect_text(client_line(c),
	    "+OK n=10 delivered=10 bounced=0 expired=0 dropped=0 cancelled=0 "
	    "attempts=10 elapsed=10.0%s simulated=10.000s");
	client_expect_end(c);
	elapsed = expect_tutorial(d, "tests/data/tutorial_sequential.out");
	expect(elapsed >= 10.0 && elapsed < 10.1);
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_gather_is_the_gathered_tutorial),
		LIVE_TEST(test_one_by_one_is_the_sequential_tutorial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
