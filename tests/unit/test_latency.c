/*
 * The distributions: their text both ways, their quantiles against theory, and the draws that feed
 * them. The bits are stratified, so the quantiles test the formulas and not luck.
 */
#include "sim_world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/draw.h"
#include "core/sequel.h"

#define DRAWS 1000000

static const char *const good[] = { "fixed 1s", "uniform 500ms 1500ms", "uniform 0s 0s",
	"normal mean=1s stddev=200ms", "exponential mean=800ms", "lognormal median=80ms p99=2s",
	"lognormal median=80ms p90=80ms", "lognormal median=80ms p95=1s min=50ms max=900ms",
	"lognormal median=1h p999=1d", "lognormal median=80ms sigma=1.25", "fixed 1s min=2s",
	"exponential mean=800ms max=3s" };

static const char *const bad[] = { "", "fixed", "fixed ", "1", "fixed 1", "fixed -1s", "1s 2s",
	"1s x", "fixed 1s x", "fixed 1s 2s", "fixed1s", "36501d", "infinite", "inf", "fixed inf",
	"nan", "uniform", "uniform 1s", "uniform 2s 1s", "uniform 1s 2s 3s", "uniform 1s mean=2s",
	"normal mean=1s", "normal stddev=1s", "normal 1s 2s", "normal mean=1s mean=1s stddev=1s",
	"exponential", "exponential 1s", "exponential mean=-1s", "lognormal median=1s",
	"lognormal p99=1s", "lognormal median=1s p99=2s p90=2s", "lognormal median=2s p99=1s",
	"lognormal median=0s p99=1s", "lognormal median=1s sigma=", "lognormal median=1s sigma=0",
	"lognormal median=1s sigma=x", "lognormal median=1s sigma=1.",
	"lognormal median=1s sigma=-1", "lognormal median=1s sigma=11",
	"lognormal median=1s sigma=1.0000001", "lognormal median=1s sigma=0.0",
	"lognormal median=1s p98=2s", "fixed 1s min=2s max=1s", "fixed 1s min=2", "gamma mean=1s",
	"empirical /etc/passwd", "Fixed 1s", "fixed 1s =2s" };

static void
test_text_reads_back(void **state)
{
	struct buf b = { 0 };
	struct latency l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		if (latency_parse(str_of(good[i]), NULL, &l))
			fail_msg(
			    "refused: %s: %s", good[i], latency_parse(str_of(good[i]), NULL, &l));
		b.len = 0;
		latency_format(&b, &l);
		buf_add_char(&b, '\0');
		assert_string_equal(b.data, good[i]);
	}
	assert_null(latency_parse(STR("  1.5s "), NULL, &l));
	assert_int_equal(latency_draw(&l, 0), 1500 * MS);
	assert_null(latency_parse(STR("fixed\t80ms"), NULL, &l));
	assert_int_equal(latency_draw(&l, 0), 80 * MS);
	buf_fini(&b);
}

static void
test_bad_text(void **state)
{
	struct latency l = latency_fixed(7000);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!latency_parse(str_of(bad[i]), NULL, &l))
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(latency_draw(&l, 1), 7000);
}

/* The bits of the i-th of n strata. */
static uint64_t
stratum(uint64_t i, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)(2 * i + 1) << 63) / n);
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
expect_near(int64_t got, double theory)
{
	if (fabs((double)got - theory) > 0.01 * theory)
		fail_msg("%ld is not within 1 %% of %.0f", got, theory);
}

/* p50, p90, p99, p99.9 of a million draws, in ms. */
static void
expect_quantiles(const char *text, double p50, double p90, double p99, double p999)
{
	int64_t *draws = malloc(DRAWS * sizeof draws[0]);
	struct latency l;
	uint64_t i;

	assert_null(latency_parse(str_of(text), NULL, &l));
	for (i = 0; i < DRAWS; i++) {
		/* in any order: it is the set of draws that counts */
		draws[i] = latency_draw(&l, stratum(i * 7919 % DRAWS, DRAWS));
		assert_int_equal(draws[i] % TEXT_NS_PER_US, 0);
	}
	qsort(draws, DRAWS, sizeof draws[0], compare);
	expect_near(draws[DRAWS / 2], p50 * (double)MS);
	expect_near(draws[DRAWS / 10 * 9], p90 * (double)MS);
	expect_near(draws[DRAWS / 100 * 99], p99 * (double)MS);
	expect_near(draws[DRAWS / 1000 * 999], p999 * (double)MS);
	free(draws);
}

static void
test_quantiles(void **state)
{
	double sigma = log(2000.0 / 80.0) / 2.3263478740408408;

	(void)state;
	expect_quantiles("uniform 500ms 1500ms", 1000, 1400, 1490, 1499);
	expect_quantiles("normal mean=1s stddev=200ms", 1000, 1256.31, 1465.27, 1618.05);
	expect_quantiles("exponential mean=800ms", 554.518, 1842.07, 3684.14, 5526.2);
	expect_quantiles("lognormal median=80ms p99=2s", 80, 80 * exp(1.2815515655446004 * sigma),
	    2000, 80 * exp(3.0902323061678132 * sigma));
	expect_quantiles("lognormal median=1s p90=2s", 1000, 2000,
	    1000 * exp(2.3263478740408408 * log(2) / 1.2815515655446004),
	    1000 * exp(3.0902323061678132 * log(2) / 1.2815515655446004));
	expect_quantiles("lognormal median=1s sigma=0.5", 1000,
	    1000 * exp(0.5 * 1.2815515655446004), 1000 * exp(0.5 * 2.3263478740408408),
	    1000 * exp(0.5 * 3.0902323061678132));
	expect_quantiles("exponential mean=800ms min=600ms max=3s", 600, 1842.07, 3000, 3000);
}

/* A draw rises with its bits, and the extremes are finite and not negative. */
static void
test_monotone_and_bounded(void **state)
{
	static const char *const all[] = { "uniform 0s 36500d", "normal mean=1ms stddev=36500d",
		"exponential mean=36500d", "lognormal median=36500d sigma=10",
		"lognormal median=1us sigma=10" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof all / sizeof all[0]; i++) {
		int64_t last = 0;
		struct latency l;
		uint64_t k;

		assert_null(latency_parse(str_of(all[i]), NULL, &l));
		for (k = 0; k < 10000; k++) {
			int64_t ns = latency_draw(&l, stratum(k, 10000));

			assert_true(ns >= last && ns <= TEXT_DURATION_MAX_NS);
			last = ns;
		}
		assert_true(latency_draw(&l, UINT64_MAX) >= last);
		assert_true(latency_draw(&l, UINT64_MAX) <= TEXT_DURATION_MAX_NS);
		assert_true(latency_draw(&l, 0) >= 0);
	}
}

/* These numbers are the fate of every message of seed 1: they never change. */
static void
test_golden_draws(void **state)
{
	uint64_t key = draw_key(1, STR("7"), STR("bob@x.test"));

	(void)state;
	assert_int_equal(key, 0xdd3c2a1f8b8d6619ULL);
	assert_int_equal(draw_bits(key, 1, DRAW_LATENCY), 0xe8b9871062379721ULL);
	assert_true(
	    draw_key(1, STR("7"), (struct str){ NULL, 0 }) != draw_key(1, STR("7"), STR("")));
	assert_true(draw_key(1, STR("ab"), STR("c")) != draw_key(1, STR("a"), STR("bc")));
	assert_true(draw_key(1, STR("7"), STR("b")) != draw_key(2, STR("7"), STR("b")));
	assert_true(draw_key_nth(1, STR("b"), 1) != draw_key_nth(1, STR("b"), 2));
	assert_true(draw_bits(key, 1, DRAW_LATENCY) != draw_bits(key, 2, DRAW_LATENCY));
	assert_true(draw_bits(key, 1, DRAW_LATENCY) != draw_bits(key, 1, DRAW_CONNECT));
	assert_true(draw_unit(0) > 0);
	assert_true(draw_unit(UINT64_MAX) < 1);
}

static void
test_normal_quantiles(void **state)
{
	int i;

	(void)state;
	for (i = -600; i <= 300; i++) {
		double z = i / 100.0;

		assert_true(fabs(draw_normal(0.5 * erfc(-z / sqrt(2))) - z) < 1e-12);
	}
	assert_true(fabs(draw_normal(1e-20) + 9.26234008979841) < 1e-12);
	assert_true(draw_normal(0.5) == 0);
}

/* The draws of ids that follow one another: chi-squared over 256 cells, for each octet of the bits,
 * and the correlation of neighbours. */
static void
test_draws_look_random(void **state)
{
	static uint32_t cells[8][256];
	double sum = 0, squares = 0, products = 0, last = 0, n = 200000;
	int octet, cell;
	uint64_t i;

	(void)state;
	for (i = 0; i < (uint64_t)n; i++) {
		struct buf id = { 0 };
		uint64_t bits;
		double u;

		buf_add_u64(&id, i);
		bits = draw_bits(draw_key(1, buf_str(&id), STR("a@x.test")), 1, DRAW_LATENCY);
		buf_fini(&id);
		for (octet = 0; octet < 8; octet++)
			cells[octet][bits >> (8 * octet) & 255]++;
		u = draw_unit(bits) - 0.5;
		sum += u;
		squares += u * u;
		products += u * last;
		last = u;
	}
	for (octet = 0; octet < 8; octet++) {
		double chi = 0, expected = n / 256;

		for (cell = 0; cell < 256; cell++)
			chi += (cells[octet][cell] - expected) * (cells[octet][cell] - expected) /
			    expected;
		/* 255 degrees of freedom: 5 in 10,000 are outside */
		assert_true(chi > 183 && chi < 338);
	}
	assert_true(fabs(sum / n) < 4 / sqrt(12 * n));
	assert_true(fabs(products / squares) < 4 / sqrt(n));
}

static void
test_sequels(void **state)
{
	struct sequels s;
	uint64_t i;

	(void)state;
	sequel_init(&s);
	for (i = 0; i < 3000; i++) {
		struct buf to = { 0 };

		buf_printf(&to, "user%lu@x.test", i % 1000);
		assert_int_equal(sequel_next(&s, buf_str(&to)), i / 1000 + 1);
		buf_fini(&to);
	}
	assert_int_equal(sequel_next(&s, (struct str){ NULL, 0 }), 1);
	assert_int_equal(sequel_next(&s, STR("")), 1);
	assert_int_equal(sequel_next(&s, (struct str){ NULL, 0 }), 2);
	sequel_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_reads_back),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_monotone_and_bounded),
		cmocka_unit_test(test_golden_draws),
		cmocka_unit_test(test_normal_quantiles),
		cmocka_unit_test(test_draws_look_random),
		cmocka_unit_test(test_sequels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
