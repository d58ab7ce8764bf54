#ifndef BASE_STR_H
#define BASE_STR_H

/*
 * A view of text that somebody else owns: a pointer and a length, never a terminator. Parsers
 * take and give these. A view whose p is NULL is "not there", which is not the same as empty.
 */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct str {
	const char *p;
	size_t n;
};

/* A view of a string literal. */
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })

/* The same where a constant must be initialized. */
#define STR_INIT(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}

/* What "%.*s" wants. */
#define STR_ARG(s) (int)(s).n, (s).p

/* A view of a terminated string; of NULL, the view that is not there. */
static inline struct str
str_of(const char *s)
{
	return (struct str){ s, s ? strlen(s) : 0 };
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equal without regard to the case of ASCII letters. */
static inline bool
str_eq_nocase(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static inline bool
str_has_prefix(struct str s, struct str prefix)
{
	return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

static inline bool
str_has_suffix(struct str s, struct str suffix)
{
	return s.n >= suffix.n && memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0;
}

/* The rest of s from octet `from` on; empty when s is not that long. */
static inline struct str
str_from(struct str s, size_t from)
{
	return from < s.n ? (struct str){ s.p + from, s.n - from } : (struct str){ s.p + s.n, 0 };
}

/* The first n octets of s, or all of it when it is shorter. */
static inline struct str
str_head(struct str s, size_t n)
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

/* Where c first stands in s; s.n when it does not. */
static inline size_t
str_find(struct str s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

/* The octets of a text of at most eight, the first in the lowest place, zeros behind the last: a
 * few instructions where a memcpy() of so many octets is a call and two trips through memory. */
static inline uint64_t
str_word(struct str s)
{
	uint64_t word;
	uint32_t low, high;

	if (s.n == 8) {
		memcpy(&word, s.p, 8);
		return le64toh(word);
	}
	if (s.n >= 4) {
		memcpy(&low, s.p, 4);
		memcpy(&high, s.p + s.n - 4, 4);
		return le32toh(low) | (uint64_t)le32toh(high) << (s.n * 8 - 32);
	}
	if (s.n == 0)
		return 0;
	/* one to three: first, middle and last, which may be the same */
	word = (unsigned char)s.p[0];
	word |= (uint64_t)(unsigned char)s.p[s.n / 2] << (s.n / 2 * 8);
	return word | (uint64_t)(unsigned char)s.p[s.n - 1] << (s.n * 8 - 8);
}

/* An ASCII letter as a small one. */
static inline char
str_small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool
str_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* s without the blanks at its ends. */
static inline struct str
str_trim(struct str s)
{
	while (s.n > 0 && str_is_blank(s.p[0]))
		s = str_from(s, 1);
	while (s.n > 0 && str_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Takes the next word, what stands between blanks, from the front of *s; an empty one when there is
 * none. */
static inline struct str
str_next_word(struct str *s)
{
	struct str word;
	size_t n = 0;

	while (s->n > 0 && str_is_blank(s->p[0]))
		*s = str_from(*s, 1);
	while (n < s->n && !str_is_blank(s->p[n]))
		n++;
	word = str_head(*s, n);
	*s = str_from(*s, n);
	return word;
}

#endif
