/* Clients that do not read, or hardly: their own memory is small, their replies wait for them. */
#include "harness.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define MESSAGES (HARNESS_IS_SANITIZED ? 50000 : 200000)
/* what one client may cost, with the allocator's own ways */
#define MEMORY_KIB 6144

/* On a Unix socket, whose buffers are small and which knows no windows that open slowly. */
static struct daemon *
start(const char *stall_timeout)
{
	const struct daemon_setup setup = { .has_own_listen = true, .has_own_log = true };
	struct daemon *d = daemon_new();
	struct text listen = { 0 }, stall = { 0 };
	const char *args[] = { "-o", NULL, "-o", NULL, "-o", "clock.scale=max", "-o",
		"log.target=none", NULL };

	text_printf(&listen, "listen.line=unix:%s", d->unix_path);
	text_printf(&stall, "limits.stall_timeout=%s", stall_timeout);
	args[1] = listen.p;
	args[3] = stall.p;
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	text_free(&listen);
	text_free(&stall);
	return d;
}

/* Sends the text again and again until nobody takes it any more; gives how many octets went. */
static size_t
stuff(struct client *c, const char *text)
{
	size_t n = strlen(text), sent = 0;

	for (;;) {
		struct pollfd f = { .fd = c->fd, .events = POLLOUT };
		ssize_t got;

		if (poll(&f, 1, 1000) == 0)
			return sent;
		got = send(c->fd, text + sent % n, n - sent % n, MSG_NOSIGNAL);
		expect(got > 0 || (got == -1 && errno == EAGAIN));
		sent += got > 0 ? (size_t)got : 0;
		expect(sent < (16UL << 20));
	}
}

static void
test_who_does_not_read_is_not_read_from(void **state)
{
	struct daemon *d = start("10m");
	struct client *c = client_connect(d), *other = client_connect(d);
	long before = daemon_rss_kib(d);
	size_t sent, replies = 0;
	const char *line;

	(void)state;
	sent = stuff(c, "help send\n");
	print_message("%zu octets went in before the daemon stopped reading\n", sent);
	expect(HARNESS_IS_SANITIZED || daemon_rss_kib(d) < before + MEMORY_KIB);
	expect_text(client_ask(other, "gather 1 latency=1ms"), "+OK n=1 %");
	/* the rest of the last line; then every one of them has its answer */
	client_send(c, &"help send\n"[sent % 10]);
	client_send(c, "quit\n");
	while ((line = client_line(c)) && strcmp(line, "+OK bye") != 0) {
		if (line[0] == '*')
			continue;
		expect_text(line, "+OK");
		replies++;
	}
	expect_text(line, "+OK bye");
	expect_number(replies, (sent + 9) / 10 + (sent % 10 == 0));
	client_expect_end(c);
	daemon_stop(d);
}

/* The lines of a big gather are made as they are read. */
static void
test_gather_waits_for_its_reader(void **state)
{
	struct daemon *d = start("10m");
	struct client *c = client_connect(d), *other = client_connect(d);
	char expected[64];
	long before;
	int i;

	(void)state;
	expect_text(client_ask(c, "gather 0..%d", MESSAGES - 1), "+OK n=%");
	before = daemon_rss_kib(d);
	client_send(c, "list limit=1\n");
	expect_text(client_reply(c), "+OK n=1");
	snprintf(expected, sizeof expected, "gather 0..%d\n", MESSAGES - 1);
	client_send(c, expected);
	client_wait_stats(other, "delivered", 2LL * MESSAGES);
	expect(HARNESS_IS_SANITIZED || daemon_rss_kib(d) < before + MEMORY_KIB);
	for (i = 0; i < MESSAGES; i++) {
		snprintf(expected, sizeof expected, "* %d delivered %%", i);
		expect_text(client_line(c), expected);
	}
	expect_text(client_line(c), "+OK n=%");
	daemon_stop(d);
}

/* Events that come and events that are said to be lost add up. */
static void
test_events_that_nobody_reads_are_counted(void **state)
{
	struct daemon *d = start("10m");
	struct client *c = client_connect(d), *sender = client_connect(d);
	long long received = 0, lost = 0, notices = 0;
	const char *line;
	long before;

	(void)state;
	expect_text(client_ask(c, "events on type=delivered"), "+OK events=on");
	expect_text(client_ask(sender, "gather 0..%d", MESSAGES - 1), "+OK n=%");
	before = daemon_rss_kib(d);
	expect_text(client_ask(sender, "gather 0..%d", MESSAGES - 1), "+OK n=%");
	expect(HARNESS_IS_SANITIZED || daemon_rss_kib(d) < before + MEMORY_KIB);
	/* asked while its queue is full; its reply is not lost */
	client_send(c, "ping\n");
	while (received + lost < 2LL * MESSAGES) {
		line = client_line(c);
		expect(line != NULL);
		if (strncmp(line, "* lost n=", 9) == 0) {
			lost += text_number(line, "n");
			notices++;
		} else if (strncmp(line, "* delivered ", 12) == 0) {
			received++;
		} else {
			expect_text(line, "+OK pong");
			received += 1LL << 40;
			lost -= 1LL << 40;
		}
	}
	if (received < 1LL << 40)
		expect_text(client_line(c), "+OK pong");
	else
		received -= 1LL << 40, lost += 1LL << 40;
	print_message(
	    "%lld events received, %lld lost, told %lld times\n", received, lost, notices);
	expect_number(received + lost, 2LL * MESSAGES);
	expect(lost > 0 && notices > 0);
	/* and from now on it is as before */
	expect_text(client_ask(sender, "gather 1"), "+OK n=1 %");
	expect_text(client_line(c), "* delivered time=% id=1 %");
	daemon_stop(d);
}

static void
test_who_reads_nothing_is_closed(void **state)
{
	struct daemon *d = start("500ms");
	struct client *events = client_connect(d), *asking = client_connect(d),
		      *sender = client_connect(d);
	struct client *idle = client_connect(d);
	char line[64];

	(void)state;
	expect_text(client_ask(events, "events json"), "+OK events=json");
	snprintf(line, sizeof line, "gather 0..%d\n", MESSAGES - 1);
	client_send(asking, line);
	client_wait_stats(sender, "connections", 2);
	/* what it asked for happens all the same, and who has nothing to read is not slow */
	client_wait_stats(sender, "delivered", MESSAGES);
	expect_text(client_ask(idle, "ping"), "+OK pong");
	while (client_line(events))
		;
	while (client_line(asking))
		;
	daemon_stop(d);
}

/* Slow is not still: who reads a little now and then keeps its connection, and gets all of it. */
static void
test_who_reads_slowly_is_served(void **state)
{
	struct daemon *d = start("1s");
	struct client *c = client_connect(d);
	const struct timespec now_and_then = { .tv_nsec = 200000000 };
	char data[65536];
	int64_t began = harness_now_ms();
	int i;

	(void)state;
	client_send(c, "gather 0..99999\n");
	/* its pace is what is tested here: longer than stall_timeout, and never still for so long
	 */
	while (harness_now_ms() - began < 3000) {
		struct pollfd f = { .fd = c->fd, .events = POLLIN };
		ssize_t n;

		expect(poll(&f, 1, HARNESS_DEADLINE_MS) == 1);
		n = recv(c->fd, data, sizeof data, 0);
		expect(n > 0);
		text_add(&c->in, data, (size_t)n);
		nanosleep(&now_and_then, NULL);
	}
	for (i = 0; i < 100000; i++) {
		snprintf(data, sizeof data, "* %d delivered %%", i);
		expect_text(client_line(c), data);
	}
	expect_text(client_line(c), "+OK n=100000 delivered=100000 %");
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_who_does_not_read_is_not_read_from),
		LIVE_TEST(test_gather_waits_for_its_reader),
		LIVE_TEST(test_events_that_nobody_reads_are_counted),
		LIVE_TEST(test_who_reads_nothing_is_closed),
		LIVE_TEST(test_who_reads_slowly_is_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
