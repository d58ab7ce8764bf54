/*
 * Owns the decision what happens when memory runs out: the program ends. Nothing here can be asked
 * for more than the caller has capped.
 */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/diag.h"

static void *
checked(void *p)
{
	if (!p) {
		diag_error("out of memory");
		_Exit(1);
	}
	return p;
}

void *
mem_alloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *
mem_alloc_array(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1));
}

void *
mem_resize_array(void *p, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return checked(NULL);
	return checked(realloc(p, bytes ? bytes : 1));
}

void *
mem_alloc_huge(void)
{
	/* twice as much, of which the part that begins where a huge page may is kept */
	size_t octets = 2 * MEM_HUGE_OCTETS, before;
	char *p = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		p = checked(NULL);
	before = -(uintptr_t)p & (MEM_HUGE_OCTETS - 1);
	if (before > 0)
		munmap(p, before);
	munmap(p + before + MEM_HUGE_OCTETS, octets - before - MEM_HUGE_OCTETS);
	/* a system without them says no, which changes nothing else */
	(void)madvise(p + before, MEM_HUGE_OCTETS, MADV_HUGEPAGE);
	return p + before;
}

void
mem_free_huge(void *p)
{
	if (p)
		munmap(p, MEM_HUGE_OCTETS);
}

char *
mem_copy_str(struct str s)
{
	char *copy = mem_alloc(s.n + 1);

	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	return copy;
}
