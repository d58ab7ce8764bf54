/* How the daemon ends, and what it says when it has. */
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void
test_term_drains_what_is_in_flight(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *c = client_connect(d), *waiting = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "send 0..999 latency=1500ms"), "+OK queued=1000 %");
	client_send(waiting, "wait batch=1\n");
	daemon_signal(d, SIGTERM);
	daemon_wait_errors(d, "draining", 1);
	expect_text(client_ask(c, "send 1000"), "-ERR draining %");
	expect_text(client_ask(c, "gather 1000..2000"), "-ERR draining %");
	expect_text(client_ask(c, "ping"), "+OK pong");
	expect_text(client_ask(c, "wait"), "+OK n=1000 delivered=1000 %");
	expect_text(client_line(waiting), "+OK n=1000 delivered=1000 %");
	expect_number(daemon_wait_exit(d), 0);
	client_expect_end(waiting);
	expect_number(daemon_count_log(d, " delivered "), 1000);
	expect_number(daemon_count_log(d, " finished "), 1);
	expect_number(daemon_ledger(d, "accepted"), 1000);
	expect_number(daemon_ledger(d, "delivered"), 1000);
	expect_number(daemon_ledger(d, "unfinished"), 0);
	expect_number(daemon_ledger(d, "log_lost"), 0);
}

/* A big answer that is being read when the drain is over is still an answer. */
static void
test_gather_is_answered_whole_by_a_drain(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *c = client_connect(d);
	char expected[64];
	int i;

	(void)state;
	client_send(c, "gather 0..19999 latency=1500ms\n");
	daemon_wait_log(d, " dispatched id=19999 ", 1);
	daemon_signal(d, SIGTERM);
	for (i = 0; i < 20000; i++) {
		snprintf(expected, sizeof expected, "* %d delivered %%", i);
		expect_text(client_line(c), expected);
	}
	expect_text(client_line(c), "+OK n=20000 delivered=20000 %");
	client_expect_end(c);
	expect_number(daemon_wait_exit(d), 0);
}

static void
test_listeners_close_first(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *c = client_connect(d);
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	int fd;

	(void)state;
	expect(getpeername(c->fd, (struct sockaddr *)&ss, &len) == 0);
	expect_text(client_ask(c, "send 1 latency=1s"), "+OK queued=1 %");
	daemon_signal(d, SIGTERM);
	daemon_wait_errors(d, "draining", 1);
	expect_text(client_ask(c, "ping"), "+OK pong");
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	expect(connect(fd, (struct sockaddr *)&ss, len) == -1 && errno == ECONNREFUSED);
	close(fd);
	expect_number(daemon_wait_exit(d), 0);
	expect_number(daemon_ledger(d, "delivered"), 1);
}

/* Of a client that has just connected the first line may be on its way. */
static void
test_who_came_just_before_is_heard(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *c = client_connect(d), *other = client_connect(d);

	(void)state;
	client_wait_stats(other, "connections", 2);
	daemon_signal(d, SIGTERM);
	daemon_wait_errors(d, "no more connections", 1);
	expect_text(client_ask(c, "gather 1 latency=1ms"), "+OK n=1 delivered=1 %");
	client_expect_end(c);
	expect_number(daemon_wait_exit(d), 0);
	expect_number(daemon_ledger(d, "delivered"), 1);
}

static void
test_second_term_ends_at_once(void **state)
{
	static const int signals[][2] = { { SIGTERM, SIGTERM }, { SIGINT, SIGTERM },
		{ SIGTERM, SIGINT } };
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(signals); i++) {
		struct daemon *d = daemon_start(NULL);
		struct client *c = client_connect(d);
		int64_t began;

		expect_text(client_ask(c, "send 0..999 latency=20s"), "+OK queued=1000 %");
		began = harness_now_ms();
		daemon_signal(d, signals[i][0]);
		daemon_wait_errors(d, "draining 1000 messages", 1);
		expect_text(client_ask(c, "ping"), "+OK pong");
		daemon_signal(d, signals[i][1]);
		expect_number(daemon_wait_exit(d), 2);
		expect(harness_now_ms() - began < 15000);
		daemon_wait_errors(d, "1000 attempts in flight were cut off", 1);
		expect_number(daemon_ledger(d, "unfinished"), 1000);
		expect_number(daemon_ledger(d, "accepted"), 1000);
		expect_number(daemon_count_log(d, " dispatched "), 1000);
	}
}

static void
test_int_drains(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *c = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "send 0..9 latency=300ms"), "+OK queued=10 %");
	daemon_signal(d, SIGINT);
	expect_number(daemon_wait_exit(d), 0);
	expect_number(daemon_ledger(d, "delivered"), 10);
	expect_number(daemon_count_log(d, " delivered "), 10);
}

static void
test_drain_has_its_time(void **state)
{
	struct daemon *d =
	    daemon_start("-o", "limits.drain_timeout=700ms", "-o", "delivery.concurrency=1", NULL);
	struct client *c = client_connect(d);
	int64_t began;

	(void)state;
	expect_text(client_ask(c, "send 0..99 latency=200ms"), "+OK queued=100 %");
	began = harness_now_ms();
	daemon_signal(d, SIGTERM);
	expect_number(daemon_wait_exit(d), 2);
	/* what falls due goes on, the waiting included, and ends with the time that there is */
	expect(daemon_ledger(d, "delivered") >= 1);
	expect(daemon_ledger(d, "delivered") < 90 || HARNESS_IS_SANITIZED);
	expect_number(daemon_ledger(d, "delivered"), (long long)daemon_count_log(d, " delivered "));
	expect_number(daemon_ledger(d, "unfinished"), 100 - daemon_ledger(d, "delivered"));
	expect_number(daemon_ledger(d, "cut_off"), 1);
	expect(harness_now_ms() - began < 15000);
}

static void
test_drain_does_not_wait_for_what_is_too_late(void **state)
{
	struct daemon *d = daemon_start("-o", "limits.drain_timeout=50s", NULL);
	struct client *c = client_connect(d);
	int64_t began = harness_now_ms();

	(void)state;
	expect_text(client_ask(c, "send 0..4 latency=300s"), "+OK queued=5 %");
	expect_text(client_ask(c, "send 5 latency=300ms"), "+OK queued=1 %");
	daemon_signal(d, SIGTERM);
	expect_number(daemon_wait_exit(d), 2);
	expect(harness_now_ms() - began < 30000);
	expect_number(daemon_ledger(d, "delivered"), 1);
	expect_number(daemon_ledger(d, "cut_off"), 5);
}

static void
test_drain_stops_a_range(void **state)
{
	struct daemon *d = daemon_start("-o", "limits.pending=100", NULL);
	struct client *c = client_connect(d), *observer = client_connect(d);

	(void)state;
	client_send(c, "send 0..999 latency=1500ms\nping\n");
	client_wait_stats(observer, "accepted", 100);
	daemon_signal(d, SIGTERM);
	expect_text(client_line(c), "-ERR draining accepted=100%");
	expect_text(client_line(c), "+OK pong");
	expect_number(daemon_wait_exit(d), 0);
	expect_number(daemon_ledger(d, "delivered"), 100);
	expect_number(daemon_count_log(d, " delivered "), 100);
}

static void
test_idle_clients_do_not_hold_up_the_end(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *idle = client_connect(d), *events = client_connect(d),
		      *waiting = client_connect(d);

	(void)state;
	expect_text(client_ask(idle, "ping"), "+OK pong");
	expect_text(client_ask(events, "events on"), "+OK events=on");
	client_send(waiting, "wait to=bob@x.test delivered=1\n");
	expect_text(client_ask(idle, "ping"), "+OK pong");
	daemon_stop(d);
	client_expect_end(idle);
	client_expect_end(events);
	expect_text(client_line(waiting), "-ERR draining %");
	client_expect_end(waiting);
}

/* A clock that jumps has nothing to wait for. */
static void
test_drain_jumps_with_the_clock(void **state)
{
	struct daemon *d =
	    daemon_start("-o", "clock.scale=max", "-o", "delivery.concurrency=10", NULL);
	struct client *c = client_connect(d);

	(void)state;
	client_send(c, "send 0..9999 latency=3h expire=1000d\n");
	daemon_wait_log(d, " queued ", 1);
	daemon_signal(d, SIGTERM);
	expect_number(daemon_wait_exit(d), 0);
	expect_number(daemon_ledger(d, "unfinished"), 0);
	expect_number(daemon_ledger(d, "delivered"), (long long)daemon_count_log(d, " delivered "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_term_drains_what_is_in_flight),
		LIVE_TEST(test_gather_is_answered_whole_by_a_drain),
		LIVE_TEST(test_listeners_close_first),
		LIVE_TEST(test_who_came_just_before_is_heard),
		LIVE_TEST(test_second_term_ends_at_once),
		LIVE_TEST(test_int_drains),
		LIVE_TEST(test_drain_has_its_time),
		LIVE_TEST(test_drain_does_not_wait_for_what_is_too_late),
		LIVE_TEST(test_drain_stops_a_range),
		LIVE_TEST(test_idle_clients_do_not_hold_up_the_end),
		LIVE_TEST(test_drain_jumps_with_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
