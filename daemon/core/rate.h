#ifndef CORE_RATE_H
#define CORE_RATE_H

/*
 * So many per second, minute or hour, "100/s burst=10": the Generic Cell Rate Algorithm (ITU-T
 * I.371), which needs one stored time. In any stretch of time t at most burst + rate * t go, where
 * either end of t is known to the microsecond.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct rate {
	uint64_t n; /* 0: unlimited */
	int64_t per_ns;
	uint64_t burst; /* 0: not said */
};

/* What a rate has let through so far. All zero: nothing yet. */
struct pace {
	__int128 free_at; /* the theoretical arrival time, in 2^-32 ns */
};

/* "unlimited", or N/s N/m N/h with an optional burst=N. NULL, or what is wrong. */
const char *rate_parse(struct str s, struct rate *out);
void rate_format(struct buf *b, const struct rate *r);

/* Whether one more may go at that moment; the burst is `burst` where the rate says none. */
bool rate_is_open(const struct rate *r, const struct pace *p, uint64_t burst, int64_t now_ns);

/* One goes. */
void rate_take(const struct rate *r, struct pace *p, int64_t now_ns);

/* The first whole microsecond at which one more may go. */
int64_t rate_opens_at(const struct rate *r, const struct pace *p, uint64_t burst);

/* Whether it is as if nothing had ever gone. */
bool rate_is_idle(const struct pace *p, int64_t now_ns);

#endif
