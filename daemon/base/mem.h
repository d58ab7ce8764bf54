#ifndef BASE_MEM_H
#define BASE_MEM_H

/*
 * Memory that is there. Sizes that a peer controls are capped before they come here, so running
 * out is the machine's fault and final: these say so on standard error and end the program with
 * status 1.
 */

#include <stddef.h>

#include "base/str.h"

/* size octets, all zero; to be freed with free(). */
void *mem_alloc(size_t size);

/* count times size octets, all zero; an overflow of the product ends the program, too. */
void *mem_alloc_array(size_t count, size_t size);

/* p grown or shrunk to count times size octets; what is new is not cleared. */
void *mem_resize_array(void *p, size_t count, size_t size);

/* Memory that is visited all over the place is found sooner in huge pages. One of them, all zero,
 * where the system has them, else the same in small ones; of what is not NULL. */
#define MEM_HUGE_OCTETS ((size_t)2 << 20)
void *mem_alloc_huge(void);
void mem_free_huge(void *p);

/* A terminated copy of s. */
char *mem_copy_str(struct str s);

#endif
