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

/* The text of a mail with the sequence in it, and the commands behind it. */
static void
add_mail(struct text *t, const struct sequence *s)
{
	t->n = 0;
	text_add(t, before, sizeof before - 1);
	text_add(t, s->octets, s->n);
	text_add(t, smuggled, sizeof smuggled - 1);
	text_printf(t, "\r\n.\r\nNOOP marks the place\r\nRCPT TO:<victim@example.org>\r\n");
}

/* One transaction has one answer, and the session goes on as after one. */
static void
expect_one_answer(struct client *c, bool is_rejected)
{
	expect_text(smtp_reply(c), is_rejected ? "5%" : "250 2.0.0 Ok: queued as %");
	expect_text(smtp_reply(c), "250 2.0.0 Ok");
	expect_text(smtp_reply(c), "503 %");
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

/* Sessions side by side, since each waits for the daemon to have read what it sent. */
#define SESSIONS 320

struct fleet {
	struct client *c[SESSIONS];
	size_t n;
};

static void
fleet_begin(struct fleet *f, struct daemon *d, size_t n)
{
	expect(n <= SESSIONS);
	for (; f->n < n; f->n++) {
		f->c[f->n] = smtp_connect(d, "smtp", 0);
		smtp_hello(f->c[f->n]);
	}
	for (n = 0; n < f->n; n++)
		smtp_begin_data(f->c[n], "honest@example.com", "b@example.org");
}

static void
fleet_wait_read(const struct fleet *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		smtp_wait_read(f->c[i]);
}

/* However it was cut, it was as much: of the events from *at on, which it moves to their end. */
static void
expect_one_size(struct daemon *d, size_t *at)
{
	const char *p = daemon_log(d) + *at, *first = NULL, *size;

	for (; (p = strstr(p, " queued ")) != NULL; p = size) {
		size = strstr(p, " size=");
		expect(size && strchr(size, '\n'));
		first = first ? first : size;
		expect(strncmp(size, first, strcspn(first, "\n") + 1) == 0);
	}
	*at = strlen(daemon_log(d));
}

/* In two pieces, cut at each of its octets. Gives how many mails that were. */
static size_t
try_each_cut(struct fleet *f, struct daemon *d, const struct sequence *s, bool is_rejected)
{
	struct text t = { 0 };
	size_t i;

	add_mail(&t, s);
	fleet_begin(f, d, t.n - 1);
	for (i = 0; i < f->n; i++)
		client_send_bytes(f->c[i], t.p, i % (t.n - 1) + 1);
	fleet_wait_read(f);
	for (i = 0; i < f->n; i++)
		client_send_bytes(f->c[i], t.p + i % (t.n - 1) + 1, t.n - i % (t.n - 1) - 1);
	for (i = 0; i < f->n; i++)
		expect_one_answer(f->c[i], is_rejected);
	text_free(&t);
	return f->n;
}

/* Octet by octet, a session for each sequence. */
static void
try_each_octet(struct daemon *d, bool is_rejecting)
{
	struct text mails[HARNESS_EXTENT(sequences)] = { 0 };
	struct fleet f = { .n = 0 };
	size_t i, at, longest = 0;

	fleet_begin(&f, d, HARNESS_EXTENT(sequences));
	for (i = 0; i < f.n; i++) {
		add_mail(&mails[i], &sequences[i]);
		longest = mails[i].n > longest ? mails[i].n : longest;
	}
	for (at = 0; at < longest; at++) {
		for (i = 0; i < f.n; i++)
			if (at < mails[i].n)
				client_send_bytes(f.c[i], mails[i].p + at, 1);
		fleet_wait_read(&f);
	}
	for (i = 0; i < f.n; i++) {
		expect_one_answer(f.c[i], is_rejecting && has_bare_newline(&sequences[i]));
		text_free(&mails[i]);
	}
}

static void
try_all(const char *mode, bool is_rejecting)
{
	struct daemon *d = start(mode);
	struct fleet f = { .n = 0 };
	size_t i, accepted = 0, log_at = 0;

	for (i = 0; i < HARNESS_EXTENT(sequences); i++) {
		bool is_rejected = is_rejecting && has_bare_newline(&sequences[i]);
		size_t n = try_each_cut(&f, d, &sequences[i], is_rejected);

		expect_one_size(d, &log_at);
		/* and once more, octet by octet */
		accepted += is_rejected ? 0 : n + 1;
		print_message("ok: %s %s\n", mode, sequences[i].name);
	}
	try_each_octet(d, is_rejecting);
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
