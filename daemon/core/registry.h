#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

/*
 * All batches that are known, and how to find them: by number of a request, by seq, by id, in
 * order.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "core/id_index.h"

struct batch;

#define REGISTRY_SPARES 64 /* 400 KB at most */

/* The numbers stay when the batch is gone, so that a hole can be searched past. */
struct registry_entry {
	uint64_t number;
	uint64_t first_seq;
	struct batch *batch; /* NULL: gone */
};

struct registry {
	struct registry_entry *entries; /* by rising number and seq */
	size_t n, cap, gone;
	struct id_index by_id;                 /* requests but ranges that gave one… */
	struct batch *tail;                    /* …but for those of the newest run; or NULL */
	struct batch *spares[REGISTRY_SPARES]; /* runs that are over, for those to come */
	size_t n_spares;
	uint64_t hash_seed; /* so that no client can choose ids that collide */
	struct list ranges; /* batches of several, newest last */
	struct list open;   /* ranges still being accepted */
};

void registry_init(struct registry *r, uint64_t hash_seed);
void registry_fini(struct registry *r);

void registry_add(struct registry *r, struct batch *b);

/* A request begins whose messages are the last of that batch. */
void registry_open(struct registry *r, struct batch *b);

void registry_remove(struct registry *r, struct batch *b);

/* An empty run for so many messages, with these numbers, which is then in the registry. */
struct batch *registry_add_run(
    struct registry *r, uint32_t room, uint64_t number, uint64_t first_seq);

/* A batch that was removed goes; perhaps its memory is kept for another. */
void registry_discard(struct registry *r, struct batch *b);

/* Everything is forgotten, and numbers may begin anew. There must be no batch left. */
void registry_reset(struct registry *r);

/* The newest batch; NULL when there is none, or it is gone. */
struct batch *registry_last(const struct registry *r);

/* The batch with that request, or that seq; NULL when it is not known. */
struct batch *registry_find(const struct registry *r, uint64_t number);
struct batch *registry_find_seq(const struct registry *r, uint64_t seq);

/* The first batch that begins at that number or after it; the last one that begins at it or before.
 */
struct batch *registry_next(const struct registry *r, uint64_t number);
struct batch *registry_prev(const struct registry *r, uint64_t number);

/*
 * The numbers of all requests that may have a message with that id, rising: to be freed by the
 * caller, *n of them. Single messages are found by hash, so some may be gone or have another one;
 * ranges by their pattern.
 */
uint64_t *registry_find_id(const struct registry *r, struct str id, size_t *n);

#endif
