/*
 * Owns the tables of parameters. Takes lengths, trusts no terminator, allocates nothing. Each
 * parameter is a row; which were given is a mask over the rows.
 */
#include "front/smtp_param.h"

#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define SIZE_DIGITS_MAX 20 /* RFC 1870 §4 */

static const struct smtp_refusal refusal_syntax = { 501, "5.5.4", "Syntax error in parameters" };
static const struct smtp_refusal refusal_twice = { 501, "5.5.4", "A parameter is given twice" };
static const struct smtp_refusal refusal_unknown = { 555, "5.5.4", "Unsupported parameter" };
static const struct smtp_refusal refusal_size = { 501, "5.5.4", "Bad SIZE parameter" };
static const struct smtp_refusal refusal_body = { 501, "5.5.4", "BODY is either 7BIT or 8BITMIME" };
static const struct smtp_refusal refusal_utf8 = { 501, "5.5.4", "SMTPUTF8 has no value" };
static const struct smtp_refusal refusal_ret = { 501, "5.5.4", "RET is either FULL or HDRS" };
static const struct smtp_refusal refusal_envid = { 501, "5.5.4", "Bad ENVID parameter" };
static const struct smtp_refusal refusal_auth = { 501, "5.5.4", "Bad AUTH parameter" };
static const struct smtp_refusal refusal_notify = { 501, "5.5.4",
	"NOTIFY is either NEVER or some of SUCCESS, FAILURE, DELAY" };
static const struct smtp_refusal refusal_orcpt = { 501, "5.5.4", "Bad ORCPT parameter" };

/* A parameter: parse() gives whether the value is right; p is NULL where there is none. The text it
 * makes goes to *scratch, which it moves on. */
struct row {
	struct str name;
	bool (*parse)(struct str value, char **scratch, void *params);
	const struct smtp_refusal *refusal;
};

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = str_small(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A letter or digit, and hyphens behind it (RFC 5321 §4.1.2). */
static bool
is_keyword(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = str_small(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0)))
			return false;
	}
	return s.n > 0;
}

/* may_be_utf8: what is not ASCII stands for itself. */
static bool
decode_xtext(struct str s, bool may_be_utf8, char *out, size_t *out_n)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool is_utf8 = may_be_utf8 && (unsigned char)s.p[i] >= 0x80;
		int high, low;

		if (!is_utf8 && (s.p[i] < '!' || s.p[i] > '~' || s.p[i] == '='))
			return false;
		if (s.p[i] != '+') {
			out[n++] = s.p[i];
			continue;
		}
		if (s.n - i < 3)
			return false;
		high = hex_digit(s.p[i + 1]);
		low = hex_digit(s.p[i + 2]);
		if (high < 0 || low < 0)
			return false;
		out[n++] = (char)(high * 16 + low);
		i += 2;
	}
	*out_n = n;
	return true;
}

bool
smtp_param_decode_xtext(struct str s, char *out, size_t *out_n)
{
	return decode_xtext(s, false, out, out_n);
}

/* At least one octet, which decodes to UTF-8 without NUL. */
static bool
take_xtext(struct str value, bool may_be_utf8, char **scratch, struct str *out)
{
	if (value.n == 0 || !decode_xtext(value, may_be_utf8, *scratch, &out->n))
		return false;
	out->p = *scratch;
	*scratch += out->n;
	return text_is_utf8(*out);
}

static bool
parse_size(struct str value, char **scratch, void *params)
{
	struct smtp_mail_params *p = params;

	(void)scratch;
	for (size_t i = 0; i < value.n; i++) {
		uint64_t digit = (uint64_t)value.p[i] - '0';

		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(p->size, 10, &p->size) ||
		    __builtin_add_overflow(p->size, digit, &p->size))
			p->size = UINT64_MAX;
	}
	p->has_size = true;
	return value.n > 0 && value.n <= SIZE_DIGITS_MAX;
}

static bool
parse_body(struct str value, char **scratch, void *params)
{
	struct smtp_mail_params *p = params;

	(void)scratch;
	if (str_eq_nocase(value, STR("7BIT")))
		p->body = SMTP_BODY_7BIT;
	else if (str_eq_nocase(value, STR("8BITMIME")))
		p->body = SMTP_BODY_8BITMIME;
	return p->body != SMTP_BODY_NONE;
}

static bool
parse_utf8(struct str value, char **scratch, void *params)
{
	struct smtp_mail_params *p = params;

	(void)scratch;
	p->has_utf8 = true;
	return !value.p;
}

static bool
parse_ret(struct str value, char **scratch, void *params)
{
	struct smtp_mail_params *p = params;

	(void)scratch;
	if (str_eq_nocase(value, STR("FULL")))
		p->ret = SMTP_RET_FULL;
	else if (str_eq_nocase(value, STR("HDRS")))
		p->ret = SMTP_RET_HDRS;
	return p->ret != SMTP_RET_NONE;
}

static bool
parse_envid(struct str value, char **scratch, void *params)
{
	struct smtp_mail_params *p = params;

	return value.n <= SMTP_ENVID_MAX && take_xtext(value, false, scratch, &p->envid);
}

static bool
parse_auth(struct str value, char **scratch, void *params)
{
	struct smtp_mail_params *p = params;

	if (value.n > SMTP_AUTH_PARAM_MAX || !take_xtext(value, false, scratch, &p->auth))
		return false;
	for (size_t i = 0; i < p->auth.n; i++)
		if ((unsigned char)p->auth.p[i] < ' ' || p->auth.p[i] == 0x7f)
			return false;
	return true;
}

static bool
parse_notify(struct str value, char **scratch, void *params)
{
	static const struct {
		struct str name;
		unsigned flag;
	} names[] = {
		{ STR_INIT("NEVER"), SMTP_NOTIFY_NEVER },
		{ STR_INIT("SUCCESS"), SMTP_NOTIFY_SUCCESS },
		{ STR_INIT("FAILURE"), SMTP_NOTIFY_FAILURE },
		{ STR_INIT("DELAY"), SMTP_NOTIFY_DELAY },
	};
	struct smtp_rcpt_params *p = params;
	size_t n;

	(void)scratch;
	for (;; value = str_from(value, n + 1)) {
		size_t i = 0;

		n = str_find(value, ',');
		while (i < COUNT(names) && !str_eq_nocase(str_head(value, n), names[i].name))
			i++;
		if (i == COUNT(names))
			return false;
		p->notify |= names[i].flag;
		if (n == value.n)
			break;
	}
	return (p->notify & SMTP_NOTIFY_NEVER) == 0 || p->notify == SMTP_NOTIFY_NEVER;
}

static bool
parse_orcpt(struct str value, char **scratch, void *params)
{
	struct smtp_rcpt_params *p = params;
	size_t n = str_find(value, ';');

	if (value.n > SMTP_ORCPT_MAX || n == value.n)
		return false;
	p->orcpt_type = str_head(value, n);
	return is_keyword(p->orcpt_type) &&
	    take_xtext(str_from(value, n + 1), str_eq_nocase(p->orcpt_type, STR("utf-8")), scratch,
		&p->orcpt);
}

static const struct row mail_rows[] = {
	{ STR_INIT("SIZE"), parse_size, &refusal_size },
	{ STR_INIT("BODY"), parse_body, &refusal_body },
	{ STR_INIT("SMTPUTF8"), parse_utf8, &refusal_utf8 },
	{ STR_INIT("RET"), parse_ret, &refusal_ret },
	{ STR_INIT("ENVID"), parse_envid, &refusal_envid },
	{ STR_INIT("AUTH"), parse_auth, &refusal_auth },
};

static const struct row rcpt_rows[] = {
	{ STR_INIT("NOTIFY"), parse_notify, &refusal_notify },
	{ STR_INIT("ORCPT"), parse_orcpt, &refusal_orcpt },
};

static const struct smtp_refusal *
parse_one(struct str word, const struct row *rows, size_t rows_n, unsigned *given, char **scratch,
    void *params)
{
	struct str name = str_head(word, str_find(word, '=')), value = { NULL, 0 };
	size_t i = 0;

	if (name.n < word.n)
		value = str_from(word, name.n + 1);
	if (!is_keyword(name))
		return &refusal_syntax;
	while (i < rows_n && !str_eq_nocase(name, rows[i].name))
		i++;
	if (i == rows_n)
		return &refusal_unknown;
	if (*given & 1U << i)
		return &refusal_twice;
	*given |= 1U << i;
	return rows[i].parse(value, scratch, params) ? NULL : rows[i].refusal;
}

static const struct smtp_refusal *
parse_all(struct str s, const struct row *rows, size_t rows_n, char *scratch, void *params)
{
	const struct smtp_refusal *refusal = NULL;
	unsigned given = 0;

	if (s.n > 0 && !str_is_blank(s.p[0]))
		return &refusal_syntax;
	while (!refusal) {
		struct str word = str_next_word(&s);

		if (word.n == 0)
			break;
		refusal = parse_one(word, rows, rows_n, &given, &scratch, params);
	}
	return refusal;
}

const struct smtp_refusal *
smtp_param_parse_mail(struct str s, char *scratch, struct smtp_mail_params *params)
{
	*params = (struct smtp_mail_params){ 0 };
	return parse_all(s, mail_rows, COUNT(mail_rows), scratch, params);
}

const struct smtp_refusal *
smtp_param_parse_rcpt(struct str s, char *scratch, struct smtp_rcpt_params *params)
{
	*params = (struct smtp_rcpt_params){ 0 };
	return parse_all(s, rcpt_rows, COUNT(rcpt_rows), scratch, params);
}
