/*
 * Decimal numbers and percentages: exactly, both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/decimal.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void
expect_shown(void (*format)(struct buf *, int64_t), int64_t value, const char *text)
{
	struct buf b = { 0 };

	format(&b, value);
	buf_add_char(&b, '\0');
	assert_string_equal(b.data, text);
	buf_fini(&b);
}

static void
test_decimals(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
		const char *shown; /* NULL: the same */
	} cases[] = {
		{ "0", 0, NULL },
		{ "1", 1000000, NULL },
		{ "1.5", 1500000, NULL },
		{ "0.000001", 1, NULL },
		{ "0.1", 100000, NULL },
		{ "2.10", 2100000, "2.1" },
		{ "1.000000", 1000000, "1" },
		{ "0.29", 290000, NULL },
		{ "1000000", 1000000000000, NULL },
		{ "999999.999999", 999999999999, NULL },
		{ "10.010010", 10010010, "10.01001" },
	};
	static const char *const bad[] = { "", ".", ".5", "1.", "-1", "+1", "1.0000001",
		"1000000.000001", "1000001", "99999999999999999999", "1e3", "0x1", " 1", "1 ",
		"1,5", "1.5.5", "x", "1.x", "inf", "nan", "1.-5" };
	int64_t value = 7;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_null(decimal_parse(str_of(cases[i].text), &value));
		assert_int_equal(value, cases[i].value);
		expect_shown(
		    decimal_format, value, cases[i].shown ? cases[i].shown : cases[i].text);
	}
	for (i = 0; i < COUNT(bad); i++)
		if (!decimal_parse(str_of(bad[i]), &value))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_int_equal(value, 10010010);
	assert_string_equal(decimal_parse(str_of("1000001"), &value), "is more than 1000000");
}

static void
test_percentages(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
		const char *shown;
	} cases[] = {
		{ "0%", 0, NULL },
		{ "5%", 50000, NULL },
		{ "0.25%", 2500, NULL },
		{ "0.0001%", 1, NULL },
		{ "33.3333%", 333333, NULL },
		{ "100%", 1000000, NULL },
		{ "100.0000%", 1000000, "100%" },
		{ "12.340000%", 123400, "12.34%" },
	};
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "is not a percentage such as 5% or 0.25%" },
		{ "%", "is not a percentage such as 5% or 0.25%" },
		{ "5", "is not a percentage such as 5% or 0.25%" },
		{ "5 %", "is not a percentage such as 5% or 0.25%" },
		{ "-5%", "is not a percentage such as 5% or 0.25%" },
		{ "5%%", "is not a percentage such as 5% or 0.25%" },
		{ "x%", "is not a percentage such as 5% or 0.25%" },
		{ "0.0000001%", "is not a percentage such as 5% or 0.25%" },
		{ "99999999999%", "is not a percentage such as 5% or 0.25%" },
		{ "100.0001%", "is more than 100%" },
		{ "101%", "is more than 100%" },
		{ "0.00001%", "has more than four decimals" },
		{ "5.000099%", "has more than four decimals" },
	};
	int64_t value = 7;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_string_equal(decimal_parse_percent(str_of(bad[i].text), &value), bad[i].why);
	assert_int_equal(value, 7);
	for (i = 0; i < COUNT(cases); i++) {
		assert_null(decimal_parse_percent(str_of(cases[i].text), &value));
		assert_int_equal(value, cases[i].value);
		expect_shown(
		    decimal_format_percent, value, cases[i].shown ? cases[i].shown : cases[i].text);
	}
}

static void
test_reads_back(void **state)
{
	unsigned short seed[3] = { 2, 7, 1 };
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		int64_t value = nrand48(seed) * 465LL % (1000000 * DECIMAL_ONE), back;
		struct buf b = { 0 };

		decimal_format(&b, value);
		assert_null(decimal_parse(buf_str(&b), &back));
		assert_int_equal(back, value);
		b.len = 0;
		decimal_format_percent(&b, value % (DECIMAL_ONE + 1));
		assert_null(decimal_parse_percent(buf_str(&b), &back));
		assert_int_equal(back, value % (DECIMAL_ONE + 1));
		buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_percentages),
		cmocka_unit_test(test_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
