#ifndef CORE_LATENCY_H
#define CORE_LATENCY_H

/*
 * How long an attempt takes: a distribution one can draw from. So far the one that always gives
 * the same.
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum latency_kind { LATENCY_FIXED };

struct latency {
	enum latency_kind kind;
	int64_t fixed_ns;
};

/* "80ms" or "fixed 1s". NULL, or what is wrong with it; *out changes only when it is accepted. */
const char *latency_parse(struct str s, struct latency *out);

/* The text that latency_parse() reads back. */
void latency_format(struct buf *b, const struct latency *l);

/* One value in nanoseconds, whole microseconds. */
int64_t latency_draw(const struct latency *l);

#endif
