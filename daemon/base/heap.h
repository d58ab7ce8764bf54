#ifndef BASE_HEAP_H
#define BASE_HEAP_H

/*
 * A binary heap of things that have a key, least first. The node is part of the thing, so it can
 * be taken out from anywhere.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	size_t at; /* its place, from 1; 0: in no heap */
};

struct heap {
	struct heap_node **nodes;
	size_t n, cap;
};

void heap_fini(struct heap *h);

/* Puts it in, or, when it is in already, gives it a new key. */
void heap_set(struct heap *h, struct heap_node *node, int64_t key);

/* Nothing happens when it is in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);

/* The node with the least key; NULL when there is none. */
static inline struct heap_node *
heap_first(const struct heap *h)
{
	return h->n > 0 ? h->nodes[0] : NULL;
}

#endif
