/*
 * SMTP and LMTP: mails become messages, and what a client says in which order, too much of, or too
 * slowly.
 */
#include "smtp_client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX "clock.scale=max"

static void
test_three_recipients_are_a_batch(void **state)
{
	struct daemon *d =
	    smtp_daemon("-o", MAX, "-o", "delivery.latency=2s", "-o", "random.seed=1", NULL);
	struct client *c = smtp_connect(d, "smtp", 0), *line = client_connect(d);

	(void)state;
	smtp_hello(c);
	expect_text(
	    smtp_ask(c, "MAIL FROM:<shop@example.com> SIZE=40 BODY=8BITMIME"), "250 2.1.0 %");
	expect_text(smtp_ask(c, "RCPT TO:<ann@example.org>"), "250 2.1.5 %");
	expect_text(smtp_ask(c, "RCPT TO:<user_unknown@example.org>"), "250 2.1.5 %");
	expect_text(smtp_ask(c, "RCPT TO:<bob+mailbox_disabled@example.org>"), "250 2.1.5 %");
	expect_text(smtp_ask(c, "DATA"), "354 %");
	client_send(c, "X-Mailsim-Id: order 1\r\n\r\nHello\r\n..\r\n.\r\n");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(client_ask(line, "wait batch=1"), "+OK n=3 delivered=1 bounced=2 %");
	daemon_wait_log(d, " finished batch=1 n=3 ", 1);
	expect_number(daemon_count_log(d,
			  " queued id=\"order 1\" seq=1 batch=1 from=shop@example.com "
			  "to=ann@example.org size=35"),
	    1);
	expect_number(daemon_count_log(d, " bounced id=\"order 1\" seq=2 batch=1 "), 1);
	expect_number(daemon_count_log(d, " bounced id=\"order 1\" seq=3 batch=1 "), 1);
	expect_text(smtp_ask(c, "QUIT"), "221 2.0.0 %");
	client_expect_end(c);
	daemon_stop(d);
}

/* All of two mails in one write, and each reply in its turn (RFC 2920). */
static void
test_all_at_once(void **state)
{
	struct daemon *d = smtp_daemon("-o", MAX, NULL);
	struct client *c = smtp_connect(d, "smtp", 0);

	(void)state;
	client_send(c,
	    "EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
	    "\r\n1\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n.\r\n"
	    "NOOP\r\nQUIT\r\n");
	expect_text(smtp_reply(c), "250 DSN");
	expect_text(smtp_reply(c), "250 2.1.0 %");
	expect_text(smtp_reply(c), "250 2.1.5 %");
	expect_text(smtp_reply(c), "354 %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(smtp_reply(c), "250 2.1.0 %");
	expect_text(smtp_reply(c), "250 2.1.5 %");
	expect_text(smtp_reply(c), "354 %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 2");
	expect_text(smtp_reply(c), "250 2.0.0 Ok");
	expect_text(smtp_reply(c), "221 %");
	client_expect_end(c);
	daemon_stop(d);
	expect_number(daemon_ledger(d, "accepted"), 2);
}

static void
test_lmtp_answers_for_each(void **state)
{
	struct daemon *d = smtp_daemon("-o", MAX, NULL);
	struct client *c = smtp_connect(d, "lmtp", 0);

	(void)state;
	expect_text(smtp_ask(c, "EHLO x"), "500 5.5.2 %");
	expect_text(smtp_ask(c, "LHLO x"), "250 DSN");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.org>"), "250 %");
	expect_text(smtp_ask(c, "DATA"), "503 5.5.1 %");
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<c@example.org>"), "250 %");
	expect_text(smtp_ask(c, "DATA"), "354 %");
	client_send(c, "X-Mailsim-Outcome: nonsense\r\n\r\n.\r\n");
	expect_text(smtp_reply(c), "554 5.6.0 %nonsense%");
	expect_text(smtp_reply(c), "554 5.6.0 %nonsense%");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<c@example.org>"), "250 %");
	expect_text(smtp_ask(c, "DATA"), "354 %");
	client_send(c, "hello\r\n.\r\n");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(smtp_ask(c, "NOOP"), "250 2.0.0 Ok");
	daemon_stop(d);
}

static void
test_everything_in_its_order(void **state)
{
	struct daemon *d = smtp_daemon("-o", MAX, NULL);
	struct client *c = smtp_connect(d, "smtp", 0);

	(void)state;
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.org>"), "503 5.5.1 %");
	expect_text(smtp_ask(c, "LHLO x"), "500 5.5.2 %");
	expect_text(smtp_ask(c, "HELO x"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<a@example.org>"), "503 5.5.1 %");
	expect_text(smtp_ask(c, "DATA"), "503 5.5.1 %");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.org>"), "250 %");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.org>"), "503 5.5.1 %");
	expect_text(smtp_ask(c, "DATA"), "503 5.5.1 %");
	expect_text(smtp_ask(c, "RSET"), "250 2.0.0 %");
	expect_text(smtp_ask(c, "RCPT TO:<a@example.org>"), "503 5.5.1 %");
	expect_text(smtp_ask(c, "VRFY a"), "252 2.0.0 %");
	expect_text(smtp_ask(c, "EXPN a"), "502 5.5.1 %");
	expect_text(smtp_ask(c, "STARTTLS"), "502 5.5.1 %");
	expect_text(smtp_ask(c, "AUTH PLAIN"), "502 5.5.1 %");
	expect_text(smtp_ask(c, "HELP"), "214 2.0.0 HELO EHLO MAIL % QUIT");
	expect_text(smtp_ask(c, "HELP DATA"), "214 2.0.0 %");
	expect_text(smtp_ask(c, "HELP LHLO"), "504 %");
	expect_text(smtp_ask(c, "WHAT"), "500 5.5.2 %");
	expect_text(smtp_ask(c, "%s", ""), "500 5.5.2 %");
	expect_text(smtp_ask(c, "MAIL FROM:<a\001@example.org>"), "501 %");
	expect_text(smtp_ask(c, "QUIT now"), "501 5.5.4 %");
	expect_text(smtp_ask(c, "QUIT"), "221 %");
	daemon_stop(d);
}

static void
test_too_much(void **state)
{
	struct daemon *d = smtp_daemon("-o", MAX, "-o", "smtp.max_size=1024", "-o",
	    "smtp.max_recipients=2", "-o", "smtp.bare_newline=reject", NULL);
	struct client *c = smtp_connect(d, "smtp", 0);
	char *line = malloc(20000);

	(void)state;
	expect_text(smtp_ask(c, "EHLO x"), "250 %");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.org> SIZE=1025"), "552 5.3.4 %");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.org> SIZE=1024"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<a@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<c@example.org>"), "452 4.5.3 %");
	expect_text(smtp_ask(c, "DATA"), "354 %");
	memset(line, 'x', 20000);
	line[1100] = '\0';
	client_send(c, line);
	client_send(c, "\r\n.\r\n");
	expect_text(smtp_reply(c), "552 5.3.4 %");
	smtp_begin_data(c, "a@example.org", "b@example.org");
	client_send(c, "a\nb\r\n.\r\n");
	expect_text(smtp_reply(c), "550 5.5.2 %");
	line[1100] = 'x';
	line[19999] = '\0';
	client_send(c, line);
	client_send(c, "\r\nNOOP\r\n");
	expect_text(smtp_reply(c), "500 5.5.2 %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok");
	free(line);
	daemon_stop(d);
	expect_number(daemon_ledger(d, "accepted"), 0);
}

/* What a browser sends is not answered, not even the part that would be a mail. */
static void
test_http_is_not_answered(void **state)
{
	static const char *const requests[] = { "POST / HTTP/1.1\r\nHELO x\r\n",
		"HELO x\r\nHost: localhost\r\nMAIL FROM:<a@example.org>\r\n" };
	struct daemon *d = smtp_daemon("-o", MAX, NULL);
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(requests); i++) {
		struct client *c = smtp_connect(d, "smtp", 0);
		const char *reply;

		client_send(c, requests[i]);
		reply = smtp_reply(c);
		if (i == 1) {
			/* what was said before is answered, if it leaves in time */
			if (reply)
				client_expect_end(c);
		} else {
			expect(!reply);
		}
	}
	daemon_stop(d);
}

/* Whose id it is: that of the header before ENVID before Message-ID. */
static void
test_whose_id(void **state)
{
	struct daemon *d = smtp_daemon("-o", MAX, NULL);
	struct client *c = smtp_connect(d, "smtp", 0);

	(void)state;
	smtp_hello(c);
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.org> ENVID=env+2B1 RET=HDRS"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org> NOTIFY=NEVER"), "250 %");
	expect_text(smtp_ask(c, "DATA"), "354 %");
	client_send(c, "Message-ID: <m1@example.org>\r\n\r\n.\r\n");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	expect_text(smtp_send(c, "a@example.org", "b@example.org",
			"Message-ID: <m1@example.org>\r\nX-Mailsim-Id: mine\r\n\r\n"),
	    "250 %");
	expect_text(
	    smtp_send(c, "a@example.org", "b@example.org", "message-id: <m1@example.org>\r\n\r\n"),
	    "250 %");
	daemon_wait_log(d, " queued ", 3);
	expect_number(daemon_count_log(d, " queued id=env+1 seq=1 "), 1);
	expect_number(daemon_count_log(d, " queued id=mine seq=2 "), 1);
	expect_number(daemon_count_log(d, " queued id=m1@example.org seq=3 "), 1);
	expect_number(daemon_count_log(d, " dup_of="), 2);
	daemon_stop(d);
}

static void
test_what_the_header_chooses(void **state)
{
	struct daemon *d = smtp_daemon("-o", MAX, NULL);
	struct client *c = smtp_connect(d, "smtp", 0), *line = client_connect(d);

	(void)state;
	smtp_hello(c);
	expect_text(smtp_send(c, "a@example.org", "b@example.org",
			"X-Mailsim-Id: x\r\nX-Mailsim-Outcome: greylisted:1 spam_blocked\r\n"
			"X-Mailsim-Latency: 70ms\r\n\r\n"),
	    "250 2.0.0 Ok: queued as 1");
	expect_text(client_ask(line, "wait"), "-ERR not_found %");
	expect_text(client_ask(line, "wait id=x"), "+OK n=1 delivered=0 bounced=1 %");
	expect_text(client_ask(line, "status id=x"),
	    "+OK id=x % state=bounced attempt=2 outcome=spam_blocked % delay=300.140s");
	expect_text(
	    smtp_send(c, "a@example.org", "b@example.org", "X-Mailsim-Latency: soon\r\n\r\n"),
	    "554 5.6.0 X-Mailsim-Latency: %");
	expect_text(smtp_ask(c, "NOOP"), "250 %");
	daemon_stop(d);
}

/* A reply leaves when what it says is in the log, and the same holds for a refusal. */
static void
test_the_log_is_ahead_of_replies(void **state)
{
	struct daemon *d = smtp_daemon("-o", MAX, "-o", "delivery.latency=1d", NULL);
	struct client *c = smtp_connect(d, "smtp", 0);
	size_t i;

	(void)state;
	smtp_hello(c);
	for (i = 1; i <= 200; i++) {
		expect_text(smtp_send(c, "a@example.org", "b@example.org", ""), "250 2.0.0 %");
		expect_number(daemon_count_log(d, " queued "), i);
	}
	daemon_stop(d);
	d = smtp_daemon("-o", MAX, "-o", "smtp.mode=inband", NULL);
	c = smtp_connect(d, "smtp", 0);
	smtp_hello(c);
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.org>"), "250 %");
	for (i = 1; i <= 200; i++) {
		expect_text(smtp_ask(c, "RCPT TO:<user_unknown@example.org>"), "550 5.1.1 %");
		expect_number(daemon_count_log(d, " rejected "), i);
	}
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_three_recipients_are_a_batch),
		LIVE_TEST(test_all_at_once),
		LIVE_TEST(test_lmtp_answers_for_each),
		LIVE_TEST(test_everything_in_its_order),
		LIVE_TEST(test_too_much),
		LIVE_TEST(test_http_is_not_answered),
		LIVE_TEST(test_whose_id),
		LIVE_TEST(test_what_the_header_chooses),
		LIVE_TEST(test_the_log_is_ahead_of_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
