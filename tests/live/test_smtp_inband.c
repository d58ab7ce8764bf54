/*
 * smtp.mode = inband, a mock of the receiving server: the answer is the outcome, at its stage and
 * after its time.
 */
#include "smtp_client.h"

#include <signal.h>

#define INBAND "smtp.mode=inband"

/* Up to its first RCPT. */
static struct client *
begin(const struct daemon *d, const char *kind)
{
	struct client *c = smtp_connect(d, kind, 0);

	expect_text(smtp_ask(c, "%s x", kind[0] == 'l' ? "LHLO" : "EHLO"), "250 DSN");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "250 2.1.0 %");
	return c;
}

static void
end_data(struct client *c, const char *text)
{
	expect_text(smtp_ask(c, "DATA"), "354 %");
	client_send(c, text);
	client_send(c, ".\r\n");
}

static void
test_greylisted_comes_back(void **state)
{
	struct daemon *d =
	    smtp_daemon("-o", INBAND, "-o", "clock.scale=0", "-o", "delivery.latency=0s", NULL);
	struct client *c = begin(d, "smtp"), *line = client_connect(d);

	(void)state;
	expect_text(smtp_ask(c, "RCPT TO:<greylisted@example.org>"), "451 4.7.1 %");
	expect_text(smtp_ask(c, "RSET"), "250 %");
	expect_text(client_ask(line, "advance 299s"), "+OK %");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<greylisted@example.org>"), "451 4.7.1 %");
	expect_text(client_ask(line, "advance 1s"), "+OK %");
	expect_text(smtp_ask(c, "RCPT TO:<greylisted@example.org>"), "250 2.1.5 %");
	end_data(c, "X-Mailsim-Id: x\r\n\r\n");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(client_ask(line, "wait id=x"), "+OK n=1 delivered=1 % simulated=0.000s");
	expect_text(client_stats(line), "+OK accepted=1 % rejected=2 %");
	expect_number(
	    daemon_count_log(d, " rejected from=a@example.com to=greylisted@example.org attempt="),
	    2);
	daemon_stop(d);
}

/* A reply comes when simulated time is there: not before, and nobody else waits for it. */
static void
test_answers_take_their_time(void **state)
{
	struct daemon *d = smtp_daemon("-o", INBAND, "-o", "clock.scale=0", "-o",
	    "delivery.latency=10s", "-o", "delivery.connect=2s", NULL);
	struct client *c = begin(d, "smtp"), *line = client_connect(d), *other;

	(void)state;
	/* all of it is read when the first of it is answered */
	client_send(c, "NOOP\r\nRCPT TO:<user_unknown@example.org>\r\nNOOP\r\n");
	expect_text(smtp_reply(c), "250 2.0.0 Ok");
	other = begin(d, "smtp");
	expect_text(smtp_ask(other, "RCPT TO:<b@example.org>"), "250 %");
	client_wait_stats(line, "connections", 3);
	expect_text(client_ask(line, "advance 11999ms"), "+OK %");
	expect_text(client_stats(line), "+OK % rejected=0 %");
	expect_text(client_ask(line, "advance 1ms"), "+OK %");
	expect_text(smtp_reply(c), "550 5.1.1 %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok");
	client_send(other, "DATA\r\n.\r\n");
	expect_text(smtp_reply(other), "354 %");
	expect_text(client_stats(line), "+OK accepted=0 %");
	expect_text(client_ask(line, "advance 12s"), "+OK %");
	expect_text(smtp_reply(other), "250 2.0.0 Ok: queued as 1");
	daemon_stop(d);
}

/* Where time jumps, it jumps to the answer. */
static void
test_scale_max(void **state)
{
	struct daemon *d = smtp_daemon("-o", INBAND, "-o", "clock.scale=max", "-o",
	    "clock.epoch=2026-11-23T06:12:00Z", "-o", "delivery.latency=1h", NULL);
	struct client *c = begin(d, "smtp");

	(void)state;
	expect_text(smtp_ask(c, "RCPT TO:<mailbox_disabled@example.org>"), "550 5.2.1 %");
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "250 %");
	end_data(c, "");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	daemon_wait_log(d, " delivered ", 1);
	expect_number(daemon_count_log(d, "2026-11-23T07:12:00.000Z rejected "), 1);
	expect_number(daemon_count_log(d, "2026-11-23T08:12:00.000Z delivered "), 1);
	daemon_stop(d);
}

static void
test_what_has_no_reply(void **state)
{
	struct daemon *d = smtp_daemon("-o", INBAND, "-o", "clock.scale=max", NULL);
	struct client *c = begin(d, "smtp"), *line = client_connect(d);

	(void)state;
	expect_text(smtp_ask(c, "RCPT TO:<dns_failure@example.org>"), "451 4.3.5 %dns_failure%");
	client_send(c, "RCPT TO:<connect_refused@example.org>\r\n");
	client_expect_end(c);
	c = begin(d, "smtp");
	expect_text(smtp_ask(c, "RCPT TO:<rate_limited@example.org>"), "421 4.7.0 %");
	client_expect_end(c);
	c = begin(d, "smtp");
	expect_text(smtp_ask(c, "RCPT TO:<connection_lost@example.org>"), "250 %");
	end_data(c, "");
	client_expect_end(c);
	c = begin(d, "smtp");
	client_send(c, "RCPT TO:<connect_timeout@example.org>\r\nNOOP\r\n");
	client_wait_stats(line, "rejected", 5);
	/* never answered, but the end of the daemon is said */
	daemon_signal(d, SIGTERM);
	expect_text(smtp_reply(c), "421 4.3.2 %");
	client_expect_end(c);
	expect_number(daemon_wait_exit(d), 0);
}

/* Who was never answered goes away like any other, and gives back his place. */
static void
test_who_is_never_answered_may_go(void **state)
{
	struct daemon *d = smtp_daemon("-o", INBAND, "-o", "limits.connections=2", NULL);
	struct client *c, *line = client_connect(d);
	int i;

	(void)state;
	/* it lasts two attempts */
	for (i = 0; i < 2; i++) {
		c = begin(d, "smtp");
		client_send(c, "RCPT TO:<connect_timeout@example.org>\r\nNOOP\r\n");
		client_wait_stats(line, "rejected", i + 1);
		if (i % 2) {
			client_half_close(c);
			client_expect_end(c);
		} else {
			client_close(c);
		}
		client_wait_stats(line, "connections", 1);
	}
	daemon_stop(d);
}

static void
test_before_there_is_a_recipient(void **state)
{
	struct daemon *d = smtp_daemon("-o", INBAND, "-o", "clock.scale=max", "-o",
	    "delivery.outcome=service_unavailable:1 rate_limited:1", NULL);
	struct client *c = client_connect_kind(d, "smtp", 0);

	(void)state;
	expect_text(smtp_reply(c), "421 4.3.2 %");
	client_expect_end(c);
	c = smtp_connect(d, "smtp", 0);
	expect_text(smtp_ask(c, "EHLO x"), "250 %");
	/* the script of this sender begins with what is past */
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "%");
	daemon_stop(d);
}

/* SMTP has one answer for all, LMTP one for each. */
static void
test_one_answer_or_many(void **state)
{
	struct daemon *d = smtp_daemon("-o", INBAND, "-o", "clock.scale=max", NULL);
	struct client *c = begin(d, "smtp"), *line = client_connect(d);

	(void)state;
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<system_error@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<spam_blocked@example.org>"), "250 %");
	end_data(c, "");
	expect_text(smtp_reply(c), "451 4.3.0 %");
	expect_text(client_stats(line), "+OK accepted=0 % rejected=3 %");
	c = begin(d, "lmtp");
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<c+system_error@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<d@example.org>"), "250 %");
	end_data(c, "");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(smtp_reply(c), "451 4.3.0 %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	client_wait_stats(line, "delivered", 2);
	expect_text(client_stats(line), "+OK accepted=2 % rejected=4 %");
	/* that pair comes back, and the error has passed */
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<c+system_error@example.org>"), "250 %");
	end_data(c, "");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 2");
	daemon_stop(d);
}

/* The header's answer comes at the end of data, whatever its stage. */
static void
test_what_the_header_chooses(void **state)
{
	struct daemon *d = smtp_daemon("-o", INBAND, "-o", "clock.scale=max", NULL);
	struct client *c = begin(d, "smtp");
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		if (i > 0)
			expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "250 %");
		expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "250 %");
		expect_text(smtp_ask(c, "RCPT TO:<c@example.org>"), "250 %");
		end_data(c, "X-Mailsim-Outcome: mailbox_full:2\r\n\r\n");
		expect_text(smtp_reply(c), i < 2 ? "452 4.2.2 %" : "250 2.0.0 Ok: queued as 1");
	}
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "250 %");
	end_data(c, "X-Mailsim-Outcome: host_unknown\r\n\r\n");
	expect_text(smtp_reply(c), "554 5.6.0 X-Mailsim-Outcome: %");
	daemon_stop(d);
}

/* No server answers with what a resolver finds. */
static void
test_configurations_that_are_wrong(void **state)
{
	static const char *const wrong[] = { "delivery.outcome=dns_failure 1%",
		"domain x.test.outcome=greylisted:1 null_mx", "delivery.outcome=suppressed" };
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(wrong); i++) {
		struct daemon *d = daemon_new();
		const struct daemon_setup setup = { 0 };
		const char *args[] = { "-o", INBAND, "-o", wrong[i], NULL };

		daemon_run(d, &setup, args);
		expect_number(daemon_wait_exit(d), 78);
		daemon_wait_errors(d, ".outcome: with smtp.mode = inband ", 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_greylisted_comes_back),
		LIVE_TEST(test_answers_take_their_time),
		LIVE_TEST(test_scale_max),
		LIVE_TEST(test_what_has_no_reply),
		LIVE_TEST(test_who_is_never_answered_may_go),
		LIVE_TEST(test_before_there_is_a_recipient),
		LIVE_TEST(test_one_answer_or_many),
		LIVE_TEST(test_what_the_header_chooses),
		LIVE_TEST(test_configurations_that_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
