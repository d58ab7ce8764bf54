#ifndef CORE_ID_INDEX_H
#define CORE_ID_INDEX_H

/*
 * Which requests may have given an id: their numbers by a hash of it, 8 octets each. What is gone
 * is not taken out; when there is too much of that, or the index is full, its owner builds it anew
 * from what is there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_list;

struct id_index {
	uint64_t *places; /* open-addressed; 0: free */
	size_t cap, used;
	size_t total, limit;   /* numbers in it, and how many there may be */
	struct id_list *lists; /* of hashes that have more than one number */
	size_t n_lists;
};

/* Empty, for about that many numbers. */
void id_index_init(struct id_index *ix, size_t expected);
void id_index_fini(struct id_index *ix);

/* Whether so many more may be added; else it must be built anew. */
bool id_index_has_room(const struct id_index *ix, size_t more);

/* That hash is about to be added: its place is fetched from memory meanwhile. */
void id_index_prefetch(const struct id_index *ix, uint64_t hash);

/* number: from 1, below 2^47. */
void id_index_add(struct id_index *ix, uint64_t hash, uint64_t number);

/* The numbers that may be meant, in the order they were added, and perhaps some others: to be freed
 * by the caller, *n of them; or NULL. */
uint64_t *id_index_find(const struct id_index *ix, uint64_t hash, size_t *n);

#endif
