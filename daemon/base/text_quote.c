/*
 * Owns how text of others is written and read where a line must stay a line: UTF-8, quotes, JSON
 * strings. Keeps no state.
 */
#include "base/text.h"

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* The octets of the UTF-8 sequence that s starts with; 0 when there is none (RFC 3629, 4). */
static size_t
utf8_length(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char low = 0x80, high = 0xbf; /* of the second octet */
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0; /* else overlong */
	else if (p[0] == 0xed)
		high = 0x9f; /* else a surrogate */
	else if (p[0] == 0xf0)
		low = 0x90; /* else overlong */
	else if (p[0] == 0xf4)
		high = 0x8f; /* else beyond U+10FFFF */
	if (s.n < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
text_is_utf8(struct str s)
{
	size_t n;

	for (size_t i = 0; i < s.n; i += n) {
		n = utf8_length(str_from(s, i));
		if (n == 0 || s.p[i] == '\0')
			return false;
	}
	return true;
}

/* How many octets stand for themselves between quotes, from the first on. */
static size_t
count_plain(struct str s)
{
	static const bool is_plain[256] = { [' ' ... '!'] = true,
		['#' ... '['] = true,
		[']' ... '~'] = true,
		[0x80 ... 0xff] = true };
	size_t n = 0;

	while (n < s.n && is_plain[(unsigned char)s.p[n]])
		n++;
	return n;
}

static void
add_control(struct buf *b, char c)
{
	static const char hex[] = "0123456789abcdef";
	char escape[] = "\\x00";

	if (c == '\n') {
		buf_add_lit(b, "\\n");
		return;
	}
	if (c == '\t') {
		buf_add_lit(b, "\\t");
		return;
	}
	escape[2] = hex[(unsigned char)c >> 4];
	escape[3] = hex[c & 15];
	buf_add(b, escape, 4);
}

void
text_add_value(struct buf *b, struct str s)
{
	if (s.n > 0 && count_plain(s) == s.n && !memchr(s.p, ' ', s.n))
		buf_add_str(b, s);
	else
		text_add_quoted(b, s);
}

void
text_add_quoted(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	for (;;) {
		size_t n = count_plain(s);

		buf_add(b, s.p, n);
		if (n == s.n)
			break;
		if (is_control(s.p[n])) {
			add_control(b, s.p[n]);
		} else {
			buf_add_char(b, '\\');
			buf_add_char(b, s.p[n]);
		}
		s = str_from(s, n + 1);
	}
	buf_add_char(b, '"');
}

void
text_add_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_control(s.p[i]))
			add_control(b, s.p[i]);
		else
			buf_add_char(b, s.p[i]);
}

/* An ASCII octet of a JSON string. */
static void
add_json_ascii(struct buf *b, char c)
{
	static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
	const char *at = c == '\0' ? NULL : strchr(from, c);

	if (at) {
		buf_add_char(b, '\\');
		buf_add_char(b, to[at - from]);
	} else if ((unsigned char)c < ' ') {
		buf_add_lit(b, "\\u00");
		buf_add_char(b, c & 0x10 ? '1' : '0');
		buf_add_char(b, "0123456789abcdef"[c & 15]);
	} else {
		buf_add_char(b, c);
	}
}

void
text_add_json(struct buf *b, struct str s)
{
	size_t n;

	buf_add_char(b, '"');
	for (size_t i = 0; i<s.n; i += n> 0 ? n : 1) {
		n = utf8_length(str_from(s, i));
		if (n == 0)
			buf_add_lit(b, "\xef\xbf\xbd"); /* U+FFFD */
		else if (n == 1)
			add_json_ascii(b, s.p[i]);
		else
			buf_add(b, s.p + i, n);
	}
	buf_add_char(b, '"');
}

const char *
text_parse_quoted(struct str s, char *out, size_t *out_n, size_t *used)
{
	static const char from[] = "\\\"nt", to[] = "\\\"\n\t";
	const char *escape;
	size_t n = 0;

	if (s.n == 0 || s.p[0] != '"')
		return "has no opening quote";
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"') {
			*out_n = n;
			*used = i + 1;
			return NULL;
		}
		if (s.p[i] != '\\') {
			out[n++] = s.p[i];
			continue;
		}
		if (++i == s.n)
			break;
		escape = s.p[i] == '\0' ? NULL : strchr(from, s.p[i]);
		if (!escape)
			return "has an unknown escape: there are \\\\ \\\" \\n \\t";
		out[n++] = to[escape - from];
	}
	return "has no closing quote";
}
