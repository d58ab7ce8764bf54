#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

/*
 * All batches that are known, and how to find them: by number, by seq, by id, in order.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"

struct batch;

/* The numbers stay when the batch is gone, so that a hole can be searched past. */
struct registry_entry {
	uint64_t number;
	uint64_t first_seq;
	struct batch *batch; /* NULL: gone */
};

struct registry {
	struct registry_entry *entries; /* by rising number and seq */
	size_t n, cap, gone;
	struct batch **by_id; /* heads of chains of single messages that have a plain id */
	size_t buckets, named;
	uint64_t hash_seed; /* so that no client can choose ids that collide */
	struct list ranges; /* batches of several, newest last */
	struct list open;   /* ranges still being accepted */
};

void registry_init(struct registry *r, uint64_t hash_seed);
void registry_fini(struct registry *r);

void registry_add(struct registry *r, struct batch *b);
void registry_remove(struct registry *r, struct batch *b);

/* NULL when it is not known. */
struct batch *registry_find(const struct registry *r, uint64_t number);
struct batch *registry_find_seq(const struct registry *r, uint64_t seq);

/* The first batch with at least that number; the last one with at most that number. */
struct batch *registry_next(const struct registry *r, uint64_t number);
struct batch *registry_prev(const struct registry *r, uint64_t number);

/*
 * The numbers of all batches that may hold a message with that id, rising: to be freed by the
 * caller, *n of them. Single messages are found by hash, ranges by their pattern.
 */
uint64_t *registry_find_id(const struct registry *r, struct str id, size_t *n);

#endif
