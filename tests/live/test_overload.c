/* More falls due than the daemon can fire, or more is said than the log takes: clients are answered
 * all the same, and what comes of a run on standard input does not depend on it. */
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EPOCH "clock.epoch=2026-01-01T00:00:00Z"
#define PAUSE_NS 2000000 /* between two reads of a slow reader */

/* Of each kind that need not wait for what is due. */
static const char *const asked[][2] = {
	{ "ping", "+OK pong" },
	{ "hello", "+OK mailsimd %" },
	{ "status 7", "+OK id=7 %" },
	{ "list 7 limit=1", "+OK n=1" },
	{ "wait all timeout=1ms", "-ERR timeout pending=20000 %" },
	{ "rules", "+OK n=0" },
	{ "events on type=queued", "+OK events=on" },
	{ "nonsense", "-ERR bad_command %" },
	{ "cancel 8", "+OK cancelled=1" },
};

/* Twenty thousand that are tried again without end, each at intervals that are shorter than all of
 * them take. */
static void
test_clients_are_answered(void **state)
{
	struct daemon *d = daemon_start("-o", "log.target=none", "-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d), *sends = client_connect(d),
		      *advances = client_connect(d);
	int64_t since;
	size_t i;

	(void)state;
	expect_text(client_ask(c, "send 0..19999 outcome=mailbox_full retry=1ms latency=0s"),
	    "+OK queued=20000 %");
	expect_text(client_ask(c, "scale 1"), "+OK scale=1 %");
	since = harness_now_ms();
	while (text_number(client_stats(c), "attempts") < 60000)
		harness_pause(since, "more than can be done");
	client_send(sends, "send late latency=1h\nping\n");
	client_send(advances, "advance 1us\n");
	for (i = 0; i < HARNESS_EXTENT(asked); i++) {
		struct client *other = client_connect(d);

		expect_text(client_ask(other, "%s", asked[i][0]), asked[i][1]);
		client_close(other);
	}
	/* these wait for what is due */
	expect_number(text_number(client_stats(c), "accepted"), 20000);
	expect_text(client_ask(c, "cancel all"), "+OK cancelled=19999");
	expect_text(client_line(sends), "+OK queued=1 ids=late %");
	expect_text(client_line(sends), "+OK pong");
	expect_text(client_line(advances), "+OK now=% fired=%");
	expect_text(client_ask(c, "cancel all"), "+OK cancelled=1");
	daemon_stop(d);
}

/* --- the log's speed */

/* At the 301st second falls due what makes more lines than the log's buffers hold. */
static const char script[] = "send a latency=301s\n"
			     "send 1..20000 latency=301s\n"
			     "send 20001..40000 to=u{n}+greylisted=1@d.test\n"
			     "wait a\nstats\ndown d.test for=1h\nwait\nhello\n";

struct reader {
	pthread_t thread;
	int fd;
	bool is_slow;
	struct text text;
};

static void *
read_log(void *ctx)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct reader *r = ctx;
	char data[65536];
	ssize_t n;

	while ((n = read(r->fd, data, sizeof data)) > 0) {
		text_add(&r->text, data, (size_t)n);
		if (r->is_slow)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

/* The log is a FIFO; a thread reads it to its end. */
static void
run_script(struct reader *r)
{
	const struct daemon_setup setup = { .is_stdio = true, .stdin_fd = input_file(script) };
	struct daemon *d = daemon_new();
	char path[128], target[160];
	const char *args[] = { "-o", "clock.scale=max", "-o", EPOCH, "-o", "random.seed=1", "-o",
		target, NULL };

	snprintf(path, sizeof path, "%s/fifo", d->dir);
	snprintf(target, sizeof target, "log.target=%s", path);
	expect(mkfifo(path, 0600) == 0);
	r->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	expect(r->fd != -1);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	expect(fcntl(r->fd, F_SETFL, 0) == 0);
	expect(pthread_create(&r->thread, NULL, read_log, r) == 0);
	expect_number(daemon_wait_exit(d), 0);
	pthread_join(r->thread, NULL);
	close(r->fd);
	close(setup.stdin_fd);
}

static void
test_the_logs_speed_changes_nothing(void **state)
{
	struct reader fast = { .is_slow = false }, slow = { .is_slow = true };

	(void)state;
	run_script(&fast);
	run_script(&slow);
	print_message("%zu octets\n", fast.text.n);
	expect_number(slow.text.n, fast.text.n);
	expect(fast.text.n > 0 && memcmp(slow.text.p, fast.text.p, fast.text.n) == 0);
	expect_number(text_count_lines(fast.text.p, " delivered "), 40001);
	text_free(&fast.text);
	text_free(&slow.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_clients_are_answered),
		LIVE_TEST(test_the_logs_speed_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
