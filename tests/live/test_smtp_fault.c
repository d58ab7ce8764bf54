/*
 * Faults of SMTP by stage: what a client sees of each, the lost acknowledgement, and that two runs
 * are alike.
 */
#include "smtp_client.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX "clock.scale=max"

static void
test_the_lost_acknowledgement(void **state)
{
	static const char mail[] = "Message-ID: <m@example.com>\r\n\r\nhello\r\n";
	struct daemon *d = smtp_daemon("-o", MAX, "-o", "smtp eom.drop_after=first 1", NULL);
	struct client *c = smtp_connect(d, "smtp", 0);

	(void)state;
	smtp_hello(c);
	/* what is refused has nothing that could get lost */
	expect_text(
	    smtp_send(c, "a@example.com", "b@example.org", "X-Mailsim-Latency: 5\r\n\r\nhello\r\n"),
	    "554 5.6.0 %");
	expect(!smtp_send(c, "a@example.com", "b@example.org", mail));
	daemon_wait_log(d, " queued id=m@example.com seq=1 ", 1);
	c = smtp_connect(d, "smtp", 0);
	smtp_hello(c);
	expect_text(smtp_send(c, "a@example.com", "b@example.org", mail), "250 2.0.0 %");
	daemon_wait_log(d, " queued id=m@example.com seq=2 ", 1);
	expect_number(daemon_count_log(d,
			  " seq=2 batch=2 from=a@example.com to=b@example.org "
			  "size=38 dup_of=1"),
	    1);
	daemon_stop(d);
	expect_number(daemon_ledger(d, "delivered"), 2);
}

/* What is said up to the stage, and there. */
struct said {
	const char *stage;
	const char *before[5];
	const char *at;
};

static const struct said stages[] = {
	{ "ehlo", { NULL }, "EHLO x" },
	{ "mail", { "EHLO x", NULL }, "MAIL FROM:<a@example.com>" },
	{ "rcpt", { "EHLO x", "MAIL FROM:<a@example.com>", NULL }, "RCPT TO:<b@example.org>" },
	{ "data", { "EHLO x", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.org>", NULL },
	    "DATA" },
	{ "eom", { "EHLO x", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.org>", "DATA", NULL },
	    "." },
	{ "quit", { NULL }, "QUIT" },
};

static struct client *
go_to(const struct daemon *d, const struct said *s)
{
	struct client *c = smtp_connect(d, "smtp", 0);
	const char *const *line;

	for (line = s->before; *line; line++)
		expect_text(smtp_ask(c, "%s", *line), "%");
	return c;
}

static void
test_refusals_at_each_stage(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(stages); i++) {
		const struct said *s = &stages[i];
		struct text fault = { 0 };
		struct daemon *d;
		struct client *c;

		text_printf(&fault, "smtp %s.fail=first 2 450 4.7.1 Not now", s->stage);
		d = smtp_daemon("-o", MAX, "-o", fault.p, NULL);
		c = go_to(d, s);
		expect_text(smtp_ask(c, "%s", s->at), "450 4.7.1 Not now");
		expect_text(smtp_ask(c, "NOOP"), "250 %");
		c = go_to(d, s);
		expect_text(smtp_ask(c, "%s", s->at), "450 4.7.1 Not now");
		/* only the first two of all */
		c = go_to(d, s);
		expect_text(smtp_ask(c, "%s", s->at), s->at[0] == 'D' ? "354 %" : "2%");
		daemon_stop(d);
		text_free(&fault);
	}
}

static void
test_drops_at_each_stage(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(stages); i++) {
		const struct said *s = &stages[i];
		struct text fault = { 0 };
		struct daemon *d;

		text_printf(&fault, "smtp %s.drop=100%%", s->stage);
		d = smtp_daemon("-o", MAX, "-o", fault.p, NULL);
		expect(!smtp_ask(go_to(d, s), "%s", s->at));
		daemon_stop(d);
		expect_number(daemon_ledger(d, "accepted"), 0);
		text_free(&fault);
	}
}

static void
test_greetings(void **state)
{
	struct daemon *d =
	    smtp_daemon("-o", MAX, "-o", "smtp connect.fail=first 1 554 5.7.1 Go away", NULL);
	struct client *c = client_connect_kind(d, "smtp", 0);

	(void)state;
	expect_text(smtp_reply(c), "554 5.7.1 Go away");
	expect_text(smtp_ask(c, "EHLO x"), "503 5.5.1 %");
	expect_text(smtp_ask(c, "QUIT"), "221 %");
	client_expect_end(c);
	smtp_connect(d, "smtp", 0);
	daemon_stop(d);
	d = smtp_daemon("-o", MAX, "-o", "smtp connect.fail=first 1 421 4.3.2 Later", "-o",
	    "smtp connect.drop=first 2", NULL);
	client_expect_end(client_connect_kind(d, "smtp", 0));
	client_expect_end(client_connect_kind(d, "lmtp", 0));
	smtp_connect(d, "smtp", 0);
	daemon_stop(d);
	d = smtp_daemon("-o", MAX, "-o", "smtp mail.fail=100% 421 4.3.2 Later", NULL);
	c = go_to(d, &stages[1]);
	expect_text(smtp_ask(c, "%s", stages[1].at), "421 4.3.2 Later");
	client_expect_end(c);
	daemon_stop(d);
}

/* In LMTP each recipient has the refusal. */
static void
test_the_end_of_data_in_lmtp(void **state)
{
	struct daemon *d = smtp_daemon("-o", MAX, "-o", "smtp eom.fail=100% 451 4.3.0 Oh", NULL);
	struct client *c = smtp_connect(d, "lmtp", 0);

	(void)state;
	client_send(c,
	    "LHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n"
	    "RCPT TO:<c@example.org>\r\nDATA\r\n.\r\nRSET\r\n");
	expect_text(smtp_reply(c), "250 DSN");
	expect_text(smtp_reply(c), "250 2.1.0 %");
	expect_text(smtp_reply(c), "250 2.1.5 %");
	expect_text(smtp_reply(c), "250 2.1.5 %");
	expect_text(smtp_reply(c), "354 %");
	expect_text(smtp_reply(c), "451 4.3.0 Oh");
	expect_text(smtp_reply(c), "451 4.3.0 Oh");
	expect_text(smtp_reply(c), "250 2.0.0 %");
	daemon_stop(d);
}

/* A delay is simulated time, and nobody else waits for it. */
static void
test_delays(void **state)
{
	struct daemon *d = smtp_daemon("-o", "clock.scale=0", "-o", "smtp mail.delay=5s", "-o",
	    "smtp data.delay=2s", "-o", "smtp eom.delay=1m", "-o", "delivery.latency=0s", NULL);
	struct client *line = client_connect(d), *c = smtp_connect(d, "smtp", 0);

	(void)state;
	client_send(
	    c, "NOOP\r\nEHLO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\n");
	expect_text(smtp_reply(c), "250 2.0.0 Ok");
	expect_text(smtp_reply(c), "250 DSN");
	smtp_hello(smtp_connect(d, "smtp", 0));
	expect_text(client_ask(line, "advance 5s"), "+OK %");
	expect_text(smtp_reply(c), "250 2.1.0 %");
	expect_text(smtp_reply(c), "250 2.1.5 %");
	client_send(c, "NOOP\r\nDATA\r\n.\r\n");
	expect_text(smtp_reply(c), "250 2.0.0 Ok");
	expect_text(client_ask(line, "advance 2s"), "+OK %");
	expect_text(smtp_reply(c), "354 %");
	expect_text(client_ask(line, "advance 59s"), "+OK %");
	expect_text(client_stats(line), "+OK accepted=0 %");
	expect_text(client_ask(line, "advance 1s"), "+OK %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 1");
	daemon_stop(d);
}

/* One run of ten sessions with three recipients each; gives the log and what was answered. */
static char *
run_once(void)
{
	struct daemon *d =
	    smtp_daemon("-o", MAX, "-o", "clock.epoch=2026-11-23T06:12:00Z", "-o", "random.seed=7",
		"-o", "delivery.outcome=user_unknown 30%, greylisted 20%, mailbox_full:2 10%", "-o",
		"delivery.latency=uniform 1s 9s", "-o", "smtp rcpt.fail=20% 450 4.2.1 Busy", "-o",
		"smtp eom.drop_after=40%", NULL);
	struct client *line = client_connect(d);
	struct text t = { 0 };
	int i;

	for (i = 0; i < 10; i++) {
		struct client *c = smtp_connect(d, "smtp", 0);
		const char *to[] = { "ann", "bob", "cid" }, *reply;
		size_t k;

		smtp_hello(c);
		smtp_ask(c, "MAIL FROM:<shop@example.com> ENVID=order-%d", i);
		for (k = 0; k < HARNESS_EXTENT(to); k++)
			text_printf(&t, "%s\n", smtp_ask(c, "RCPT TO:<%s@corp.test>", to[k]));
		reply = smtp_ask(c, "DATA");
		text_printf(&t, "%s\n", reply);
		if (reply[0] != '3')
			continue;
		client_send(c, "hello\r\n.\r\n");
		reply = smtp_reply(c);
		text_printf(&t, "%s\n", reply ? reply : "lost");
		expect_text(client_ask(line, "wait all"), "+OK %");
	}
	daemon_stop(d);
	text_printf(&t, "%s", daemon_log(d));
	return t.p;
}

static void
test_two_runs_are_alike(void **state)
{
	char *one = run_once(), *two = run_once();

	(void)state;
	expect_text(one, "%450 4.2.1 Busy%");
	expect_text(one, "%lost%");
	expect_text(one, "% bounced %");
	expect_text(one, "% deferred %");
	if (strcmp(one, two) != 0) {
		harness_show("one run", one, strlen(one));
		harness_show("another", two, strlen(two));
	}
	expect(strcmp(one, two) == 0);
	free(one);
	free(two);
}

/* Which of 16 sessions are let in, as a mask. */
static unsigned
who_is_let_in(const struct daemon *d)
{
	unsigned mask = 0, i;

	for (i = 0; i < 16; i++)
		mask |= (unsigned)(smtp_reply(client_connect_kind(d, "smtp", 0)) != NULL) << i;
	return mask;
}

/* After a reset sessions are counted anew, and so are the first so many. */
static void
test_a_reset_begins_anew(void **state)
{
	unsigned mask;
	struct daemon *d = smtp_daemon("-o", MAX, "-o", "smtp connect.drop=first 1", NULL);

	(void)state;
	client_expect_end(client_connect_kind(d, "smtp", 0));
	smtp_connect(d, "smtp", 0);
	expect_text(client_ask(client_connect(d), "reset"), "+OK %");
	client_expect_end(client_connect_kind(d, "smtp", 0));
	smtp_connect(d, "smtp", 0);
	daemon_stop(d);
	d = smtp_daemon("-o", MAX, "-o", "smtp connect.drop=50%", "-o", "random.seed=3", NULL);
	mask = who_is_let_in(d);
	expect(mask != who_is_let_in(d));
	expect_text(client_ask(client_connect(d), "reset"), "+OK %");
	expect_number(who_is_let_in(d), mask);
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_the_lost_acknowledgement),
		LIVE_TEST(test_refusals_at_each_stage),
		LIVE_TEST(test_drops_at_each_stage),
		LIVE_TEST(test_greetings),
		LIVE_TEST(test_the_end_of_data_in_lmtp),
		LIVE_TEST(test_delays),
		LIVE_TEST(test_two_runs_are_alike),
		LIVE_TEST(test_a_reset_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
