/*
 * Owns growing octets. Capacity doubles, so adding n octets one by one costs O(n).
 */
#include "base/buf.h"

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

	if (b->cap - b->len < more || !b->data) {
		while (cap - b->len < more)
			cap *= 2;
		b->data = mem_resize_array(b->data, cap, 1);
		b->cap = cap;
	}
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

static unsigned
count_digits(uint64_t v)
{
	static const uint64_t powers[] = { 0, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
		100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000,
		100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
		1000000000000000000, 10000000000000000000U };
	/* bits times log10(2), which is right or one too many */
	unsigned n = (64U - (unsigned)__builtin_clzll(v | 1)) * 1233 >> 12;

	return n + (v >= powers[n]);
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	unsigned n = count_digits(v);
	char *at = buf_reserve(b, n) + n;
	uint32_t small;

	b->len += n;
	for (; v > UINT32_MAX; v /= 100)
		memcpy(at -= 2, pairs + v % 100 * 2, 2);
	for (small = (uint32_t)v; small >= 100; small /= 100)
		memcpy(at -= 2, pairs + small % 100 * 2, 2);
	if (small >= 10)
		memcpy(at - 2, pairs + small * 2, 2);
	else
		at[-1] = (char)('0' + small);
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
