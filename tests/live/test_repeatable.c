/* The same seed is the same fate: whole event streams, octet for octet, however the input comes;
 * and the fate of each message, whoever else sends what and when. */
#include "logged.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EPOCH "clock.epoch=2026-01-01T00:00:00Z"
#define RUNS (HARNESS_IS_SANITIZED ? 6 : 20)
#define IDS (HARNESS_IS_SANITIZED ? 300 : 2000)
#define NAMELESS 200 /* messages without id, each to a recipient of its own… */
#define SAME 100     /* …and all to one */
#define CONNECTIONS 50

/* Everything that draws, and everything that interferes. */
static const char script[] =
    "rule to=*@rule.test outcome=\"greylisted:3 mailbox_full:2\" latency=\"uniform 1ms 9s\" "
    "count=40\n"
    "send 0..299 to=u{n}@x.test outcome=\"user_unknown 10%, greylisted 20%, "
    "system_error:2 spam_blocked 10%, mailbox_full:90m 5%\"\n"
    "send 0..99 to=u{n}@rule.test\n"
    "send to=ann@x.test\nsend to=bob@x.test\nsend to=ann@x.test\n"
    "cancel to=u7@rule.test\n"
    "wait 3\n"
    "rule from=ann@y.test outcome=mailbox_full:forever\n"
    "send 300..399 from=ann@y.test expire=4h max_attempts=7\n"
    "send 400..499 retry=\"1m 2m *1.5 max 1h\" latency=\"exponential mean=2s\"\n"
    "down x.test for=20m\n"
    "send late to=u1@x.test\n"
    "advance 10s\nflush all\nadvance 30m\nseed 8\nsend 0..49\nrule off=all\n"
    "cancel batch=9\n"
    "gather 500..599 to=joe+greylisted=2@example.org latency=\"normal mean=1s stddev=300ms\"\n"
    "send 600..1599 concurrency=9\n"
    "wait\nreset\nsend 0..99\nsend to=ann@x.test\n";

static int
run(struct daemon *d, int input, const char *seed)
{
	return daemon_run_stdio(d, input, "clock.scale=max", EPOCH, seed,
	    "delivery.latency=lognormal median=80ms p99=2s",
	    "delivery.connect=exponential mean=30ms", "delivery.jitter=20%",
	    "delivery.outcome=greylisted 30%, user_unknown 5%, connection_lost:3 5%", NULL);
}

/* The i-th of the runs: from a file, or through a pipe so many octets at a time. */
static void
run_ith(struct daemon *d, int i)
{
	static const size_t steps[] = { 0, 1, 7, 64, 3, 500 };
	struct feeder feeder;

	if (i == 0) {
		expect_number(run(d, input_file(script), "random.seed=7"), 0);
		return;
	}
	expect_number(run(d, input_pipe(&feeder, script, steps[(size_t)i % HARNESS_EXTENT(steps)]),
			  "random.seed=7"),
	    0);
	feeder_join(&feeder);
}

static void
show_difference(const char *a, const char *b)
{
	size_t at = 0, line = 0;

	for (; a[at] && a[at] == b[at]; at++)
		if (a[at] == '\n')
			line = at + 1;
	harness_fail(__FILE__, __LINE__, "they differ at octet %zu:\n  %.*s\n  %.*s", at,
	    (int)strcspn(a + line, "\n"), a + line, (int)strcspn(b + line, "\n"), b + line);
}

static void
expect_same(const struct text *a, const struct text *b)
{
	expect(a->p && b->p);
	if (a->n != b->n || memcmp(a->p, b->p, a->n) != 0)
		show_difference(a->p, b->p);
}

static void
test_streams_are_the_same_to_the_octet(void **state)
{
	struct daemon *first = daemon_new();
	int i;

	(void)state;
	run_ith(first, 0);
	daemon_log(first);
	print_message("%zu events, %zu octets, %d runs\n", text_count_lines(first->seen.p, ""),
	    first->seen.n, RUNS);
	/* it is a run worth its name */
	expect(text_count_lines(first->seen.p, " deferred ") > 500);
	expect(text_count_lines(first->seen.p, " outcome=connect_timeout ") > 0);
	expect(text_count_lines(first->seen.p, " cancelled ") > 0);
	expect(text_count_lines(first->seen.p, " expired ") > 0);
	for (i = 1; i < RUNS; i++) {
		struct daemon *d = daemon_new();

		run_ith(d, i);
		daemon_log(d);
		expect_same(&first->seen, &d->seen);
	}
}

static void
test_another_seed_is_another_stream(void **state)
{
	struct daemon *a = daemon_new(), *b = daemon_new();

	(void)state;
	expect_number(run(a, input_file(script), "random.seed=7"), 0);
	expect_number(run(b, input_file(script), "random.seed=9"), 0);
	expect(strcmp(daemon_log(a), daemon_log(b)) != 0);
}

/* --- who sends what */

/* A standing clock, so that all is accepted at one moment, and much that is drawn. */
static struct daemon *
start_standing(const char *latency)
{
	return daemon_start("-o", "clock.scale=0", "-o", EPOCH, "-o", "random.seed=5", "-o",
	    LOG_JSON, "-o", latency, "-o", "delivery.jitter=20%", "-o",
	    "delivery.outcome=greylisted:2 30%, user_unknown 5%, system_error:4 spam_blocked 5%",
	    NULL);
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
cut_out(char *line, const char *from, const char *until)
{
	char *at = strstr(line, from), *end = at ? strstr(at, until) : NULL;

	if (end)
		memmove(at, end, strlen(end) + 1);
}

/* What the log says of each message, without the numbers that the daemon gave, sorted. */
static void
read_fates(struct daemon *d, struct text *out)
{
	size_t n = 0, cap = text_count_lines(daemon_log(d), ""), i;
	char **lines = calloc(cap, sizeof *lines), *p, *end;

	if (!lines)
		abort();
	for (p = d->seen.p; *p; p = end + 1) {
		end = p + strcspn(p, "\n");
		*end = '\0';
		if (memcmp(p, "{\"event\":\"finished\"", 19) == 0)
			continue;
		cut_out(p, "\"id\":\"s", "\"seq\"");
		cut_out(p, "\"seq\"", "\"to\"");
		lines[n++] = p;
	}
	qsort(lines, n, sizeof *lines, compare_lines);
	for (i = 0; i < n; i++)
		text_printf(out, "%s\n", lines[i]);
	free(lines);
}

/* One request line for each message, in a fixed order. */
static size_t
make_requests(char (*lines)[64])
{
	size_t n = 0;
	int i;

	for (i = 0; i < IDS; i++)
		snprintf(lines[n++], sizeof lines[0], "send %d to=u%d@x.test\n", i, i);
	for (i = 0; i < NAMELESS; i++)
		snprintf(lines[n++], sizeof lines[0], "send to=nameless%d@x.test\n", i);
	for (i = 0; i < SAME; i++)
		snprintf(lines[n++], sizeof lines[0], "send to=same@x.test\n");
	return n;
}

static void
shuffle(char (*lines)[64], size_t n, unsigned seed)
{
	char kept[64];

	for (; n > 1; n--) {
		size_t i = (size_t)rand_r(&seed) % n;

		memcpy(kept, lines[i], sizeof kept);
		memcpy(lines[i], lines[n - 1], sizeof kept);
		memcpy(lines[n - 1], kept, sizeof kept);
	}
}

static void
finish_and_read(struct daemon *d, struct client *c, struct text *out)
{
	expect_number(text_number(client_stats(c), "accepted"), IDS + NAMELESS + SAME);
	expect_text(client_ask(c, "advance 5d"), "+OK now=2026-01-06T00:00:00.000Z fired=%");
	expect_text(client_ask(c, "wait all"), "+OK n=%");
	daemon_stop(d);
	read_fates(d, out);
}

/* All lines, spread over that many connections. */
static void
run_spread(char (*lines)[64], size_t n, unsigned connections, struct text *out)
{
	struct daemon *d = start_standing("delivery.latency=lognormal median=80ms p99=2s");
	struct client *clients[CONNECTIONS];
	unsigned seed = 1, asked[CONNECTIONS] = { 0 }, i;
	size_t line;

	for (i = 0; i < connections; i++)
		clients[i] = client_connect_to(d, i % 2);
	for (line = 0; line < n; line++) {
		i = (unsigned)rand_r(&seed) % connections;
		client_send(clients[i], lines[line]);
		asked[i]++;
	}
	for (i = 0; i < connections; i++)
		for (; asked[i] > 0; asked[i]--)
			expect_text(client_reply(clients[i]), "+OK queued=1 %");
	finish_and_read(d, clients[0], out);
}

/* The ids as ranges of all lengths, on connections in turn. */
static void
run_in_ranges(struct text *out)
{
	struct daemon *d = start_standing("delivery.latency=lognormal median=80ms p99=2s");
	struct client *clients[CONNECTIONS], *c;
	unsigned seed = 2, i;
	int first, last;

	for (i = 0; i < CONNECTIONS; i++)
		clients[i] = client_connect(d);
	for (first = 0, i = 0; first < IDS; first = last + 1, i++) {
		last = first + rand_r(&seed) % 60;
		last = last < IDS ? last : IDS - 1;
		c = clients[i % CONNECTIONS];
		expect_text(client_ask(c, "send %d..%d to=u{n}@x.test", first, last), "+OK %");
	}
	for (i = 0; i < SAME; i++)
		expect_text(client_ask(clients[i % CONNECTIONS], "send to=same@x.test"), "+OK %");
	for (i = NAMELESS; i-- > 0;)
		expect_text(
		    client_ask(clients[i % CONNECTIONS], "send to=nameless%u@x.test", i), "+OK %");
	finish_and_read(d, clients[0], out);
}

static void
test_fates_do_not_depend_on_who_sends(void **state)
{
	char(*lines)[64] = calloc(IDS + NAMELESS + SAME, sizeof *lines);
	struct text one = { 0 }, fifty = { 0 }, ranges = { 0 };
	size_t n;

	(void)state;
	if (!lines)
		abort();
	n = make_requests(lines);
	run_spread(lines, n, 1, &one);
	shuffle(lines, n, 3);
	run_spread(lines, n, CONNECTIONS, &fifty);
	run_in_ranges(&ranges);
	expect(text_count_lines(one.p, "\"event\":\"deferred\"") > n / 2);
	expect_same(&one, &fifty);
	expect_same(&one, &ranges);
	print_message("%zu messages, %zu events each time\n", n, text_count_lines(one.p, ""));
	text_free(&one);
	text_free(&fifty);
	text_free(&ranges);
	free(lines);
}

/* --- what the distribution moves */

struct course {
	int64_t latency_us; /* of the first attempt */
	struct text outcomes;
};

static struct course *
run_with_latency(const char *latency)
{
	struct course *courses = calloc((size_t)IDS, sizeof *courses);
	struct daemon *d = start_standing(latency);
	struct client *c = client_connect(d);
	struct logged e;
	const char *at;

	if (!courses)
		abort();
	expect_text(client_ask(c, "send 0..%d", IDS - 1), "+OK %");
	expect_text(client_ask(c, "advance 5d"), "+OK %");
	expect_text(client_ask(c, "wait"), "+OK %");
	daemon_stop(d);
	for (at = daemon_log(d); logged_next(&at, &e);) {
		struct course *course = &courses[atoi(e.id)];

		if (!logged_is_result(&e))
			continue;
		if (e.attempt == 1)
			course->latency_us = e.delay_us;
		text_printf(&course->outcomes, "%s ", e.outcome);
	}
	return courses;
}

static void
test_p99_moves_latencies_and_no_outcomes(void **state)
{
	struct course *a, *b;
	int i, tail_a = 0, tail_b = 0;

	(void)state;
	a = run_with_latency("delivery.latency=lognormal median=80ms p99=2s");
	b = run_with_latency("delivery.latency=lognormal median=80ms p99=20s");
	for (i = 0; i < IDS; i++) {
		expect(a[i].outcomes.p && b[i].outcomes.p);
		if (strcmp(a[i].outcomes.p, b[i].outcomes.p) != 0)
			harness_fail(__FILE__, __LINE__, "%d went through %s and through %s", i,
			    a[i].outcomes.p, b[i].outcomes.p);
		/* the same place in either distribution: farther from the same median */
		expect(a[i].latency_us > 80000 ? b[i].latency_us > a[i].latency_us
					       : b[i].latency_us <= a[i].latency_us);
		expect((a[i].latency_us > 2000000) == (b[i].latency_us > 20000000));
		tail_a += a[i].latency_us > 2000000;
		tail_b += b[i].latency_us > 20000000;
		text_free(&a[i].outcomes);
		text_free(&b[i].outcomes);
	}
	print_message("of %d latencies %d are beyond the p99\n", IDS, tail_a);
	expect(tail_a > 0 && tail_a == tail_b && tail_a < IDS / 30);
	free(a);
	free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_streams_are_the_same_to_the_octet),
		LIVE_TEST(test_another_seed_is_another_stream),
		LIVE_TEST(test_fates_do_not_depend_on_who_sends),
		LIVE_TEST(test_p99_moves_latencies_and_no_outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
