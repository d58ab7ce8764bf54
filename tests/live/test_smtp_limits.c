/*
 * SMTP where there is not enough: of room, of connections, of time; and at the end of the daemon.
 */
#include "smtp_client.h"

#include <signal.h>
#include <stdio.h>

static void
test_room_is_waited_for(void **state)
{
	struct daemon *d = smtp_daemon("-o", "clock.scale=0", "-o", "limits.pending=2", NULL);
	struct client *line = client_connect(d), *c = smtp_connect(d, "smtp", 0);

	(void)state;
	smtp_hello(c);
	expect_text(smtp_send(c, "a@example.com", "b@example.org", ""), "250 % queued as 1");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<c@example.org>"), "250 %");
	client_send(c, "DATA\r\n.\r\nNOOP\r\n");
	expect_text(smtp_reply(c), "354 %");
	daemon_wait_log(d, " queued ", 2);
	expect_text(client_stats(line), "+OK accepted=2 %");
	/* nobody else waits for that */
	expect_text(smtp_ask(smtp_connect(d, "smtp", 0), "NOOP"), "250 %");
	expect_text(client_ask(line, "cancel batch=1"), "+OK cancelled=1");
	expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as 2");
	expect_text(smtp_reply(c), "250 2.0.0 Ok");
	daemon_signal(d, SIGTERM);
	expect_number(daemon_wait_exit(d), 2);
}

/* A client that goes before the answer does not take its mail back; one that goes before the end of
 * its data has sent none. */
static void
test_clients_that_go(void **state)
{
	struct daemon *d = smtp_daemon("-o", "clock.scale=0", "-o", "limits.pending=1", NULL);
	struct client *line = client_connect(d), *c = smtp_connect(d, "smtp", 0);

	(void)state;
	smtp_hello(c);
	expect_text(smtp_send(c, "a@example.com", "b@example.org", ""), "250 %");
	smtp_begin_data(c, "a@example.com", "half@example.org");
	client_send(c, "hello\r\n");
	client_reset(c);
	client_wait_stats(line, "connections", 1);
	c = smtp_connect(d, "smtp", 0);
	smtp_hello(c);
	client_send(c, "MAIL FROM:<a@example.com>\r\nRCPT TO:<whole@example.org>\r\nDATA\r\n.\r\n");
	expect_text(smtp_reply(c), "250 %");
	expect_text(smtp_reply(c), "250 %");
	expect_text(smtp_reply(c), "354 %");
	client_reset(c);
	expect_text(client_ask(line, "cancel batch=1"), "+OK cancelled=1");
	daemon_wait_log(d, " queued ", 2);
	expect_number(daemon_count_log(d, "to=whole@example.org"), 2);
	expect_number(daemon_count_log(d, "to=half@example.org"), 0);
	client_wait_stats(line, "connections", 1);
	daemon_signal(d, SIGTERM);
	expect_number(daemon_wait_exit(d), 2);
}

/* limits.connections is for all listeners together. */
static void
test_one_too_many(void **state)
{
	struct daemon *d = smtp_daemon("-o", "limits.connections=3", NULL);
	struct client *line = client_connect(d), *a = smtp_connect(d, "smtp", 0), *c;

	(void)state;
	smtp_connect(d, "lmtp", 0);
	c = client_connect_kind(d, "smtp", 0);
	expect_text(smtp_reply(c), "421 4.7.0 %");
	client_expect_end(c);
	expect_text(client_reply(client_connect(d)), "-ERR busy %");
	expect_text(client_stats(line), "+OK % connections=3 %");
	expect_text(smtp_ask(a, "QUIT"), "221 %");
	client_expect_end(a);
	client_wait_stats(line, "connections", 2);
	smtp_connect(d, "smtp", 0);
	daemon_stop(d);
}

/* Sends these octets until the daemon says that it is too slow. */
static void
trickle(struct client *c, const char *octets)
{
	struct text t = { 0 };
	int64_t since = harness_now_ms();

	for (;;) {
		client_send(c, octets);
		if (c->in.n > c->at)
			break;
		harness_pause(since, "the timeout");
	}
	expect_text(smtp_reply(c), "421 4.4.2 %");
	client_expect_end(c);
	text_free(&t);
}

static void
test_slow_clients(void **state)
{
	struct daemon *d = smtp_daemon("-o", "smtp.timeout=300ms", NULL);
	struct client *c = smtp_connect(d, "smtp", 0);

	(void)state;
	expect_text(smtp_reply(c), "421 4.4.2 %");
	client_expect_end(c);
	/* octets of a command that never ends gain nothing */
	trickle(smtp_connect(d, "smtp", 0), "x");
	c = smtp_connect(d, "smtp", 0);
	smtp_hello(c);
	smtp_begin_data(c, "a@example.com", "b@example.org");
	trickle(c, "x\r\n");
	daemon_stop(d);
	expect_number(daemon_ledger(d, "accepted"), 0);
}

/* Who waits for the simulator does not time out. */
static void
test_waiting_is_not_idling(void **state)
{
	struct daemon *d =
	    smtp_daemon("-o", "smtp.timeout=300ms", "-o", "smtp mail.delay=1s", NULL);
	struct client *c = smtp_connect(d, "smtp", 0);

	(void)state;
	smtp_hello(c);
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "250 %");
	expect_text(smtp_reply(c), "421 4.4.2 %");
	daemon_stop(d);
}

static void
test_the_drain(void **state)
{
	struct daemon *d = smtp_daemon("-o", "delivery.latency=20s", NULL);
	struct client *c = smtp_connect(d, "smtp", 0), *inside = smtp_connect(d, "smtp", 0),
		      *idle = smtp_connect(d, "lmtp", 0);

	(void)state;
	smtp_hello(c);
	smtp_hello(inside);
	expect_text(smtp_ask(idle, "LHLO x"), "250 DSN");
	expect_text(smtp_send(c, "a@example.com", "b@example.org", ""), "250 %");
	smtp_begin_data(inside, "a@example.com", "b@example.org");
	daemon_signal(d, SIGTERM);
	daemon_wait_errors(d, "draining 1 messages", 1);
	expect_text(smtp_ask(c, "NOOP"), "250 %");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "421 4.3.2 %");
	client_expect_end(c);
	expect_text(smtp_ask(inside, "."), "421 4.3.2 %");
	client_expect_end(inside);
	daemon_signal(d, SIGTERM);
	expect_number(daemon_wait_exit(d), 2);
	expect_number(daemon_ledger(d, "accepted"), 1);
}

/* Whoever is still there at the end is told. */
static void
test_the_end(void **state)
{
	struct daemon *d = smtp_daemon("-o", "clock.scale=max", NULL);
	struct client *c = smtp_connect(d, "smtp", 0);

	(void)state;
	smtp_hello(c);
	daemon_signal(d, SIGTERM);
	expect_text(smtp_reply(c), "421 4.3.2 %");
	client_expect_end(c);
	expect_number(daemon_wait_exit(d), 0);
}

/* A reload changes what is said from then on; where SMTP is spoken cannot change. */
static void
test_a_reload(void **state)
{
	static const char file[] =
	    "[listen]\nline = localhost:0\nsmtp = 127.0.0.1:0\n[smtp]\nmax_size = %s\n%s\n";
	struct daemon *d = daemon_new();
	const struct daemon_setup setup = { .has_own_listen = true };
	const char *args[] = { "-c", NULL, NULL };
	struct text path = { 0 }, text = { 0 };
	struct client *c;

	(void)state;
	text_printf(&path, "%s/a.ini", d->dir);
	args[1] = path.p;
	text_printf(&text, file, "2k", "");
	daemon_write_file(d, "a.ini", text.p);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	c = smtp_connect(d, "smtp", 0);
	smtp_hello(c);
	expect_text(smtp_ask(c, "MAIL FROM:<> SIZE=2049"), "552 %");
	text_free(&text);
	text = (struct text){ 0 };
	text_printf(
	    &text, file, "4k", "hostname = mx.example\n[smtp rcpt]\nfail = 100% 450 4.2.1 x");
	daemon_write_file(d, "a.ini", text.p);
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, "reloaded", 1);
	expect_text(smtp_ask(c, "MAIL FROM:<> SIZE=2049"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<a@example.org>"), "450 4.2.1 x");
	expect_text(smtp_reply(client_connect_kind(d, "smtp", 0)), "220 mx.example ESMTP %");
	text_free(&text);
	text = (struct text){ 0 };
	text_printf(&text, file, "4k", "[listen]\nlmtp = 127.0.0.1:0");
	daemon_write_file(d, "a.ini", text.p);
	daemon_signal(d, SIGHUP);
	daemon_wait_errors(d, "listen.lmtp", 1);
	expect_text(smtp_ask(c, "RCPT TO:<a@example.org>"), "450 4.2.1 x");
	daemon_stop(d);
	text_free(&text);
	text_free(&path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_room_is_waited_for),
		LIVE_TEST(test_clients_that_go),
		LIVE_TEST(test_one_too_many),
		LIVE_TEST(test_slow_clients),
		LIVE_TEST(test_waiting_is_not_idling),
		LIVE_TEST(test_the_drain),
		LIVE_TEST(test_the_end),
		LIVE_TEST(test_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
