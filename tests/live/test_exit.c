/* How the daemon ends that never got to its work, and those that were only asked something. */
#include "harness.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct row {
	const char *args[6];
	int status;
	const char *error; /* what the diagnostics hold */
};

static const struct row rows[] = {
	{ { "--nonsense" }, 64, "usage:" },
	{ { "-x" }, 64, "usage:" },
	{ { "stray" }, 64, "stray" },
	{ { "-c" }, 64, "usage:" },
	{ { "-o" }, 64, "usage:" },
	{ { "-o", "nonsense" }, 78, "nonsense" },
	{ { "-o", "limits.conections=5" }, 78, "limits.conections" },
	{ { "-o", "nowhere.key=5" }, 78, "nowhere" },
	{ { "-o", "delivery.retry=5" }, 78, "delivery.retry" },
	{ { "-o", "listen.http=localhost:0" }, 78, "listen.http" },
	{ { "-o", "log.target=journal" }, 78, "log.target" },
	{ { "-o", "limits.connections=0" }, 78, "limits.connections" },
	{ { "-o", "limits.stall_timeout=10" }, 78, "limits.stall_timeout" },
	{ { "-o", "delivery.latency=5" }, 78, "delivery.latency" },
	{ { "-o", "clock.scale=-1" }, 78, "clock.scale" },
	{ { "-o", "clock.epoch=yesterday" }, 78, "clock.epoch" },
	{ { "-o", "random.seed=-1" }, 78, "random.seed" },
	{ { "-o", "listen.line=localhost" }, 78, "listen.line" },
	{ { "-o", "listen.unix_mode=999" }, 78, "listen.unix_mode" },
	{ { "-o", "template.queued={nonsense}" }, 78, "template.queued" },
	{ { "-o", "limits.line=1", "-o", "limits.range=0" }, 78, "limits.range" },
	{ { "--check", "-o", "limits.line=1" }, 78, "limits.line" },
	{ { "-c", "/nowhere/mailsimd.ini" }, 78, "/nowhere/mailsimd.ini" },
	{ { "-c", "/tmp" }, 78, "/tmp" },
	{ { "-o", "log.target=/nowhere/log" }, 1, "/nowhere/log" },
	{ { "-o", "listen.line=unix:/nowhere/socket" }, 1, "/nowhere/socket" },
	{ { "-o", "listen.line=192.0.2.1:0" }, 1, "192.0.2.1" },
	{ { "--check" }, 0, "" },
	{ { "--check", "-o", "limits.line=1M" }, 0, "" },
	{ { "--help" }, 0, "" },
	{ { "--version" }, 0, "" },
};

static const struct daemon_setup bare = { .has_own_listen = true, .has_own_log = true };

static void
test_each_end_has_its_status(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(rows); i++) {
		struct daemon *d = daemon_new();
		int status;

		daemon_run(d, &bare, rows[i].args);
		status = daemon_wait_exit(d);
		if (status != rows[i].status)
			harness_fail(__FILE__, __LINE__,
			    "\"%s %s\" ends with %d and should with %d", rows[i].args[0],
			    rows[i].args[1] ? rows[i].args[1] : "", status, rows[i].status);
		daemon_wait_errors(d, rows[i].error, rows[i].error[0] ? 1 : 0);
		harness_clear(NULL);
	}
}

static void
test_all_problems_come_at_once(void **state)
{
	struct daemon *d = daemon_new();
	char path[160];
	const char *args[] = { "-c", path, "-o", "limits.line=1", NULL };
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/conf", d->dir);
	f = fopen(path, "w");
	expect(f &&
	    fputs("[limits]\nrange = many\n\n[delivery]\nlatency = 5\nlatency = 5s\ncolour = red\n",
		f) >= 0);
	expect(fclose(f) == 0);
	daemon_run(d, &bare, args);
	expect_number(daemon_wait_exit(d), 78);
	daemon_wait_errors(d, "/conf:2: limits.range", 1);
	daemon_wait_errors(d, "/conf:5: delivery.latency", 1);
	daemon_wait_errors(d, "/conf:6: delivery.latency", 1);
	daemon_wait_errors(d, "/conf:7: delivery.colour", 1);
	daemon_wait_errors(d, "limits.line", 1);
}

/* Command line beats environment beats file. */
static void
test_who_has_the_last_word(void **state)
{
	static const char *const environ_more[] = { "MAILSIMD_DELIVERY_LATENCY=20ms",
		"MAILSIMD_LIMITS_LINE=200", "MAILSIMD_NO_SUCH=1", NULL };
	const struct daemon_setup setup = { .environ_more = environ_more };
	struct daemon *d = daemon_new();
	char path[160];
	const char *args[] = { "-c", path, "-o", "limits.line=100", NULL };
	struct client *c;
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/conf", d->dir);
	f = fopen(path, "w");
	expect(f && fputs("[limits]\nline = 300\nrange = 7\n[delivery]\nlatency = 5s\n", f) >= 0);
	expect(fclose(f) == 0);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	daemon_wait_errors(d, "MAILSIMD_NO_SUCH", 1);
	c = client_connect(d);
	expect_text(client_ask(c, "gather 1"), "+OK n=1 % simulated=0.020s");
	expect_text(client_ask(c, "send 0..7"), "-ERR bad_argument %");
	expect_text(
	    client_ask(c, "send id=%094d", 1), "-ERR line_too_long a line has at most 100 %");
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_each_end_has_its_status),
		LIVE_TEST(test_all_problems_come_at_once),
		LIVE_TEST(test_who_has_the_last_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
