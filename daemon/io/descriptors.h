#ifndef IO_DESCRIPTORS_H
#define IO_DESCRIPTORS_H

/*
 * How many descriptors this process may have open.
 */

#include <stdint.h>

/* As many as we are allowed; gives how many that is. */
uint64_t descriptors_raise_limit(void);

#endif
