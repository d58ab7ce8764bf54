#ifndef CORE_LATENCY_H
#define CORE_LATENCY_H

/*
 * How long something takes: a distribution that one can draw from. Written as people know it, by
 * percentiles:
 *
 *     80ms · fixed 1s · uniform 500ms 1500ms · normal mean=1s stddev=200ms ·
 *     exponential mean=800ms · lognormal median=80ms p99=2s (or p90= p95= p999= sigma=) ·
 *     empirical FILE (core/empirical.h; 'FILE' where the path holds blanks)
 *
 * each with optional min= max=. A draw is the quantile function of one number (inverse CDF), so it
 * rises with that number, and one draw takes one number.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct empirical;

enum latency_kind {
	LATENCY_FIXED,
	LATENCY_UNIFORM,
	LATENCY_NORMAL,
	LATENCY_EXPONENTIAL,
	LATENCY_LOGNORMAL,
	LATENCY_EMPIRICAL,
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

/* Whoever has one that was parsed or copied ends it with latency_fini(). */
struct latency {
	enum latency_kind kind;
	unsigned given;              /* mask of 1U << enum latency_key */
	int64_t value[LATENCY_KEYS]; /* ns; of LATENCY_SIGMA: millionths */
	double sigma;                /* of the logarithm, for LATENCY_LOGNORMAL */
	struct empirical *table;     /* a reference, for LATENCY_EMPIRICAL; else NULL */
};

/* Adds the text of a file that a latency names: NULL, or what is wrong, to stand behind "key: ". */
typedef const char *latency_read_cb(struct str path, struct buf *text);

/* The distribution that always gives that. It owns nothing: latency_fini() may be left out. */
struct latency latency_fixed(int64_t ns);

/* NULL, or what is wrong with it; *out changes only when it is accepted, and what was in it is not
 * freed. Where read_cb is NULL no file may be named, and what is accepted owns nothing. */
const char *latency_parse(struct str s, latency_read_cb *read_cb, struct latency *out);

/* A copy that lives for itself. */
struct latency latency_copy(const struct latency *l);

/* Whether they give the same for the same. */
bool latency_equals(const struct latency *a, const struct latency *b);

/* What is left is a fixed 0s. */
void latency_fini(struct latency *l);

/* The text that latency_parse() reads back. */
void latency_format(struct buf *b, const struct latency *l);

/* One value in ns, whole microseconds, from 0 to 36500 days. bits are those of draw_bits(). */
int64_t latency_draw(const struct latency *l, uint64_t bits);

#endif
