/* Many at once: connections, and messages of one line. */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define CONNECTIONS 1000
#define MESSAGES 100
#define IN_FLIGHT 100000
#define RULES 66000 /* more than 16 bits count */

static void
expect_gathered(struct client *c)
{
	char expected[128];
	int i;

	for (i = 0; i < MESSAGES; i++) {
		snprintf(expected, sizeof expected,
		    "* %d delivered code=250 dsn=2.0.0 attempts=1 delay=1.000s", i);
		expect_text(client_line(c), expected);
	}
	expect_text(client_line(c),
	    "+OK n=100 delivered=100 bounced=0 expired=0 dropped=0 "
	    "cancelled=0 attempts=100 elapsed=%s simulated=%s");
	client_expect_end(c);
}

static void
test_a_thousand_connections_gather_at_once(void **state)
{
	static struct client *clients[CONNECTIONS];
	struct daemon *d = daemon_start(NULL);
	int64_t began = harness_now_ms(), took;
	int i;

	(void)state;
	for (i = 0; i < CONNECTIONS; i++)
		clients[i] = client_connect_to(d, i % 2 ? 0 : 1);
	for (i = 0; i < CONNECTIONS; i++) {
		client_send(clients[i], "gather 0..99\n");
		client_half_close(clients[i]);
	}
	for (i = 0; i < CONNECTIONS; i++)
		expect_gathered(clients[i]);
	took = harness_now_ms() - began;
	print_message(
	    "%d connections of %d messages took %d ms\n", CONNECTIONS, MESSAGES, (int)took);
	expect(HARNESS_IS_SANITIZED || took < 3000);
	expect_number(daemon_count_log(d, " delivered "), CONNECTIONS * MESSAGES);
	expect_number(daemon_count_log(d, " finished "), CONNECTIONS);
	daemon_stop(d);
	expect_number(daemon_ledger(d, "delivered"), CONNECTIONS * MESSAGES);
}

static void
test_ledger_is_true_at_every_moment(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *sender = client_connect(d), *observer = client_connect(d);
	long long peak = 0, asked = 0, accepted = 0, before = 0;
	const char *line;

	(void)state;
	client_send(sender, "send 0..99999 latency=3s\n");
	client_half_close(sender);
	do {
		line = client_stats(observer);
		accepted = text_number(line, "accepted");
		expect(accepted >= before && accepted <= IN_FLIGHT);
		before = accepted;
		if (text_number(line, "sending") > peak)
			peak = text_number(line, "sending");
		asked++;
	} while (text_number(line, "delivered") < IN_FLIGHT);
	print_message("stats asked %lld times, at most %lld in flight\n", asked, peak);
	expect(asked > 100 || HARNESS_IS_SANITIZED);
	expect(peak == IN_FLIGHT || HARNESS_IS_SANITIZED);
	expect_text(client_line(sender), "+OK queued=100000 ids=0..99999 batch=1 seq=1..100000");
	client_expect_end(sender);
	daemon_stop(d);
	expect_number(daemon_ledger(d, "delivered"), IN_FLIGHT);
	expect_number(daemon_count_log(d, " queued "), IN_FLIGHT);
	expect_number(daemon_count_log(d, " dispatched "), IN_FLIGHT);
	expect_number(daemon_count_log(d, " delivered "), IN_FLIGHT);
}

/* A hundred thousand fall due at one moment, since the whole process was stopped, and those who ask
 * just then are answered all the same. */
static void
test_stats_while_all_falls_due(void **state)
{
	struct daemon *d = daemon_start("-o", "log.target=none", NULL);
	struct client *sender = client_connect(d), *observers[20];
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(observers); i++) {
		observers[i] = client_connect(d);
		expect_text(client_ask(observers[i], "ping"), "+OK pong");
	}
	expect_text(client_ask(sender, "send 0..99999 latency=1s"), "+OK queued=100000 %");
	daemon_signal(d, SIGSTOP);
	for (i = 0; i < HARNESS_EXTENT(observers); i++)
		client_send(observers[i], "stats\nping\n");
	client_half_close(observers[0]);
	/* not a wait for the daemon, which is stopped: its messages shall be late */
	sleep(1);
	daemon_signal(d, SIGCONT);
	for (i = 0; i < HARNESS_EXTENT(observers); i++) {
		expect_text(client_line(observers[i]), "+OK accepted=100000 %");
		expect_text(client_line(observers[i]), "+OK pong");
	}
	client_expect_end(observers[0]);
	expect_text(client_ask(sender, "wait"), "+OK n=100000 delivered=100000 %");
	daemon_stop(d);
}

/* A rule is known as long as a message that it chose for is under way: as many as there are
 * messages. */
static void
test_a_rule_for_each_message(void **state)
{
	struct daemon *d = daemon_start("-o", "log.target=none", "-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d);
	int i, k;

	(void)state;
	for (i = 0; i < RULES; i += 1000) {
		for (k = 0; k < 1000; k++)
			client_send(c, "rule outcome=mailbox_full count=1\nsend\n");
		for (k = 0; k < 1000; k++) {
			expect_text(client_line(c), "+OK rule=%");
			expect_text(client_line(c), "+OK queued=1 %");
		}
	}
	expect_text(client_ask(c, "rules"), "+OK n=0");
	expect_text(client_ask(c, "cancel all"), "+OK cancelled=%");
	expect_text(client_ask(c, "rule outcome=user_unknown"), "+OK rule=%");
	expect_text(client_ask(c, "gather x latency=0s"), "+OK n=1 delivered=0 bounced=1 %");
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_a_thousand_connections_gather_at_once),
		LIVE_TEST(test_ledger_is_true_at_every_moment),
		LIVE_TEST(test_stats_while_all_falls_due),
		LIVE_TEST(test_a_rule_for_each_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
