/* The histogram against what it stands for: the exact values, sorted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/histogram.h"

static int
set_up(void **state)
{
	static struct histogram h;

	histogram_init(&h);
	*state = &h;
	return 0;
}

static void
test_empty(void **state)
{
	struct histogram *h = *state;

	assert_int_equal(histogram_count(h), 0);
	assert_int_equal(histogram_max(h), 0);
	assert_int_equal(histogram_percentile(h, 0), 0);
	assert_int_equal(histogram_percentile(h, 1000), 0);
}

static void
test_init_forgets(void **state)
{
	struct histogram *h = *state;

	histogram_add(h, 123);
	histogram_init(h);
	histogram_add(h, 5);
	assert_int_equal(histogram_count(h), 1);
	assert_int_equal(histogram_max(h), 5);
	assert_int_equal(histogram_percentile(h, 1000), 5);
}

/* One value is its own percentile, whatever its bucket: the edge never exceeds the maximum. */
static void
test_one_value_is_exact(void **state)
{
	static const int64_t values[] = { 0, 1, 31, 32, 33, 63, 64, 65, 1000, 1000000007,
		INT64_MAX / 2, INT64_MAX - 1, INT64_MAX };
	struct histogram *h = *state;
	size_t i;

	for (i = 0; i < sizeof values / sizeof values[0]; i++) {
		histogram_init(h);
		histogram_add(h, values[i]);
		assert_int_equal(histogram_percentile(h, 0), values[i]);
		assert_int_equal(histogram_percentile(h, 500), values[i]);
		assert_int_equal(histogram_percentile(h, 1000), values[i]);
		assert_int_equal(histogram_max(h), values[i]);
	}
}

static void
test_negative_is_zero(void **state)
{
	struct histogram *h = *state;

	histogram_add(h, INT64_MIN);
	histogram_add(h, -1);
	assert_int_equal(histogram_count(h), 2);
	assert_int_equal(histogram_max(h), 0);
	histogram_add(h, 100);
	assert_int_equal(histogram_percentile(h, 666), 0);
	assert_int_equal(histogram_percentile(h, 667), 100);
}

/* Around each power of two, with a maximum far above: at least the value, at most 1/32 more. */
static void
test_edges_of_buckets(void **state)
{
	struct histogram *h = *state;
	unsigned bit;
	int64_t v, edge;
	int d;

	for (bit = 0; bit < 63; bit++) {
		for (d = -1; d <= 1; d++) {
			v = (INT64_C(1) << bit) + d;
			histogram_init(h);
			histogram_add(h, v);
			histogram_add(h, INT64_MAX);
			edge = histogram_percentile(h, 500);
			assert_true(edge >= v);
			assert_true(edge - v <= v / 32);
			assert_int_equal(histogram_percentile(h, 501), INT64_MAX);
		}
	}
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
test_percentiles_of_many(void **state)
{
	enum { N = 20011 };
	static const unsigned permilles[] = { 1, 10, 100, 250, 500, 900, 950, 990, 999, 1000 };
	static int64_t values[N];
	struct histogram *h = *state;
	uint64_t seed = 1;
	int64_t exact, got;
	size_t i, rank;

	for (i = 0; i < N; i++) {
		/* as many of each magnitude */
		seed = seed * 6364136223846793005U + 1442695040888963407U;
		values[i] = (int64_t)((seed >> 33) + (UINT64_C(1) << 31)) >> (seed >> 28 & 31);
		histogram_add(h, values[i]);
	}
	qsort(values, N, sizeof values[0], compare);
	assert_int_equal(histogram_count(h), N);
	assert_int_equal(histogram_max(h), values[N - 1]);
	assert_int_equal(histogram_percentile(h, 1000), values[N - 1]);
	for (i = 0; i < sizeof permilles / sizeof permilles[0]; i++) {
		rank = ((size_t)N * permilles[i] + 999) / 1000;
		exact = values[rank - 1];
		got = histogram_percentile(h, permilles[i]);
		assert_true(got >= exact);
		assert_true(got - exact <= exact / 32);
	}
}

/* Ranks are exact: 99 of 100 is not the hundredth. */
static void
test_rank(void **state)
{
	struct histogram *h = *state;
	unsigned i;

	for (i = 0; i < 99; i++)
		histogram_add(h, 7);
	histogram_add(h, 1000);
	assert_int_equal(histogram_percentile(h, 990), 7);
	assert_int_equal(histogram_percentile(h, 991), 1000);
	histogram_add(h, 2000);
	assert_int_equal(histogram_percentile(h, 990), 1000 | 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, set_up),
		cmocka_unit_test_setup(test_init_forgets, set_up),
		cmocka_unit_test_setup(test_one_value_is_exact, set_up),
		cmocka_unit_test_setup(test_negative_is_zero, set_up),
		cmocka_unit_test_setup(test_edges_of_buckets, set_up),
		cmocka_unit_test_setup(test_percentiles_of_many, set_up),
		cmocka_unit_test_setup(test_rank, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
