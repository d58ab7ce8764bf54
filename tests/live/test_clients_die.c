/* Clients that end at every octet of a session, in every way there is to end: what was accepted is
 * delivered, and nothing of them stays behind. */
#include "harness.h"

#include <sys/socket.h>
#include <signal.h>

#define ROUNDS (HARNESS_IS_SANITIZED ? 3 : 8)

static const char session[] = "send 0..4 latency=1ms\r\n"
			      "send id=\"x y\" to=bob@x.test latency=0s\n"
			      "status all\n"
			      "events on type=delivered\n"
			      "gather 5..9 latency=2ms\n"
			      "nonsense\n"
			      "list\n"
			      "cancel all\n"
			      "send 10..14 latency=1ms\n"
			      "wait\n"
			      "quit\n";

enum death { DEATH_HALF_CLOSE, DEATH_CLOSE, DEATH_RESET, DEATH_RESET_AFTER_FIRST_REPLY, DEATHS };

/* Messages that the whole lines of the first n octets ask for. */
static long long
asked_by(size_t n)
{
	const char *p = session, *end;
	long long asked = 0;

	while ((end = memchr(p, '\n', (size_t)(session + n - p))) != NULL) {
		if (strncmp(p, "send id", 7) == 0)
			asked += 1;
		else if (strncmp(p, "send", 4) == 0 || strncmp(p, "gather", 6) == 0)
			asked += 5;
		p = end + 1;
	}
	return asked;
}

static void
read_to_the_end(struct client *c)
{
	while (client_line(c))
		;
}

/* Gives how many messages must have been accepted for sure. */
static long long
live_and_die(const struct daemon *d, bool is_unix, size_t n, enum death death)
{
	struct client *c = is_unix ? client_connect_unix(d->unix_path) : client_connect(d);
	long long asked = asked_by(n), sure = asked >= 5 ? 5 : 0;

	client_send_bytes(c, session, n);
	switch (death) {
	case DEATH_HALF_CLOSE:
		client_half_close(c);
		read_to_the_end(c);
		client_close(c);
		return asked;
	case DEATH_CLOSE:
		client_close(c);
		return sure;
	case DEATH_RESET_AFTER_FIRST_REPLY:
		if (sure > 0)
			expect_text(client_line(c), "+OK queued=5 %");
		client_reset(c);
		return sure;
	default:
		client_reset(c);
		return 0;
	}
}

static void
run_round(struct daemon *d, struct client *observer, bool is_unix)
{
	long long least = text_number(client_stats(observer), "accepted"), most = least, accepted;
	enum death death;
	size_t n;

	for (death = 0; death < DEATHS; death++) {
		for (n = 0; n < sizeof session; n++) {
			least += live_and_die(d, is_unix, n, death);
			most += asked_by(n);
		}
	}
	client_wait_stats(observer, "connections", 1);
	client_wait_stats(observer, "sending", 0);
	accepted = text_number(client_stats(observer), "accepted");
	if (accepted < least || accepted > most)
		harness_fail(__FILE__, __LINE__, "%lld accepted, and should be %lld to %lld",
		    accepted, least, most);
}

static void
die_at_every_octet(bool is_unix)
{
	struct daemon *d = daemon_new();
	const struct daemon_setup setup = { .has_own_listen = true };
	struct text listen = { 0 };
	const char *args[] = { "-o", NULL, "-o", "limits.history=100", NULL };
	struct client *observer;
	long before;
	int i;

	text_printf(&listen, "listen.line=localhost:0 unix:%s", d->unix_path);
	args[1] = listen.p;
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	observer = client_connect(d);
	run_round(d, observer, is_unix);
	before = daemon_rss_kib(d);
	for (i = 1; i < ROUNDS; i++)
		run_round(d, observer, is_unix);
	print_message(
	    "memory grew by %ld KiB in %d rounds\n", daemon_rss_kib(d) - before, ROUNDS - 1);
	expect(HARNESS_IS_SANITIZED || daemon_rss_kib(d) < before + 16384);
	daemon_stop(d);
	expect_number(daemon_ledger(d, "unfinished"), 0);
	expect_number(daemon_ledger(d, "accepted"), (long long)daemon_count_log(d, " queued "));
	expect_number(daemon_ledger(d, "delivered"), (long long)daemon_count_log(d, " delivered "));
	expect_number(daemon_ledger(d, "cancelled"), (long long)daemon_count_log(d, " cancelled "));
	text_free(&listen);
}

static void
test_tcp_clients_die_at_every_octet(void **state)
{
	(void)state;
	die_at_every_octet(false);
}

static void
test_unix_clients_die_at_every_octet(void **state)
{
	(void)state;
	die_at_every_octet(true);
}

/* Its range goes on as room appears, though nobody will hear of it. */
static void
test_range_of_a_dead_client_is_accepted(void **state)
{
	struct daemon *d = daemon_start("-o", "limits.pending=100", NULL);
	struct client *c = client_connect(d), *observer = client_connect(d);

	(void)state;
	client_send(c, "send 0..999 latency=20ms\n");
	daemon_wait_log(d, " queued ", 1);
	client_reset(c);
	client_wait_stats(observer, "connections", 1);
	client_wait_stats(observer, "delivered", 1000);
	daemon_stop(d);
	expect_number(daemon_count_log(d, " delivered "), 1000);
	expect_number(daemon_count_log(d, " finished "), 1);
}

/* A command that waits for ever does not keep the connection of one who is gone. */
static void
test_waiting_clients_that_die_are_noticed(void **state)
{
	const struct daemon_setup setup = { .has_own_listen = true };
	struct daemon *d = daemon_new();
	struct text listen = { 0 };
	const char *args[] = { "-o", NULL, NULL };
	struct client *observer, *dying[6];
	size_t i;

	(void)state;
	text_printf(&listen, "listen.line=localhost:0 unix:%s", d->unix_path);
	args[1] = listen.p;
	daemon_run(d, &setup, args);
	text_free(&listen);
	daemon_wait_ready(d);
	observer = client_connect(d);
	for (i = 0; i < HARNESS_EXTENT(dying); i++) {
		dying[i] = i % 2 ? client_connect(d) : client_connect_unix(d->unix_path);
		expect_text(client_ask(dying[i], "ping"), "+OK pong");
		client_send(
		    dying[i], i < 4 ? "wait to=bob@x.test delivered=1\nping\n" : "events on\n");
	}
	expect_text(client_line(dying[4]), "+OK events=on");
	expect_text(client_line(dying[5]), "+OK events=on");
	client_half_close(dying[0]);
	client_half_close(dying[1]);
	expect_text(client_ask(observer, "ping"), "+OK pong");
	for (i = 0; i < HARNESS_EXTENT(dying); i++)
		client_reset(dying[i]);
	client_wait_stats(observer, "connections", 1);
	expect_text(client_ask(observer, "send 1 to=bob@x.test latency=0s"), "+OK queued=1 %");
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_tcp_clients_die_at_every_octet),
		LIVE_TEST(test_unix_clients_die_at_every_octet),
		LIVE_TEST(test_range_of_a_dead_client_is_accepted),
		LIVE_TEST(test_waiting_clients_that_die_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
