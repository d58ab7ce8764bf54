/*
 * Values as people write them, read and written: each kind by a table of what is taken and what is
 * refused, and by round trips over many values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ROUNDS 20000
#define HOUR_NS (3600 * TEXT_NS_PER_S)

/* What is in b, terminated, and valid until the next call. */
static const char *
taken(struct buf *b)
{
	static char text[512];

	assert_true(b->len < sizeof text);
	snprintf(text, sizeof text, "%.*s", (int)b->len, b->data ? b->data : "");
	buf_fini(b);
	return text;
}

/* A number of few or many digits. */
static uint64_t
some_number(unsigned short seed[3])
{
	uint64_t v = (uint64_t)nrand48(seed) << 32 | (uint64_t)nrand48(seed) << 1;

	return v >> (nrand48(seed) % 63 + 1);
}

static void
test_u63(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },
		{ "10", 10 },
		{ "9223372036854775807", INT64_MAX },
	};
	const char *const *const bad[] = {
		(const char *const[]){
		    "is not a whole number", "", "-", "-x", "+1", " 1", "1 ", "1.0", "0x1", NULL },
		(const char *const[]){ "is negative", "-1", "-0", NULL },
		(const char *const[]){ "has a leading zero", "00", "01", NULL },
		(const char *const[]){ "is more than 9223372036854775807", "9223372036854775808",
		    "18446744073709551616", "184467440737095516160",
		    "99999999999999999999999999999999999999", NULL },
	};
	unsigned short seed[3] = { 1, 1, 1 };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		uint64_t v = 1;

		assert_null(text_parse_u63(str_of(good[i].text), &v));
		assert_int_equal(v, good[i].value);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		for (const char *const *text = bad[i] + 1; *text; text++) {
			uint64_t v = 42;
			const char *wrong = text_parse_u63(str_of(*text), &v);

			assert_non_null(wrong);
			assert_string_equal(wrong, bad[i][0]);
			assert_int_equal(v, 42);
		}
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t v = some_number(seed), back = 0;
		struct buf b = { 0 };

		buf_add_u64(&b, v);
		assert_null(text_parse_u63(buf_str(&b), &back));
		assert_int_equal(back, v);
		buf_fini(&b);
	}
}

static void
test_millionths(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = { { "0", 0 }, { "0.000001", 1 }, { "1.5", 1500000 }, { "99.90", 99900000 },
		{ "2.0000000", 2000000 }, { "18446744073709.551615", UINT64_MAX } };
	static const char *const bad[] = { "", ".5", "1.", "-1", "+1", "1.5x", "1,5", "1e3", "x",
		"1.0000001", "1.0000000000000000000", "18446744073709.551616", "18446744073710",
		"99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		uint64_t v = 42;

		assert_null(text_parse_millionths(str_of(good[i].text), &v));
		assert_int_equal(v, good[i].value);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		uint64_t v = 42;

		if (!text_parse_millionths(str_of(bad[i]), &v))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(v, 42);
	}
}

static void
test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
		const char *back;
	} cases[] = {
		{ "0s", 0, "0s" },
		{ "80ms", 80 * TEXT_NS_PER_MS, "80ms" },
		{ "1000ms", TEXT_NS_PER_S, "1s" },
		{ "1.5s", 1500 * TEXT_NS_PER_MS, "1500ms" },
		{ "007s", 7 * TEXT_NS_PER_S, "7s" },
		{ "90s", 90 * TEXT_NS_PER_S, "90s" },
		{ "60s", 60 * TEXT_NS_PER_S, "1m" },
		{ "0.5h", HOUR_NS / 2, "30m" },
		{ "24h", 24 * HOUR_NS, "1d" },
		{ "5d", 5 * 24 * HOUR_NS, "5d" },
		{ "36500d", TEXT_DURATION_MAX_NS, "36500d" },
		{ "3153600000000000us", TEXT_DURATION_MAX_NS, "36500d" },
		{ "0.4us", 0, "0s" },
		{ "0.5us", 1000, "1us" },
		{ "1.4999us", 1000, "1us" },
		{ "0.0000005s", 1000, "1us" },
		{ "0.00000049s", 0, "0s" },
		{ "0.333333333333333333d", 8 * HOUR_NS, "8h" },
		{ "1.000000000000000001s", TEXT_NS_PER_S, "1s" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };
		int64_t ns = -1;
		const char *wrong = text_parse_duration(str_of(cases[i].text), &ns);

		if (wrong)
			fail_msg("%s %s", cases[i].text, wrong);
		assert_int_equal(ns, cases[i].ns);
		text_format_duration(&b, ns);
		assert_string_equal(taken(&b), cases[i].back);
	}
}

/* Each list is a reason and what is refused for it. */
static const char *const *const bad_durations[] = {
	(const char *const[]){ "is not a number with a unit: us ms s m h d", "", "s", ".5s", "+1s",
	    " 1s", "infs", "-", "-s", NULL },
	(const char *const[]){ "is negative", "-1s", "-0.5s", "-1", NULL },
	(const char *const[]){ "needs a unit: us ms s m h d", "0", "10", "1.5", NULL },
	(const char *const[]){ "has no digit behind the point", "1.s", "1.", "1. s", NULL },
	(const char *const[]){ "has an unknown unit: there are us ms s m h d", "1 s", "1s ", "1S",
	    "1sec", "1h30m", "1,5s", "1e3s", "1.5.5s", "1M", "1w", NULL },
	(const char *const[]){ "is more than 36500d", "36501d", "36500.0000001d",
	    "3153600000000001us", "99999999999999999999d", "213503982334601s",
	    "18446744073709551616us", NULL },
	(const char *const[]){ "has more than 18 decimals", "0.0000000000000000001s", NULL },
};

static void
test_what_is_no_duration(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_durations); i++)
		for (const char *const *text = bad_durations[i] + 1; *text; text++) {
			int64_t ns = 42;
			const char *wrong = text_parse_duration(str_of(*text), &ns);

			if (!wrong)
				fail_msg("took \"%s\"", *text);
			assert_string_equal(wrong, bad_durations[i][0]);
			assert_int_equal(ns, 42);
		}
}

static void
test_durations_come_back(void **state)
{
	unsigned short seed[3] = { 2, 2, 2 };
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		static const int64_t units[] = { 1, 1000, 1000000, 60000000, 3600000000 };
		int64_t unit = units[nrand48(seed) % (long)COUNT(units)] * TEXT_NS_PER_US;
		int64_t count = TEXT_DURATION_MAX_NS / unit, back = -1, ns;

		ns = (int64_t)(some_number(seed) % (uint64_t)count) * unit;
		b.len = 0;
		text_format_duration(&b, ns);
		assert_null(text_parse_duration(buf_str(&b), &back));
		assert_int_equal(back, ns);
	}
	buf_fini(&b);
}

static void
test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t octets;
		const char *back;
	} good[] = {
		{ "0", 0, "0" },
		{ "4096", 4096, "4096" },
		{ "4k", 4096, "4096" },
		{ "9999", 9999, "9999" },
		{ "16k", 16384, "16k" },
		{ "1M", 1048576, "1M" },
		{ "1048577", 1048577, "1048577" },
		{ "1536k", 1536 << 10, "1536k" },
		{ "8388608G", 1LL << 53, "8388608G" },
		{ "9007199254740992", 1LL << 53, "8388608G" },
	};
	static const char *const bad[] = { "", "k", "-1", "+1", "1K", "1m", "1kB", "1 k", "1.5M",
		"9007199254740993", "8388609G", "18446744073709551615G", "17179869185G", "0x10" };
	unsigned short seed[3] = { 3, 3, 3 };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct buf b = { 0 };
		uint64_t v = 42;

		assert_null(text_parse_size(str_of(good[i].text), &v));
		assert_int_equal(v, good[i].octets);
		text_format_size(&b, v);
		assert_string_equal(taken(&b), good[i].back);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		uint64_t v = 42;

		if (!text_parse_size(str_of(bad[i]), &v))
			fail_msg("took \"%s\"", bad[i]);
		assert_int_equal(v, 42);
	}
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t v = some_number(seed) >> 10 << (nrand48(seed) % 2 * 10), back = 0;
		struct buf b = { 0 };

		v %= (1ULL << 53) + 1;
		text_format_size(&b, v);
		assert_null(text_parse_size(buf_str(&b), &back));
		assert_int_equal(back, v);
		buf_fini(&b);
	}
}

static void
test_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:00.000000001Z", 1 },
		{ "1970-01-01T01:00:00+01:00", 0 },
		{ "1969-12-31T23:00:00-01:00", 0 },
		{ "2026-11-23T06:12:00Z", 1795414320 * TEXT_NS_PER_S },
		{ "2026-11-23t06:12:00z", 1795414320 * TEXT_NS_PER_S },
		{ "2026-11-23T08:42:00.5+02:30", 1795414320 * TEXT_NS_PER_S + 500000000 },
		{ "2026-11-23T06:12:00.123456789Z", 1795414320 * TEXT_NS_PER_S + 123456789 },
		{ "2024-02-29T00:00:00-00:00", 1709164800 * TEXT_NS_PER_S },
		{ "2000-02-29T12:00:00Z", 951825600 * TEXT_NS_PER_S },
		{ "2199-12-31T23:59:59.999999999Z", 7258118399 * TEXT_NS_PER_S + 999999999 },
	};
	static const char *const bad[] = { "", "now", "2026-11-23", "2026-11-23T06:12:00",
		"2026-11-23T06:12:00.Z", "2026-11-23T06:12:00.1234567891Z",
		"2026-11-23T06:12:00+0200", "2026-11-23T06:12:00+24:00",
		"2026-11-23T06:12:00+02:60", "2026-11-23T06:12:00Zx", "2026-11-23T06:12Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z",
		"2026-04-00T00:00:00Z", "2025-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2016-12-31T23:59:60Z",
		"2200-01-01T00:00:00Z", "2199-12-31T23:59:59-01:00", "1970-01-01T00:00:00+00:01",
		"2026/01/01T00:00:00Z", "2026-01-01 00:00:00Z", "2026-1-01T00:00:000Z",
		"-026-01-01T00:00:00Z", "1795414320", "2026-11-23T06:12:00.5",
		"2026-11-23T06:12:00.+5" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		int64_t ns = 42;
		const char *wrong = text_parse_time(str_of(good[i].text), &ns);

		if (wrong)
			fail_msg("%s %s", good[i].text, wrong);
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		int64_t ns = 42;

		if (!text_parse_time(str_of(bad[i]), &ns))
			fail_msg("took \"%s\"", bad[i]);
		assert_int_equal(ns, 42);
	}
}

static void
test_times_are_written(void **state)
{
	static const struct {
		int64_t ns;
		unsigned digits;
		const char *text;
	} cases[] = {
		{ 0, 3, "1970-01-01T00:00:00.000Z" },
		{ 1795414320 * TEXT_NS_PER_S, 3, "2026-11-23T06:12:00.000Z" },
		{ 1795414320 * TEXT_NS_PER_S + 999999999, 3, "2026-11-23T06:12:00.999Z" },
		{ 1795414320 * TEXT_NS_PER_S + 999999999, 6, "2026-11-23T06:12:00.999999Z" },
		{ 951782399 * TEXT_NS_PER_S, 3, "2000-02-28T23:59:59.000Z" },
		{ 951782400 * TEXT_NS_PER_S, 3, "2000-02-29T00:00:00.000Z" },
		{ INT64_MAX, 6, "2262-04-11T23:47:16.854775Z" },
		{ -1, 6, "1969-12-31T23:59:59.999999Z" },
		{ -86400 * TEXT_NS_PER_S, 3, "1969-12-31T00:00:00.000Z" },
	};
	unsigned short seed[3] = { 4, 4, 4 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };

		text_format_time(&b, cases[i].ns, cases[i].digits);
		assert_string_equal(taken(&b), cases[i].text);
	}
	/* gmtime_r() as the judge */
	for (int i = 0; i < ROUNDS; i++) {
		int64_t seconds = (int64_t)(some_number(seed) % 7258118400U), back = -1;
		struct buf b = { 0 };
		struct tm tm;
		char text[64];

		assert_non_null(gmtime_r(&seconds, &tm));
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
		text_format_time(&b, seconds * TEXT_NS_PER_S, 6);
		assert_null(text_parse_time(buf_str(&b), &back));
		assert_int_equal(back, seconds * TEXT_NS_PER_S);
		assert_string_equal(taken(&b), text);
	}
}

static void
test_seconds(void **state)
{
	static const struct {
		int64_t ns;
		unsigned digits;
		const char *text;
	} cases[] = {
		{ 0, 3, "0.000" },
		{ TEXT_NS_PER_S, 6, "1.000000" },
		{ 1999999999, 3, "1.999" },
		{ 1002003004, 6, "1.002003" },
		{ 999, 6, "0.000000" },
		{ -1500 * TEXT_NS_PER_MS, 3, "-1.500" },
		{ INT64_MAX, 6, "9223372036.854775" },
		{ INT64_MIN, 6, "-9223372036.854775" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };

		text_format_seconds(&b, cases[i].ns, cases[i].digits);
		assert_string_equal(taken(&b), cases[i].text);
	}
}

static bool
is_utf8(const char *text)
{
	/* a copy without a terminator, so that a sanitizer sees every octet too far */
	size_t n = strlen(text);
	char *exact = malloc(n > 0 ? n : 1);
	bool is_valid;

	assert_non_null(exact);
	memcpy(exact, text, n);
	is_valid = text_is_utf8((struct str){ exact, n });
	free(exact);
	return is_valid;
}

static void
test_utf8(void **state)
{
	static const char *const good[] = { "", "plain", "\x7f", "\xc2\x80", "\xd0\xaf", "\xdf\xbf",
		"\xe0\xa0\x80", "\xe2\x82\xac", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf0\x9f\x93\xa7", "\xf4\x8f\xbf\xbf",
		"a\xd0\xaf\xe2\x82\xacz" };
	static const char *const bad[] = { "\xd0", "\xd0x", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf",
		"\xe0\x80\x80", "\xe0\x9f\xbf", "\xe2\x82", "\xe2\x82x", "\xe2x\x82",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x93", "\xf0\x9f\x93x",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "ok\xff" };

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!is_utf8(good[i]))
			fail_msg("refused good[%zu]", i);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (is_utf8(bad[i]))
			fail_msg("took bad[%zu]", i);
	assert_false(text_is_utf8((struct str){ "a\0b", 3 }));
}

static void
test_values(void **state)
{
	static const struct {
		struct str text;
		const char *value, *quoted, *escaped;
	} cases[] = {
		{ { "", 0 }, "\"\"", "\"\"", "" },
		{ { "plain", 5 }, "plain", "\"plain\"", "plain" },
		{ { "a=b;c#d", 7 }, "a=b;c#d", "\"a=b;c#d\"", "a=b;c#d" },
		{ { "two words", 9 }, "\"two words\"", "\"two words\"", "two words" },
		{ { "q\"q", 3 }, "\"q\\\"q\"", "\"q\\\"q\"", "q\"q" },
		{ { "b\\b", 3 }, "\"b\\\\b\"", "\"b\\\\b\"", "b\\b" },
		{ { "l\nl\tl", 5 }, "\"l\\nl\\tl\"", "\"l\\nl\\tl\"", "l\\nl\\tl" },
		{ { "\0\r\x1b\x7f", 4 }, "\"\\x00\\x0d\\x1b\\x7f\"", "\"\\x00\\x0d\\x1b\\x7f\"",
		    "\\x00\\x0d\\x1b\\x7f" },
		{ { "\xd0\xaf", 2 }, "\xd0\xaf", "\"\xd0\xaf\"", "\xd0\xaf" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };

		text_add_value(&b, cases[i].text);
		assert_string_equal(taken(&b), cases[i].value);
		text_add_quoted(&b, cases[i].text);
		assert_string_equal(taken(&b), cases[i].quoted);
		text_add_escaped(&b, cases[i].text);
		assert_string_equal(taken(&b), cases[i].escaped);
	}
}

static void
test_json(void **state)
{
	static const struct {
		struct str text;
		const char *json;
	} cases[] = {
		{ { "", 0 }, "\"\"" },
		{ { "a/b", 3 }, "\"a/b\"" },
		{ { "\"\\", 2 }, "\"\\\"\\\\\"" },
		{ { "\b\f\n\r\t", 5 }, "\"\\b\\f\\n\\r\\t\"" },
		{ { "\0\x01\x1f\x7f", 4 }, "\"\\u0000\\u0001\\u001f\x7f\"" },
		{ { "\xd0\xaf\xf0\x9f\x93\xa7", 6 }, "\"\xd0\xaf\xf0\x9f\x93\xa7\"" },
		{ { "a\xffz", 3 }, "\"a\xef\xbf\xbdz\"" },
		{ { "\xe2\x82", 2 }, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf b = { 0 };

		text_add_json(&b, cases[i].text);
		assert_string_equal(taken(&b), cases[i].json);
	}
}

static void
test_quoted(void **state)
{
	static const char unknown[] = "has an unknown escape: there are \\\\ \\\" \\n \\t";
	static const struct {
		const char *text, *wrong, *value;
		size_t used;
	} cases[] = {
		{ "\"\"", NULL, "", 2 },
		{ "\"abc\" rest", NULL, "abc", 5 },
		{ "\"a\\\"b\\\\c\\nd\\te\"", NULL, "a\"b\\c\nd\te", 15 },
		{ "\"a\"\"b\"", NULL, "a", 3 },
		{ "", "has no opening quote", NULL, 0 },
		{ "a\"", "has no opening quote", NULL, 0 },
		{ "\"", "has no closing quote", NULL, 0 },
		{ "\"abc", "has no closing quote", NULL, 0 },
		{ "\"abc\\", "has no closing quote", NULL, 0 },
		{ "\"abc\\\"", "has no closing quote", NULL, 0 },
		{ "\"\\q\"", unknown, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[32];
		size_t n = 77, used = 77;
		const char *wrong = text_parse_quoted(str_of(cases[i].text), out, &n, &used);

		if (cases[i].wrong) {
			assert_non_null(wrong);
			assert_string_equal(wrong, cases[i].wrong);
			assert_int_equal(n, 77);
			assert_int_equal(used, 77);
			continue;
		}
		assert_null(wrong);
		assert_int_equal(n, strlen(cases[i].value));
		assert_memory_equal(out, cases[i].value, n);
		assert_int_equal(used, cases[i].used);
	}
}

static void
test_quoted_comes_back(void **state)
{
	static const char alphabet[] = "ab \"\\\n\t;#=\xd0\xaf";
	unsigned short seed[3] = { 5, 5, 5 };

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		char text[24];
		size_t n = (size_t)nrand48(seed) % sizeof text, out_n = 0, used = 0;
		struct buf b = { 0 };

		for (size_t j = 0; j < n; j++)
			text[j] = alphabet[nrand48(seed) % (long)(sizeof alphabet - 1)];
		text_add_quoted(&b, (struct str){ text, n });
		/* in place, as readers of files do */
		assert_null(text_parse_quoted(buf_str(&b), b.data, &out_n, &used));
		assert_int_equal(used, b.len);
		assert_int_equal(out_n, n);
		assert_memory_equal(b.data, text, n);
		buf_fini(&b);
	}
}

/* Whatever the octets: nothing crashes, and what is added is always one line of valid UTF-8. */
static void
test_any_octets(void **state)
{
	unsigned short seed[3] = { 6, 6, 6 };

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = (size_t)nrand48(seed) % 12, out_n, used;
		char *text = malloc(n > 0 ? n : 1), out[12];
		struct str s = { text, n };
		struct buf b = { 0 };
		int64_t ns;
		uint64_t v;
		bool is_on;

		assert_non_null(text);
		for (size_t j = 0; j < n; j++)
			text[j] = (char)nrand48(seed);
		text_add_json(&b, s);
		assert_true(text_is_utf8(buf_str(&b)));
		b.len = 0;
		text_add_value(&b, s);
		text_add_escaped(&b, s);
		assert_int_equal(str_find(buf_str(&b), '\n'), b.len);
		buf_fini(&b);
		text_parse_u63(s, &v);
		text_parse_size(s, &v);
		text_parse_millionths(s, &v);
		text_parse_duration(s, &ns);
		text_parse_time(s, &ns);
		text_parse_bool(s, &is_on);
		text_parse_quoted(s, out, &out_n, &used);
		free(text);
	}
}

static void
test_bools(void **state)
{
	static const char *const yes[] = { "yes", "true", "on", "1", "YES", "True", "oN" };
	static const char *const no[] = { "no", "false", "off", "0", "NO", "False", "oFF" };
	static const char *const bad[] = { "", "y", "n", "2", "yess", "ye", " yes", "auto" };
	bool is_on;

	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++) {
		is_on = false;
		assert_null(text_parse_bool(str_of(yes[i]), &is_on));
		assert_true(is_on);
		assert_null(text_parse_bool(str_of(no[i]), &is_on));
		assert_false(is_on);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		is_on = true;
		assert_non_null(text_parse_bool(str_of(bad[i]), &is_on));
		assert_true(is_on);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u63),
		cmocka_unit_test(test_millionths),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_what_is_no_duration),
		cmocka_unit_test(test_durations_come_back),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_times_are_written),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_quoted_comes_back),
		cmocka_unit_test(test_any_octets),
		cmocka_unit_test(test_bools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
