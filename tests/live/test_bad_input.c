/* What no client should send: one stable error each, the connection alive, nothing executed. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#define GARBAGE_LINES (HARNESS_IS_SANITIZED ? 200000 : 10000000)
#define GARBAGE_BLOCK 10000

struct row {
	const char *line;
	size_t n; /* when it holds a NUL; else 0 */
	const char *code;
};

static const struct row rows[] = {
	{ "frobnicate", 0, "bad_command" },
	{ "sen", 0, "bad_command" },
	{ "sendx 1", 0, "bad_command" },
	{ "EHLO localhost", 0, "bad_command" },
	{ "\"send\" 1", 0, "bad_command" },
	{ "advance", 0, "bad_argument" },
	{ "advance 5", 0, "bad_argument" },
	{ "advance -1s", 0, "bad_argument" },
	{ "advance 36501d", 0, "bad_argument" },
	{ "advance 36500d 1s", 0, "bad_argument" },
	{ "advance for=1s", 0, "bad_argument" },
	{ "scale", 0, "bad_argument" },
	{ "scale 0.5x", 0, "bad_argument" },
	{ "scale -1", 0, "bad_argument" },
	{ "scale inf", 0, "bad_argument" },
	{ "seed", 0, "bad_argument" },
	{ "seed random", 0, "bad_argument" },
	{ "seed 9223372036854775808", 0, "bad_argument" },
	{ "reset now", 0, "bad_argument" },
	{ "flush", 0, "bad_argument" },
	{ "flush all", 0, "not_found" },
	{ "flush 12345", 0, "not_found" },
	{ "rule", 0, "bad_argument" },
	{ "rule to=bob@x.test", 0, "bad_argument" },
	{ "rule bob outcome=greylisted", 0, "bad_argument" },
	{ "rule outcome=nonsense", 0, "unknown_outcome" },
	{ "rule outcome=greylisted count=0", 0, "bad_argument" },
	{ "rule outcome=greylisted count=-1", 0, "bad_argument" },
	{ "rule outcome=greylisted latency=5", 0, "bad_argument" },
	{ "rule outcome=greylisted size=5", 0, "bad_argument" },
	{ "rule off=1", 0, "not_found" },
	{ "rule off=first", 0, "bad_argument" },
	{ "rule off=all outcome=greylisted", 0, "bad_argument" },
	{ "rules all", 0, "bad_argument" },
	{ "down", 0, "bad_argument" },
	{ "down a@b", 0, "bad_argument" },
	{ "down *x", 0, "bad_argument" },
	{ "down x.test for=5", 0, "bad_argument" },
	{ "down x.test y.test", 0, "bad_argument" },
	{ "up", 0, "bad_argument" },
	{ "up x.test for=5s", 0, "bad_argument" },
	{ "send outcome=\"user_unknown 60%, greylisted 41%\"", 0, "bad_argument" },
	{ "send outcome=\"user_unknown 5% greylisted\"", 0, "bad_argument" },
	{ "send outcome=\"\"", 0, "bad_argument" },
	{ "send outcome=greylisted:0", 0, "bad_argument" },
	{ "send outcome=greylisted:never", 0, "bad_argument" },
	{ "send outcome=\"greylisted greylyst\"", 0, "unknown_outcome" },
	{ "send outcome=expired", 0, "unknown_outcome" },
	{ "send to=joe+greylisted=0@example.org", 0, "bad_argument" },
	{ "send to=joe+greylisted=@example.org", 0, "bad_argument" },
	{ "send 0..9 to=joe+greylisted={n}@example.org", 0, "bad_argument" },
	{ "send retry=5", 0, "bad_argument" },
	{ "send retry=\"5m *0.5\"", 0, "bad_argument" },
	{ "send retry=\"\"", 0, "bad_argument" },
	{ "send expire=forever", 0, "bad_argument" },
	{ "send max_attempts=1.5", 0, "bad_argument" },
	{ "send max_attempts=1000000001", 0, "bad_argument" },
	{ "send rate=5", 0, "bad_argument" },
	{ "send rate=\"5/s burst=0\"", 0, "bad_argument" },
	{ "send latency=\"lognormal median=1s p99=500ms\"", 0, "bad_argument" },
	{ "send latency=\"normal mean=inf stddev=1s\"", 0, "bad_argument" },
	{ "send latency=\"empirical /etc/passwd\"", 0, "bad_argument" },
	{ "send 1 colour=red", 0, "bad_argument" },
	{ "send 1 timeout=5s", 0, "bad_argument" },
	{ "send 1 to=a@x.test to=b@x.test", 0, "bad_argument" },
	{ "send 1 id=2", 0, "bad_argument" },
	{ "send 0..9 id=x id=y", 0, "bad_argument" },
	{ "send 1 2", 0, "bad_argument" },
	{ "send 1 0..9", 0, "bad_argument" },
	{ "send 0..9 1", 0, "bad_argument" },
	{ "send to=", 0, "bad_argument" },
	{ "send to=\"\"", 0, "bad_argument" },
	{ "send id=\"\"", 0, "bad_argument" },
	{ "send =1", 0, "bad_argument" },
	{ "send TO=a@x.test", 0, "bad_argument" },
	{ "send 1 latency=5", 0, "bad_argument" },
	{ "send 1 latency=0", 0, "bad_argument" },
	{ "send 1 latency=", 0, "bad_argument" },
	{ "send 1 latency=-1s", 0, "bad_argument" },
	{ "send 1 latency=1parsec", 0, "bad_argument" },
	{ "send 1 latency=36501d", 0, "bad_argument" },
	{ "send 1 latency=99999999999999999999999999s", 0, "bad_argument" },
	{ "send 1 latency=1e3s", 0, "bad_argument" },
	{ "send 1 latency=nan", 0, "bad_argument" },
	{ "send 1 latency=0x10s", 0, "bad_argument" },
	{ "send 1 connect=5", 0, "bad_argument" },
	{ "send 1 size=big", 0, "bad_argument" },
	{ "send 1 size=-1", 0, "bad_argument" },
	{ "send 1 size=99999999999999999999", 0, "bad_argument" },
	{ "send 1 size=18446744073709551615G", 0, "bad_argument" },
	{ "send 1 concurrency=0", 0, "bad_argument" },
	{ "send 1 concurrency=-1", 0, "bad_argument" },
	{ "send 1 concurrency=1.5", 0, "bad_argument" },
	{ "send 1 full=no", 0, "bad_argument" },
	{ "send 1 outcome=nonsense", 0, "unknown_outcome" },
	{ "send 1 outcome=cancelled", 0, "unknown_outcome" },
	{ "send 9..0", 0, "bad_argument" },
	{ "send 00..9", 0, "bad_argument" },
	{ "send 0..09", 0, "bad_argument" },
	{ "send 0..", 0, "bad_argument" },
	{ "send ..9", 0, "bad_argument" },
	{ "send ..", 0, "bad_argument" },
	{ "send 0..9..12", 0, "bad_argument" },
	{ "send -1..9", 0, "bad_argument" },
	{ "send a..b", 0, "bad_argument" },
	{ "send 0...9", 0, "bad_argument" },
	{ "send 0..9223372036854775808", 0, "bad_argument" },
	{ "send 0..9223372036854775807", 0, "bad_argument" },
	{ "send 0..10000000", 0, "bad_argument" },
	{ "gather 9..0", 0, "bad_argument" },
	{ "send a\"b", 0, "bad_argument" },
	{ "send \"a b\"", 0, "bad_argument" },
	{ "send id=\"open", 0, "bad_argument" },
	{ "send id=\"open\\", 0, "bad_argument" },
	{ "send id=\"a\\x41\"", 0, "bad_argument" },
	{ "send id=\"a\"b", 0, "bad_argument" },
	{ "send id=\"a\"to=b@x.test", 0, "bad_argument" },
	{ "wait 1 2", 0, "bad_argument" },
	{ "wait delivered=-1", 0, "bad_argument" },
	{ "wait delivered=many", 0, "bad_argument" },
	{ "wait delivered=1 delivered=2", 0, "bad_argument" },
	{ "wait sending=1", 0, "bad_argument" },
	{ "wait all timeout=5", 0, "bad_argument" },
	{ "wait seq=0x1", 0, "bad_argument" },
	{ "wait seq=1 batch=1", 0, "bad_argument" },
	{ "wait 0..9", 0, "bad_argument" },
	{ "events", 0, "bad_argument" },
	{ "events maybe", 0, "bad_argument" },
	{ "events on type=nonsense", 0, "bad_argument" },
	{ "events on type=", 0, "bad_argument" },
	{ "events on type=queued,", 0, "bad_argument" },
	{ "status", 0, "bad_argument" },
	{ "status batch=x", 0, "bad_argument" },
	{ "cancel", 0, "bad_argument" },
	{ "cancel all all", 0, "bad_argument" },
	{ "list limit=0", 0, "bad_argument" },
	{ "list limit=-5", 0, "bad_argument" },
	{ "list state=asleep", 0, "bad_argument" },
	{ "stats all", 0, "bad_argument" },
	{ "ping pong", 0, "bad_argument" },
	{ "help nonsense", 0, "bad_argument" },
	{ "quit now", 0, "bad_argument" },
	{ "status 12345", 0, "not_found" },
	{ "cancel 12345", 0, "not_found" },
	{ "send \xff", 0, "bad_utf8" },
	{ "send \xc0\xaf", 0, "bad_utf8" },
	{ "send \xed\xa0\x80", 0, "bad_utf8" },
	{ "send \xf4\x90\x80\x80", 0, "bad_utf8" },
	{ "send \xe2\x82", 0, "bad_utf8" },
	{ "send a\0b", 8, "bad_utf8" },
	{ "\0", 1, "bad_utf8" },
	{ "\0ping", 5, "bad_utf8" },
	{ "\xc3\xa4", 0, "bad_command" },
};

static void
expect_error(struct client *c, const char *code, const char *what)
{
	const char *line = client_line(c);
	char expected[64];

	snprintf(expected, sizeof expected, "-ERR %s %%", code);
	if (!line || !harness_match(line, expected))
		harness_fail(__FILE__, __LINE__, "\"%s\" is answered \"%s\" and should be with %s",
		    what, line ? line : "(the end)", code);
}

/* Nothing was accepted, and the daemon ends in order. */
static void
expect_nothing_happened(struct daemon *d)
{
	struct client *c = client_connect(d);

	expect_text(client_stats(c), "+OK accepted=0 %");
	daemon_stop(d);
	expect_number(daemon_count_log(d, ""), 0);
}

static void
test_each_mistake_has_its_error(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d);
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(rows); i++) {
		client_send_bytes(c, rows[i].line, rows[i].n ? rows[i].n : strlen(rows[i].line));
		client_send(c, i % 2 ? "\n" : "\r\n");
		expect_error(c, rows[i].code, rows[i].line);
		expect_text(client_ask(c, "ping"), "+OK pong");
	}
	expect_nothing_happened(d);
}

/* The same in one go: as many answers as lines, in order. */
static void
test_each_mistake_has_its_error_when_pipelined(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d);
	struct text all = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(rows); i++) {
		text_add(&all, rows[i].line, rows[i].n ? rows[i].n : strlen(rows[i].line));
		text_printf(&all, "\n\n# no answer\n  \n");
	}
	client_send_bytes(c, all.p, all.n);
	client_half_close(c);
	for (i = 0; i < HARNESS_EXTENT(rows); i++)
		expect_error(c, rows[i].code, rows[i].line);
	client_expect_end(c);
	text_free(&all);
	expect_nothing_happened(d);
}

static void
test_long_lines_are_skipped_to_their_end(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d);
	char *line = malloc(1 << 20);

	(void)state;
	expect(line != NULL);
	memset(line, 'x', 1 << 20);
	line[(1 << 20) - 1] = '\n';
	client_send_bytes(c, line, 1 << 20);
	expect_error(c, "line_too_long", "1 MiB");
	expect_text(client_ask(c, "ping"), "+OK pong");
	/* a command in its middle or at its end is not executed */
	memcpy(line + (1 << 19), " send 1 \r", 9);
	memcpy(line + (1 << 20) - 8, "\rsend 2\n", 8);
	client_send_bytes(c, line, 1 << 20);
	expect_error(c, "line_too_long", "1 MiB");
	/* exactly limits.line, its end included, and one octet more */
	memset(line, 'x', 5000);
	memcpy(line, "status ", 7);
	line[4095] = '\n';
	client_send_bytes(c, line, 4096);
	expect_error(c, "bad_argument", "4096 octets");
	line[4095] = 'x';
	line[4096] = '\n';
	client_send_bytes(c, line, 4097);
	expect_error(c, "line_too_long", "4097 octets");
	/* one without an end */
	memset(line, 'x', 8000);
	client_send_bytes(c, line, 8000);
	client_half_close(c);
	expect_error(c, "line_too_long", "8000 octets and no end");
	client_expect_end(c);
	free(line);
	expect_nothing_happened(d);
}

static void
send_garbage(struct client *c)
{
	struct text block = { 0 };
	const char *line;
	long asked = 0, answered = 0;
	int i;

	for (i = 0; i < GARBAGE_BLOCK; i++)
		text_add(&block, "x\n", 2);
	for (; asked < GARBAGE_LINES; asked += GARBAGE_BLOCK) {
		client_send_bytes(c, block.p, block.n);
		/* what has come meanwhile */
		while (c->at < c->in.n && memchr(c->in.p + c->at, '\n', c->in.n - c->at)) {
			line = client_line(c);
			answered++;
			if (strncmp(line, "-ERR bad_command ", 17) != 0)
				harness_fail(__FILE__, __LINE__, "garbage is answered %s", line);
		}
	}
	client_send(c, "quit\n");
	while ((line = client_line(c)) && line[0] == '-')
		answered++;
	expect_text(line, "+OK bye");
	expect_number(answered, asked);
	text_free(&block);
}

static void
test_ten_million_lines_of_garbage(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *c = client_connect(d), *other = client_connect(d);
	long before = daemon_rss_kib(d);

	(void)state;
	send_garbage(c);
	client_expect_end(c);
	expect(HARNESS_IS_SANITIZED || daemon_rss_kib(d) < before + 8192);
	expect_text(client_ask(other, "ping"), "+OK pong");
	expect_nothing_happened(d);
}

static void
test_last_line_without_its_end_is_not_executed(void **state)
{
	static const char *const lasts[] = { "send 1", "send id=\"open", "quit", "s", "send 1\r",
		"\xff" };
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(lasts); i++) {
		struct client *c = client_connect(d);

		client_send(c, "ping\n");
		client_send(c, lasts[i]);
		client_half_close(c);
		expect_text(client_line(c), "+OK pong");
		expect_error(c, "bad_argument", lasts[i]);
		client_expect_end(c);
	}
	expect_nothing_happened(d);
}

static void
test_http_executes_nothing(void **state)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1",
		"GET / HTTP/1.1\r",
		"POST /send HTTP/1.0",
		"OPTIONS * HTTP/1.1",
		"PUT http://localhost:4025/x?y=z HTTP/1.1",
		"send 1 HTTP/1.1",
		"GET /a b HTTP/2",
	};
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	struct client *c;
	char *longest = malloc(300000);
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(requests); i++) {
		c = client_connect(d);
		client_send(c, requests[i]);
		client_send(
		    c, "\nHost: localhost:4025\r\nContent-Length: 14\r\n\r\nsend 1\nsend 2\n");
		expect(client_line(c) == NULL);
	}
	/* an overlong one, its body in the same write and behind it */
	expect(longest != NULL);
	memset(longest, 'a', 300000);
	memcpy(longest, "GET /", 5);
	strcpy(longest + 200000, " HTTP/1.1\r\nHost: x\r\n\r\nsend 1\nsend 2\n");
	c = client_connect(d);
	client_send(c, longest);
	expect(client_line(c) == NULL);
	/* cut in two */
	c = client_connect(d);
	client_send(c, "POST / HT");
	expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
	client_send(c, "TP/1.1\r\n\r\nsend 1\n");
	expect(client_line(c) == NULL);
	/* what was asked before is answered */
	c = client_connect(d);
	client_send(c, "ping\nGET / HTTP/1.1\r\n\r\nsend 1\n");
	expect_text(client_line(c), "+OK pong");
	expect(client_line(c) == NULL);
	/* without its end */
	c = client_connect(d);
	client_send(c, "POST / HTTP/1.1");
	client_half_close(c);
	expect(client_line(c) == NULL);
	free(longest);
	client_wait_stats(client_connect(d), "accepted", 0);
	expect_nothing_happened(d);
}

/* A text that only looks like it is none of a browser's. */
static void
test_not_every_mention_of_http_is_a_request(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=max", NULL);
	struct client *c = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "gather id=HTTP/1.1"), "+OK n=1 %");
	expect_text(client_ask(c, "gather id=\"GET / HTTP/1.1 \""), "+OK n=1 %");
	expect_text(client_ask(c, "gather id=\"GET / HTTP/1.1\""), "+OK n=1 %");
	daemon_stop(d);
}

/* An id with everything in it, in each way to say it: one line remains one line. */
static void
test_control_characters_break_no_line(void **state)
{
	static const char id[] =
	    "id=\"a\\nb\\tc\\\\d\\\"e \x01\x1b[2J\x7f\r\xe2\x80\xa8{}\" to=\"x\\ny@x.test\"";
	static const char *const formats[] = { "log.format=text", "log.format=json",
		"log.format=template" };
	static const size_t lines[] = { 3, 3, 1 };
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(formats); i++) {
		struct daemon *d = daemon_start("-o", "clock.scale=max", "-o", formats[i], "-o",
		    "template.delivered=[{id}] [{to}]", NULL);
		struct client *c = client_connect(d), *text = client_connect(d),
			      *json = client_connect(d);
		const char *p;

		expect_text(client_ask(text, "events on"), "+OK events=on");
		expect_text(client_ask(json, "events json"), "+OK events=json");
		client_send(c, "gather ");
		client_send(c, id);
		client_send(c, "\nstatus seq=1\nlist\nsend ");
		client_send(c, id);
		client_send(c, "\nstatus ");
		client_send(c, id);
		client_send(c, "\nwait\nquit\n");
		expect_text(client_line(c),
		    "* \"a\\nb\\tc\\\\d\\\"e \\x01\\x1b[2J\\x7f\\x0d\xe2\x80\xa8{}\" delivered %");
		expect_text(client_line(c), "+OK n=1 %");
		expect_text(client_line(c),
		    "+OK id=\"a\\nb\\tc\\\\%\" seq=1 % to=\"x\\ny@x.test\" state=delivered %");
		expect_text(client_line(c), "* id=\"a\\nb%\" seq=1 %");
		expect_text(client_line(c), "+OK n=1");
		expect_text(client_line(c),
		    "+OK queued=1 ids=\"a\\nb\\tc\\\\d\\\"e \\x01%\" batch=2 seq=2");
		expect_text(client_line(c), "-ERR bad_argument %"); /* two selectors */
		expect_text(client_line(c), "+OK n=2 %");
		expect_text(client_line(c), "+OK bye");
		client_expect_end(c);
		expect_text(client_line(text),
		    "* queued time=%Z id=\"a\\nb%\" seq=1 batch=1 to=\"x\\ny@x.test\"");
		expect_text(client_line(json),
		    "{\"event\":\"queued\",%\"id\":\"a\\nb\\tc\\\\d\\\"e "
		    "\\u0001\\u001b[2J%\\r%\",\"seq\":1,%}");
		daemon_stop(d);
		p = daemon_log(d);
		expect_number(text_count_lines(p, ""), lines[i] * 2);
		for (; *p; p++)
			expect((unsigned char)*p >= ' ' ? *p != 0x7f || i == 1 : *p == '\n');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_each_mistake_has_its_error),
		LIVE_TEST(test_each_mistake_has_its_error_when_pipelined),
		LIVE_TEST(test_long_lines_are_skipped_to_their_end),
		LIVE_TEST(test_ten_million_lines_of_garbage),
		LIVE_TEST(test_last_line_without_its_end_is_not_executed),
		LIVE_TEST(test_http_executes_nothing),
		LIVE_TEST(test_not_every_mention_of_http_is_a_request),
		LIVE_TEST(test_control_characters_break_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
