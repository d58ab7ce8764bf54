#ifndef CORE_HISTORY_H
#define CORE_HISTORY_H

/*
 * What is over and still known: the last messages that became final, the last batches that were
 * done. Older ones are forgotten and freed.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct batch;
struct block;
struct message;
struct simulator;

/* A message by its place: that one is forgotten is noted in its block, and nobody looks at the
 * message itself, which may be far away in memory. */
struct history_entry {
	struct block *block;
	uint32_t slot;
};

struct history {
	struct history_entry *messages; /* a ring, oldest first… */
	size_t first, cap;              /* …from here on, of a power of two */
	uint64_t n_messages;
	struct list batches; /* by done_link, oldest first */
	uint64_t n_batches;
};

void history_init(struct history *h);
void history_fini(struct history *h);

void history_add_message(struct history *h, struct message *m);
void history_add_batch(struct history *h, struct batch *b);

/*
 * Forgets and frees what is more than the limit. Not to be called while anybody works on a message
 * or batch: pointers to final ones are invalid after it.
 */
void history_trim(struct simulator *sim);

/* Forgets everything, and there must be nothing that is not final. What somebody still holds lives
 * until that is released, and is known to nobody else. */
void history_clear(struct simulator *sim);

/* Frees the batch if nothing needs it any more. */
void history_release_batch(struct simulator *sim, struct batch *b);

#endif
