/* Many sessions, slow ones, large messages, and what the line protocol says of messages that came
 * by SMTP. */
#include "smtp_client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SESSIONS (HARNESS_IS_SANITIZED ? 1000 : 10000)
#define SLOW 200
#define MEGABYTE (1L << 20)
/* what a body of any size may cost */
#define BODY_KIB 2048

/* The most memory that it ever had. */
static long
daemon_peak_kib(const struct daemon *d)
{
	struct text t = { 0 };
	char path[64];
	long kib = -1;

	snprintf(path, sizeof path, "/proc/%d/status", (int)d->pid);
	text_read_file(&t, path);
	expect(strstr(t.p, "VmHWM:") && sscanf(strstr(t.p, "VmHWM:"), "VmHWM: %ld", &kib) == 1);
	text_free(&t);
	return kib;
}

/* All are open at once, each in the middle of a transaction; then each of them goes through. */
static void
test_ten_thousand_sessions(void **state)
{
	static struct client *all[SESSIONS];
	struct rlimit limit;
	struct daemon *d;
	struct client *line;
	int64_t began = harness_now_ms();
	long before;
	char to[64];
	int i;

	(void)state;
	expect(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	expect(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_max < SESSIONS + 100) {
		print_message(
		    "SKIPPED: no more than %d files can be open here\n", (int)limit.rlim_max);
		skip();
	}
	d = smtp_daemon("-o", "limits.connections=10001", "-o", "clock.scale=max", NULL);
	line = client_connect(d);
	before = daemon_rss_kib(d);
	for (i = 0; i < SESSIONS; i++) {
		all[i] = smtp_connect(d, "smtp", 0);
		snprintf(to, sizeof to, "user%d@example.org", i);
		smtp_hello(all[i]);
		smtp_begin_data(all[i], "a@example.com", to);
		client_send(all[i], "Subject: x\r\n\r\nhalf a");
	}
	expect_text(client_ask(line, "ping"), "+OK pong");
	expect_number(text_number(client_stats(line), "connections"), SESSIONS + 1);
	print_message("%d sessions, each in its data: %ld octets each\n", SESSIONS,
	    (daemon_rss_kib(d) - before) * 1024 / SESSIONS);
	if (SESSIONS == 10000) {
		struct client *refused = client_connect_kind(d, "smtp", 0);

		expect_text(smtp_reply(refused), "421 4.7.0 %");
		client_expect_end(refused);
	}
	for (i = 0; i < SESSIONS; i++)
		client_send(all[i], " message\r\n.\r\nQUIT\r\n");
	for (i = 0; i < SESSIONS; i++) {
		expect_text(smtp_reply(all[i]), "250 2.0.0 Ok: queued as %");
		expect_text(smtp_reply(all[i]), "221 %");
		client_expect_end(all[i]);
	}
	expect_text(client_ask(line, "wait all delivered=%d", SESSIONS), "+OK %");
	expect_number(daemon_count_log(d, " queued "), SESSIONS);
	expect_number(daemon_count_log(d, "to=user77@example.org"), 3);
	client_wait_stats(line, "connections", 1);
	print_message("%d sessions took %d ms\n", SESSIONS, (int)(harness_now_ms() - began));
	daemon_stop(d);
}

/* An octet, unless the session has been closed meanwhile. */
static void
trickle(struct client *c, const char *octet)
{
	if (send(c->fd, octet, 1, MSG_NOSIGNAL) == -1)
		expect(errno == EPIPE || errno == ECONNRESET);
}

/* Who sends a line or a text octet by octet, or nothing, has smtp.timeout and no more, and does not
 * hold up the others. Of three sessions the first sends a command so, the second nothing, the third
 * a text. */
static void
test_slow_loris(void **state)
{
	static struct client *slow[SLOW];
	struct daemon *d = smtp_daemon("-o", "smtp.timeout=2s", "-o", "clock.scale=max", NULL);
	struct client *line = client_connect(d), *quick = smtp_connect(d, "smtp", 0);
	int64_t began = harness_now_ms();
	int i, rounds = 0, open = SLOW;
	long cpu;

	(void)state;
	for (i = 0; i < SLOW; i++) {
		slow[i] = smtp_connect(d, "smtp", 0);
		if (i % 3 == 1) {
			smtp_hello(slow[i]);
			expect_text(smtp_ask(slow[i], "MAIL FROM:<slow@example.com>"), "250 %");
		} else if (i % 3 == 2) {
			smtp_hello(slow[i]);
			smtp_begin_data(slow[i], "slow@example.com", "b@example.org");
			client_send(slow[i], "Subject: ");
		}
	}
	smtp_hello(quick);
	cpu = daemon_cpu_ms(d);
	while (open > 0) {
		expect_text(smtp_send(quick, "quick@example.com", "b@example.org", "text\r\n"),
		    "250 2.0.0 Ok: queued as %");
		for (i = 0; i < SLOW; i++)
			if (i % 3 != 1)
				trickle(slow[i], "x");
		open = (int)text_number(client_stats(line), "connections") - 2;
		rounds++;
		harness_pause(began, "the slow ones are closed");
		usleep(50000);
	}
	print_message(
	    "%d slow sessions: closed after %d ms, %d quick messages meanwhile, %ld ms of "
	    "processor time\n",
	    SLOW, (int)(harness_now_ms() - began), rounds, daemon_cpu_ms(d) - cpu);
	expect(harness_now_ms() - began >= 1900);
	/* of the others the last words may be lost, since they sent into a closed socket */
	for (i = 1; i < SLOW; i += 3) {
		expect_text(smtp_reply(slow[i]), "421 4.4.2 %");
		client_expect_end(slow[i]);
	}
	expect_number(daemon_count_log(d, "from=slow@example.com"), 0);
	expect_number(daemon_count_log(d, " queued "), rounds);
	daemon_stop(d);
}

static const char *
send_body(struct client *c, long n)
{
	static char block[64 * 1024];
	size_t i;

	for (i = 0; i < sizeof block; i++)
		block[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
	for (; n > 0; n -= (long)sizeof block)
		client_send_bytes(c, block, sizeof block);
	return smtp_ask(c, ".");
}

static void
test_a_large_body_is_not_held(void **state)
{
	struct daemon *d = smtp_daemon("-o", "clock.scale=max", NULL);
	struct client *c = smtp_connect(d, "smtp", 0);
	long before;

	(void)state;
	expect_text(smtp_ask(c, "EHLO client.example"), "250 %");
	expect_text(smtp_send(c, "a@example.com", "b@example.org", "small\r\n"), "250 %");
	before = daemon_peak_kib(d);
	smtp_begin_data(c, "a@example.com", "b@example.org");
	expect_text(send_body(c, 32 * MEGABYTE), "250 2.0.0 Ok: queued as %");
	print_message("a body of 32 MiB: %ld KiB more at most\n", daemon_peak_kib(d) - before);
	expect(HARNESS_IS_SANITIZED || daemon_peak_kib(d) < before + BODY_KIB);
	daemon_wait_log(d, " size=33554432", 1);
	/* a block more is too much; it is read to its end, and the session goes on */
	smtp_begin_data(c, "a@example.com", "b@example.org");
	expect_text(send_body(c, 32 * MEGABYTE + 65536), "552 5.3.4 %");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com> SIZE=33554433"), "552 5.3.4 %");
	expect_text(smtp_ask(c, "RCPT TO:<b@example.org>"), "503 %");
	expect_text(smtp_ask(c, "MAIL FROM:<a@example.com> SIZE=33554432"), "250 %");
	expect_text(smtp_ask(c, "RSET"), "250 %");
	expect_text(smtp_send(c, "a@example.com", "b@example.org", "small\r\n"), "250 %");
	expect(HARNESS_IS_SANITIZED || daemon_peak_kib(d) < before + BODY_KIB);
	daemon_wait_log(d, " delivered ", 3);
	expect_number(daemon_count_log(d, " queued "), 3);
	daemon_stop(d);
}

/* One line without an end is no reason to hold it, either. */
static void
test_a_body_of_one_line(void **state)
{
	struct daemon *d = smtp_daemon("-o", "clock.scale=max", NULL);
	struct client *c = smtp_connect(d, "smtp", 0);
	static char block[65536];
	long before;
	int i;

	(void)state;
	memset(block, 'x', sizeof block);
	smtp_hello(c);
	expect_text(smtp_send(c, "a@example.com", "b@example.org", "small\r\n"), "250 %");
	before = daemon_peak_kib(d);
	smtp_begin_data(c, "a@example.com", "b@example.org");
	client_send(c, "Message-ID: <");
	for (i = 0; i < 160; i++)
		client_send_bytes(c, block, sizeof block);
	expect_text(smtp_ask(c, "\r\n."), "250 %");
	expect(HARNESS_IS_SANITIZED || daemon_peak_kib(d) < before + BODY_KIB);
	daemon_stop(d);
}

/* The lost acknowledgement: the client sends again what was accepted, and can be told. */
static void
test_the_lost_acknowledgement(void **state)
{
	static const char text[] = "Message-ID: <once@client.example>\r\n\r\ntext\r\n";
	struct daemon *d =
	    smtp_daemon("-o", "smtp eom.drop_after=first 1", "-o", "clock.scale=max", NULL);
	struct client *c = smtp_connect(d, "smtp", 0);

	(void)state;
	smtp_hello(c);
	smtp_begin_data(c, "a@example.com", "b@example.org");
	client_send(c, text);
	client_send(c, ".\r\n");
	client_expect_end(c);
	daemon_wait_log(d, "queued id=once@client.example seq=1 ", 1);
	c = smtp_connect(d, "smtp", 0);
	smtp_hello(c);
	expect_text(smtp_send(c, "a@example.com", "b@example.org", text), "250 %");
	daemon_wait_log(d, " dup_of=1", 1);
	daemon_wait_log(d, " delivered ", 2);
	expect_text(client_ask(client_connect(d), "list to=b@example.org"), "+OK n=2");
	daemon_stop(d);
}

/* A test waits for a message that nobody has sent yet, and asks by each of its names. */
static void
test_the_life_of_a_message(void **state)
{
	static const struct {
		const char *parameter, *text, *id;
	} names[] = {
		{ "", "X-Mailsim-Id: order-42\r\nMessage-ID: <a@x>\r\n\r\n", "order-42" },
		{ " ENVID=order+2B43", "Message-ID: <b@x>\r\n\r\n", "order+43" },
		{ "", "Message-ID: <c@client.example>\r\n\r\n", "c@client.example" },
	};
	struct daemon *d = smtp_daemon("-o", "clock.scale=max", NULL);
	struct client *waiting = client_connect(d), *line = client_connect(d),
		      *c = smtp_connect(d, "smtp", 0);
	size_t i;

	(void)state;
	client_send(waiting, "wait to=bob@example.org delivered=1 timeout=30s\n");
	expect_text(client_ask(line, "wait to=bob@example.org timeout=30s"), "-ERR not_found%");
	expect_text(
	    client_ask(line, "rule to=bob@example.org outcome=greylisted count=1"), "+OK rule=%");
	smtp_hello(c);
	expect_text(smtp_send(c, "shop@example.com", "bob@example.org", "Subject: hi\r\n\r\n"),
	    "250 2.0.0 Ok: queued as 1");
	expect_text(client_reply(waiting), "+OK n=1 delivered=1 % attempts=2 %");
	expect_text(client_ask(line, "status to=bob@example.org"),
	    "+OK id=% seq=1 batch=1 from=shop@example.com to=bob@example.org size=15 "
	    "state=delivered attempt=2 %");
	for (i = 0; i < HARNESS_EXTENT(names); i++) {
		expect_text(
		    smtp_ask(c, "MAIL FROM:<shop@example.com>%s", names[i].parameter), "250 %");
		expect_text(smtp_ask(c, "RCPT TO:<ann@example.org>"), "250 %");
		expect_text(smtp_ask(c, "RCPT TO:<user_unknown@example.org>"), "250 %");
		expect_text(smtp_ask(c, "DATA"), "354 %");
		client_send(c, names[i].text);
		expect_text(smtp_ask(c, "."), "250 2.0.0 Ok: queued as %");
		expect_text(client_ask(line, "wait id=\"%s\" timeout=30s", names[i].id),
		    "+OK n=2 delivered=1 bounced=1 %");
		expect_text(client_ask(line, "status id=\"%s\"", names[i].id), "+OK id=% batch=%");
	}
	expect_text(client_ask(line, "wait batch=2"), "+OK n=2 delivered=1 bounced=1 %");
	expect_number(daemon_count_log(d, " finished batch=2 n=2 delivered=1 bounced=1 "), 1);
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_ten_thousand_sessions),
		LIVE_TEST(test_slow_loris),
		LIVE_TEST(test_a_large_body_is_not_held),
		LIVE_TEST(test_a_body_of_one_line),
		LIVE_TEST(test_the_lost_acknowledgement),
		LIVE_TEST(test_the_life_of_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
