/*
 * Only CRLF.CRLF ends data, whatever a client sends and however it comes in pieces; what is sent in
 * addresses and ids stays in its line of the log.
 */
#include "smtp_client.h"

#include <stdio.h>

struct sequence {
	const char *name, *octets;
	size_t n;
};

#define SEQUENCE(s) \
	{ \
#s, s, sizeof(s) - 1 \
	}

/* Ends of data that are none. */
static const struct sequence sequences[] = {
	SEQUENCE("\n.\n"),
	SEQUENCE("\n.\r\n"),
	SEQUENCE("\r\n.\n"),
	SEQUENCE("\r.\r"),
	SEQUENCE("\r.\r\n"),
	SEQUENCE("\r\n.\r"),
	SEQUENCE("\n.\r"),
	SEQUENCE("\r.\n"),
	SEQUENCE("\r\r\n.\r\r\n"),
	SEQUENCE("\r\n.\r\r\n"),
	SEQUENCE("\r\n\0.\r\n"),
	SEQUENCE("\r\n.\0\r\n"),
	SEQUENCE("\r\n.\r\0\n"),
	SEQUENCE("\n\n.\n\n"),
	SEQUENCE("\n\r.\n\r"),
	SEQUENCE("\r\n .\r\n"),
	SEQUENCE("\r\n. \r\n"),
	SEQUENCE("\r\n..\r\n"),
	SEQUENCE("\x85.\x85"),
	SEQUENCE("\v.\v"),
};

static const char before[] = "Subject: one\r\n\r\ntext";
static const char smuggled[] = "MAIL FROM:<smuggled@evil.example>\r\n"
			       "RCPT TO:<victim@example.org>\r\n"
			       "DATA\r\n"
			       "Subject: two\r\n"
			       "\r\n"
			       "smuggled";

static struct daemon *
start(const char *bare_newline)
{
	const struct daemon_setup setup = { 0 };
	struct daemon *d = daemon_new();
	char listen[256], mode[64];
	const char *const args[] = { "-o", listen, "-o", mode, "-o", "clock.scale=max", NULL };

	snprintf(listen, sizeof listen, "listen.smtp=unix:%s", d->unix_path);
	snprintf(mode, sizeof mode, "smtp.bare_newline=%s", bare_newline);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	return d;
}

/* All of it up to the octet `at`, which the daemon has read before the rest leaves. */
static void
send_in_two(struct client *c, const struct text *t, size_t at)
{
	client_send_bytes(c, t->p, at);
	smtp_wait_read(c);
	client_send_bytes(c, t->p + at, t->n - at);
}

/* One transaction with the sequence in it has one answer. */
static void
try_sequence(struct client *c, const struct sequence *s, size_t at, bool is_rejecting)
{
	struct text t = { 0 };
	const char *reply;

	text_add(&t, before, sizeof before - 1);
	text_add(&t, s->octets, s->n);
	text_add(&t, smuggled, sizeof smuggled - 1);
	text_add(&t, "\r\n.\r\n", 5);
	smtp_begin_data(c, "honest@example.com", "b@example.org");
	send_in_two(c, &t, at);
	reply = smtp_reply(c);
	expect_text(reply, is_rejecting ? "5%" : "250 2.0.0 Ok: queued as %");
	/* nothing else was answered, and the session goes on as after one transaction */
	expect_text(smtp_ask(c, "NOOP marks the place"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<victim@example.org>"), "503 %");
	text_free(&t);
}

/* A line feed without a carriage return, or the other way round. */
static bool
has_bare_newline(const struct sequence *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->octets[i] == '\n' && (i == 0 || s->octets[i - 1] != '\r'))
			return true;
		if (s->octets[i] == '\r' && (i + 1 == s->n || s->octets[i + 1] != '\n'))
			return true;
	}
	return false;
}

static void
try_all(const char *mode, bool is_rejecting)
{
	struct daemon *d = start(mode);
	struct client *c = smtp_connect(d, "smtp", 0);
	size_t i, at, accepted = 0, n;

	smtp_hello(c);
	for (i = 0; i < HARNESS_EXTENT(sequences); i++) {
		const struct sequence *s = &sequences[i];
		bool is_rejected = is_rejecting && has_bare_newline(s);

		/* from before its first octet to behind the one after its last */
		for (at = sizeof before - 2; at <= sizeof before + s->n; at++) {
			try_sequence(c, s, at, is_rejected);
			accepted += !is_rejected;
		}
		print_message("ok: %s %s\n", mode, s->name);
	}
	/* the end of data itself, in two pieces and octet by octet */
	for (at = 0; at <= 5; at++) {
		struct text end = { 0 };

		text_add(&end, "\r\n.\r\n", 5);
		smtp_begin_data(c, "honest@example.com", "b@example.org");
		client_send(c, "text");
		smtp_wait_read(c);
		if (at < 5)
			send_in_two(c, &end, at);
		else
			for (n = 0; n < 5; n++) {
				client_send_bytes(c, end.p + n, 1);
				smtp_wait_read(c);
			}
		expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as %");
		accepted++;
		text_free(&end);
	}
	expect_text(smtp_ask(c, "QUIT"), "221 %");
	client_expect_end(c);
	daemon_wait_log(d, " delivered ", accepted);
	expect_number(daemon_count_log(d, " queued "), accepted);
	expect_number(
	    daemon_count_log(d, "from=honest@example.com to=b@example.org"), 3 * accepted);
	expect_number(daemon_count_log(d, "smuggled"), 0);
	expect_number(daemon_count_log(d, "victim"), 0);
	daemon_stop(d);
}

static void
test_nothing_is_smuggled_by_normalizing(void **state)
{
	(void)state;
	try_all("normalize", false);
}

static void
test_nothing_is_smuggled_by_rejecting(void **state)
{
	(void)state;
	try_all("reject", true);
}

/* The end of data hides at the start of it, too: no octet of the text came before. */
static void
test_the_first_line(void **state)
{
	static const struct sequence starts[] = { SEQUENCE(".\n"), SEQUENCE(".\r"),
		SEQUENCE("\n.\n"), SEQUENCE("\r.\r"), SEQUENCE("\n.\r\n"), SEQUENCE(".\r\r\n"),
		SEQUENCE("\0.\r\n"), SEQUENCE(". \r\n"), SEQUENCE("..\r\n") };
	struct daemon *d = start("normalize");
	struct client *c = smtp_connect(d, "smtp", 0);
	struct text t = { 0 };
	size_t i, at, accepted = 0;

	(void)state;
	smtp_hello(c);
	for (i = 0; i < HARNESS_EXTENT(starts); i++) {
		for (at = 0; at <= starts[i].n; at++) {
			t.n = 0;
			text_add(&t, starts[i].octets, starts[i].n);
			text_add(&t, smuggled, sizeof smuggled - 1);
			text_add(&t, "\r\n.\r\n", 5);
			smtp_begin_data(c, "honest@example.com", "b@example.org");
			send_in_two(c, &t, at);
			expect_text(smtp_reply(c), "250 2.0.0 Ok: queued as %");
			expect_text(smtp_ask(c, "NOOP"), "250 %");
			accepted++;
		}
	}
	daemon_wait_log(d, " delivered ", accepted);
	expect_number(daemon_count_log(d, "smuggled"), 0);
	text_free(&t);
	daemon_stop(d);
}

/* A client that takes a bare newline for the end of a command's line gets no second command out of
 * it that the first one's reply does not account for. */
static void
test_a_command_is_one_line(void **state)
{
	struct daemon *d = start("normalize");
	struct client *c = smtp_connect(d, "smtp", 0);

	(void)state;
	smtp_hello(c);
	client_send(c, "MAIL FROM:<a@example.com>\rRCPT TO:<victim@example.org>\r\n");
	expect_text(smtp_reply(c), "5%");
	expect_text(smtp_ask(c, "NOOP"), "250 %");
	expect_text(smtp_ask(c, "RCPT TO:<victim@example.org>"), "503 %");
	daemon_stop(d);
}

/* Whatever stands in addresses, ids and headers: a line of the log is a line, and its octets can be
 * shown on a terminal. */
static void
test_the_log_stays_whole(void **state)
{
	static const char *const refused[] = { "a\rb@example.com", "a\tb@example.com",
		"\x1b]0;x\x07@example.com", "\"a\x7f\"@example.com", "a@exa\x01mple.com" };
	struct daemon *d = start("normalize");
	struct client *c = smtp_connect(d, "smtp", 0), *events = client_connect(d);
	const char *line, *p;
	size_t i;

	(void)state;
	smtp_hello(c);
	expect_text(client_ask(events, "events on"), "+OK events=on");
	for (i = 0; i < HARNESS_EXTENT(refused); i++)
		expect_text(smtp_ask(c, "MAIL FROM:<%s>", refused[i]), "501 %");
	for (i = 0; i < HARNESS_EXTENT(refused); i++) {
		expect_text(smtp_ask(c, "MAIL FROM:<a@example.com>"), "250 %");
		expect_text(smtp_ask(c, "RCPT TO:<%s>", refused[i]), "501 %");
		expect_text(smtp_ask(c, "RSET"), "250 %");
	}
	expect_text(
	    smtp_ask(c, "MAIL FROM:<a@example.com> ENVID=x+0D+0A2026+20delivered+20id=1"), "%");
	expect_text(smtp_ask(c, "RSET"), "250 %");
	expect_text(smtp_send(c, "a@example.com", "b@example.org",
			"X-Mailsim-Id: x\x1b[31m\r queued id=9\r\n\r\n"),
	    "250 %");
	expect_text(smtp_send(c, "\"a \\\" queued id=7\"@example.com", "b@example.org",
			"Message-ID: <x\" y\\ \x08@z>\r\n\r\n"),
	    "250 %");
	daemon_wait_log(d, " delivered ", 2);
	for (p = daemon_log(d); *p; p++)
		expect(*p == '\n' || ((unsigned char)*p >= 0x20 && *p != 0x7f));
	expect_number(daemon_count_log(d, ""), 6);
	expect_number(daemon_count_log(d, "Z queued id="), 2);
	for (i = 0; i < 6; i++) {
		line = client_line(events);
		expect_text(line, "* %");
		for (p = line; *p; p++)
			expect((unsigned char)*p >= 0x20 && *p != 0x7f);
	}
	expect_text(client_ask(events, "ping"), "+OK pong");
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_nothing_is_smuggled_by_normalizing),
		LIVE_TEST(test_nothing_is_smuggled_by_rejecting),
		LIVE_TEST(test_the_first_line),
		LIVE_TEST(test_a_command_is_one_line),
		LIVE_TEST(test_the_log_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
