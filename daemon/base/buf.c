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

static size_t
count_digits(uint64_t v)
{
	size_t n = 1;

	for (; v >= 10000; v /= 10000)
		n += 4;
	return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	size_t n = count_digits(v);
	char *at = buf_reserve(b, n) + n;

	b->len += n;
	for (; v >= 100; v /= 100)
		memcpy(at -= 2, pairs + v % 100 * 2, 2);
	if (v >= 10)
		memcpy(at - 2, pairs + v * 2, 2);
	else
		at[-1] = (char)('0' + v);
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
