/*
 * LMTP with smtp.mode = inband: each recipient's answer comes when it is due and those before it
 * are given (RFC 2033 §4.2), and what happens to the others when the session ends between two of
 * them.
 */
#include "smtp_client.h"

#include <signal.h>
#include <stdio.h>

#define INBAND "-o", "smtp.mode=inband"
#define STANDING INBAND, "-o", "clock.scale=0"
#define EPOCH "2026-11-23T06:12:"

/* Recipients of these domains have their answers after so much time. */
#define DOMAINS \
	"-o", "domain one.test.latency=1s", "-o", "domain ten.test.latency=10s", "-o", \
	    "domain bad.test.latency=4s", "-o", "domain bad.test.outcome=spam_blocked", "-o", \
	    "domain busy.test.latency=4s", "-o", "domain busy.test.outcome=busy", "-o", \
	    "outcome busy.code=421", "-o", "outcome busy.stage=eom", "-o", \
	    "domain lost.test.latency=4s", "-o", "domain lost.test.outcome=connection_lost", "-o", \
	    "domain mute.test.latency=4s", "-o", "domain mute.test.outcome=connect_timeout", "-o", \
	    "outcome connect_timeout.stage=eom", "-o", "domain again.test.outcome=system_error"

/* A mail on that session, up to the end of its data, which the daemon has read. */
static void
begin_on(struct client *c, const char *const *to)
{
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "250 2.1.0 %");
	for (; *to; to++)
		expect_text(smtp_ask(c, "RCPT TO:<%s>", *to), "250 2.1.5 %");
	client_send(c, "DATA\r\n.\r\n");
	expect_text(smtp_reply(c), "354 %");
}

static struct client *
begin(const struct daemon *d, const char *const *to)
{
	struct client *c = smtp_connect(d, "lmtp", 0);

	expect_text(smtp_ask(c, "LHLO x"), "250 DSN");
	begin_on(c, to);
	return c;
}

#define TO(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
test_each_when_it_is_due(void **state)
{
	struct daemon *d = smtp_daemon(STANDING, DOMAINS, NULL);
	struct client *c = begin(d, TO("a@one.test", "b@bad.test", "c@ten.test", "d@one.test"));
	struct client *line = client_connect(d), *other;

	(void)state;
	expect_text(client_ask(line, "advance 999ms"), "+OK %");
	expect_text(client_stats(line), "+OK accepted=0 % rejected=0 %");
	expect_text(client_ask(line, "advance 1ms"), "+OK %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	/* what is answered has happened, and the rest has not */
	expect_number(daemon_count_log(d, " delivered "), 1);
	expect_text(client_stats(line), "+OK accepted=1 % rejected=0 %");
	/* nobody else waits for it */
	other = begin(d, TO("e@one.test"));
	expect_text(client_ask(line, "advance 1s"), "+OK %");
	expect_text(smtp_reply(other), "250 2.0.0 Ok: queued as 2");
	expect_text(client_stats(line), "+OK accepted=2 % rejected=0 %");
	expect_text(client_ask(line, "advance 2s"), "+OK %");
	expect_text(smtp_reply(c), "550 5.7.1 %");
	expect_number(daemon_count_log(d, " rejected from=a@example.com to=b@bad.test "), 1);
	/* the last has been due for long, but not the one before it */
	expect_text(client_ask(line, "advance 5999ms"), "+OK %");
	expect_text(client_stats(line), "+OK accepted=2 % rejected=1 %");
	expect_text(client_ask(line, "advance 1ms"), "+OK %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(client_stats(line), "+OK accepted=4 % rejected=1 %");
	expect_number(daemon_count_log(d, " finished batch=1 n=3 delivered=3 "), 1);
	expect_text(smtp_ask(c, "NOOP"), "250 %");
	daemon_stop(d);
}

/* Where time jumps it jumps from answer to answer. */
static void
test_scale_max(void **state)
{
	struct daemon *d = smtp_daemon(
	    INBAND, DOMAINS, "-o", "clock.scale=max", "-o", "clock.epoch=" EPOCH "00Z", NULL);
	struct client *c = begin(d, TO("a@one.test", "b@bad.test", "c@ten.test", "d@one.test"));

	(void)state;
	expect_text(smtp_reply(c), "250 %");
	expect_text(smtp_reply(c), "550 %");
	expect_text(smtp_reply(c), "250 %");
	expect_text(smtp_reply(c), "250 %");
	expect_number(daemon_count_log(d, EPOCH "01.000Z delivered "), 1);
	expect_number(daemon_count_log(d, EPOCH "04.000Z rejected "), 1);
	expect_number(daemon_count_log(d, EPOCH "10.000Z delivered "), 2);
	daemon_stop(d);
}

/* Refused and delivered in turn, all due at once. */
static void
test_very_many(void **state)
{
	enum { PAIRS = 5000 };
	struct daemon *d = smtp_daemon(INBAND, DOMAINS, "-o", "clock.scale=max", "-o",
	    "smtp.max_recipients=10000", "-o", "log.events=finished", NULL);
	struct client *c = smtp_connect(d, "lmtp", 0);
	struct text t = { 0 };
	int i;

	(void)state;
	expect_text(smtp_ask(c, "LHLO x"), "250 DSN");
	text_printf(&t, "MAIL FROM:<a@example.com>\r\n");
	for (i = 0; i < PAIRS; i++)
		text_printf(&t, "RCPT TO:<%d@one.test>\r\nRCPT TO:<%d@bad.test>\r\n", i, i);
	text_printf(&t, "DATA\r\n.\r\n");
	client_send_bytes(c, t.p, t.n);
	for (i = 0; i < 1 + 2 * PAIRS; i++)
		expect_text(smtp_reply(c), "250 %");
	expect_text(smtp_reply(c), "354 %");
	for (i = 0; i < PAIRS; i++) {
		expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
		expect_text(smtp_reply(c), "550 %");
	}
	expect_number(daemon_count_log(d, " n=5000 delivered=5000 "), 1);
	text_free(&t);
	daemon_stop(d);
}

/* An answer that ends the session is the last, and who comes behind it was not even tried. */
static void
test_an_answer_that_ends_it(void **state)
{
	static const char *const ends[] = { "lost.test", "busy.test", "mute.test" };
	struct daemon *d = smtp_daemon(INBAND, DOMAINS, "-o", "clock.scale=max", NULL);
	struct client *c, *line = client_connect(d);
	char to[32], rejected[96];
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(ends); i++) {
		snprintf(to, sizeof to, "b@%s", ends[i]);
		c = begin(d, TO("a@one.test", "c@one.test", to, "d@one.test", "e@again.test"));
		expect_text(smtp_reply(c), "250 2.0.0 Ok: %");
		expect_text(smtp_reply(c), "250 2.0.0 Ok: %");
		snprintf(rejected, sizeof rejected, " rejected from=a@example.com to=%s ", to);
		daemon_wait_log(d, rejected, 1);
		if (i == 1)
			expect_text(smtp_reply(c), "421 %");
		if (i < 2)
			client_expect_end(c);
		expect_number(daemon_count_log(d, " queued "), 2 * (i + 1));
	}
	expect_text(client_stats(line), "+OK accepted=6 % rejected=3 %");
	expect_number(daemon_count_log(d, " finished "), 3);
	expect_number(daemon_count_log(d, " n=2 delivered=2 "), 3);
	/* their attempts are still before them */
	begin(d, TO("e@again.test"));
	daemon_wait_log(d, " rejected from=a@example.com to=e@again.test attempt=1 ", 1);
	/* the silent one is told the end of the daemon and nothing else */
	daemon_signal(d, SIGTERM);
	expect_text(smtp_reply(c), "421 4.3.2 %");
	client_expect_end(c);
	expect_number(daemon_wait_exit(d), 0);
}

/* Who goes before the last answer has got the mail for those who were answered. */
static void
test_the_client_goes(void **state)
{
	struct daemon *d = smtp_daemon(STANDING, DOMAINS, NULL);
	struct client *c = begin(d, TO("a@one.test", "b@one.test", "c@ten.test", "d@one.test"));
	struct client *line = client_connect(d);

	(void)state;
	expect_text(client_ask(line, "advance 1s"), "+OK %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_number(daemon_count_log(d, " finished "), 0);
	client_reset(c);
	client_wait_stats(line, "connections", 1);
	daemon_wait_log(d, " finished batch=1 n=2 delivered=2 ", 1);
	expect_text(client_ask(line, "advance 1h"), "+OK %");
	expect_text(client_stats(line), "+OK accepted=2 % rejected=0 %");
	daemon_stop(d);
}

/* While it waits, what is to come of it is no message: it cannot be cancelled. */
static void
test_cancel_and_reset(void **state)
{
	struct daemon *d = smtp_daemon(STANDING, DOMAINS, NULL);
	struct client *c = begin(d, TO("a@one.test", "b@ten.test", "c@ten.test"));
	struct client *line = client_connect(d);

	(void)state;
	expect_text(client_ask(line, "advance 1s"), "+OK %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(client_ask(line, "cancel all"), "-ERR not_found %");
	expect_text(client_ask(line, "advance 9s"), "+OK %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 2");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 2");
	expect_text(client_stats(line), "+OK accepted=3 %");
	/* what was waited for is over with the reset, which begins numbers anew */
	begin_on(c, TO("a@one.test", "b@ten.test", "c@bad.test"));
	expect_text(client_ask(line, "advance 1s"), "+OK %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 3");
	expect_text(client_ask(line, "reset"), "+OK cancelled=0 %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(smtp_reply(c), "550 %");
	expect_text(client_stats(line), "+OK accepted=1 % rejected=1 %");
	daemon_stop(d);
}

/* A lost acknowledgement is one of all of it. */
static void
test_drop_after(void **state)
{
	struct daemon *d =
	    smtp_daemon(STANDING, DOMAINS, "-o", "smtp eom.drop_after=first 1", NULL);
	struct client *c = begin(d, TO("a@one.test", "b@bad.test", "c@ten.test"));
	struct client *line = client_connect(d);

	(void)state;
	expect_text(client_ask(line, "advance 4s"), "+OK %");
	daemon_wait_log(d, " rejected ", 1);
	expect_text(client_stats(line), "+OK accepted=1 % connections=2 %");
	expect_text(client_ask(line, "advance 6s"), "+OK %");
	client_expect_end(c);
	expect_text(client_stats(line), "+OK accepted=2 % rejected=1 %");
	daemon_stop(d);
}

/* One who waits for room is accepted when there is some, though his client has gone; the one behind
 * him is not. */
static void
test_room(void **state)
{
	struct daemon *d = smtp_daemon(STANDING, DOMAINS, "-o", "limits.pending=1", NULL);
	struct client *c, *line = client_connect(d);

	(void)state;
	expect_text(client_ask(line, "send full latency=2s"), "+OK %");
	c = begin(d, TO("a@one.test", "b@ten.test"));
	expect_text(client_ask(line, "advance 1s"), "+OK %");
	expect_text(client_stats(line), "+OK accepted=1 %");
	client_reset(c);
	expect_text(client_ask(line, "advance 1s"), "+OK %");
	daemon_wait_log(d, " delivered ", 2);
	client_wait_stats(line, "connections", 1);
	expect_text(client_ask(line, "advance 1h"), "+OK %");
	expect_text(client_stats(line), "+OK accepted=2 %");
	daemon_stop(d);
}

/* Single messages are kept together: the end of one's mail is not that of another's. */
static void
test_others_go_on(void **state)
{
	struct daemon *d = smtp_daemon(STANDING, DOMAINS, "-o", "limits.pending=1", NULL);
	struct client *c = begin(d, TO("a@one.test", "b@bad.test"));
	struct client *line = client_connect(d), *sender = client_connect(d);

	(void)state;
	expect_text(client_ask(line, "advance 1s"), "+OK %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(client_ask(sender, "send full latency=1h"), "+OK %");
	client_send(sender, "ping\nsend next\n");
	expect_text(client_reply(sender), "+OK pong");
	expect_text(client_ask(line, "advance 3s"), "+OK %");
	expect_text(smtp_reply(c), "550 %");
	expect_text(smtp_ask(c, "QUIT"), "221 %");
	expect_text(client_ask(line, "cancel full"), "+OK cancelled=1");
	expect_text(client_reply(sender), "+OK queued=1 ids=next %");
	daemon_wait_log(d, " queued id=next ", 1);
	expect_text(client_ask(line, "cancel all"), "+OK cancelled=1");
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_each_when_it_is_due),
		LIVE_TEST(test_scale_max),
		LIVE_TEST(test_very_many),
		LIVE_TEST(test_an_answer_that_ends_it),
		LIVE_TEST(test_the_client_goes),
		LIVE_TEST(test_cancel_and_reset),
		LIVE_TEST(test_drop_after),
		LIVE_TEST(test_room),
		LIVE_TEST(test_others_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
