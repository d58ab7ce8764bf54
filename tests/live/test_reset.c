/* A clean start between two tests: reset leaves nothing of what was before but the connections,
 * whatever they are doing just then. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#define EPOCH "clock.epoch=2026-01-01T00:00:00Z"
#define MANY 100000

/* One test that somebody might run: it changes all that can be changed, leaves messages in every
 * state, and ends with reset. */
static const char script[] =
    "rules\n"
    "rule to=*@r.test outcome=greylisted count=5\nrule outcome=\"user_unknown 50%\"\n"
    "send 0..9 to=u{n}@r.test\nsend to=first@b.y.test\nsend\nsend to=ann@x.test\nsend "
    "to=ann@x.test\n"
    "rule off=1\n"
    "down x.test\ndown *.y.test for=1d\nsend 10..29 to=u{n}@x.test\nsend to=a@b.y.test\n"
    "gather 30..59 to=u{n}@limited.test\n"
    "up x.test\nseed 99\nsend 60..79\nsend to=ann@x.test\n"
    "scale 0\nsend 80..99 outcome=mailbox_full\nadvance 3h\nflush all\n"
    "scale max\nwait 60\ncancel 99\n"
    "send 100..199 latency=1d concurrency=3\nsend 200..999 to=u{n}@limited.test\n"
    "advance 1s\n"
    "reset\n";

static void
test_second_run_equals_the_first(void **state)
{
	struct daemon *d = daemon_new();
	struct text input = { 0 };
	size_t half;
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		text_printf(&input, "%s", script);
	expect_number(
	    daemon_run_stdio(d, input_file(input.p), "clock.scale=max", EPOCH, "random.seed=3",
		"delivery.jitter=10%", "delivery.latency=exponential mean=2s",
		"delivery.rate=500/s burst=20", "domain limited.test.receiver_rate=3/s",
		"domain limited.test.rate=5/s", "domain x.test.down=10m..20m", NULL),
	    0);
	text_free(&input);
	half = strlen(daemon_log(d)) / 2;
	expect(text_count_lines(d->seen.p, " cancelled ") > 1000);
	expect(text_count_lines(d->seen.p, "outcome=rate_limited") > 0);
	expect(text_count_lines(d->seen.p, "outcome=connect_timeout") > 0);
	for (i = 0; i < 2; i++) {
		size_t n = half >> i, at = 0, line = 0;

		for (; at < n && d->seen.p[at] == d->seen.p[n + at]; at++)
			if (d->seen.p[at] == '\n')
				line = at + 1;
		if (at < n)
			harness_fail(__FILE__, __LINE__, "they differ:\n  %.*s\n  %.*s",
			    (int)strcspn(d->seen.p + line, "\n"), d->seen.p + line,
			    (int)strcspn(d->seen.p + n + line, "\n"), d->seen.p + n + line);
	}
}

static void
expect_clean(struct client *c)
{
	const char *line = client_stats(c);

	expect_number(text_number(line, "accepted"), 0);
	expect_number(text_number(line, "attempts"), 0);
	expect_number(text_number(line, "batches"), 0);
	expect_number(text_number(line, "in_history"), 0);
	expect_text(client_ask(c, "list"), "+OK n=0");
	expect_text(client_ask(c, "rules"), "+OK n=0");
	expect_text(client_ask(c, "status seq=1"), "-ERR not_found %");
	expect_text(client_ask(c, "wait"), "-ERR not_found %");
	expect_text(client_ask(c, "hello"), "% seed=5 scale=0 now=2026-01-01T00:00:00.000Z");
}

static struct daemon *
start(const char *pending)
{
	return daemon_start(
	    "-o", "clock.scale=0", "-o", EPOCH, "-o", "random.seed=5", "-o", pending, NULL);
}

/* So many events, of which those may be lost that come faster than one can read. */
static void
expect_cancelled_or_lost(struct client *c, long long n)
{
	while (n > 0) {
		const char *line = client_line(c);

		if (line && memcmp(line, "* lost ", 7) == 0) {
			n -= text_number(line, "n");
		} else {
			expect_text(line, "* cancelled time=%");
			n--;
		}
	}
	expect_number(n, 0);
}

/* Every command that can be under way on another connection. */
static void
test_reset_while_others_are_at_it(void **state)
{
	struct daemon *d = start("limits.pending=5000");
	struct client *gathers = client_connect(d), *waits = client_connect(d),
		      *counts = client_connect(d), *sends = client_connect(d),
		      *watches = client_connect(d), *lists = client_connect(d),
		      *resets = client_connect(d);
	int i;

	(void)state;
	expect_text(client_ask(watches, "events on type=cancelled"), "+OK events=on");
	client_send(gathers, "gather 0..2 latency=1h\nping\n");
	client_wait_stats(resets, "sending", 3);
	client_send(waits, "wait all\nping\n");
	client_send(counts, "wait to=bob@x.test delivered=1\nping\n");
	client_send(sends, "send 0..99999 latency=1h\nping\n");
	client_wait_stats(resets, "accepted", 5000);
	expect_text(client_ask(resets, "seed 8"), "+OK %");
	expect_text(client_ask(resets, "rule outcome=user_unknown"), "+OK rule=1");
	client_send(lists, "list limit=10000\nlist\nping\n");
	expect_text(client_line(lists), "* id=% state=sending %");
	expect_text(client_ask(resets, "reset"), "+OK cancelled=5000 now=2026-01-01T00:00:00.000Z");
	expect_clean(resets);
	for (i = 0; i < 3; i++)
		expect_text(client_line(gathers), "* % cancelled %");
	expect_text(client_line(gathers), "+OK n=3 delivered=0 % cancelled=3 attempts=3 %");
	expect_text(client_line(gathers), "+OK pong");
	expect_text(client_line(waits), "+OK n=% cancelled=% attempts=%");
	expect_text(client_line(waits), "+OK pong");
	expect_text(client_line(sends), "+OK queued=4997 ids=0..4996 batch=2 seq=4..5000");
	expect_text(client_line(sends), "+OK pong");
	/* the lists say what there is when they are read */
	expect_text(client_reply(lists), "+OK n=%");
	expect_text(client_reply(lists), "+OK n=%");
	expect_text(client_reply(lists), "+OK pong");
	/* who subscribed is still told, of the old and of the new; whose message never came waits
	 * on */
	expect_cancelled_or_lost(watches, 5000);
	expect_text(
	    client_ask(gathers, "send new to=bob@x.test"), "+OK queued=1 ids=new batch=1 seq=1");
	expect_text(client_ask(gathers, "advance 1s"), "+OK % fired=1");
	expect_text(client_line(counts), "+OK n=1 delivered=1 %");
	expect_text(client_line(counts), "+OK pong");
	expect_text(client_ask(gathers, "send end"), "+OK queued=1 ids=end batch=2 seq=2");
	expect_text(client_ask(gathers, "cancel end"), "+OK cancelled=1");
	expect_text(
	    client_line(watches), "* cancelled time=2026-01-01T00:00:01.000Z id=end seq=2 %");
	daemon_stop(d);
	expect_number(daemon_count_log(d, " cancelled "), 5001);
}

/* A watcher that has seen the first of its events knows that a reset is under way. */
static struct client *
connect_watcher(const struct daemon *d)
{
	struct client *c = client_connect(d);

	expect_text(client_ask(c, "events on type=cancelled"), "+OK events=on");
	return c;
}

/* Everybody else is answered when it is over, and then on a clean slate. */
static void
test_reset_of_many(void **state)
{
	struct daemon *d = start("limits.pending=1000000");
	struct client *c = client_connect(d), *other = connect_watcher(d);
	int64_t began;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		expect_text(client_ask(c, "send 1..%d outcome=mailbox_full", MANY), "+OK %");
		expect_text(client_ask(c, "advance 1s"), "+OK %");
		expect_number(text_number(client_stats(c), "deferred"), MANY);
		began = harness_now_ms();
		client_send(c, "reset\n");
		expect_text(client_line(other), "* cancelled %");
		client_send(other, "events off\nsend x\nstats\nevents on type=cancelled\n");
		expect_text(client_line(c), "+OK cancelled=100000 %");
		print_message("reset of %d took %d ms\n", MANY, (int)(harness_now_ms() - began));
		expect_text(client_reply(other), "+OK events=off");
		expect_text(client_line(other), "+OK queued=1 ids=x batch=1 seq=1");
		expect_text(client_line(other), "+OK accepted=1 waiting=0 sending=1 %");
		expect_text(client_line(other), "+OK events=on");
		expect_text(client_ask(c, "reset"), "+OK cancelled=1 %");
		expect_text(client_line(other), "* cancelled % id=x %");
		expect_clean(c);
	}
	daemon_stop(d);
	expect_number(daemon_count_log(d, " cancelled "), 2 * (MANY + 1));
}

/* Its numbers are others' now: who waits for a batch does not wait for that one. */
static void
test_gather_does_not_wait_for_another(void **state)
{
	struct daemon *d = start("limits.pending=5");
	struct client *gathers = client_connect(d), *c = client_connect(d);

	(void)state;
	client_send(gathers, "gather 0..9\nping\n");
	client_wait_stats(c, "accepted", 5);
	client_send(c, "reset\nsend 0..2\n");
	expect_text(client_line(c), "+OK cancelled=5 %");
	expect_text(client_line(c), "+OK queued=3 ids=0..2 batch=1 seq=1..3");
	expect_text(client_reply(gathers), "+OK n=5 delivered=0 % cancelled=5 %");
	expect_text(client_reply(gathers), "+OK pong");
	expect_number(text_number(client_stats(c), "sending"), 3);
	expect_text(client_ask(c, "cancel all"), "+OK cancelled=3");
	daemon_stop(d);
}

static void
test_reset_by_one_that_dies(void **state)
{
	struct daemon *d = start("limits.pending=1000000");
	struct client *c = client_connect(d), *watcher, *dies;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		dies = client_connect(d);
		watcher = connect_watcher(d);
		expect_text(client_ask(c, "send 1..%d latency=1h", MANY), "+OK %");
		expect_text(client_ask(c, "seed 77"), "+OK %");
		client_send(dies, "reset\nping\n");
		expect_text(client_line(watcher), "* cancelled %");
		client_reset(dies);
		client_close(watcher);
		client_wait_stats(c, "accepted", 0);
		expect_clean(c);
	}
	client_wait_stats(c, "connections", 1);
	daemon_stop(d);
	expect_number(daemon_count_log(d, " cancelled "), 2 * MANY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_second_run_equals_the_first),
		LIVE_TEST(test_reset_while_others_are_at_it),
		LIVE_TEST(test_reset_of_many),
		LIVE_TEST(test_gather_does_not_wait_for_another),
		LIVE_TEST(test_reset_by_one_that_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
