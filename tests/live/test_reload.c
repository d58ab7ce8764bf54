/* SIGHUP: all of a new configuration or none of it. SIGUSR1: log files that are moved away. */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATIONS 20

/* With the file as its only configuration, but for the log. */
static struct daemon *
start(const char *configuration)
{
	const struct daemon_setup setup = { .has_own_listen = true };
	struct daemon *d = daemon_new();
	char path[160];
	const char *args[] = { "-c", path, NULL };

	snprintf(path, sizeof path, "%s/conf", d->dir);
	daemon_write_file(d, "conf", configuration);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	return d;
}

static void
test_accepted_messages_keep_their_settings(void **state)
{
	struct daemon *d = start("[listen]\nline = localhost:0\n[delivery]\nlatency = 800ms\n");
	struct client *c = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "send a"), "+OK queued=1 %");
	daemon_write_file(d, "conf", "[listen]\nline = localhost:0\n[delivery]\nlatency = 1ms\n");
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, " reloaded", 1);
	expect_text(client_ask(c, "gather b"), "+OK n=1 delivered=1 % simulated=0.001s");
	expect_text(client_ask(c, "wait a"), "+OK n=1 delivered=1 %");
	expect_text(client_ask(c, "status a"), "% state=delivered % delay=0.800s");
	expect_text(client_ask(c, "status b"), "% state=delivered % delay=0.001s");
	daemon_stop(d);
}

static void
test_bad_file_changes_nothing(void **state)
{
	struct daemon *d = start("[listen]\nline = localhost:0\n[delivery]\nlatency = 5ms\n");
	struct client *c = client_connect(d);

	(void)state;
	/* the first is fine by itself */
	daemon_write_file(d, "conf",
	    "[listen]\nline = localhost:0\n[delivery]\nlatency = 7ms\nconnect = 5\n"
	    "[limits]\nconections = 5\nline = 1\n[nowhere]\nkey = 1\n");
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, "reload failed", 1);
	daemon_wait_errors(d, "/conf:5: delivery.connect", 1);
	daemon_wait_errors(d, "/conf:7: limits.conections", 1);
	daemon_wait_errors(d, "/conf:8: limits.line", 1);
	daemon_wait_errors(d, "nowhere", 1);
	expect_text(client_ask(c, "gather a"), "+OK n=1 delivered=1 % simulated=0.005s");
	daemon_write_file(d, "conf", "[listen]\nline = localhost:0\n[delivery]\nlatency = 7ms\n");
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, " reloaded", 1);
	expect_text(client_ask(c, "gather b"), "+OK n=1 delivered=1 % simulated=0.007s");
	daemon_stop(d);
}

static void
test_what_cannot_reload_is_a_problem(void **state)
{
	struct daemon *d = start("[listen]\nline = localhost:0\n[delivery]\nlatency = 5ms\n");
	struct client *c = client_connect(d);

	(void)state;
	daemon_write_file(d, "conf",
	    "[listen]\nline = localhost:1\nunix_mode = 0600\n[delivery]\nlatency = 7ms\n"
	    "[clock]\nscale = 2\nepoch = 2020-01-01T00:00:00Z\n[random]\nseed = 5\n");
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, "reload failed", 1);
	daemon_wait_errors(d, "listen.line", 1);
	daemon_wait_errors(d, "listen.unix_mode", 1);
	daemon_wait_errors(d, "clock.scale", 1);
	daemon_wait_errors(d, "clock.epoch", 1);
	daemon_wait_errors(d, "random.seed", 1);
	expect_text(client_ask(c, "gather a"), "+OK n=1 delivered=1 % simulated=0.005s");
	expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
	daemon_stop(d);
}

static void
test_file_that_is_gone_changes_nothing(void **state)
{
	struct daemon *d = start("[listen]\nline = localhost:0\n[delivery]\nlatency = 5ms\n");
	struct client *c = client_connect(d);
	char path[160];

	(void)state;
	snprintf(path, sizeof path, "%s/conf", d->dir);
	expect(unlink(path) == 0);
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, "reload failed", 1);
	expect_text(client_ask(c, "gather a"), "+OK n=1 delivered=1 % simulated=0.005s");
	daemon_stop(d);
}

static void
test_limits_hold_from_a_reload_on(void **state)
{
	struct daemon *d = start("[listen]\nline = localhost:0\n[limits]\nline = 4096\n");
	struct client *c = client_connect(d), *refused;

	(void)state;
	expect_text(client_ask(c, "send id=%0200d latency=0s", 1), "+OK queued=1 %");
	daemon_write_file(d, "conf",
	    "[listen]\nline = localhost:0\n[limits]\nline = 64\nconnections = 1\nrange = "
	    "5\npending = 3\n");
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, " reloaded", 1);
	expect_text(client_ask(c, "send id=%0200d latency=0s", 1), "-ERR line_too_long %");
	expect_text(client_ask(c, "send 0..5 latency=0s"), "-ERR bad_argument %");
	expect_text(client_ask(c, "send 0..3 latency=1d full=error"), "-ERR busy %");
	refused = client_connect(d);
	expect_text(client_line(refused), "-ERR busy %");
	client_expect_end(refused);
	daemon_write_file(d, "conf", "[listen]\nline = localhost:0\n[limits]\nline = 1M\n");
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, " reloaded", 2);
	expect_text(
	    client_ask(c, "send id=\"%0200d\" to=%0200d latency=0s", 1, 2), "+OK queued=1 %");
	expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
	daemon_stop(d);
}

/* A range that is still being accepted goes on with the settings it began with; a rule that chooses
 * for its messages means the outcomes of these, whatever their numbers are now. */
static void
test_range_goes_on_with_its_outcomes(void **state)
{
	static const char before[] = "[listen]\nline = localhost:0\n[clock]\nscale = 0\n"
				     "[limits]\npending = 2\n[outcome last]\ncode = 450\n";
	struct daemon *d = start(before);
	struct client *c = client_connect(d), *sends = client_connect(d);
	struct text after = { 0 };
	int i;

	(void)state;
	expect_text(client_ask(c, "rule outcome=last"), "+OK rule=1");
	client_send(sends, "send 0..5\n");
	client_wait_stats(c, "accepted", 2);
	text_printf(
	    &after, "[listen]\nline = localhost:0\n[clock]\nscale = 0\n[limits]\npending = 100\n");
	for (i = 0; i < 50; i++)
		text_printf(&after, "[outcome o%d]\ncode = 550\n", i);
	text_printf(&after, "[outcome last]\ncode = 450\n");
	daemon_write_file(d, "conf", after.p);
	text_free(&after);
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, " reloaded", 1);
	expect_text(client_line(sends), "+OK queued=6 ids=0..5 %");
	expect_text(client_ask(c, "send 6"), "+OK queued=1 ids=6 %");
	expect_text(client_ask(c, "advance 1s"), "+OK now=% fired=7");
	for (i = 0; i < 7; i++)
		expect_text(client_ask(c, "status %d", i),
		    "+OK % state=deferred % outcome=last % code=450 %");
	daemon_stop(d);
}

static void
test_log_moves_with_a_reload(void **state)
{
	const struct daemon_setup setup = { .has_own_listen = true, .has_own_log = true };
	struct daemon *d = daemon_new();
	struct text conf = { 0 }, other = { 0 };
	char path[160], other_path[160];
	const char *args[] = { "-c", path, NULL };
	struct client *c;

	(void)state;
	snprintf(path, sizeof path, "%s/conf", d->dir);
	snprintf(other_path, sizeof other_path, "%s/other", d->dir);
	text_printf(&conf, "[listen]\nline = localhost:0\n[log]\ntarget = %s\n", d->log);
	daemon_write_file(d, "conf", conf.p);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	c = client_connect(d);
	expect_text(client_ask(c, "gather a latency=1ms"), "+OK n=1 %");
	conf.n = 0;
	text_printf(
	    &conf, "[listen]\nline = localhost:0\n[log]\ntarget = %s\nformat = json\n", other_path);
	daemon_write_file(d, "conf", conf.p);
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, " reloaded", 1);
	expect_text(client_ask(c, "gather b latency=1ms"), "+OK n=1 %");
	expect_number(daemon_count_log(d, " id=a "), 3);
	expect_number(daemon_count_log(d, "batch="), 3);
	text_read_file(&other, other_path);
	expect_number(text_count_lines(other.p, "\"id\":\"b\""), 3);
	/* a target that cannot be opened is a problem, too */
	conf.n = 0;
	text_printf(&conf, "[listen]\nline = localhost:0\n[log]\ntarget = %s/none/log\n", d->dir);
	daemon_write_file(d, "conf", conf.p);
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, "reload failed", 1);
	daemon_wait_errors(d, "log.target", 1);
	expect_text(client_ask(c, "gather c latency=1ms"), "+OK n=1 %");
	text_read_file(&other, other_path);
	expect_number(text_count_lines(other.p, "\"id\":\"c\""), 3);
	text_free(&other);
	text_free(&conf);
	daemon_stop(d);
}

/* All files of a log that was moved away again and again, oldest first. */
static void
read_rotated(const struct daemon *d, struct text *all)
{
	struct text one = { 0 };
	char path[160];
	int i;

	for (i = 0; i <= ROTATIONS; i++) {
		snprintf(path, sizeof path, "%s.%d", d->log, i);
		text_read_file(&one, i < ROTATIONS ? path : d->log);
		expect(one.n == 0 || one.p[one.n - 1] == '\n');
		text_add(all, one.p, one.n);
	}
	text_free(&one);
}

static void
test_rotation_loses_no_line(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=max", "-o", "log.format=template", "-o",
	    "template.delivered={id}", NULL);
	struct client *c = client_connect(d), *observer = client_connect(d);
	struct text all = { 0 };
	const char *at;
	char moved[160], *end;
	long long want = 0;
	int i;

	(void)state;
	client_send(c, "send 0..199999 concurrency=1\n");
	for (i = 0; i < ROTATIONS; i++) {
		int64_t since = harness_now_ms();

		snprintf(moved, sizeof moved, "%s.%d", d->log, i);
		client_wait_stats(observer, "log_lost", 0);
		expect(rename(d->log, moved) == 0);
		daemon_signal(d, SIGUSR1);
		while (access(d->log, F_OK) != 0)
			harness_pause(since, "a new log file");
	}
	expect_text(client_line(c), "+OK queued=200000 %");
	expect_text(client_ask(c, "wait"), "+OK n=200000 delivered=200000 %");
	daemon_stop(d);
	expect_number(daemon_ledger(d, "log_lost"), 0);
	read_rotated(d, &all);
	for (at = all.p; *at; at = end + 1) {
		expect_number(strtoll(at, &end, 10), want++);
		expect(*end == '\n');
	}
	expect_number(want, 200000);
	text_free(&all);
}

static void
test_rotation_that_fails_keeps_the_old_file(void **state)
{
	struct daemon *d = daemon_new();
	const struct daemon_setup setup = { .has_own_log = true };
	char target[160], folder[128], moved[128];
	const char *args[] = { "-o", target, NULL };
	struct client *c;

	(void)state;
	snprintf(folder, sizeof folder, "%s/logs", d->dir);
	snprintf(moved, sizeof moved, "%s/moved", d->dir);
	snprintf(target, sizeof target, "log.target=%s/logs/log", d->dir);
	snprintf(d->log, sizeof d->log, "%s/moved/log", d->dir);
	expect(mkdir(folder, 0700) == 0);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	c = client_connect(d);
	expect(rename(folder, moved) == 0);
	daemon_signal(d, SIGUSR1);
	expect_text(client_ask(c, "gather 1 latency=1ms"), "+OK n=1 %");
	daemon_wait_errors(d, "cannot be opened again", 1);
	expect_number(daemon_count_log(d, "id=1 "), 3);
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_accepted_messages_keep_their_settings),
		LIVE_TEST(test_bad_file_changes_nothing),
		LIVE_TEST(test_what_cannot_reload_is_a_problem),
		LIVE_TEST(test_file_that_is_gone_changes_nothing),
		LIVE_TEST(test_limits_hold_from_a_reload_on),
		LIVE_TEST(test_range_goes_on_with_its_outcomes),
		LIVE_TEST(test_log_moves_with_a_reload),
		LIVE_TEST(test_rotation_loses_no_line),
		LIVE_TEST(test_rotation_that_fails_keeps_the_old_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
