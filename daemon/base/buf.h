#ifndef BASE_BUF_H
#define BASE_BUF_H

/*
 * Octets that grow at the end. The owner starts with an all-zero struct and ends with buf_fini().
 * Nothing is ever terminated; add a NUL by hand where one is needed.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

void buf_fini(struct buf *b);

char *buf_grow(struct buf *b, size_t more);

/* Room for at least `more` octets, one or more, after the end; the caller writes them and moves len
 * on. */
static inline char *
buf_reserve(struct buf *b, size_t more)
{
	if (b->cap - b->len < more)
		return buf_grow(b, more);
	/* room is never nowhere, which an analyzer cannot see */
	if (!b->data)
		__builtin_unreachable();
	return b->data + b->len;
}

/* Room for that many octets in all, and no more, as one knows better who calls this. Not less than
 * it holds. */
void buf_set_room(struct buf *b, size_t cap);

/* Takes the first n octets away; the rest moves to the front. */
void buf_consume(struct buf *b, size_t n);

#define BUF_U64_OCTETS 21 /* what it wants room for at most */
void buf_add_u64(struct buf *b, uint64_t v);

void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void
buf_add(struct buf *b, const void *data, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), data, n);
	b->len += n;
}

static inline void
buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

static inline void
buf_add_char(struct buf *b, char c)
{
	if (b->cap == b->len)
		buf_reserve(b, 1);
	b->data[b->len++] = c;
}

#define buf_add_lit(b, literal) buf_add((b), "" literal, sizeof(literal) - 1)

static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->data ? b->data : "", b->len };
}

#endif
