#ifndef CORE_SLAB_H
#define CORE_SLAB_H

/*
 * Memory for very many records of one size that are made in order, end in any, and are visited all
 * over the place: it lies in huge pages. With a million messages of differing latencies a third of
 * what a delivery costs is finding its page, else.
 */

#include <stddef.h>

struct slabs;

/* How many records of that size a slab holds. */
size_t slabs_capacity(size_t octets);

/* For so many records of that size, at most a slab's. */
struct slabs *slabs_new(size_t octets, size_t count);
void slabs_free(struct slabs *s);

/* The memory of the nth record, all zero; to be asked for once each. When all of a slab were taken
 * and given back, it goes. */
void *slabs_take(struct slabs *s, size_t nth);
void slabs_give_back(struct slabs *s, size_t nth);

#endif
