#ifndef IO_QUOTA_H
#define IO_QUOTA_H

/*
 * How many connections there may be at once, over all fronts together: they share one process and
 * its descriptors.
 */

#include <stdint.h>

struct quota {
	uint64_t max;
	uint64_t n; /* that are there now */
};

#endif
