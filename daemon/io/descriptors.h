#ifndef IO_DESCRIPTORS_H
#define IO_DESCRIPTORS_H

/*
 * Which descriptors this process has from the start, and how many it may have open.
 */

#include <stdint.h>

/* To be called before anything is opened. Standard input, output or error that came closed is kept
 * from becoming a file of ours: as input it has ended, and to write to it is an error. */
void descriptors_keep_standard(void);

/* As many as we are allowed; gives how many that is. */
uint64_t descriptors_raise_limit(void);

#endif
