/*
 * Owns the order of the heap. Invariant: a node's `at` is its place in the array, from 1.
 */
#include "base/heap.h"

#include <stdlib.h>

#include "base/mem.h"

static void
put(struct heap *h, size_t i, struct heap_node *node)
{
	h->nodes[i] = node;
	node->at = i + 1;
}

static size_t
move_up(struct heap *h, size_t i, struct heap_node *node)
{
	for (; i > 0 && h->nodes[(i - 1) / 2]->key > node->key; i = (i - 1) / 2)
		put(h, i, h->nodes[(i - 1) / 2]);
	return i;
}

static size_t
move_down(struct heap *h, size_t i, struct heap_node *node)
{
	size_t child;

	for (; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && h->nodes[child + 1]->key < h->nodes[child]->key)
			child++;
		if (h->nodes[child]->key >= node->key)
			break;
		put(h, i, h->nodes[child]);
	}
	return i;
}

/* A place is free at i: node goes in where it belongs. */
static void
settle(struct heap *h, size_t i, struct heap_node *node)
{
	put(h, move_down(h, move_up(h, i, node), node), node);
}

void
heap_fini(struct heap *h)
{
	free(h->nodes);
	*h = (struct heap){ 0 };
}

void
heap_set(struct heap *h, struct heap_node *node, int64_t key)
{
	size_t i = node->at > 0 ? node->at - 1 : h->n;

	node->key = key;
	if (i == h->n) {
		if (h->n == h->cap) {
			h->cap = h->cap ? h->cap * 2 : 16;
			h->nodes = mem_resize_array(h->nodes, h->cap, sizeof(struct heap_node *));
		}
		h->nodes[h->n++] = node;
	}
	settle(h, i, node);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	size_t i = node->at - 1;

	if (node->at == 0)
		return;
	node->at = 0;
	h->n--;
	if (i < h->n)
		settle(h, i, h->nodes[h->n]);
}
