/*
 * The line between real and simulated time, and how its slope is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"

#define EPOCH_NS (1000 * TEXT_NS_PER_S)
#define START_NS (50 * TEXT_NS_PER_S)

static struct clock
started(int64_t scale, bool is_max)
{
	struct clock_conf conf = { .scale = scale, .is_max = is_max, .epoch_ns = EPOCH_NS };
	struct clock c;

	clock_start(&c, &conf, START_NS, 0);
	return c;
}

static void
test_starts_at_its_epoch_or_at_the_wall_clock(void **state)
{
	struct clock_conf conf = { .scale = CLOCK_SCALE_ONE, .epoch_ns = EPOCH_NS + 999 };
	struct clock c;

	(void)state;
	clock_start(&c, &conf, START_NS, 77);
	assert_int_equal(clock_now(&c, START_NS), EPOCH_NS);
	conf.is_epoch_now = true;
	clock_start(&c, &conf, START_NS, 5 * TEXT_NS_PER_S + 1234);
	assert_int_equal(clock_now(&c, START_NS), 5 * TEXT_NS_PER_S + 1000);
}

static void
test_runs_at_its_scale(void **state)
{
	static const struct {
		int64_t scale, real, simulated;
	} cases[] = {
		{ CLOCK_SCALE_ONE, TEXT_NS_PER_S, TEXT_NS_PER_S },
		{ CLOCK_SCALE_ONE, 1999, 1000 },
		{ CLOCK_SCALE_ONE / 2, TEXT_NS_PER_S, TEXT_NS_PER_S / 2 },
		{ 1, TEXT_NS_PER_S, 1000 },
		{ 1000 * CLOCK_SCALE_ONE, TEXT_NS_PER_MS, TEXT_NS_PER_S },
		{ 1000000 * CLOCK_SCALE_ONE, 1, TEXT_NS_PER_MS },
		{ 0, 1000 * TEXT_NS_PER_S, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct clock c = started(cases[i].scale, false);

		assert_int_equal(
		    clock_now(&c, START_NS + cases[i].real), EPOCH_NS + cases[i].simulated);
		assert_int_equal(clock_now(&c, START_NS - 1), EPOCH_NS);
	}
}

static void
test_real_at_is_the_first_moment(void **state)
{
	static const int64_t scales[] = { 1, 3, 333333, 500000, 1000000, 1000001, 7000000,
		1000000000, 1000000000000 };
	unsigned short seed[3] = { 1, 2, 3 };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct clock c =
		    started(scales[(size_t)i % (sizeof scales / sizeof *scales)], false);
		int64_t simulated = EPOCH_NS + 1 + nrand48(seed) % (10 * TEXT_NS_PER_S), real;

		if (i % 3 == 0)
			clock_jump(&c, START_NS + nrand48(seed), 0);
		if (simulated <= c.simulated_base)
			continue;
		real = clock_real_at(&c, simulated);
		assert_true(clock_now(&c, real) >= simulated);
		assert_true(clock_now(&c, real - 1) < simulated);
	}
}

static void
test_a_standing_clock_reaches_nothing(void **state)
{
	struct clock still = started(0, false), jumping = started(5, true);

	(void)state;
	assert_false(clock_is_running(&still));
	assert_false(clock_is_running(&jumping));
	assert_int_equal(clock_real_at(&still, EPOCH_NS + 1), CLOCK_NEVER);
	assert_int_equal(clock_real_at(&jumping, EPOCH_NS + 1), CLOCK_NEVER);
	assert_int_equal(clock_real_at(&still, EPOCH_NS), START_NS);
	assert_int_equal(clock_now(&jumping, START_NS + TEXT_NS_PER_S), EPOCH_NS);
}

static void
test_jumps_forwards_and_runs_on(void **state)
{
	struct clock c = started(2 * CLOCK_SCALE_ONE, false);
	int64_t later = START_NS + TEXT_NS_PER_S;

	(void)state;
	clock_jump(&c, later, EPOCH_NS + 60 * TEXT_NS_PER_S);
	assert_int_equal(clock_now(&c, later), EPOCH_NS + 60 * TEXT_NS_PER_S);
	assert_int_equal(clock_now(&c, later + TEXT_NS_PER_S), EPOCH_NS + 62 * TEXT_NS_PER_S);
	clock_jump(&c, later + TEXT_NS_PER_S, EPOCH_NS);
	assert_int_equal(clock_now(&c, later + TEXT_NS_PER_S), EPOCH_NS + 62 * TEXT_NS_PER_S);
}

static void
test_a_jump_reaches_its_moment_and_reads_whole_microseconds(void **state)
{
	struct clock c = started(CLOCK_SCALE_ONE, false);

	(void)state;
	clock_jump(&c, START_NS, EPOCH_NS + 1001);
	assert_int_equal(clock_now(&c, START_NS), EPOCH_NS + 2000);
	assert_int_equal(clock_now(&c, START_NS + 1), EPOCH_NS + 2000);
}

static void
test_never_runs_backwards(void **state)
{
	unsigned short seed[3] = { 7, 7, 7 };
	struct clock c = started(1234567, false);
	int64_t real = START_NS, last = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		int64_t now;

		real += nrand48(seed) % 5000;
		if (i % 7 == 0)
			clock_jump(&c, real, last + nrand48(seed) % 20000 - 10000);
		now = clock_now(&c, real);
		assert_true(now >= last);
		assert_int_equal(now % TEXT_NS_PER_US, 0);
		last = now;
	}
}

static void
test_the_end_of_time(void **state)
{
	struct clock c = started(1000000 * CLOCK_SCALE_ONE, false);
	int64_t last = clock_now(&c, CLOCK_NEVER - 1);

	(void)state;
	assert_true(last < CLOCK_NEVER);
	assert_int_equal(last % TEXT_NS_PER_US, 0);
	assert_int_equal(clock_real_at(&c, CLOCK_NEVER), CLOCK_NEVER);
	assert_int_equal(clock_real_at(&c, last + 1), CLOCK_NEVER);
	assert_true(clock_now(&c, clock_real_at(&c, last)) == last);
	/* what is due then must be reached by a jump, or a clock of scale max jumps for ever */
	clock_jump(&c, START_NS, CLOCK_NEVER);
	assert_int_equal(clock_now(&c, START_NS), CLOCK_NEVER);
	assert_int_equal(clock_now(&c, START_NS + TEXT_NS_PER_S), CLOCK_NEVER);
	assert_int_equal(clock_add(CLOCK_NEVER - 1, 2), CLOCK_NEVER);
	assert_int_equal(clock_add(1, 2), 3);
}

static void
test_reads_scales(void **state)
{
	static const struct {
		const char *text;
		int64_t scale;
		bool is_max;
		const char *back;
	} cases[] = {
		{ "0", 0, false, "0" },
		{ "1", CLOCK_SCALE_ONE, false, "1" },
		{ "0.5", CLOCK_SCALE_ONE / 2, false, "0.5" },
		{ "0.000001", 1, false, "0.000001" },
		{ "1.050", 1050000, false, "1.05" },
		{ "1000", 1000 * CLOCK_SCALE_ONE, false, "1000" },
		{ "1000000", 1000000 * CLOCK_SCALE_ONE, false, "1000000" },
		{ "999999.999999", 999999999999, false, "999999.999999" },
		{ "max", 0, true, "max" },
		{ "MAX", 0, true, "max" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t scale = -1;
		bool is_max = !cases[i].is_max;
		struct buf b = { 0 };

		assert_null(clock_parse_scale(str_of(cases[i].text), &scale, &is_max));
		assert_int_equal(scale, cases[i].scale);
		assert_int_equal(is_max, cases[i].is_max);
		clock_format_scale(&b, scale, is_max);
		buf_add_char(&b, '\0');
		assert_string_equal(b.data, cases[i].back);
		buf_fini(&b);
	}
}

static void
test_refuses_what_is_no_scale(void **state)
{
	static const char *const cases[] = { "", "x", "-1", "+1", "1x", "1.", ".5", "1.0000001",
		"1000000.000001", "1000001", "99999999999999999999999", "1e3", " 1", "1 ", "maxi",
		"1,5", "0x10", "inf", "nan" };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t scale = 42;
		bool is_max = true;

		if (!clock_parse_scale(str_of(cases[i]), &scale, &is_max))
			fail_msg("took \"%s\"", cases[i]);
		assert_int_equal(scale, 42);
		assert_true(is_max);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_at_its_epoch_or_at_the_wall_clock),
		cmocka_unit_test(test_runs_at_its_scale),
		cmocka_unit_test(test_real_at_is_the_first_moment),
		cmocka_unit_test(test_a_standing_clock_reaches_nothing),
		cmocka_unit_test(test_jumps_forwards_and_runs_on),
		cmocka_unit_test(test_a_jump_reaches_its_moment_and_reads_whole_microseconds),
		cmocka_unit_test(test_never_runs_backwards),
		cmocka_unit_test(test_the_end_of_time),
		cmocka_unit_test(test_reads_scales),
		cmocka_unit_test(test_refuses_what_is_no_scale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
