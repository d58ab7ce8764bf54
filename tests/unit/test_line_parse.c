/*
 * The grammar of the line protocol: what is read, what is refused and why, and that no octets
 * whatever lead the parser astray.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "front/line_parse.h"

struct good {
	const char *line;
	const char
	    *shape; /* the request written out: verb, then w(word) r(first,last) p(key,value) */
};

static const struct good good[] = {
	{ "ping", "ping" },
	{ "  ping \t ", "ping" },
	{ "", "" },
	{ " \t", "" },
	{ "SEND 7", "SEND w(7)" },
	{ "send 0..9", "send r(0,9)" },
	{ "send 5..5", "send r(5,5)" },
	{ "send 0..9223372036854775807", "send r(0,9223372036854775807)" },
	{ "send order-42 to=bob@x.test", "send w(order-42) p(to,bob@x.test)" },
	{ "send a=b=c", "send p(a,b=c)" },
	{ "send id=\"a b\" x=\"\"", "send p(id,a b) p(x,)" },
	{ "send id=\"q\\\"b\\\\n\\n\\t\"", "send p(id,q\"b\\n\n\t)" },
	{ "send id=\"a..b\"", "send p(id,a..b)" },
	{ "send id=a..b", "send p(id,a..b)" },
	{ "send to=a\"b\"", "send p(to,a\"b\")" },
	{ "send \xd0\x96 to=\xe2\x82\xac", "send w(\xd0\x96) p(to,\xe2\x82\xac)" },
	{ "send 1.5", "send w(1.5)" },
	{ "send a\rb", "send w(a\rb)" },
	{ "x\ty\tz", "x w(y) w(z)" },
};

static const char *const bad[] = {
	"send 9..0",
	"send 1..",
	"send ..1",
	"send ..",
	"send a..b",
	"send 01..5",
	"send 1..05",
	"send 1..2..3",
	"send -1..5",
	"send 0..9223372036854775808",
	"send 0..99999999999999999999999999",
	"send a\"b",
	"send \"a\"",
	"send id=",
	"send id= x",
	"send =x",
	"send a.b=x",
	"send id=\"a",
	"send id=\"a\\",
	"send id=\"a\\\"",
	"send id=\"a\\x\"",
	"send id=\"a\"b",
	"send id=\"a\"\"b\"",

	"send \xd0\x96=x",
};

static void
write_out(char *out, size_t room, const struct line_request *r)
{
	size_t n = (size_t)snprintf(out, room, "%.*s", STR_ARG(r->verb));
	unsigned i;

	for (i = 0; i < r->n; i++) {
		const struct line_arg *a = &r->args[i];

		if (a->kind == LINE_WORD)
			n += (size_t)snprintf(out + n, room - n, " w(%.*s)", STR_ARG(a->value));
		else if (a->kind == LINE_RANGE)
			n += (size_t)snprintf(out + n, room - n, " r(%lu,%lu)", a->first, a->last);
		else
			n += (size_t)snprintf(
			    out + n, room - n, " p(%.*s,%.*s)", STR_ARG(a->key), STR_ARG(a->value));
	}
}

/* In memory of exactly that size, so that a sanitizer sees one octet too many. */
static const char *
parse(const char *text, size_t n, struct line_request *r, char **line, char **scratch)
{
	*line = malloc(n ? n : 1);
	*scratch = malloc(n ? n : 1);
	memcpy(*line, text, n);
	return line_parse((struct str){ *line, n }, *scratch, r);
}

static void
test_good_lines(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		char *line, *scratch, shape[512];
		struct line_request r;

		assert_null(parse(good[i].line, strlen(good[i].line), &r, &line, &scratch));
		write_out(shape, sizeof shape, &r);
		assert_string_equal(shape, good[i].shape);
		free(line);
		free(scratch);
	}
}

static void
test_bad_lines(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct line_request r;
		char *line, *scratch;

		if (!parse(bad[i], strlen(bad[i]), &r, &line, &scratch))
			fail_msg("accepted: %s", bad[i]);
		assert_true(str_eq(r.verb, STR("send")));
		free(line);
		free(scratch);
	}
}

static void
test_too_many_arguments(void **state)
{
	char text[4 + 2 * (LINE_ARGS_MAX + 1) + 1] = "send", *line, *scratch;
	struct line_request r;
	int i;

	(void)state;
	for (i = 0; i < LINE_ARGS_MAX; i++)
		strcat(text, " a");
	assert_null(parse(text, strlen(text), &r, &line, &scratch));
	assert_int_equal(r.n, LINE_ARGS_MAX);
	free(line);
	free(scratch);
	strcat(text, " a");
	assert_non_null(parse(text, strlen(text), &r, &line, &scratch));
	free(line);
	free(scratch);
}

static void
test_random_octets(void **state)
{
	static const char letters[] = "ab01. =\"\\nt\t{}\x80\xff\r";
	uint64_t random = 3;
	int round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		struct line_request r;
		char text[40], *line, *scratch;
		size_t n = (size_t)round % sizeof text, i;

		for (i = 0; i < n; i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			text[i] = letters[(random >> 33) % (sizeof letters - 1)];
		}
		parse(text, n, &r, &line, &scratch);
		for (i = 0; i < r.n; i++)
			assert_true(
			    r.args[i].kind != LINE_RANGE || r.args[i].first <= r.args[i].last);
		free(line);
		free(scratch);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_too_many_arguments),
		cmocka_unit_test(test_random_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
