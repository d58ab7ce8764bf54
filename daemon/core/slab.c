/*
 * Owns huge pages, each with records side by side. Invariant: a slab is there from the first of its
 * records that is taken to the last that is given back.
 */
#include "core/slab.h"

#include <stdlib.h>

#include "base/mem.h"

struct slab {
	char *memory;     /* NULL: not there */
	size_t remaining; /* records of it that have not come back */
};

struct slabs {
	size_t octets, capacity, n;
	struct slab each[];
};

size_t
slabs_capacity(size_t octets)
{
	return MEM_HUGE_OCTETS / octets;
}

struct slabs *
slabs_new(size_t octets, size_t count)
{
	size_t capacity = slabs_capacity(octets), n = (count + capacity - 1) / capacity, i;
	struct slabs *s = mem_alloc(sizeof *s + n * sizeof s->each[0]);

	s->octets = octets;
	s->capacity = capacity;
	s->n = n;
	for (i = 0; i < n; i++)
		s->each[i].remaining = i + 1 < n ? capacity : count - i * capacity;
	return s;
}

void
slabs_free(struct slabs *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n; i++)
		mem_free_huge(s->each[i].memory);
	free(s);
}

void *
slabs_take(struct slabs *s, size_t nth)
{
	struct slab *slab = &s->each[nth / s->capacity];

	if (!slab->memory)
		slab->memory = mem_alloc_huge();
	return slab->memory + nth % s->capacity * s->octets;
}

void
slabs_give_back(struct slabs *s, size_t nth)
{
	struct slab *slab = &s->each[nth / s->capacity];

	if (--slab->remaining > 0)
		return;
	mem_free_huge(slab->memory);
	slab->memory = NULL;
}
