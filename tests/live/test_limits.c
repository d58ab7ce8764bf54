/* Limits: who comes too late is told so, who is inside is served, and nobody spins. */
#include "harness.h"

#include <stdio.h>
#include <sys/resource.h>

#define REFUSAL "-ERR busy %"

/* While a second and a half goes by, with everything as it is, the daemon does next to nothing. */
static void
expect_rest(const struct daemon *d, struct client *inside)
{
	long before = daemon_cpu_ms(d);

	expect_text(client_ask(inside, "wait to=nobody@x.test delivered=1 timeout=1500ms"),
	    "-ERR timeout %");
	if (daemon_cpu_ms(d) - before > (HARNESS_IS_SANITIZED ? 600 : 150))
		harness_fail(__FILE__, __LINE__, "%ld ms of processor time went into nothing",
		    daemon_cpu_ms(d) - before);
}

static void
expect_refused(const struct daemon *d)
{
	struct client *c = client_connect(d);

	expect_text(client_line(c), REFUSAL);
	client_expect_end(c);
	client_close(c);
}

static void
test_one_connection_too_many(void **state)
{
	struct daemon *d = daemon_start("-o", "limits.connections=10", NULL);
	struct client *inside[10], *refused[100];
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(inside); i++) {
		inside[i] = client_connect(d);
		expect_text(client_ask(inside[i], "ping"), "+OK pong");
	}
	expect_refused(d);
	/* many, who do not go away and have already asked something */
	for (i = 0; i < HARNESS_EXTENT(refused); i++) {
		refused[i] = client_connect(d);
		if (i % 2)
			client_send(refused[i], "send 1\n");
	}
	for (i = 0; i < HARNESS_EXTENT(refused); i++)
		expect_text(client_line(refused[i]), REFUSAL);
	expect_rest(d, inside[0]);
	for (i = 0; i < HARNESS_EXTENT(inside); i++)
		expect_text(client_stats(inside[i]), "+OK accepted=0 % connections=10 %");
	client_close(inside[9]);
	client_wait_stats(inside[0], "connections", 9);
	expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
	expect_refused(d);
	daemon_stop(d);
}

static bool
raise_descriptors(rlim_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return false;
	if (limit.rlim_cur >= wanted)
		return true;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static void
test_ten_thousand_connections_and_one(void **state)
{
	static struct client *inside[10000];
	struct daemon *d;
	size_t i;

	(void)state;
	if (!raise_descriptors(10200)) {
		print_message("there are not enough descriptors for this\n");
		skip();
	}
	d = daemon_start("-o", "limits.connections=10000", NULL);
	for (i = 0; i < HARNESS_EXTENT(inside); i++)
		inside[i] = client_connect_to(d, i % 2 ? 0 : 1);
	expect_text(client_ask(inside[9999], "ping"), "+OK pong");
	expect_text(client_stats(inside[0]), "% connections=10000 %");
	expect_refused(d);
	for (i = 0; i < HARNESS_EXTENT(inside); i += 7)
		expect_text(
		    client_ask(inside[i], "gather %zu latency=0s", i), "+OK n=1 delivered=1 %");
	expect_rest(d, inside[5]);
	expect_refused(d);
	daemon_stop(d);
}

static void
limit_descriptors(void *ctx, const struct daemon *d)
{
	const rlim_t *n = ctx;
	const struct rlimit limit = { *n, *n };

	(void)d;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Fewer descriptors than connections that are allowed: as many as there can be. */
static void
crowd(rlim_t descriptors, bool is_told)
{
	static struct client *crowd[200];
	const struct daemon_setup setup = { .prepare = limit_descriptors, .ctx = &descriptors };
	struct daemon *d = daemon_new();
	size_t i, inside = 0;

	daemon_run(d, &setup, NULL);
	daemon_wait_ready(d);
	for (i = 0; i < HARNESS_EXTENT(crowd); i++)
		crowd[i] = client_connect(d);
	expect_text(client_ask(crowd[0], "ping"), "+OK pong");
	expect_rest(d, crowd[0]);
	inside = (size_t)text_number(client_stats(crowd[0]), "connections");
	print_message("%d descriptors are enough for %zu connections\n", (int)descriptors, inside);
	expect(inside >= 1 && inside < descriptors);
	for (i = 1; i < inside; i++)
		expect_text(client_ask(crowd[i], "ping"), "+OK pong");
	for (i = inside; i < HARNESS_EXTENT(crowd); i++) {
		expect_text(client_line(crowd[i]), REFUSAL);
		client_expect_end(crowd[i]);
		client_close(crowd[i]);
	}
	expect_text(client_ask(crowd[0], "gather 1 latency=1ms"), "+OK n=1 %");
	if (is_told)
		daemon_wait_errors(d, "descriptors", 1);
	if (inside > 1) {
		client_close(crowd[1]);
		client_wait_stats(crowd[0], "connections", (long long)inside - 1);
		expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
	}
	daemon_stop(d);
}

static void
test_fewer_descriptors_than_connections(void **state)
{
	(void)state;
	crowd(150, true);
}

static void
test_hardly_any_descriptors(void **state)
{
	(void)state;
	crowd(HARNESS_IS_SANITIZED ? 32 : 24, true);
}

static void
test_send_waits_for_room(void **state)
{
	struct daemon *d = daemon_start("-o", "limits.pending=10", NULL);
	struct client *c = client_connect(d), *observer = client_connect(d);
	const char *line;

	(void)state;
	client_send(c, "send 0..99 latency=50ms\nwait\n");
	do {
		line = client_stats(observer);
		expect(text_number(line, "sending") + text_number(line, "waiting") <= 10);
	} while (text_number(line, "delivered") < 100);
	expect_text(client_line(c), "+OK queued=100 ids=0..99 batch=1 seq=1..100");
	expect_text(client_line(c), "+OK n=100 delivered=100 %");
	expect_text(client_stats(observer), "+OK accepted=100 %");
	daemon_stop(d);
}

static void
test_full_error_is_all_or_nothing(void **state)
{
	struct daemon *d = daemon_start("-o", "limits.pending=10", "-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "send 0..10 full=error"), "-ERR busy %");
	expect_text(client_ask(c, "gather 0..10 full=error"), "-ERR busy %");
	expect_text(client_stats(c), "+OK accepted=0 %");
	expect_text(
	    client_ask(c, "send 0..3 full=error"), "+OK queued=4 ids=0..3 batch=1 seq=1..4");
	expect_text(
	    client_ask(c, "send 4..9 full=error"), "+OK queued=6 ids=4..9 batch=2 seq=5..10");
	expect_text(client_ask(c, "send 10 full=error"), "-ERR busy %");
	expect_text(client_stats(c), "+OK accepted=10 %");
	expect_text(client_ask(c, "cancel 3"), "+OK cancelled=1");
	expect_text(client_ask(c, "send 10..11 full=error"), "-ERR busy %");
	expect_text(client_ask(c, "send 10 full=error"), "+OK queued=1 %");
	expect_text(client_ask(c, "cancel all"), "+OK cancelled=10");
	daemon_stop(d);
}

static void
test_cancel_makes_room(void **state)
{
	struct daemon *d = daemon_start("-o", "limits.pending=10", "-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d), *other = client_connect(d),
		      *observer = client_connect(d);

	(void)state;
	client_send(c, "send 0..99\n");
	client_wait_stats(observer, "accepted", 10);
	client_send(other, "send x\n");
	expect_text(client_ask(observer, "cancel batch=1"), "+OK cancelled=10");
	expect_text(client_line(c), "%queued=10 %");
	expect_text(client_line(other), "+OK queued=1 ids=x %");
	expect_text(client_ask(observer, "cancel all"), "+OK cancelled=1");
	daemon_stop(d);
}

static void
test_range_and_line_and_history(void **state)
{
	struct daemon *d = daemon_start("-o", "limits.range=5", "-o", "limits.line=64", "-o",
	    "limits.history=3", "-o", "clock.scale=max", NULL);
	struct client *c = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "send 0..5"), "-ERR bad_argument %");
	expect_text(client_ask(c, "gather 0..5"), "-ERR bad_argument %");
	expect_text(client_ask(c, "gather 9223372036854775803..9223372036854775807"),
	    "+OK n=5 delivered=5 %");
	expect_text(client_ask(c, "list"), "+OK n=3");
	expect_text(client_ask(c, "status seq=2"), "-ERR not_found %");
	expect_text(client_ask(c, "status seq=3"), "+OK % seq=3 %");
	expect_text(client_ask(c, "send 63 to=%045d@x.test", 1), "+OK queued=1 %");
	expect_text(client_ask(c, "send 64 to=%046d@x.test", 1), "-ERR line_too_long %");
	expect_text(client_ask(c, "wait"), "+OK n=6 %");
	daemon_stop(d);
}

/* Nothing is remembered, and still a gather can tell what became of its own; then it is forgotten.
 */
static void
test_history_of_nothing(void **state)
{
	struct daemon *d = daemon_start(
	    "-o", "limits.history=0", "-o", "clock.scale=max", "-o", "log.events=finished", NULL);
	struct client *c = client_connect(d);
	long before = 0;
	int i;

	(void)state;
	for (i = 0; i < 500; i++) {
		client_send(c, "gather 0..999\n");
		expect_text(client_line(c), "* 0 delivered %");
		expect_text(client_reply(c), "+OK n=1000 delivered=1000 %");
		if (i == 50)
			before = daemon_rss_kib(d);
	}
	expect_text(client_ask(c, "list"), "+OK n=0");
	expect_text(client_ask(c, "status all"), "-ERR not_found %");
	print_message("memory grew by %ld KiB\n", daemon_rss_kib(d) - before);
	expect(HARNESS_IS_SANITIZED || daemon_rss_kib(d) < before + 6144);
	daemon_stop(d);
}

static void
test_idle_connections_are_closed(void **state)
{
	struct daemon *d = daemon_start("-o", "limits.idle_timeout=300ms", NULL);
	struct client *idle = client_connect(d), *waiting = client_connect(d),
		      *gathering = client_connect(d);
	int64_t began = harness_now_ms();

	(void)state;
	client_send(waiting, "wait to=nobody@x.test delivered=1 timeout=1200ms\nping\n");
	client_send(gathering, "gather 1 latency=1200ms\n");
	client_expect_end(idle);
	expect(harness_now_ms() - began >= 250);
	/* idle does not count while a command waits */
	expect_text(client_line(waiting), "-ERR timeout %");
	expect_text(client_line(waiting), "+OK pong");
	client_expect_end(waiting);
	expect_text(client_reply(gathering), "+OK n=1 %");
	expect(harness_now_ms() - began >= 1200);
	client_expect_end(gathering);
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_one_connection_too_many),
		LIVE_TEST(test_ten_thousand_connections_and_one),
		LIVE_TEST(test_fewer_descriptors_than_connections),
		LIVE_TEST(test_hardly_any_descriptors),
		LIVE_TEST(test_send_waits_for_room),
		LIVE_TEST(test_full_error_is_all_or_nothing),
		LIVE_TEST(test_cancel_makes_room),
		LIVE_TEST(test_range_and_line_and_history),
		LIVE_TEST(test_history_of_nothing),
		LIVE_TEST(test_idle_connections_are_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
