/* The clock under the hands of its users: advance, scale, timeouts that stay real, and standing
 * still. */
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define EPOCH "clock.epoch=2026-01-01T00:00:00Z"
#define BATCHES (HARNESS_IS_SANITIZED ? 100 : 1000)
#define PER_BATCH 1000

#define OUT "+OK n=1 delivered=1 bounced=0 expired=0 dropped=0 cancelled=0 attempts=1 "

/* "2026-01-01T00:00:00.123Z 45": by time, then seq. The times are texts of the same length. */
static void
expect_order(const char *log, size_t n)
{
	const char *before = NULL;
	long seq_before = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		long seq = strtol(log + 25, NULL, 10);
		int order = before ? memcmp(before, log, 24) : -1;

		if (log[24] != ' ' || order > 0 || (order == 0 && seq <= seq_before))
			harness_fail(__FILE__, __LINE__, "line %zu is out of order:\n%.60s", i,
			    before ? before : log);
		before = log;
		seq_before = seq;
		log = strchrnul(log, '\n') + 1;
	}
	expect_number(log[-1], '\n');
	expect_number(log[0], '\0');
}

/* Batches of all latencies, so that what falls due together comes from everywhere. */
static void
test_advance_across_a_million(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", "-o", EPOCH, "-o",
	    "log.format=template", "-o", "template.delivered={time} {seq}", NULL);
	struct client *c = client_connect(d);
	size_t n = (size_t)BATCHES * PER_BATCH;
	int64_t began;
	const char *line;
	int i;

	(void)state;
	for (i = 0; i < BATCHES; i++)
		expect_text(client_ask(c, "send 1..%d latency=%dms", PER_BATCH, i * 7919 % 501 + 1),
		    "+OK %");
	began = harness_now_ms();
	line = client_ask(c, "advance 1h");
	expect_text(line, "+OK now=2026-01-01T01:00:00.000Z fired=%");
	/* and the batches finish */
	expect_number(text_number(line, "fired"), (long long)n + BATCHES);
	print_message("advance across %zu took %d ms\n", n, (int)(harness_now_ms() - began));
	expect_number(text_number(client_stats(c), "delivered"), (long long)n);
	expect_text(client_ask(c, "advance 1h"), "+OK now=2026-01-01T02:00:00.000Z fired=0");
	daemon_stop(d);
	expect_order(daemon_log(d), n);
}

/* One advances, another sends: what is accepted is so before an advance or after it, when all that
 * fell due has happened, and not in between. */
static void
test_advance_and_sends_at_once(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", "-o", EPOCH, "-o",
	    "log.format=template", "-o", "template.delivered={time} {seq}", "-o",
	    "template.queued={time} {seq} queued", "-o", "limits.pending=2000000", NULL);
	struct client *a = client_connect(d), *b = client_connect(d);
	const char *log, *at;
	char before[32] = "";
	int i;

	(void)state;
	expect_text(client_ask(a, "send 0..99999 latency=\"uniform 1s 3599s\""), "+OK %");
	client_send(a, "advance 1h\nadvance 1h\n");
	for (i = 0; i < 500; i++)
		client_send(b, i % 10 ? "send latency=1s\n" : "send 0..9 latency=30m\nping\n");
	for (i = 0; i < 500; i++) {
		expect_text(client_reply(b), "+OK queued=%");
		if (i % 10 == 0)
			expect_text(client_reply(b), "+OK pong");
	}
	expect_text(client_line(a), "+OK now=2026-01-01T01:00:00.000Z %");
	expect_text(client_line(a), "+OK now=2026-01-01T02:00:00.000Z %");
	expect_text(client_ask(a, "advance 1h"), "+OK now=2026-01-01T03:00:00.000Z %");
	expect_number(text_number(client_stats(b), "delivered"), 100000 + 450 + 500);
	daemon_stop(d);
	log = daemon_log(d);
	for (at = log; *at; at = strchrnul(at, '\n') + 1) {
		expect(memcmp(before, at, 24) <= 0);
		if (memmem(at, strcspn(at, "\n"), " queued", 7))
			expect(memcmp(at + 13, ":00:00.000Z ", 12) == 0);
		memcpy(before, at, 24);
	}
}

static void *
read_all(void *ctx)
{
	char data[65536];
	const int *fd = ctx;

	while (read(*fd, data, sizeof data) > 0)
		;
	return NULL;
}

/* One advances and cannot get on, since the log takes nothing; what another advances comes on top.
 */
static void
test_advances_add_up(void **state)
{
	struct daemon_setup setup = { .has_own_log = true };
	struct daemon *d = daemon_new();
	char path[128], target[160];
	const char *args[] = { "-o", "clock.scale=0", "-o", EPOCH, "-o", "log.events=delivered",
		"-o", target, NULL };
	struct client *a, *b, *c;
	pthread_t reader;
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/fifo", d->dir);
	snprintf(target, sizeof target, "log.target=%s", path);
	expect(mkfifo(path, 0600) == 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	expect(fd != -1);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	expect(fcntl(fd, F_SETFL, 0) == 0);
	a = client_connect(d);
	b = client_connect(d);
	c = client_connect(d);
	expect_text(client_ask(a, "send 1..100000 latency=\"uniform 1s 1h\""), "+OK %");
	client_send(a, "advance 1d\n");
	expect_text(client_ask(c, "wait all delivered=1"), "+OK %");
	client_send(b, "advance 1h\n");
	expect_text(client_ask(c, "ping"), "+OK pong");
	expect(pthread_create(&reader, NULL, read_all, &fd) == 0);
	expect_text(client_line(a), "+OK now=2026-01-02T0%:00:00.000Z fired=%");
	expect_text(client_line(b), "+OK now=2026-01-02T01:00:00.000Z fired=%");
	expect_text(client_ask(c, "hello"), "% now=2026-01-02T01:00:00.000Z");
	expect_number(text_number(client_stats(c), "delivered"), 100000);
	daemon_stop(d);
	pthread_join(reader, NULL);
	close(fd);
}

static void
test_scales(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", "-o", EPOCH, NULL);
	struct client *c = client_connect(d);
	int64_t began;

	(void)state;
	expect_text(client_ask(c, "send a latency=1000s"), "+OK %");
	expect_text(client_ask(c, "hello"), "% scale=0 now=2026-01-01T00:00:00.000Z");
	/* the time that it stood still is not made up for */
	expect_text(client_ask(c, "wait a timeout=300ms"), "-ERR timeout pending=1 delivered=0");
	began = harness_now_ms();
	expect_text(client_ask(c, "scale 1000"), "+OK scale=1000 now=2026-01-01T00:00:00.000Z");
	expect_text(client_ask(c, "wait a"), OUT "elapsed=%s simulated=1000.000s");
	/* no earlier than that, by the same clock */
	expect(harness_now_ms() - began >= 999);
	expect_text(client_ask(c, "scale 0"), "+OK scale=0 now=2026-01-01T00:16:%");
	expect_text(client_ask(c, "scale max"), "+OK scale=max now=2026-01-01T00:16:%");
	expect_text(client_ask(c, "gather b latency=36000d"), OUT "%simulated=3110400000.000s");
	expect_text(client_ask(c, "scale 0.5"), "+OK scale=0.5 now=2124-%");
	expect_text(client_ask(c, "scale 0"), "+OK scale=0 now=2124-%");
	expect_text(client_ask(c, "send c latency=1us"), "+OK %");
	expect_text(client_ask(c, "advance 1us"), "+OK now=% fired=1");
	expect_text(client_ask(c, "scale"), "-ERR bad_argument %");
	expect_text(client_ask(c, "scale -1"), "-ERR bad_argument %");
	expect_text(client_ask(c, "advance 400000d"), "-ERR bad_argument %");
	expect_text(client_ask(c, "advance 36500d"), "-ERR bad_argument %");
	daemon_stop(d);
}

/* A standing clock says the same whenever it is asked. */
static void
test_standing_still(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=1000", NULL);
	struct client *c = client_connect(d);
	char first[512];

	(void)state;
	expect_text(client_ask(c, "send a latency=10m"), "+OK %");
	expect_text(client_ask(c, "scale 0"), "+OK scale=0 %");
	snprintf(first, sizeof first, "%s", client_ask(c, "hello"));
	/* longer than what is left of the ten minutes at the old scale */
	expect_text(client_ask(c, "wait a timeout=700ms"), "-ERR timeout pending=1 delivered=0");
	expect_text(client_ask(c, "hello"), first);
	expect_text(client_ask(c, "advance 10m"), "+OK now=% fired=1");
	expect_text(client_ask(c, "wait a"), OUT "elapsed=%s simulated=600.000s");
	daemon_stop(d);
}

/* "now=" of an answer, which grows. */
static void
expect_later(char *before, const char *line)
{
	const char *now = line ? strstr(line, " now=") : NULL;

	expect(now != NULL && strlen(now) >= 5 + 24);
	if (memcmp(before, now + 5, 24) > 0)
		harness_fail(__FILE__, __LINE__, "time went back from %s: %s", before, line);
	memcpy(before, now + 5, 24);
	before[24] = '\0';
}

static void
test_advance_while_the_clock_runs(void **state)
{
	static const char *const scales[] = { "1", "1000", "max" };
	char before[32] = "";
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(scales); i++) {
		struct daemon *d = daemon_start("-o", EPOCH, NULL);
		struct client *c = client_connect(d);
		const char *line;

		before[0] = '\0';
		expect_text(client_ask(c, "scale %s", scales[i]), "+OK %");
		expect_text(client_ask(c, "send 0..999 latency=\"uniform 1s 1h\""), "+OK %");
		expect_later(before, client_ask(c, "hello"));
		line = client_ask(c, "advance 2h");
		expect_text(line, "+OK now=2026-01-01T0%Z fired=%");
		expect(memcmp(strstr(line, "now=") + 4, "2026-01-01T02:00:00", 19) >= 0);
		expect_later(before, line);
		/* nothing is left of what it went across, though nobody waited for it */
		expect_number(text_number(client_stats(c), "delivered"), 1000);
		expect_later(before, client_ask(c, "advance 1us"));
		expect_later(before, client_ask(c, "hello"));
		expect_text(client_ask(c, "gather x latency=1ms"), OUT "%simulated=0.001s");
		expect_later(before, client_ask(c, "advance 0s"));
		daemon_stop(d);
		expect_number(daemon_count_log(d, " delivered "), 1001);
	}
}

static void
test_stdio_that_waits_for_itself(void **state)
{
	static const struct {
		const char *input, *scale;
		int status;
	} rows[] = {
		{ "send 1 latency=2h\nadvance 1h\nwait\n", "clock.scale=0", 2 },
		{ "send 1 latency=2h\nadvance 1h\nadvance 1h\nwait\n", "clock.scale=0", 0 },
		{ "gather 1 latency=2h\nadvance 3h\n", "clock.scale=0", 2 },
		{ "send 1 latency=2h\nscale 0\nwait 1\n", "clock.scale=max", 2 },
		{ "send 1 latency=2h\nscale max\nwait 1\n", "clock.scale=0", 0 },
		{ "scale 0\nsend 1\n", "clock.scale=1", 2 },
		{ "scale 0\nsend 1\nreset\nsend 2\n", "clock.scale=max", 0 },
		{ "send 1 outcome=mailbox_full\nadvance 1d\nwait\n", "clock.scale=0", 2 },
		{ "send 1 outcome=mailbox_full\nadvance 5d\nwait\n", "clock.scale=0", 0 },
		{ "send 1\nwait timeout=10ms\nadvance 1s\n", "clock.scale=0", 3 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(rows); i++) {
		struct daemon *d = daemon_new();
		int status = daemon_run_stdio(d, input_file(rows[i].input), rows[i].scale, NULL);

		if (status != rows[i].status)
			harness_fail(__FILE__, __LINE__, "status %d instead of %d after\n%s",
			    status, rows[i].status, rows[i].input);
		if (status == 2)
			daemon_wait_errors(d, "nothing can happen any more", 1);
	}
}

static void
test_timeouts_are_real(void **state)
{
	static const char *const scales[] = { "0", "1000", "1000000" };
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d), *other = client_connect(d);
	int64_t began;
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(scales); i++) {
		expect_text(client_ask(c, "scale %s", scales[i]), "+OK %");
		expect_text(client_ask(c, "send a%zu latency=36500d", i), "+OK %");
		began = harness_now_ms();
		expect_text(client_ask(c, "wait a%zu timeout=300ms", i),
		    "-ERR timeout pending=1 delivered=0");
		expect(harness_now_ms() - began >= 299);
	}
	expect_text(client_ask(c, "reset"), "+OK cancelled=3 %");
	/* moving simulated time on moves no timeout */
	expect_text(client_ask(c, "send b latency=36500d"), "+OK %");
	began = harness_now_ms();
	client_send(c, "wait b timeout=500ms\n");
	expect_text(client_ask(other, "advance 30000d"), "+OK %");
	expect_text(client_line(c), "-ERR timeout pending=1 delivered=0");
	expect(harness_now_ms() - began >= 499);
	daemon_signal(d, 15);
	/* an attempt that never ends is cut off when nothing more can fall due */
	expect_number(daemon_wait_exit(d), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_advance_across_a_million),
		LIVE_TEST(test_advance_and_sends_at_once),
		LIVE_TEST(test_advances_add_up),
		LIVE_TEST(test_scales),
		LIVE_TEST(test_standing_still),
		LIVE_TEST(test_advance_while_the_clock_runs),
		LIVE_TEST(test_stdio_that_waits_for_itself),
		LIVE_TEST(test_timeouts_are_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
