#ifndef CORE_RETRY_H
#define CORE_RETRY_H

/*
 * When a deferred message is tried again: delays from the end of one attempt to the next,
 * "5m 5m *2 max 4000s". The last of the list repeats or, with a factor, grows by it each time, up
 * to the cap.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define RETRY_DELAYS_MAX 32

/* No delay is shorter: without one, an outcome that lasts for ever would be tried for ever at one
 * moment. */
#define RETRY_DELAY_MIN_NS 1000000LL

struct retry {
	unsigned n; /* delays listed, at least 1 */
	int64_t delay_ns[RETRY_DELAYS_MAX];
	int64_t factor; /* millionths; 0: the last repeats */
	int64_t max_ns; /* 0: none */
};

/* NULL, or what is wrong. */
const char *retry_parse(struct str s, struct retry *out);
void retry_format(struct buf *b, const struct retry *r);
bool retry_equals(const struct retry *a, const struct retry *b);

/*
 * The delay after that attempt (from 1), in whole microseconds. jitter is in millionths of the
 * delay, and unit (0 to 1) is where in its range this one lies: 0.5 is the delay itself.
 */
int64_t retry_delay(const struct retry *r, uint32_t attempt, int64_t jitter, double unit);

#endif
