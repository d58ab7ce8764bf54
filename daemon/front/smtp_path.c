/*
 * Owns the grammar of paths. Takes lengths, trusts no terminator, allocates nothing. Reads from
 * left to right once, so time is linear.
 */
#include "front/smtp_path.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/text.h"

enum wrong { WRONG_SYNTAX, WRONG_LOCAL, WRONG_DOMAIN, WRONG_BARE, WRONG_NULL, WRONGS };

static const struct smtp_refusal refusals[WRONGS][2] = {
	[WRONG_SYNTAX] = { { 501, "5.1.7", "Bad sender address syntax" },
	    { 501, "5.1.3", "Bad recipient address syntax" } },
	[WRONG_LOCAL] = { { 501, "5.1.7", "The sender's local part is longer than 64 octets" },
	    { 501, "5.1.3", "The recipient's local part is longer than 64 octets" } },
	[WRONG_DOMAIN] = { { 501, "5.1.7", "The sender's domain is longer than 255 octets" },
	    { 501, "5.1.3", "The recipient's domain is longer than 255 octets" } },
	[WRONG_BARE] = { { 501, "5.1.7", "The sender address has no domain" },
	    { 501, "5.1.3", "The recipient address has no domain" } },
	[WRONG_NULL] = { { 501, "5.1.7", "Bad sender address syntax" },
	    { 501, "5.1.3", "The null path is no recipient" } },
};

/* Where an octet may stand outside of quotes. */
enum octet_class { IN_LOCAL = 1, IN_DOMAIN = 2, IN_BOTH = 3 };

/* atext (RFC 5321 §4.1.2), UTF-8 (RFC 6531 §3.3), and the dot between. */
static const uint8_t classes[256] = {
	['a' ... 'z'] = IN_BOTH,
	['A' ... 'Z'] = IN_BOTH,
	['0' ... '9'] = IN_BOTH,
	[0x80 ... 0xff] = IN_BOTH,
	['.'] = IN_BOTH,
	['-'] = IN_BOTH,
	['_'] = IN_BOTH,
	['!'] = IN_LOCAL,
	['#' ... '\''] = IN_LOCAL,
	['*'] = IN_LOCAL,
	['+'] = IN_LOCAL,
	['/'] = IN_LOCAL,
	['='] = IN_LOCAL,
	['?'] = IN_LOCAL,
	['^'] = IN_LOCAL,
	['`'] = IN_LOCAL,
	['{' ... '~'] = IN_LOCAL,
};

static bool
is_utf8_octet(char c)
{
	return (unsigned char)c >= 0x80;
}

static size_t
span(struct str s, enum octet_class class)
{
	size_t n = 0;

	while (n < s.n && classes[(unsigned char)s.p[n]] & class)
		n++;
	return n;
}

/* Octets of the quoted string that s starts with; 0 when it has no end, or holds what it may not.
 */
static size_t
span_quoted(struct str s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] == '\\')
			i++;
		if (i == s.n || (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return 0;
	}
	return 0;
}

/* "127.0.0.1", "IPv6:::1" */
static bool
is_literal(struct str s)
{
	struct str tag = STR("IPv6:");
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	bool is_v6 = str_eq_nocase(str_head(s, tag.n), tag);

	if (is_v6)
		s = str_from(s, tag.n);
	if (s.n >= sizeof text || memchr(s.p, '\0', s.n))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, text, &address) == 1;
}

/* Octets of the domain that s starts with; 0 when there is none. */
static size_t
span_domain(struct str s)
{
	bool is_dot = true; /* the last octet, or there is none */
	size_t n;

	if (s.n > 0 && s.p[0] == '[') {
		n = str_find(s, ']');
		return n < s.n && is_literal((struct str){ s.p + 1, n - 1 }) ? n + 1 : 0;
	}
	for (n = 0; n < s.n && classes[(unsigned char)s.p[n]] & IN_DOMAIN; n++) {
		if (s.p[n] == '.' && is_dot)
			return 0;
		is_dot = s.p[n] == '.';
	}
	return is_dot ? 0 : n;
}

/* Octets of the route that s starts with, its colon included; 0 when there is none. */
static size_t
span_route(struct str s)
{
	size_t at = 0, n;

	while (at < s.n && s.p[at] == '@') {
		n = span_domain(str_from(s, at + 1));
		at += 1 + n;
		if (n == 0 || at == s.n)
			return 0;
		if (s.p[at] == ':')
			return at + 1;
		if (s.p[at] != ',')
			return 0;
		at++;
	}
	return 0;
}

/* C1: U+0080 to U+009F. */
static bool
has_c1(struct str s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if ((unsigned char)s.p[i] == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0)
			return true;
	return false;
}

static bool
check_utf8(struct smtp_path *path)
{
	struct str s = path->address;

	for (size_t i = 0; i < s.n; i++)
		path->has_utf8 |= is_utf8_octet(s.p[i]);
	return !path->has_utf8 || (text_is_utf8(s) && !has_c1(s));
}

/* The mailbox that s starts with; its octets to path->address.n. False, and *wrong says why. */
static bool
parse_mailbox(struct str s, struct smtp_path *path, enum wrong *wrong)
{
	bool is_quoted = s.n > 0 && s.p[0] == '"';
	size_t n = is_quoted ? span_quoted(s) : span(s, IN_LOCAL);
	struct str rest = str_from(s, n);

	*wrong = WRONG_SYNTAX;
	if (n == 0)
		return false;
	path->local = str_head(s, n);
	path->address = path->local;
	path->domain = (struct str){ NULL, 0 };
	if (rest.n == 0 || rest.p[0] != '@') {
		if (rest.n == 0 || rest.p[0] == '>')
			*wrong = WRONG_BARE;
		return str_eq_nocase(path->local, STR("postmaster"));
	}
	path->domain = str_head(str_from(rest, 1), span_domain(str_from(rest, 1)));
	path->address = str_head(s, n + 1 + path->domain.n);
	if (path->domain.n == 0)
		return false;
	*wrong = path->local.n > SMTP_LOCAL_MAX ? WRONG_LOCAL : WRONG_DOMAIN;
	return path->local.n <= SMTP_LOCAL_MAX && path->domain.n <= SMTP_DOMAIN_MAX;
}

/* What stands between the brackets, the closing one not included. */
static bool
parse_inside(
    struct str s, enum smtp_side side, struct smtp_path *path, size_t *used, enum wrong *wrong)
{
	size_t route = span_route(s);

	if (s.n > 0 && s.p[0] == '>') {
		path->address = path->local = str_head(s, 0);
		*wrong = WRONG_NULL;
		*used = 0;
		return side == SMTP_SENDER;
	}
	if (!parse_mailbox(str_from(s, route), path, wrong))
		return false;
	*used = route + path->address.n;
	*wrong = WRONG_SYNTAX;
	return check_utf8(path);
}

const struct smtp_refusal *
smtp_path_parse(struct str s, enum smtp_side side, struct smtp_path *path, size_t *used)
{
	bool has_brackets = s.n > 0 && s.p[0] == '<';
	struct str inside = str_from(s, has_brackets ? 1 : 0), behind;
	enum wrong wrong = WRONG_SYNTAX;

	*path = (struct smtp_path){ 0 };
	if (!has_brackets && s.n > 0 && s.p[0] == '>')
		return &refusals[WRONG_SYNTAX][side];
	if (!parse_inside(inside, side, path, used, &wrong))
		return &refusals[wrong][side];
	behind = str_from(inside, *used);
	if (has_brackets ? behind.n == 0 || behind.p[0] != '>'
			 : behind.n > 0 && !str_is_blank(behind.p[0]))
		return &refusals[WRONG_SYNTAX][side];
	*used += has_brackets ? 2 : 0;
	return NULL;
}
