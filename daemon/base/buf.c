/*
 * Owns growing octets. Capacity doubles, so adding n octets one by one costs O(n).
 */
#include "base/buf.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void
buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

char *
buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;

	while (cap - b->len < more)
		cap *= 2;
	b->data = mem_resize_array(b->data, cap, 1);
	b->cap = cap;
	return b->data + b->len;
}

void
buf_set_room(struct buf *b, size_t cap)
{
	b->data = mem_resize_array(b->data, cap, 1);
	b->cap = cap;
}

void
buf_consume(struct buf *b, size_t n)
{
	b->len -= n;
	if (b->len > 0)
		memmove(b->data, b->data + n, b->len);
}

#define DIGITS 0x3030303030303030ULL /* eight zeros as text */

/* The eight digits of a number below 10^8, the first in the lowest octet, as numbers: two of four
 * digits, four of two, eight of one, each beside the others. */
static uint64_t
eight_digits(uint32_t v)
{
	uint64_t w = v / 10000 | (uint64_t)(v % 10000) << 32, high;

	high = (w * 10486 >> 20) & 0x0000007f0000007fULL; /* / 100 */
	w = high | (w - high * 100) << 16;
	high = (w * 103 >> 10) & 0x000f000f000f000fULL; /* / 10 */
	return high | (w - high * 10) << 8;
}

static char *
put_eight(char *at, uint32_t v)
{
	uint64_t digits = htole64(eight_digits(v) | DIGITS);

	memcpy(at, &digits, 8);
	return at + 8;
}

/* The same without zeros in front. All digits are written at once, so that who reads them right
 * afterwards need not wait until they are out of the processor; what is too much is overwritten
 * by what follows. */
static char *
put_short(char *at, uint32_t v)
{
	uint64_t digits = eight_digits(v);
	unsigned zeros = (unsigned)__builtin_ctzll(digits | 1ULL << 56) / 8;

	digits = htole64(digits >> (zeros * 8) | DIGITS);
	memcpy(at, &digits, 8);
	return at + 8 - zeros;
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	static const uint64_t eight = 100000000;
	char *at = buf_reserve(b, BUF_U64_OCTETS);

	if (v < eight)
		at = put_short(at, (uint32_t)v);
	else if (v < eight * eight)
		at = put_eight(put_short(at, (uint32_t)(v / eight)), (uint32_t)(v % eight));
	else
		at = put_eight(put_eight(put_short(at, (uint32_t)(v / eight / eight)),
				   (uint32_t)(v / eight % eight)),
		    (uint32_t)(v % eight));
	b->len = (size_t)(at - b->data);
}

/* Into the room there is; gives the length that the whole text has. */
__attribute__((format(printf, 2, 0))) static size_t
print_at_end(struct buf *b, const char *format, va_list ap)
{
	int n = vsnprintf(b->data + b->len, b->cap - b->len, format, ap);

	if (n < 0)
		abort();
	return (size_t)n;
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	size_t n;

	buf_reserve(b, 64);
	va_start(ap, format);
	n = print_at_end(b, format, ap);
	va_end(ap);
	if (n >= b->cap - b->len) {
		buf_reserve(b, n + 1);
		va_start(ap, format);
		n = print_at_end(b, format, ap);
		va_end(ap);
	}
	b->len += n;
}
