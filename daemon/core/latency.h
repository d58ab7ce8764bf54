#ifndef CORE_LATENCY_H
#define CORE_LATENCY_H

/*
 * How long something takes: a distribution that one can draw from. Written as people know it, by
 * percentiles:
 *
 *     80ms · fixed 1s · uniform 500ms 1500ms · normal mean=1s stddev=200ms ·
 *     exponential mean=800ms · lognormal median=80ms p99=2s (or p90= p95= p999= sigma=)
 *
 * each with optional min= max=. A draw is the quantile function of one number (inverse CDF), so it
 * rises with that number, and one draw takes one number.
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum latency_kind {
	LATENCY_FIXED,
	LATENCY_UNIFORM,
	LATENCY_NORMAL,
	LATENCY_EXPONENTIAL,
	LATENCY_LOGNORMAL,
	LATENCY_KINDS
};

enum latency_key {
	LATENCY_FIRST, /* the words that stand without a key */
	LATENCY_SECOND,
	LATENCY_MEAN,
	LATENCY_STDDEV,
	LATENCY_MEDIAN,
	LATENCY_P90,
	LATENCY_P95,
	LATENCY_P99,
	LATENCY_P999,
	LATENCY_SIGMA,
	LATENCY_MIN,
	LATENCY_MAX,
	LATENCY_KEYS
};

struct latency {
	enum latency_kind kind;
	unsigned given;              /* mask of 1U << enum latency_key */
	int64_t value[LATENCY_KEYS]; /* ns; of LATENCY_SIGMA: millionths */
	double sigma;                /* of the logarithm, for LATENCY_LOGNORMAL */
};

/* The distribution that always gives that. */
struct latency latency_fixed(int64_t ns);

/* NULL, or what is wrong with it; *out changes only when it is accepted. */
const char *latency_parse(struct str s, struct latency *out);

/* The text that latency_parse() reads back. */
void latency_format(struct buf *b, const struct latency *l);

/* One value in ns, whole microseconds, from 0 to 36500 days. bits are those of draw_bits(). */
int64_t latency_draw(const struct latency *l, uint64_t bits);

#endif
