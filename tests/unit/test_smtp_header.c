/*
 * The fields of a header that are read: found, unfolded, capped and made fit, whatever the pieces
 * they come in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "front/smtp_header.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X50 X50 X50 X50 X50
#define S50 "                                                  "
#define S600 S50 S50 S50 S50 S50 S50 S50 S50 S50 S50 S50 S50

struct row {
	const char *header; /* lines end with LF */
	const char *shape;  /* what there is, each with its letter; '!' where it is cut */
};

static const struct row rows[] = {
	{ "Message-ID: <a@b>\nSubject: Hi there\nX-Mailsim-Id: 7\n"
	  "X-Mailsim-Outcome: greylisted:2 user_unknown\nX-Mailsim-Latency: fixed 1s\n",
	    "m(a@b) s(Hi there) i(7) o(greylisted:2 user_unknown) l(fixed 1s)" },
	{ "message-id:<a@b>\nSUBJECT:x\nx-mailsim-ID:\t7 \n", "m(a@b) s(x) i(7)" },
	{ "Message-ID : <a@b>\nSubject \t: x\n", "m(a@b) s(x)" },
	{ "Subject: one\n two\n\tthree\n  \nMessage-ID:\n <a@b>\n", "m(a@b) s(one two three)" },
	{ "X-Mailsim-Outcome: user_unknown\n\t5%,\n greylisted 2%\n",
	    "o(user_unknown 5%, greylisted 2%)" },
	{ "Subject: first\nSubject: second\n", "s(first)" },
	{ "Subject: first\nSubject: second\n third\n", "s(first)" },
	{ "X-Mailsim-Id:\nX-Mailsim-Id: 2\n", "" },
	{ "Subject: a: b\n", "s(a: b)" },
	{ "Subject: x\n\nMessage-ID: <a@b>\n", "s(x)" },
	{ "\nMessage-ID: <a@b>\n", "" },
	{ " Subject: x\nMessage-ID: <a@b>\n", "m(a@b)" },
	{ "no field\n Subject: x\nSub ject: x\nMessage-ID: <a@b>\n", "m(a@b)" },
	{ "From x Mon\nSubject\nX: y\n z\nSubjects: a\nXSubject: b\n: c\nSubject: d\n", "s(d)" },
	{ "X-Mailsim-Id-And-Very-Much-More: 1\nX-Mailsim-Id: 2\n", "i(2)" },
	{ "X-Mailsim-Foo: 1\nReceived: a\n b\nreceived: c\nX-Received: d\n", "r(2)" },
	{ "Subject: x", "s(x)" },

	{ "Message-ID: a@b\n", "m(a@b)" },
	{ "Message-ID: <a@b\n", "m(a@b)" },
	{ "Message-ID: <a@b> (of me)\n", "m(a@b)" },
	{ "Message-ID: < a@b >\n", "m(a@b)" },
	{ "Message-ID: <>\n", "" },
	{ "Message-ID:\n", "" },
	{ "Message-ID: <\xd0\x96@b>\n", "m(\xd0\x96@b)" },
	{ "Message-ID: <\xd0@b>\n", "" },
	{ "Message-ID: <a\x01@b>\n", "" },
	{ "Message-ID: <a\rb>\n", "" },
	{ "Message-ID: <a\x7f>\n", "" },
	{ "Message-ID: <a\xc2\x9b>\n", "" },
	{ "X-Mailsim-Id: a\x1b[2J\n", "" },
	{ "X-Mailsim-Id: two words\n", "i(two words)" },
	{ "X-Mailsim-Id: <7>\n", "i(<7>)" },
	{ "Subject: a\x01"
	  "b\xffo\n",
	    "s(a?b?o)" },
	{ "Subject: \xd0\x96\n", "s(\xd0\x96)" },
	{ "X-Mailsim-Outcome: user\xff\n", "o(user?)" },

	{ "X-Mailsim-Id: " X250 "12345\n", "i(" X250 "12345)" },
	{ "X-Mailsim-Id: " X250 "123456\n", "i!(" X250 "12345)" },
	{ "X-Mailsim-Id: " X250 "123\xd0\x96\n", "i(" X250 "123\xd0\x96)" },
	{ "X-Mailsim-Id: " X250 "1234\xd0\x96\n", "i!(" X250 "1234)" },
	{ "X-Mailsim-Id: " X250 "123\xf0\x9f\x98\x80\n", "i!(" X250 "123)" },
	{ "Message-ID: <" X250 "12345>\n", "m(" X250 "12345)" },
	{ "Message-ID: <" X250 "1234\xd0\x96" X250 X250 ">\n", "m!(" X250 "1234)" },
	{ "X-Mailsim-Latency: " X250 X250 "\n", "l(" X250 X250 ")" },
	{ "X-Mailsim-Latency: " X250 X250 "x\n", "l!(" X250 X250 ")" },
	{ "X-Mailsim-Latency: " X250 X250 X250 "\n", "l!(" X250 X250 ")" },
	{ "X-Mailsim-Latency: 1s" S600 "2s\n", "l!(1s)" },
	{ "X-Mailsim-Latency: " S600 "1s\n", "l(1s)" },
};

static void
write_shape(struct buf *b, struct smtp_header *h)
{
	for (int i = 0; i < SMTP_FIELDS; i++) {
		struct str s = smtp_header_value(h, (enum smtp_field)i);

		if (!s.p)
			continue;
		buf_printf(b, " %c%s(%.*s)", "msiol"[i],
		    smtp_header_is_cut(h, (enum smtp_field)i) ? "!" : "", STR_ARG(s));
	}
	if (h->hops > 0)
		buf_printf(b, " r(%u)", h->hops);
	buf_add(b, "", 1);
}

/* Its lines in pieces of `step` octets. */
static void
read_header(struct smtp_header *h, struct str s, size_t step)
{
	smtp_header_init(h);
	while (s.n > 0) {
		size_t n = str_find(s, '\n');
		struct str line = str_head(s, n);

		while (line.n > 0) {
			smtp_header_add(h, str_head(line, step));
			line = str_from(line, step);
		}
		if (n < s.n)
			smtp_header_end_line(h);
		s = str_from(s, n + 1);
	}
	smtp_header_finish(h);
}

static void
test_fields(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 5, 7, 100, 10000 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t j = 0; j < COUNT(steps); j++) {
			struct smtp_header h;
			struct buf b = { 0 };
			const char *shape;

			memset(&h, 0xa5, sizeof h); /* nothing of before matters */
			read_header(&h, str_of(rows[i].header), steps[j]);
			write_shape(&b, &h);
			shape = b.data[0] == ' ' ? b.data + 1 : b.data;
			if (strcmp(shape, rows[i].shape) != 0)
				fail_msg("in pieces of %zu, \"%s\" gave \"%s\", not \"%s\"",
				    steps[j], rows[i].header, shape, rows[i].shape);
			buf_fini(&b);
		}
}

static void
test_nul(void **state)
{
	static const char text[] = "Subject: a\0b\nMessage-ID: <a\0@b>\nX-Mailsim-Id: \0\n";
	struct smtp_header h;

	(void)state;
	read_header(&h, (struct str){ text, sizeof text - 1 }, 100);
	assert_true(str_eq(smtp_header_value(&h, SMTP_FIELD_SUBJECT), STR("a?b")));
	assert_null(smtp_header_value(&h, SMTP_FIELD_MESSAGE_ID).p);
	assert_null(smtp_header_value(&h, SMTP_FIELD_ID).p);
}

static void
test_is_over(void **state)
{
	struct smtp_header h;

	(void)state;
	smtp_header_init(&h);
	smtp_header_add(&h, STR("Subject: x"));
	smtp_header_end_line(&h);
	assert_false(h.is_over);
	smtp_header_end_line(&h);
	assert_true(h.is_over);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
