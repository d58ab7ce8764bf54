/*
 * The commands of SMTP: what is read out of a line, what is refused and how. Every case is in
 * memory of exactly its size, so that a sanitizer sees one octet too many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "front/smtp_parse.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define D25 "dddddddddddddddddddddddd."
#define D250 D25 D25 D25 D25 D25 D25 D25 D25 D25 D25
#define X100 A60 A10 A10 A10 A10
#define X493 X100 X100 X100 X100 A60 A10 A10 A10 "aaa"

struct row {
	const char *line;
	const char *shape; /* what was read, written out, or the refusal's codes */
};

/* Writes a text with what is not ASCII escaped; "-" where it is not there. */
static void
add(struct buf *b, const char *name, struct str s)
{
	buf_printf(b, " %s=", name);
	if (!s.p)
		buf_add_lit(b, "-");
	else
		text_add_escaped(b, s);
}

static void
add_path(struct buf *b, const struct smtp_path *path)
{
	buf_add_str(b, path->address);
	if (path->domain.p) {
		/* local@domain and nothing else */
		assert_int_equal(path->address.n, path->local.n + 1 + path->domain.n);
		assert_ptr_equal(path->address.p, path->local.p);
		assert_ptr_equal(
		    path->address.p + path->address.n, path->domain.p + path->domain.n);
	} else {
		assert_true(str_eq(path->address, path->local));
	}
	assert_non_null(path->address.p);
	if (path->has_utf8)
		buf_add_lit(b, " is-utf8");
}

static void
write_mail(struct buf *b, const struct smtp_mail *m)
{
	static const char *const bodies[] = { "", " 7bit", " 8bitmime" };
	static const char *const rets[] = { "", " full", " hdrs" };

	add_path(b, &m->from);
	if (m->params.has_size)
		buf_printf(b, " size=%lu", m->params.size);
	buf_printf(b, "%s%s%s", bodies[m->params.body], m->params.has_utf8 ? " utf8" : "",
	    rets[m->params.ret]);
	if (m->params.envid.p)
		add(b, "envid", m->params.envid);
	if (m->params.auth.p)
		add(b, "auth", m->params.auth);
}

static void
write_rcpt(struct buf *b, const struct smtp_rcpt *r)
{
	add_path(b, &r->to);
	if (r->params.notify != 0)
		buf_printf(b, " notify=%u", r->params.notify);
	if (r->params.orcpt.p) {
		add(b, "type", r->params.orcpt_type);
		add(b, "orcpt", r->params.orcpt);
	}
}

static void
write_refusal(struct buf *b, const struct smtp_refusal *refusal)
{
	assert_non_null(refusal->text);
	buf_printf(b, "%u %s", refusal->code, refusal->dsn);
}

static char *
copy(const char *text, size_t n)
{
	char *c = malloc(n ? n : 1);

	memcpy(c, text, n);
	return c;
}

enum what { MAIL, RCPT, RCPT_UTF8, HELO, AUTH };

static void
write_shape(struct buf *b, enum what what, struct str rest, char *scratch)
{
	const struct smtp_refusal *refusal = NULL;
	struct smtp_auth_command auth;
	struct smtp_mail mail;
	struct smtp_rcpt rcpt;
	struct str name;

	if (what == MAIL) {
		refusal = smtp_parse_mail(rest, scratch, &mail);
		if (!refusal)
			write_mail(b, &mail);
	} else if (what == HELO) {
		refusal = smtp_parse_helo(rest, &name);
		if (!refusal)
			buf_add_str(b, name);
	} else if (what == AUTH) {
		refusal = smtp_parse_auth(rest, &auth);
		if (!refusal) {
			buf_add_str(b, auth.mechanism);
			add(b, "initial", auth.initial);
		}
	} else {
		refusal = smtp_parse_rcpt(rest, what == RCPT_UTF8, scratch, &rcpt);
		if (!refusal)
			write_rcpt(b, &rcpt);
	}
	if (refusal)
		write_refusal(b, refusal);
}

static void
check_text(enum what what, const char *text, size_t n, const char *shape)
{
	char *line = copy(text, n), *scratch = malloc(n ? n : 1);
	struct buf b = { 0 };

	write_shape(&b, what, (struct str){ line, n }, scratch);
	buf_add(&b, "", 1);
	if (strcmp(b.data, shape) != 0)
		fail_msg("\"%.*s\" gave \"%s\", not \"%s\"", (int)n, text, b.data, shape);
	buf_fini(&b);
	free(line);
	free(scratch);
}

static void
check(enum what what, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_text(what, rows[i].line, strlen(rows[i].line), rows[i].shape);
}

static void
test_commands(void **state)
{
	static const struct {
		const char *line, *verb, *rest;
	} rows[] = {
		{ "NOOP", "NOOP", "" },
		{ "MAIL FROM:<a@b>", "MAIL", "FROM:<a@b>" },
		{ " mail \t FROM:<a@b>  SIZE=3 \t", "mail", "FROM:<a@b>  SIZE=3" },
		{ "", "", "" },
		{ " \t ", "", "" },
		{ "EHLO\tx", "EHLO", "x" },
	};
	struct smtp_command c;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *line = copy(rows[i].line, strlen(rows[i].line));

		smtp_parse_command((struct str){ line, strlen(rows[i].line) }, &c);
		assert_true(str_eq(c.verb, str_of(rows[i].verb)));
		assert_true(str_eq(c.rest, str_of(rows[i].rest)));
		free(line);
	}
}

static const struct row paths[] = {
	{ "FROM:<a@b>", "a@b" },
	{ "from:<a@b>", "a@b" },
	{ "FROM: <a@b>", "a@b" },
	{ "FROM:\t <a@b> ", "a@b" },
	{ "FROM:a@b", "a@b" },
	{ "FROM: a@b SIZE=1", "a@b size=1" },
	{ "FROM:<>", "" },
	{ "FROM:<> SIZE=1", " size=1" },
	{ "FROM:<Joe.User+tag@Sub-x.Example.ORG>", "Joe.User+tag@Sub-x.Example.ORG" },
	{ "FROM:<!#$%&'*+-/=?^_`{|}~@x_y.test>", "!#$%&'*+-/=?^_`{|}~@x_y.test" },
	{ "FROM:<a..b.@x>", "a..b.@x" },
	{ "FROM:<@a,@b.c:user@dom>", "user@dom" },
	{ "FROM:<@[127.0.0.1]:user@dom>", "user@dom" },
	{ "FROM:<\"a b\"@x>", "\"a b\"@x" },
	{ "FROM:<\"a> <@:\\\"b\\\\\"@x>", "\"a> <@:\\\"b\\\\\"@x" },
	{ "FROM:<\"\"@x>", "\"\"@x" },
	{ "FROM:<a@[127.0.0.1]>", "a@[127.0.0.1]" },
	{ "FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]" },
	{ "FROM:<a@[ipv6:::ffff:1.2.3.4]>", "a@[ipv6:::ffff:1.2.3.4]" },
	{ "FROM:<" A60 "aaaa@x>", A60 "aaaa@x" },
	{ "FROM:<a@" D250 "ddddd>", "a@" D250 "ddddd" },
	{ "FROM:<" A60 "aaaa@" D250 "ddddd>", A60 "aaaa@" D250 "ddddd" },
	{ "FROM:<\xd0\x96@\xd0\x96.test> SMTPUTF8", "\xd0\x96@\xd0\x96.test is-utf8 utf8" },
	{ "FROM:<a@b> SMTPUTF8", "a@b utf8" },
	{ "FROM:<\"\xc3\xa9 x\"@b> SMTPUTF8", "\"\xc3\xa9 x\"@b is-utf8 utf8" },

	{ "", "501 5.5.4" },
	{ "FROM", "501 5.5.4" },
	{ "FROM:", "501 5.5.4" },
	{ "FROM: ", "501 5.5.4" },
	{ "FROM :<a@b>", "501 5.5.4" },
	{ "TO:<a@b>", "501 5.5.4" },
	{ "FROM:<a@b>SIZE=1", "501 5.5.4" },
	{ "FROM:<", "501 5.1.7" },
	{ "FROM:>", "501 5.1.7" },
	{ "FROM:<a@b", "501 5.1.7" },
	{ "FROM:a@b>", "501 5.1.7" },
	{ "FROM:<<a@b>>", "501 5.1.7" },
	{ "FROM:<Joe <a@b>>", "501 5.1.7" },
	{ "FROM:Joe <a@b>", "501 5.1.7" },
	{ "FROM:<a b@c>", "501 5.1.7" },
	{ "FROM:<a@b c>", "501 5.1.7" },
	{ "FROM: < a@b>", "501 5.1.7" },
	{ "FROM:<a@b >", "501 5.1.7" },
	{ "FROM:<joe>", "501 5.1.7" },
	{ "FROM:joe", "501 5.1.7" },
	{ "FROM:<@b>", "501 5.1.7" },
	{ "FROM:<a@>", "501 5.1.7" },
	{ "FROM:<a@b@c>", "501 5.1.7" },
	{ "FROM:<a@.b>", "501 5.1.7" },
	{ "FROM:<a@b.>", "501 5.1.7" },
	{ "FROM:<a@b..c>", "501 5.1.7" },
	{ "FROM:<a@b,c@d>", "501 5.1.7" },
	{ "FROM:<a\\@b@c>", "501 5.1.7" },
	{ "FROM:<\"a@x>", "501 5.1.7" },
	{ "FROM:<\"a\\\"@x>", "501 5.1.7" },
	{ "FROM:<\"a\\", "501 5.1.7" },
	{ "FROM:<\"a\"b@x>", "501 5.1.7" },
	{ "FROM:<a@[127.0.0.256]>", "501 5.1.7" },
	{ "FROM:<a@[127.0.0.1>", "501 5.1.7" },
	{ "FROM:<a@[]>", "501 5.1.7" },
	{ "FROM:<a@[::1]>", "501 5.1.7" },
	{ "FROM:<a@[IPv6:1.2.3.4]>", "501 5.1.7" },
	{ "FROM:<a@[IPv6:" X100 "]>", "501 5.1.7" },
	{ "FROM:<a@[x:y]>", "501 5.1.7" },
	{ "FROM:<a@[127.0.0.1]x>", "501 5.1.7" },
	{ "FROM:<@a,b:user@dom>", "501 5.1.7" },
	{ "FROM:<@a,@b user@dom>", "501 5.1.7" },
	{ "FROM:<@a:>", "501 5.1.7" },
	{ "FROM:<@a,:u@d>", "501 5.1.7" },
	{ "FROM:<@a", "501 5.1.7" },
	{ "FROM:<" A60 "aaaaa@x>", "501 5.1.7" },
	{ "FROM:<\"" A60 "aaa\"@x>", "501 5.1.7" },
	{ "FROM:<a@" D250 "dddddd>", "501 5.1.7" },
	{ "FROM:<a\x01@b>", "501 5.1.7" },
	{ "FROM:<a\x7f@b>", "501 5.1.7" },
	{ "FROM:<\"a\tb\"@x>", "501 5.1.7" },
	{ "FROM:<\"a\\\x01\"@x>", "501 5.1.7" },
	{ "FROM:<\"a\rb\"@x>", "501 5.1.7" },
	{ "FROM:<a@b\x1b>", "501 5.1.7" },
	{ "FROM:<a\xff@b> SMTPUTF8", "501 5.1.7" },
	{ "FROM:<a@b\xc3> SMTPUTF8", "501 5.1.7" },
	{ "FROM:<a\xc2\x9b@b> SMTPUTF8", "501 5.1.7" },
	{ "FROM:<\xd0\x96@x>", "553 5.6.7" },
	{ "FROM:<a@\xd0\x96> SIZE=1", "553 5.6.7" },
};

static void
test_paths(void **state)
{
	(void)state;
	check(MAIL, paths, COUNT(paths));
	/* a NUL */
	check_text(MAIL, "FROM:<a\0@b>", 11, "501 5.1.7");
	check_text(MAIL, "FROM:<a@b\0>", 11, "501 5.1.7");
	check_text(MAIL, "FROM:<\"\0\"@b>", 12, "501 5.1.7");
	check_text(MAIL, "FROM:<a@[127.0.0.1\0]>", 21, "501 5.1.7");
}

static void
test_recipients(void **state)
{
	static const struct row rows[] = {
		{ "TO:<a@b>", "a@b" },
		{ "to: a@b", "a@b" },
		{ "TO:<Postmaster>", "Postmaster" },
		{ "TO:<POSTMASTER> NOTIFY=NEVER", "POSTMASTER notify=1" },
		{ "TO:postmaster", "postmaster" },
		{ "TO:<postmaster@x>", "postmaster@x" },
		{ "TO:<@a:b@c>", "b@c" },
		{ "TO:<joe>", "501 5.1.3" },
		{ "TO:<postmasters>", "501 5.1.3" },
		{ "TO:<postmaster x>", "501 5.1.3" },
		{ "TO:<>", "501 5.1.3" },
		{ "TO:<a\x01@b>", "501 5.1.3" },
		{ "TO:<" A60 "aaaaa@x>", "501 5.1.3" },
		{ "TO:<a@" D250 "dddddd>", "501 5.1.3" },
		{ "TO:", "501 5.5.4" },
		{ "FROM:<a@b>", "501 5.5.4" },
		{ "TO:<\xd0\x96@x>", "553 5.6.7" },
		{ "TO:<a@b> NOTIFY=SUCCESS,FAILURE", "a@b notify=6" },
		{ "TO:<a@b> notify=delay", "a@b notify=8" },
		{ "TO:<a@b> ORCPT=rfc822;Bob+40Ent@x NOTIFY=NEVER",
		    "a@b notify=1 type=rfc822 orcpt=Bob@Ent@x" },
		{ "TO:<a@b> ORCPT=rfc822;" X493, "a@b type=rfc822 orcpt=" X493 },
		{ "TO:<a@b> ORCPT=utf-8;\xd0\x96@x", "a@b type=utf-8 orcpt=\xd0\x96@x" },
		{ "TO:<a@b> ORCPT=utf-8;\\x{416}@x", "a@b type=utf-8 orcpt=\\x{416}@x" },
		{ "TO:<a@b> NOTIFY", "501 5.5.4" },
		{ "TO:<a@b> NOTIFY=", "501 5.5.4" },
		{ "TO:<a@b> NOTIFY=NEVER,DELAY", "501 5.5.4" },
		{ "TO:<a@b> NOTIFY=DELAY,NEVER", "501 5.5.4" },
		{ "TO:<a@b> NOTIFY=DELAY,", "501 5.5.4" },
		{ "TO:<a@b> NOTIFY=SOMETIMES", "501 5.5.4" },
		{ "TO:<a@b> ORCPT", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=a@b", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=;a@b", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=rfc822;", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=rfc822;a+4", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=rfc822;a+00", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=rfc822;a+ff", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=rfc822;\xd0\x96@x", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=utf-8;\xd0@x", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=rfc\x01;a", "501 5.5.4" },
		{ "TO:<a@b> ORCPT=rfc822;" X493 "a", "501 5.5.4" },
		{ "TO:<a@b> SIZE=3", "555 5.5.4" },
		{ "TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY", "501 5.5.4" },
	};
	static const struct row utf8[] = {
		{ "TO:<\xd0\x96@x>", "\xd0\x96@x is-utf8" },
		{ "TO:<a@b>", "a@b" },
		{ "TO:<\xd0@x>", "501 5.1.3" },
	};

	(void)state;
	check(RCPT, rows, COUNT(rows));
	check(RCPT_UTF8, utf8, COUNT(utf8));
}

static void
test_mail_parameters(void **state)
{
	static const struct row rows[] = {
		{ "FROM:<a@b> SIZE=0", "a@b size=0" },
		{ "FROM:<a@b> size=1000 \t body=8bitmime", "a@b size=1000 8bitmime" },
		{ "FROM:<a@b> SIZE=18446744073709551615", "a@b size=18446744073709551615" },
		{ "FROM:<a@b> SIZE=99999999999999999999", "a@b size=18446744073709551615" },
		{ "FROM:<a@b> BODY=7BIT RET=FULL", "a@b 7bit full" },
		{ "FROM:<a@b> RET=hdrs ENVID=QQ314159", "a@b hdrs envid=QQ314159" },
		{ "FROM:<a@b> ENVID=a+20b+2Bc+3d", "a@b envid=a b+c=" },
		{ "FROM:<a@b> ENVID=a+0Ab+1b", "a@b envid=a\\nb\\x1b" },
		{ "FROM:<a@b> ENVID=" X100, "a@b envid=" X100 },
		{ "FROM:<a@b> AUTH=<>", "a@b auth=<>" },
		{ "FROM:<a@b> AUTH=e+3Dmc2@example.com ENVID=x",
		    "a@b envid=x auth=e=mc2@example.com" },
		{ "FROM:<a@b> SIZE", "501 5.5.4" },
		{ "FROM:<a@b> SIZE=", "501 5.5.4" },
		{ "FROM:<a@b> SIZE=-1", "501 5.5.4" },
		{ "FROM:<a@b> SIZE=1k", "501 5.5.4" },
		{ "FROM:<a@b> SIZE=000000000000000000001", "501 5.5.4" },
		{ "FROM:<a@b> BODY", "501 5.5.4" },
		{ "FROM:<a@b> BODY=BINARYMIME", "501 5.5.4" },
		{ "FROM:<a@b> SMTPUTF8=yes", "501 5.5.4" },
		{ "FROM:<a@b> SMTPUTF8=", "501 5.5.4" },
		{ "FROM:<a@b> RET=ALL", "501 5.5.4" },
		{ "FROM:<a@b> ENVID", "501 5.5.4" },
		{ "FROM:<a@b> ENVID=", "501 5.5.4" },
		{ "FROM:<a@b> ENVID=a=b", "501 5.5.4" },
		{ "FROM:<a@b> ENVID=a+2", "501 5.5.4" },
		{ "FROM:<a@b> ENVID=a+", "501 5.5.4" },
		{ "FROM:<a@b> ENVID=a+2g", "501 5.5.4" },
		{ "FROM:<a@b> ENVID=a+00", "501 5.5.4" },
		{ "FROM:<a@b> ENVID=+d0", "501 5.5.4" },
		{ "FROM:<a@b> ENVID=\xd0\x96", "501 5.5.4" },
		{ "FROM:<a@b> ENVID=" X100 "a", "501 5.5.4" },
		{ "FROM:<a@b> AUTH=", "501 5.5.4" },
		{ "FROM:<a@b> AUTH=a+0Ab", "501 5.5.4" },
		{ "FROM:<a@b> AUTH=" X493 "aaaaaaaa", "501 5.5.4" },
		{ "FROM:<a@b> NOTIFY=NEVER", "555 5.5.4" },
		{ "FROM:<a@b> X-FOO", "555 5.5.4" },
		{ "FROM:<a@b> 8=1", "555 5.5.4" },
		{ "FROM:<a@b> =1", "501 5.5.4" },
		{ "FROM:<a@b> -X=1", "501 5.5.4" },
		{ "FROM:<a@b> X_Y", "501 5.5.4" },
		{ "FROM:<a@b> \x01", "501 5.5.4" },
		{ "FROM:<a@b> SIZE=1 size=1", "501 5.5.4" },
		{ "FROM:<a@b> SMTPUTF8 SMTPUTF8", "501 5.5.4" },
	};

	(void)state;
	check(MAIL, rows, COUNT(rows));
}

static void
test_helo(void **state)
{
	static const struct row rows[] = {
		{ "client.example.org", "client.example.org" },
		{ "[127.0.0.1]", "[127.0.0.1]" },
		{ "[IPv6:::1]", "[IPv6:::1]" },
		{ "my_host", "my_host" },
		{ "two words", "two words" },
		{ "[anything", "[anything" },
		{ "M\xfcller-PC", "M\xfcller-PC" },
		{ D250 "ddddd", D250 "ddddd" },
		{ "", "501 5.5.4" },
		{ " ", "501 5.5.4" },
		{ "a\x01"
		  "b",
		    "501 5.5.4" },
		{ "a\rb", "501 5.5.4" },
		{ D250 "dddddd", "501 5.5.4" },
	};

	(void)state;
	check(HELO, rows, COUNT(rows));
	check_text(HELO, "a\0b", 3, "501 5.5.4");
}

static void
test_auth(void **state)
{
	static const struct row rows[] = {
		{ "PLAIN", "PLAIN initial=-" },
		{ "plain  AHUAcA==", "plain initial=AHUAcA==" },
		{ "LOGIN =", "LOGIN initial=" },
		{ "CRAM-MD5", "CRAM-MD5 initial=-" },
		{ "PLAIN ==", "PLAIN initial===" },
		{ "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA initial=-" },
		{ "AAAAAAAAAAAAAAAAAAAAA", "501 5.5.4" },
		{ "", "501 5.5.4" },
		{ "PLAIN a b", "501 5.5.4" },
		{ "PL/IN", "501 5.5.4" },
		{ "PL\x01IN", "501 5.5.4" },
	};

	(void)state;
	check(AUTH, rows, COUNT(rows));
}

static void
test_no_argument(void **state)
{
	(void)state;
	assert_null(smtp_parse_nothing(STR("")));
	assert_null(smtp_parse_nothing(STR(" \t")));
	assert_int_equal(smtp_parse_nothing(STR("x"))->code, 501);
}

static void
test_http(void **state)
{
	static const char *const http[] = { "GET / HTTP/1.1", "POST /", "post", "GET", "OPTIONS *",
		"CONNECT a:25 HTTP/1.1", "PROPFIND / HTTP/1.1", "PRI * HTTP/2.0", "Host: x",
		"Host:x", "User-Agent: a b", "Origin: null", ": x", "HEAD /x HTTP/1.0" };
	static const char *const other[] = { "", "HELO x", "HELP", "MAIL FROM:<a@b>",
		"RCPT TO:<a@b>", "GETS /", "NOOP a: b", "EHLO [IPv6:::1]", "AUTH PLAIN", "VRFY x",
		"QUIT" };

	(void)state;
	for (size_t i = 0; i < COUNT(http); i++)
		if (!smtp_parse_is_http(str_of(http[i])))
			fail_msg("is no HTTP: %s", http[i]);
	for (size_t i = 0; i < COUNT(other); i++)
		if (smtp_parse_is_http(str_of(other[i])))
			fail_msg("is HTTP: %s", other[i]);
}

/* No octet of another place becomes part of an address, and none is a control character. */
static void
check_views(struct str rest, const struct smtp_path *path)
{
	struct str s = path->address;

	assert_true(s.p >= rest.p && s.p + s.n <= rest.p + rest.n);
	for (size_t i = 0; i < s.n; i++)
		assert_true((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f);
	assert_true(s.n <= SMTP_LOCAL_MAX + 1 + SMTP_DOMAIN_MAX);
	assert_true(text_is_utf8(s));
}

static void
test_random_octets(void **state)
{
	static const char letters[] = "ab@@<<>>..:,\"\"\\\\[]1= \t\x01\xc2\x9b\x7f\xff\r;+20";
	uint64_t random = 3;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		char text[40] = "FROM:<", scratch[40];
		size_t n = 6 + (size_t)round % (sizeof text - 6);
		struct smtp_mail m;
		struct smtp_rcpt r;
		char *line;

		for (size_t i = 6; i < n; i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			text[i] = letters[(random >> 33) % (sizeof letters - 1)];
		}
		line = copy(text, n);
		if (!smtp_parse_mail((struct str){ line, n }, scratch, &m))
			check_views((struct str){ line, n }, &m.from);
		memcpy(line + 2, "TO:", 3);
		if (!smtp_parse_rcpt((struct str){ line + 2, n - 2 }, true, scratch, &r))
			check_views((struct str){ line + 2, n - 2 }, &r.to);
		free(line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_mail_parameters),
		cmocka_unit_test(test_helo),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_no_argument),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_random_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
