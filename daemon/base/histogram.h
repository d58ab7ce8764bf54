#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

/*
 * How often which durations were seen, in memory of a fixed size: each power of two is divided
 * into 32 buckets of equal width, so a percentile is at most 1/32 too high. Adding allocates
 * nothing and costs a few instructions.
 */

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 5 /* 2^5 buckets for each power of two */
#define HISTOGRAM_BUCKETS ((64U - HISTOGRAM_SUB_BITS) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count;
	int64_t max_ns;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Empty; also to forget what was seen. */
void histogram_init(struct histogram *h);

/* What is below 0 counts as 0. */
void histogram_add(struct histogram *h, int64_t ns);

/*
 * The least value that so many thousandths of all values do not exceed (990: the 99th percentile),
 * as the upper edge of its bucket, but never more than the maximum. 0 when nothing was added.
 */
int64_t histogram_percentile(const struct histogram *h, unsigned permille);

/* The greatest value, exactly; 0 when nothing was added. */
int64_t histogram_max(const struct histogram *h);

uint64_t histogram_count(const struct histogram *h);

#endif
