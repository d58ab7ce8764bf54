/*
 * The octets behind DATA: where they end, whatever is in them and however they are cut into pieces;
 * how many there are; and that a peer's tricks with newlines end nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "front/smtp_data.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct text {
	const char *p;
	size_t n;
};

#define T(literal) \
	{ \
		literal, sizeof(literal) - 1 \
	}

/* What it gives when fed in pieces: up to `first`, then as many octets at a time as `step` says. */
static size_t
feed(struct smtp_data *d, enum smtp_bare_newline mode, struct str s, size_t first, size_t step)
{
	size_t used = 0, n = first;

	smtp_data_init(d, mode, 0);
	while (used < s.n && !d->is_over) {
		/* in memory of its own, so that a sanitizer sees what lies behind */
		struct str piece = str_head(str_from(s, used), n > 0 ? n : 1);
		char *copy = malloc(piece.n);
		size_t taken;

		memcpy(copy, piece.p, piece.n);
		taken = smtp_data_feed(d, (struct str){ copy, piece.n });
		free(copy);
		assert_true(taken == piece.n || d->is_over);
		used += taken;
		n = step;
	}
	return used;
}

struct ending {
	struct text text; /* with one octet of what follows, "Q" */
	uint64_t size;
	bool has_bare;
};

static const struct ending endings[] = {
	{ T(".\r\nQ"), 0, false },
	{ T("a\r\n.\r\nQ"), 3, false },
	{ T("\r\n.\r\nQ"), 2, false },
	{ T("S: x\r\n\r\nbody\r\n.\r\nQ"), 14, false },
	{ T("..\r\n.\r\nQ"), 3, false },
	{ T("..a\r\n...\r\n.b\r\n.\r\nQ"), 4 + 4 + 3, false },
	{ T("a.\r\nb\r\n.\r\nQ"), 7, false },
	{ T("a\nb\r\n.\r\nQ"), 5, true },
	{ T("a\rb\r\n.\r\nQ"), 5, true },
	{ T("a\r\r\n.\r\nQ"), 4, true },
	{ T(".\r\r\n.\r\nQ"), 3, true },
	{ T(".\n.\r\n\r\n.\r\nQ"), 1 + 3 + 2, true },
	{ T("a\0b\r\n.\r\nQ"), 5, false },
	{ T("\xff\xfe\r\n.\r\nQ"), 4, false },
};

static void
check_ending(const struct ending *e, enum smtp_bare_newline mode, size_t first, size_t step)
{
	struct smtp_data d;
	size_t used = feed(&d, mode, (struct str){ e->text.p, e->text.n }, first, step);

	assert_true(d.is_over);
	assert_int_equal(used, e->text.n - 1);
	assert_int_equal(d.size, e->size);
	assert_int_equal(d.has_bare, mode == SMTP_BARE_REJECT && e->has_bare);
}

static void
test_endings(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(endings); i++)
		for (size_t first = 1; first <= endings[i].text.n; first++) {
			check_ending(&endings[i], SMTP_BARE_NORMALIZE, first, 1000);
			check_ending(&endings[i], SMTP_BARE_NORMALIZE, first, 1);
			check_ending(&endings[i], SMTP_BARE_REJECT, first, 1000);
			check_ending(&endings[i], SMTP_BARE_REJECT, first, 2);
		}
}

/* The known ways to make one server see an end where another sees none. */
static const struct text smuggling[] = {
	T("\n.\n"),
	T("\n.\r\n"),
	T("\r\n.\n"),
	T("\r.\r"),
	T("\r.\r\n"),
	T("\r\n.\r"),
	T("\r\r\n.\r\r\n"),
	T("\r\n\0.\r\n"),
	T("\r\n.\0\r\n"),
	T("\n\n.\r\n"),
	T("\r\n.\r\r\n"),
	T("\r\n..\r\n"),
	T("\r\n .\r\n"),
	T("\r\n. \r\n"),
	T("\r.\n"),
};

/* In the middle of a body, of a header, and at the very beginning; then a command, and the end. */
static const char *const befores[] = { "Subject: x\r\n\r\nbody", "Subject: x", "" };

static void
test_smuggling(void **state)
{
	static const char after[] = "MAIL FROM:<a@b>\r\n.\r\n";
	char text[200];

	(void)state;
	for (size_t i = 0; i < COUNT(smuggling); i++)
		for (size_t j = 0; j < COUNT(befores); j++) {
			size_t before = strlen(befores[j]);
			size_t n = before + smuggling[i].n + sizeof after - 1;

			memcpy(text, befores[j], before);
			memcpy(text + before, smuggling[i].p, smuggling[i].n);
			memcpy(text + before + smuggling[i].n, after, sizeof after - 1);
			for (size_t first = 1; first <= n; first++)
				for (size_t step = 1; step < 4; step++) {
					struct str s = { text, n };
					struct smtp_data d;

					assert_int_equal(
					    feed(&d, SMTP_BARE_NORMALIZE, s, first, step), n);
					assert_true(d.is_over);
					assert_int_equal(
					    feed(&d, SMTP_BARE_REJECT, s, first, step), n);
					assert_true(d.is_over);
				}
		}
}

/* An end behind one that is none. */
static void
test_true_end_behind_false_one(void **state)
{
	static const struct text texts[] = { T("a\r\n.\r\r\n.\r\nQ"), T("a\n.\r\n.\r\nQ"),
		T("a\r\n.\n\r\n.\r\nQ") };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t first = 1; first <= texts[i].n; first++) {
			struct str s = { texts[i].p, texts[i].n };
			struct smtp_data d;

			assert_int_equal(feed(&d, SMTP_BARE_NORMALIZE, s, first, 3), s.n - 1);
			assert_true(d.is_over);
		}
}

/* Any text of these octets, against the plainest way to find the end. */
static void
test_random_octets(void **state)
{
	static const char letters[] = "\r\n..\r\nab";
	uint64_t random = 7;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		char text[42] = "\r\n";
		size_t n = 3 + (size_t)round % 40, end = n - 2;
		struct str s = { text + 2, n - 2 };
		struct smtp_data d;
		const char *at;

		for (size_t i = 2; i < n; i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			text[i] = letters[(random >> 33) % (sizeof letters - 1)];
		}
		at = memmem(text, n, "\r\n.\r\n", 5);
		if (at)
			end = (size_t)(at - text) + 3;
		assert_int_equal(
		    feed(&d, SMTP_BARE_REJECT, s, 1 + random % 7, 1 + (random >> 8) % 5), end);
		assert_int_equal(d.is_over, at != NULL);
	}
}

static void
test_size_and_bare_newlines_are_told_at_the_end(void **state)
{
	static const char text[] = "12345678\r\n.\r\n";
	struct str bare = STR("a\nb\r\n.\r\n");
	struct smtp_data d;

	(void)state;
	smtp_data_init(&d, SMTP_BARE_REJECT, 10);
	smtp_data_feed(&d, str_of(text));
	assert_true(d.is_over);
	assert_null(smtp_data_refusal(&d));
	smtp_data_init(&d, SMTP_BARE_REJECT, 9);
	assert_int_equal(smtp_data_feed(&d, str_of(text)), strlen(text));
	assert_true(d.is_over);
	assert_int_equal(smtp_data_refusal(&d)->code, 552);
	assert_string_equal(smtp_data_refusal(&d)->dsn, "5.3.4");
	smtp_data_init(&d, SMTP_BARE_REJECT, 0);
	assert_int_equal(smtp_data_feed(&d, bare), bare.n);
	assert_int_equal(smtp_data_refusal(&d)->code, 550);
	assert_string_equal(smtp_data_refusal(&d)->dsn, "5.5.2");
	smtp_data_init(&d, SMTP_BARE_NORMALIZE, 0);
	smtp_data_feed(&d, bare);
	assert_null(smtp_data_refusal(&d));
}

static void
test_long_lines(void **state)
{
	size_t n = 100000;
	char *text = malloc(n);
	struct smtp_data d;

	(void)state;
	memset(text, 'x', n);
	memcpy(text + n - 5, "\r\n.\r\n", 5);
	assert_int_equal(feed(&d, SMTP_BARE_REJECT, (struct str){ text, n }, 1000, 1000), n);
	assert_true(d.is_over);
	assert_int_equal(d.size, n - 3);
	assert_null(smtp_data_refusal(&d));
	free(text);
}

/* A header in lines of the given ends, in pieces of every size. */
static void
test_header_is_read(void **state)
{
	static const char text[] = "Received: x\r\nMessage-ID: <a@b>\r\nSubject: one\r\n two\r\n"
				   "\r\nX-Mailsim-Id: body\r\n.\r\n";
	static const char bare[] = "Received: x\nMessage-ID: <a@b>\nSubject: one\n two\n"
				   "\nX-Mailsim-Id: body\r\n.\r\n";

	(void)state;
	for (size_t step = 1; step <= sizeof text; step++)
		for (int i = 0; i < 2; i++) {
			struct smtp_data d;

			feed(&d, SMTP_BARE_NORMALIZE, str_of(i == 0 ? text : bare), step, step);
			assert_true(d.is_over);
			assert_int_equal(d.header.hops, 1);
			assert_true(str_eq(
			    smtp_header_value(&d.header, SMTP_FIELD_MESSAGE_ID), STR("a@b")));
			assert_true(str_eq(
			    smtp_header_value(&d.header, SMTP_FIELD_SUBJECT), STR("one two")));
			assert_null(smtp_header_value(&d.header, SMTP_FIELD_ID).p);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endings),
		cmocka_unit_test(test_smuggling),
		cmocka_unit_test(test_true_end_behind_false_one),
		cmocka_unit_test(test_random_octets),
		cmocka_unit_test(test_size_and_bare_newlines_are_told_at_the_end),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_header_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
