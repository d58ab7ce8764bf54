/*
 * Owns how text of others is written and read where a line must stay a line: UTF-8, quotes, JSON
 * strings. Keeps no state.
 */
#include "base/text.h"

#include <endian.h>

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

/* An octet in each of the eight places. */
#define EACH(octet) (0x0101010101010101ULL * (octet))

/* Has its high bit set where the octet of w is that one, and nowhere below the first such place;
 * less(): is below n, which is at most 0x80. (Bit tricks that are in everybody's books.) */
static uint64_t
is_zero(uint64_t w)
{
	return (w - EACH(1)) & ~w & EACH(0x80);
}

static uint64_t
is_less(uint64_t w, unsigned char n)
{
	return (w - EACH(n)) & ~w & EACH(0x80);
}

/* Not 0 when one of the eight octets cannot stand for itself between quotes; then the lowest bit
 * tells the first such place. */
static uint64_t
find_special(uint64_t w, unsigned char first)
{
	return is_less(w, first) | is_zero(w ^ EACH('"')) | is_zero(w ^ EACH('\\')) |
	    is_zero(w ^ EACH(0x7f));
}

/* Of eight octets, the first in the lowest place: where the first stands that cannot stand for
 * itself between quotes; 8 if all can. */
static size_t
plain_in_word(uint64_t w, unsigned char first, bool is_ascii)
{
	uint64_t special = find_special(w, first);

	if (is_ascii)
		special |= w & EACH(0x80);
	return special != 0 ? (size_t)__builtin_ctzll(special) / 8 : 8;
}

/* Of less than eight octets. */
static size_t
count_plain_short(struct str s, unsigned char first, bool is_ascii)
{
	/* letters in the places behind them */
	size_t n = plain_in_word(str_word(s) | EACH('a') << (s.n * 8), first, is_ascii);

	return n < s.n ? n : s.n;
}

/* How many octets stand for themselves between quotes, from the first on: those from `first` up but
 * for quote, backslash and DEL; of ASCII only if that is asked for. */
static size_t
count_plain(struct str s, unsigned char first, bool is_ascii)
{
	uint64_t word;
	size_t n = 0, plain;

	if (s.n < 8)
		return count_plain_short(s, first, is_ascii);
	while (n < s.n) {
		/* the last eight overlap what was found plain before */
		size_t at = n + 8 <= s.n ? n : s.n - 8;

		memcpy(&word, s.p + at, 8);
		plain = plain_in_word(le64toh(word), first, is_ascii);
		if (plain < 8)
			return at + plain;
		n = at + 8;
	}
	return s.n;
}

/* Most text is ASCII: eight octets at a time, as far as that goes. */
static size_t
count_ascii(struct str s)
{
	uint64_t word;
	size_t n;

	for (n = 0; n + 8 <= s.n; n += 8) {
		memcpy(&word, s.p + n, 8);
		if ((word & EACH(0x80)) != 0 || is_zero(word) != 0)
			break;
	}
	return n;
}

bool
text_is_utf8(struct str s)
{
	size_t n;

	for (size_t i = count_ascii(s); i < s.n; i += n) {
		n = utf8_length(str_from(s, i));
		if (n == 0 || s.p[i] == '\0')
			return false;
	}
	return true;
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

/* The eight octets at `from` to `to`, and what find_special() says of them. */
static uint64_t
copy_word(char *to, const char *from, unsigned char first)
{
	uint64_t word;

	memcpy(&word, from, 8);
	memcpy(to, &word, 8);
	return find_special(le64toh(word), first);
}

/* Copies s, of eight octets or more, while it looks at it. Whether all of it stands for itself. */
static bool
copy_plain(char *to, struct str s, unsigned char first)
{
	uint64_t special = copy_word(to + s.n - 8, s.p + s.n - 8, first);
	size_t i;

	for (i = 0; i + 8 < s.n; i += 8)
		special |= copy_word(to + i, s.p + i, first);
	return special == 0;
}

/* The same of less than eight; there must be room for eight all the same. */
static bool
copy_plain_short(char *to, struct str s, unsigned char first)
{
	uint64_t word = str_word(s), octets = htole64(word);

	memcpy(to, &octets, 8);
	return find_special(word | EACH('a') << (s.n * 8), first) == 0;
}

/* Adds all of s if all of it stands for itself, or nothing: what most texts are comes first. */
static bool
add_plain(struct buf *b, struct str s, unsigned char first)
{
	char *to = buf_reserve(b, s.n < 8 ? 8 : s.n);

	if (!(s.n < 8 ? copy_plain_short(to, s, first) : copy_plain(to, s, first)))
		return false;
	b->len += s.n;
	return true;
}

void
text_add_value(struct buf *b, struct str s)
{
	if (s.n == 0 || !add_plain(b, s, '!'))
		text_add_quoted(b, s);
}

void
text_add_quoted(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	for (;;) {
		size_t n = count_plain(s, ' ', false);

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
	if (add_plain(b, s, ' '))
		return;
	for (;;) {
		size_t n = count_plain(s, ' ', false);

		buf_add(b, s.p, n);
		if (n == s.n)
			break;
		if (is_control(s.p[n]))
			add_control(b, s.p[n]);
		else
			buf_add_char(b, s.p[n]);
		s = str_from(s, n + 1);
	}
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
	for (;;) {
		n = count_plain(s, ' ', true);
		buf_add(b, s.p, n);
		s = str_from(s, n);
		if (s.n == 0)
			break;
		n = utf8_length(s);
		if (n == 0)
			buf_add_lit(b, "\xef\xbf\xbd"); /* U+FFFD */
		else if (n == 1)
			add_json_ascii(b, s.p[0]);
		else
			buf_add(b, s.p, n);
		s = str_from(s, n > 0 ? n : 1);
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
