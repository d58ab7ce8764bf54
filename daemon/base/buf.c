/*
 * Owns growing octets. Capacity doubles, so adding n octets one by one costs O(n).
 */
#include "base/buf.h"

#include <stdbool.h>
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

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

/* Two digits, or one where that is enough; what follows overwrites the octet that is too much. */
static char *
put_short(char *at, uint32_t v)
{
	bool has_two = v >= 10;

	memcpy(at, pairs + v * 2 + !has_two, 2);
	return at + 1 + has_two;
}

static char *
put_two(char *at, uint32_t v)
{
	memcpy(at, pairs + v * 2, 2);
	return at + 2;
}

static char *
put_four(char *at, uint32_t v)
{
	return put_two(put_two(at, v / 100), v % 100);
}

/* Below 10^8. */
static char *
put_small(char *at, uint32_t v)
{
	if (v < 100)
		return put_short(at, v);
	if (v < 10000)
		return put_two(put_short(at, v / 100), v % 100);
	if (v < 1000000)
		return put_four(put_short(at, v / 10000), v % 10000);
	return put_four(put_two(put_short(at, v / 1000000), v / 10000 % 100), v % 10000);
}

static char *
put_eight(char *at, uint32_t v)
{
	return put_four(put_four(at, v / 10000), v % 10000);
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	static const uint64_t eight = 100000000;
	char *at = buf_reserve(b, BUF_U64_OCTETS);

	if (v < eight)
		at = put_small(at, (uint32_t)v);
	else if (v < eight * eight)
		at = put_eight(put_small(at, (uint32_t)(v / eight)), (uint32_t)(v % eight));
	else
		at = put_eight(put_eight(put_small(at, (uint32_t)(v / eight / eight)),
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
