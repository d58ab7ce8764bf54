/*
 * Owns the arithmetic of the buckets. Values below 2^HISTOGRAM_SUB_BITS have a bucket each; from
 * there on a bucket is the position of the highest bit and the HISTOGRAM_SUB_BITS bits behind it.
 */
#include "base/histogram.h"

#define SUB_BUCKETS (1U << HISTOGRAM_SUB_BITS)

static unsigned
bucket_of(uint64_t v)
{
	unsigned shift;

	if (v < SUB_BUCKETS)
		return (unsigned)v;
	shift = 63U - (unsigned)__builtin_clzll(v) - HISTOGRAM_SUB_BITS;
	/* the highest bit itself moves the number on by one power */
	return shift * SUB_BUCKETS + (unsigned)(v >> shift);
}

/* The greatest value that falls into the bucket. */
static int64_t
upper_edge(unsigned bucket)
{
	unsigned shift;
	uint64_t above;

	if (bucket < SUB_BUCKETS)
		return bucket;
	shift = bucket / SUB_BUCKETS - 1;
	above = (uint64_t)(bucket - shift * SUB_BUCKETS + 1) << shift;
	return (int64_t)(above - 1);
}

void
histogram_init(struct histogram *h)
{
	*h = (struct histogram){ 0 };
}

void
histogram_add(struct histogram *h, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	if (ns > h->max_ns)
		h->max_ns = ns;
	h->count++;
	h->buckets[bucket_of((uint64_t)ns)]++;
}

int64_t
histogram_percentile(const struct histogram *h, unsigned permille)
{
	uint64_t rank = (h->count * permille + 999) / 1000, seen = 0;
	unsigned i;

	if (h->count == 0)
		return 0;
	if (rank == 0)
		rank = 1;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= rank)
			break;
	}
	return i < HISTOGRAM_BUCKETS && upper_edge(i) < h->max_ns ? upper_edge(i) : h->max_ns;
}

int64_t
histogram_max(const struct histogram *h)
{
	return h->max_ns;
}

uint64_t
histogram_count(const struct histogram *h)
{
	return h->count;
}
