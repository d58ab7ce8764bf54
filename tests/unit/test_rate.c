/*
 * Rates: what goes through in random arrivals, counted in every window with whole numbers; that the
 * moment of opening is exact and nothing is lost over a long time; their text both ways.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/rate.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define US TEXT_NS_PER_US
#define TAKES 300

static const char *const rates[] = { "1/s", "3/s", "7/s", "50/s", "999/s", "1000/s", "300000/s",
	"999983/s", "3000000/s", "1000000000/s", "1/m", "7/m", "100/m", "59999/m", "1/h", "11/h",
	"3600/h", "1000003/h" };
static const uint64_t bursts[] = { 1, 2, 3, 10, 97 };

static struct rate
parsed(const char *text)
{
	const char *why;
	struct rate r;

	why = rate_parse(str_of(text), &r);
	if (why)
		fail_msg("refused: %s: %s", text, why);
	return r;
}

/* Not more than burst + rate * t in any window, of which each end is known to the microsecond. */
static void
check_windows(const struct rate *r, uint64_t burst, const int64_t at_us[TAKES])
{
	int from, to;

	for (from = 0; from < TAKES; from++)
		for (to = from; to < TAKES; to++) {
			__int128 over = to - from + 1 - (int64_t)burst;
			__int128 us = at_us[to] - at_us[from] + 1;

			if (over * (r->per_ns / US) > us * (__int128)r->n)
				fail_msg("%lu per %ld ns, burst %lu: %d in %ld us", r->n,
				    (long)r->per_ns, burst, to - from + 1, (long)us - 1);
		}
}

/* Just when it opens, a bit later, at once, or after a rest. */
static int64_t
next_arrival_us(const struct rate *r, int64_t opens_us, int64_t now_us, unsigned short seed[3])
{
	int64_t interval_us = r->per_ns / US / (int64_t)r->n + 1;

	switch (nrand48(seed) % 8) {
	case 0:
		return now_us + nrand48(seed) % (interval_us * 2);
	case 1:
		return now_us + nrand48(seed) % (interval_us * 30);
	case 2:
		return now_us + nrand48(seed) % 3;
	default:
		return opens_us > now_us ? opens_us : now_us;
	}
}

static void
let_through(const struct rate *r, uint64_t asked, uint64_t burst, unsigned short seed[3])
{
	int64_t now_us = WORLD_EPOCH / US, at_us[TAKES];
	struct pace p = { 0 };
	int n = 0;

	while (n < TAKES) {
		int64_t opens_us = rate_opens_at(r, &p, asked) / US;

		now_us = next_arrival_us(r, opens_us, now_us, seed);
		assert_int_equal(rate_is_open(r, &p, asked, now_us * US), now_us >= opens_us);
		if (now_us < opens_us)
			continue;
		rate_take(r, &p, now_us * US);
		at_us[n++] = now_us;
	}
	check_windows(r, burst, at_us);
}

static void
test_never_too_many(void **state)
{
	unsigned short seed[3] = { 1, 2, 3 };
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(rates); i++)
		for (k = 0; k < COUNT(bursts); k++) {
			struct rate r = parsed(rates[i]);

			let_through(&r, bursts[k], bursts[k], seed);
			/* what the rate says itself counts more than what it is asked with */
			r.burst = bursts[k];
			let_through(&r, 50, bursts[k], seed);
		}
}

/* One microsecond before it opens it is closed. */
static void
test_opening_is_exact(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = { { "1/s", 1000000 }, { "3/s", 333334 }, { "50/s", 20000 },
		{ "1/h", 3600000000 }, { "7/m", 8571429 }, { "1000000/s", 1 },
		{ "3/s burst=1", 333334 } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct rate r = parsed(cases[i].text);
		struct pace p = { 0 };
		int64_t at;

		assert_int_equal(rate_opens_at(&r, &p, 1), 0);
		assert_true(rate_is_open(&r, &p, 1, WORLD_EPOCH));
		rate_take(&r, &p, WORLD_EPOCH);
		at = rate_opens_at(&r, &p, 1);
		assert_int_equal(at, WORLD_EPOCH + cases[i].us * US);
		assert_false(rate_is_open(&r, &p, 1, at - US));
		assert_true(rate_is_open(&r, &p, 1, at));
		assert_false(rate_is_idle(&p, at - US));
		assert_true(rate_is_idle(&p, at));
	}
}

/* A burst goes at once, and is there again after a rest and not before. */
static void
test_burst(void **state)
{
	struct rate r = parsed("10/s burst=5");
	int64_t now = WORLD_EPOCH;
	struct pace p = { 0 };
	int i, round;

	(void)state;
	for (round = 0; round < 3; round++, now += 500 * MS) {
		for (i = 0; i < 5; i++) {
			assert_true(rate_is_open(&r, &p, 1, now));
			rate_take(&r, &p, now);
		}
		assert_false(rate_is_open(&r, &p, 1, now));
		assert_int_equal(rate_opens_at(&r, &p, 1), now + 100 * MS);
	}
	/* after 400 ms of 500 it is four */
	for (i = 0; i < 4; i++)
		rate_take(&r, &p, now - 100 * MS);
	assert_false(rate_is_open(&r, &p, 1, now - 100 * MS));
}

/* The kth of those who go as soon as they may, goes k intervals after the first, rounded up to the
 * microsecond: also after a million of them, and whatever the burst. */
static void
test_no_drift(void **state)
{
	static const uint64_t some[] = { 1, 10 };
	size_t i, b;

	(void)state;
	for (b = 0; b < COUNT(some); b++)
		for (i = 0; i < COUNT(rates); i++) {
			struct rate r = parsed(rates[i]);
			struct pace p = { 0 };
			__int128 k;

			for (k = 0; k < 20000; k++) {
				__int128 after = k < some[b] ? 0 : k - some[b] + 1;
				__int128 us = (after * (r.per_ns / US) + r.n - 1) / r.n;
				int64_t at = rate_opens_at(&r, &p, some[b]);

				at = at > WORLD_EPOCH ? at : WORLD_EPOCH;
				if (at != WORLD_EPOCH + (int64_t)us * US)
					fail_msg("%s burst=%lu: number %ld goes at %ld us and not "
						 "at %ld",
					    rates[i], some[b], (long)k,
					    (long)((at - WORLD_EPOCH) / US), (long)us);
				rate_take(&r, &p, at);
			}
		}
}

static void
test_unlimited_and_far_away(void **state)
{
	struct rate unlimited = parsed("unlimited"), r = parsed("1/h burst=1000000000");
	struct pace p = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		assert_true(rate_is_open(&unlimited, &p, 1, 0));
		rate_take(&unlimited, &p, 0);
	}
	assert_true(rate_is_idle(&p, 0));
	assert_true(rate_is_open(&r, &p, 1, 0));
	assert_int_equal(rate_opens_at(&r, &p, 1), 0);
	/* the end of time is no moment like others */
	r.burst = 1;
	rate_take(&r, &p, CLOCK_NEVER - US);
	assert_int_equal(rate_opens_at(&r, &p, 1), CLOCK_NEVER);
}

static const struct {
	const char *why;
	const char *texts[10];
} bad[] = {
	{ "is not unlimited or a rate such as 50/s, 100/m, 20/h",
	    { "", " ", "50", "50/", "/s", "50/d", "50/ss", "50 /s", "50/S", "x/s" } },
	{ "is not unlimited or a rate such as 50/s, 100/m, 20/h",
	    { "1.5/s", "-1/s", "+1/s", "01/s", "50//s", "50/s/m", "Unlimited", "unlimitedx",
		"99999999999999999999/s", "burst=1" } },
	{ "is a rate outside of 1 to 1000000000", { "0/s", "1000000001/h", "0/s burst=1" } },
	{ "has something behind unlimited", { "unlimited 5/s", "unlimited burst=1" } },
	{ "has something else behind the rate than burst=N, from 1 up",
	    { "50/s 1", "50/s burst", "50/s burst=", "50/s burst=0", "50/s burst=x",
		"50/s burst=1000000001", "50/s burst=1 2", "50/s burst=-1", "50/s Burst=1",
		"50/s burst=1.5" } },
};

static void
test_bad_text(void **state)
{
	struct rate r = parsed("7/h");
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		for (k = 0; k < COUNT(bad[i].texts) && bad[i].texts[k]; k++) {
			const char *why = rate_parse(str_of(bad[i].texts[k]), &r);

			if (!why || strcmp(why, bad[i].why) != 0)
				fail_msg("\"%s\": %s", bad[i].texts[k], why ? why : "accepted");
		}
	assert_int_equal(r.n, 7);
}

static void
test_text_reads_back(void **state)
{
	static const char *const texts[] = { "unlimited", "50/s", "100/m", "20/h",
		"1000000000/s burst=1000000000", "1/h burst=1" };
	struct buf b = { 0 };
	struct rate r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		r = parsed(texts[i]);
		b.len = 0;
		rate_format(&b, &r);
		buf_add_char(&b, '\0');
		assert_string_equal(b.data, texts[i]);
	}
	r = parsed(" \t50/s   burst=7 ");
	assert_int_equal(r.n, 50);
	assert_int_equal(r.per_ns, SEC);
	assert_int_equal(r.burst, 7);
	assert_int_equal(parsed("1/m").per_ns, 60 * SEC);
	assert_int_equal(parsed("1/h").per_ns, 3600 * SEC);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_too_many),
		cmocka_unit_test(test_opening_is_exact),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_unlimited_and_far_away),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_text_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
