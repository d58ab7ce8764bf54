/*
 * Text of others, against the simplest thing that could be right: octet by octet. Words of eight
 * octets are looked at in one go, so each octet is tried at each place of texts of all lengths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/text.h"

#define LENGTH_MAX 40
#define NUMBERS 100000

static void
write_control(struct buf *b, unsigned char c)
{
	char escape[5];

	if (c == '\n' || c == '\t') {
		buf_add_str(b, c == '\n' ? STR("\\n") : STR("\\t"));
		return;
	}
	snprintf(escape, sizeof escape, "\\x%02x", c);
	buf_add(b, escape, 4);
}

static bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static void
write_quoted(struct buf *b, struct str s)
{
	size_t i;

	buf_add_char(b, '"');
	for (i = 0; i < s.n; i++) {
		if (is_control((unsigned char)s.p[i])) {
			write_control(b, (unsigned char)s.p[i]);
			continue;
		}
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, s.p[i]);
	}
	buf_add_char(b, '"');
}

static void
write_value(struct buf *b, struct str s)
{
	bool is_plain = s.n > 0;
	size_t i;

	for (i = 0; i < s.n; i++)
		if (is_control((unsigned char)s.p[i]) || s.p[i] == ' ' || s.p[i] == '"' ||
		    s.p[i] == '\\')
			is_plain = false;
	if (is_plain)
		buf_add_str(b, s);
	else
		write_quoted(b, s);
}

static void
write_escaped(struct buf *b, struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (is_control((unsigned char)s.p[i]))
			write_control(b, (unsigned char)s.p[i]);
		else
			buf_add_char(b, s.p[i]);
}

/* For ASCII only, or single octets that are no UTF-8. */
static void
write_json(struct buf *b, struct str s)
{
	static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
	size_t i;

	buf_add_char(b, '"');
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		const char *at = c != '\0' ? strchr(from, c) : NULL;

		if (at) {
			buf_add_char(b, '\\');
			buf_add_char(b, to[at - from]);
		} else if (c < 0x20) {
			buf_printf(b, "\\u%04x", c);
		} else if (c >= 0x80) {
			buf_add_str(b, STR("\xef\xbf\xbd"));
		} else {
			buf_add_char(b, s.p[i]);
		}
	}
	buf_add_char(b, '"');
}

typedef void writer(struct buf *b, struct str s);

static const struct {
	writer *write, *expect;
} writers[] = {
	{ text_add_value, write_value },
	{ text_add_quoted, write_quoted },
	{ text_add_escaped, write_escaped },
	{ text_add_json, write_json },
};

static void
check(struct str s)
{
	struct buf found = { 0 }, expected = { 0 };
	size_t i;

	for (i = 0; i < sizeof writers / sizeof writers[0]; i++) {
		found.len = expected.len = 0;
		writers[i].write(&found, s);
		writers[i].expect(&expected, s);
		assert_int_equal(found.len, expected.len);
		if (found.len > 0)
			assert_memory_equal(found.data, expected.data, found.len);
	}
	buf_fini(&found);
	buf_fini(&expected);
}

/* One octet that is special or not, and a second one behind it. */
static void
test_each_octet_at_each_place(void **state)
{
	static const char second[] = "a \"\n\x7f\x80";
	char text[LENGTH_MAX];
	size_t length, at, other;
	int octet;

	(void)state;
	for (length = 0; length < LENGTH_MAX; length++)
		for (at = 0; at < length; at++)
			for (octet = 0; octet < 256; octet++) {
				memset(text, 'x', sizeof text);
				text[at] = (char)octet;
				other = (size_t)octet % (sizeof second - 1);
				/* octets that are no UTF-8 stay single */
				if (at + 1 < length && octet < 0x80)
					text[at + 1] = second[other];
				check((struct str){ text, length });
			}
	check((struct str){ text, 0 });
}

/* What is ASCII is passed over by words; what is not, or a NUL, is found behind it. */
static void
test_utf8_at_each_place(void **state)
{
	static const char *const good[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x93\xac",
		"\x7f" };
	static const char *const bad[] = { "\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xff" };
	char text[LENGTH_MAX + 8];
	size_t at, i;

	(void)state;
	for (at = 0; at < LENGTH_MAX; at++) {
		for (i = 0; i < sizeof good / sizeof good[0]; i++) {
			memset(text, 'x', sizeof text);
			memcpy(text + at, good[i], strlen(good[i]));
			assert_true(text_is_utf8((struct str){ text, sizeof text }));
		}
		for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
			memset(text, 'x', sizeof text);
			memcpy(text + at, bad[i], strlen(bad[i]));
			assert_false(text_is_utf8((struct str){ text, sizeof text }));
		}
		memset(text, 'x', sizeof text);
		text[at] = '\0';
		assert_false(text_is_utf8((struct str){ text, sizeof text }));
		assert_true(text_is_utf8((struct str){ text, at }));
	}
}

/* Each length, from memory that ends right behind it, and octets whose high bit is set. */
static void
test_words(void **state)
{
	size_t n, i;

	(void)state;
	for (n = 0; n <= 8; n++) {
		unsigned char *octets = malloc(n + (n == 0));
		uint64_t expected = 0;

		for (i = 0; i < n; i++) {
			octets[i] = (unsigned char)(0xf1 + i);
			expected |= (uint64_t)octets[i] << (i * 8);
		}
		assert_true(str_word((struct str){ (char *)octets, n }) == expected);
		free(octets);
	}
}

static void
expect_number(uint64_t n)
{
	struct buf found = { 0 };
	char expected[32];

	buf_add_u64(&found, n);
	assert_int_equal(found.len, snprintf(expected, sizeof expected, "%lu", n));
	assert_memory_equal(found.data, expected, found.len);
	buf_fini(&found);
}

/* Numbers of all lengths, and one less and one more. */
static void
test_numbers(void **state)
{
	unsigned short seed[3] = { 1, 2, 3 };
	uint64_t power = 1, n;
	int digits, i;

	(void)state;
	for (digits = 0; digits < 20; digits++, power *= 10)
		for (i = -1; i <= 1; i++) {
			n = power * (digits == 19 ? 1 : 7) + (uint64_t)(int64_t)i;
			expect_number(n);
		}
	expect_number(UINT64_MAX);
	for (i = 0; i < NUMBERS; i++) {
		n = (uint64_t)nrand48(seed) << 33 | (uint64_t)nrand48(seed) << 2;
		expect_number(n >> (i % 64));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_octet_at_each_place),
		cmocka_unit_test(test_utf8_at_each_place),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
