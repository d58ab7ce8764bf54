/* Limits as the event stream shows them: never exceeded at any moment, and without influence on
 * what becomes of a message or how long an attempt takes. */
#include "logged.h"

#include <stdio.h>
#include <stdlib.h>

#define IDS 1000
#define BATCHES 4
#define ATTEMPTS 24
#define US_PER_S 1000000

/* Three domains, one batch without any; some go wrong, more than once. */
static const char requests[] = "send 0..299 to=u{n}@d0.test\n"
			       "send 300..599 to=u{n}@d1.test\n"
			       "send 600..899 to=u{n}@d2.test\n"
			       "send 900..999\n"
			       "wait\n";

static const char requests_with_limits[] =
    "send 0..299 to=u{n}@d0.test concurrency=3 rate=\"30/s burst=4\"\n"
    "send 300..599 to=u{n}@d1.test concurrency=5\n"
    "send 600..899 to=u{n}@d2.test rate=25/s\n"
    "send 900..999\n"
    "wait\n";

struct attempt {
	int64_t latency_us, delay_us; /* delay to the next one; -1 when it was the last */
	char outcome[32];
};

struct course {
	int n;
	int64_t dispatched_us;
	struct attempt attempts[ATTEMPTS];
};

/* What must hold of a set of messages at every moment. 0: no limit. */
struct cap {
	const char *domain; /* "@d0.test"; NULL: all */
	long long batch;    /* 0: all */
	int concurrency;
	int64_t interval_us, burst; /* of the rate */
	/* found */
	int in_flight, peak;
	int64_t free_at;
	size_t n;
};

static bool
concerns(const struct cap *cap, const struct logged *e)
{
	const char *at = strchr(e->to, '@');

	if (cap->domain && (!at || strcmp(at, cap->domain) != 0))
		return false;
	return cap->batch == 0 || e->batch == cap->batch;
}

/* Whether one more at that moment is within the rate; then it counts. */
static bool
take(struct cap *cap, int64_t now_us)
{
	if (now_us < cap->free_at - (cap->burst - 1) * cap->interval_us)
		return false;
	cap->free_at = (cap->free_at > now_us ? cap->free_at : now_us) + cap->interval_us;
	return true;
}

static void
check_cap(struct cap *cap, const struct logged *e)
{
	if (logged_is(e, "dispatched")) {
		cap->n++;
		cap->in_flight++;
		if (cap->in_flight > cap->peak)
			cap->peak = cap->in_flight;
		if (cap->concurrency > 0 && cap->in_flight > cap->concurrency)
			harness_fail(__FILE__, __LINE__,
			    "%d are in flight with seq %lld instead of %d", cap->in_flight, e->seq,
			    cap->concurrency);
		if (cap->interval_us > 0 && !take(cap, e->time_us))
			harness_fail(
			    __FILE__, __LINE__, "seq %lld was dispatched too early", e->seq);
	} else {
		cap->in_flight--;
	}
}

static struct daemon *
run(const char *input, const char *const *options)
{
	const struct daemon_setup setup = { .is_stdio = true, .stdin_fd = input_file(input) };
	static const char outcome[] = "delivery.outcome=greylisted:2 30%, user_unknown 10%, "
				      "system_error:1 spam_blocked 5%";
	static const char *const common[] = { "clock.scale=max", "clock.epoch=2026-01-01T00:00:00Z",
		"random.seed=11", LOG_JSON, "delivery.latency=lognormal median=80ms p99=2s",
		"delivery.jitter=20%", "delivery.retry=1s 3s 9s", outcome };
	struct daemon *d = daemon_new();
	const char *args[40];
	size_t n = 0, i;

	for (i = 0; i < HARNESS_EXTENT(common); i++) {
		args[n++] = "-o";
		args[n++] = common[i];
	}
	for (; *options; options++) {
		args[n++] = "-o";
		args[n++] = *options;
	}
	args[n] = NULL;
	daemon_run(d, &setup, args);
	expect_number(daemon_wait_exit(d), 0);
	return d;
}

/* The courses of all messages, and the caps checked on the way. */
static struct course *
read_run(struct daemon *d, struct cap *caps, size_t n_caps)
{
	struct course *courses = calloc(IDS, sizeof *courses), *c;
	struct logged e;
	const char *at;
	size_t i;

	if (!courses)
		abort();
	for (at = daemon_log(d); logged_next(&at, &e);) {
		if (logged_is(&e, "queued") || logged_is(&e, "finished"))
			continue;
		for (i = 0; i < n_caps; i++)
			if (concerns(&caps[i], &e))
				check_cap(&caps[i], &e);
		c = &courses[atoi(e.id)];
		if (logged_is(&e, "dispatched")) {
			expect(c->n < ATTEMPTS);
			c->dispatched_us = e.time_us;
			continue;
		}
		c->attempts[c->n].latency_us = e.time_us - c->dispatched_us;
		c->attempts[c->n].delay_us = e.next_us < 0 ? -1 : e.next_us - e.time_us;
		memcpy(c->attempts[c->n].outcome, e.outcome, sizeof e.outcome);
		c->n++;
	}
	return courses;
}

static void
expect_same_courses(const struct course *a, const struct course *b)
{
	int id, i;

	for (id = 0; id < IDS; id++) {
		expect_number(a[id].n, b[id].n);
		for (i = 0; i < a[id].n; i++) {
			expect_text(a[id].attempts[i].outcome, b[id].attempts[i].outcome);
			expect_number(a[id].attempts[i].latency_us, b[id].attempts[i].latency_us);
			expect_number(a[id].attempts[i].delay_us, b[id].attempts[i].delay_us);
		}
	}
}

static const char *const no_options[] = { NULL };

struct limited_run {
	const char *requests;
	const char *options[8];
	struct cap caps[8];
};

/* clang-format off */
static const struct limited_run runs[] = {
	{ requests, { "delivery.rate=100/s burst=10" },
	    { { .interval_us = 10000, .burst = 10 } } },
	{ requests, { "delivery.concurrency=7" }, { { .concurrency = 7 } } },
	{ requests, { "delivery.rate=100/s burst=10", "delivery.concurrency=7" },
	    { { .concurrency = 7, .interval_us = 10000, .burst = 10 } } },
	{ requests, { "delivery.concurrency=1" }, { { .concurrency = 1 } } },
	{ requests, { "domain d0.test.concurrency=3", "domain *.concurrency=6",
	    "domain d1.test.rate=20/s burst=2" },
	    { { .domain = "@d0.test", .concurrency = 3 },
		{ .domain = "@d1.test", .interval_us = 50000, .burst = 2 },
		{ .domain = "@d2.test", .concurrency = 6 } } },
	{ requests, { "domain *.rate=40/s" },
	    { { .domain = "@d0.test", .interval_us = 25000, .burst = 1 },
		{ .domain = "@d1.test", .interval_us = 25000, .burst = 1 },
		{ .domain = "@d2.test", .interval_us = 25000, .burst = 1 } } },
	{ requests_with_limits, { NULL },
	    { { .batch = 1, .concurrency = 3, .interval_us = 33334, .burst = 4 },
		{ .batch = 2, .concurrency = 5 },
		{ .batch = 3, .interval_us = 40000, .burst = 1 } } },
	{ requests_with_limits, { "delivery.rate=100/s burst=10", "delivery.concurrency=7",
	    "domain d1.test.concurrency=4", "domain *.concurrency=2" },
	    { { .concurrency = 7, .interval_us = 10000, .burst = 10 },
		{ .batch = 1, .concurrency = 2, .interval_us = 33334, .burst = 4 },
		{ .batch = 2, .concurrency = 4 },
		{ .batch = 3, .concurrency = 2, .interval_us = 40000, .burst = 1 } } },
};
/* clang-format on */

static void
check_run(const struct limited_run *r, const struct course *free_courses)
{
	struct daemon *d = run(r->requests, r->options);
	struct cap caps[HARNESS_EXTENT(r->caps)];
	struct course *courses;
	size_t n = 0;

	memcpy(caps, r->caps, sizeof caps);
	while (n < HARNESS_EXTENT(caps) && (caps[n].concurrency > 0 || caps[n].interval_us > 0))
		n++;
	/* 1/30 s is no whole microsecond: what is checked is no stricter than what was asked for */
	for (size_t i = 0; i < n; i++)
		if (caps[i].interval_us % 5 != 0)
			caps[i].interval_us--;
	courses = read_run(d, caps, n);
	expect_same_courses(courses, free_courses);
	while (n-- > 0) {
		expect(caps[n].n >= 300 && caps[n].in_flight == 0);
		/* a limit that is never reached shows nothing */
		if (caps[n].concurrency > 0 && caps[n].interval_us == 0)
			expect_number(caps[n].peak, caps[n].concurrency);
	}
	free(courses);
}

static void
test_limits_hold_and_change_no_draw(void **state)
{
	struct course *free_courses;
	size_t i;

	(void)state;
	free_courses = read_run(run(requests, no_options), NULL, 0);
	for (i = 0; i < HARNESS_EXTENT(runs); i++)
		check_run(&runs[i], free_courses);
	free(free_courses);
}

/* What the receiving side does comes on top: without it the outcomes are those of the script. */
static void
expect_same_outcomes(const struct course *a, const char *besides, const struct course *b)
{
	int id, i, j;

	for (id = 0; id < IDS; id++) {
		for (i = 0, j = 0; i < a[id].n; i++)
			if (strcmp(a[id].attempts[i].outcome, besides) != 0) {
				expect(j < b[id].n);
				expect_text(a[id].attempts[i].outcome, b[id].attempts[j++].outcome);
			}
		expect_number(j, b[id].n);
	}
}

/* At every dispatch to d2.test in turn: too many already, or not. */
static void
test_receiver_rate(void **state)
{
	static const char *const options[] = { "domain d2.test.receiver_rate=20/s", NULL };
	struct cap cap = { .domain = "@d2.test", .interval_us = US_PER_S / 20, .burst = 20 };
	struct course *courses, *free_courses;
	bool is_refused[IDS] = { false };
	size_t refused = 0, taken = 0;
	struct daemon *d;
	struct logged e;
	const char *at;

	(void)state;
	d = run(requests, options);
	for (at = daemon_log(d); logged_next(&at, &e);) {
		if (!concerns(&cap, &e) || logged_is(&e, "queued"))
			continue;
		if (logged_is(&e, "dispatched")) {
			is_refused[atoi(e.id)] = !take(&cap, e.time_us);
			continue;
		}
		expect_number(strcmp(e.outcome, "rate_limited") == 0, is_refused[atoi(e.id)]);
		refused += is_refused[atoi(e.id)];
		taken += !is_refused[atoi(e.id)];
	}
	print_message("%zu attempts taken, %zu too many\n", taken, refused);
	expect(refused > 300 && taken > 300);
	courses = read_run(d, NULL, 0);
	free_courses = read_run(run(requests, no_options), NULL, 0);
	expect_same_outcomes(courses, "rate_limited", free_courses);
	free(courses);
	free(free_courses);
}

/* Down by configuration, and by the verb for the rest of the time; in windows from both ends. */
static void
test_down(void **state)
{
	static const char *const options[] = { "domain d1.test.down=2s..5s 9s..10s", NULL };
	static const char input[] = "send 0..299 to=u{n}@d0.test\n"
				    "send 300..599 to=u{n}@d1.test\n"
				    "send 600..899 to=u{n}@d2.test\n"
				    "send 900..999\n"
				    "advance 2s\ndown d2.test\ndown d0.test for=3s\n"
				    "advance 4s\nup d2.test\nwait\n";
	const int64_t epoch_us = 1767225600000000;
	struct course *courses, *free_courses;
	bool is_down[IDS] = { false };
	size_t refused[3] = { 0 };
	struct daemon *d;
	struct logged e;
	const char *at;

	(void)state;
	d = run(input, options);
	for (at = daemon_log(d); logged_next(&at, &e);) {
		int64_t t = e.time_us - epoch_us;
		int domain = e.to[0] ? strchr(e.to, '@')[2] - '0' : -1;
		bool *down = &is_down[atoi(e.id)];

		if (domain < 0 || logged_is(&e, "queued"))
			continue;
		/* what is due at the moment of a command has happened before it */
		if (logged_is(&e, "dispatched"))
			*down = domain == 0 ? t > 2000000 && t < 5000000
			    : domain == 1
			    ? (t >= 2000000 && t < 5000000) || (t >= 9000000 && t < 10000000)
			    : t > 2000000 && t <= 6000000;
		else if (strcmp(e.outcome, "connect_timeout") == 0) {
			expect(*down);
			refused[domain]++;
		} else {
			expect(!*down);
		}
	}
	print_message(
	    "%zu, %zu and %zu attempts while it was down\n", refused[0], refused[1], refused[2]);
	expect(refused[0] > 20 && refused[1] > 20 && refused[2] > 20);
	courses = read_run(d, NULL, 0);
	free_courses = read_run(run(requests, no_options), NULL, 0);
	expect_same_outcomes(courses, "connect_timeout", free_courses);
	free(courses);
	free(free_courses);
}

/* What is remembered of a domain goes when it is idle, or a million of them would be a leak. */
static void
test_a_million_domains(void **state)
{
	const int step = HARNESS_IS_SANITIZED ? 20000 : 200000;
	struct daemon *d = daemon_start("-o", "clock.scale=max", "-o", "log.target=none", "-o",
	    "domain *.concurrency=5", "-o", "domain *.rate=1/s", "-o", "domain *.receiver_rate=1/s",
	    NULL);
	struct client *c = client_connect(d);
	int64_t began = harness_now_ms();
	long first = 0, last;
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		expect_text(
		    client_ask(c, "send %d..%d to=u@d{n}.test", i * step, i * step + step - 1),
		    "+OK %");
		expect_text(client_ask(c, "wait"), "+OK n=% bounced=0 %");
		if (i == 0)
			first = daemon_rss_kib(d);
	}
	last = daemon_rss_kib(d);
	print_message("%ld KiB after %d domains, %ld KiB after %d; %d ms\n", first, step, last,
	    5 * step, (int)(harness_now_ms() - began));
	expect_number(text_number(client_stats(c), "delivered"), 5LL * step);
	/* the table is swept when it has doubled. A sanitizer keeps what was freed for a while */
	expect(HARNESS_IS_SANITIZED || last < 2 * first);
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_limits_hold_and_change_no_draw),
		LIVE_TEST(test_receiver_rate),
		LIVE_TEST(test_down),
		LIVE_TEST(test_a_million_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
