#ifndef CORE_SEQ_QUEUE_H
#define CORE_SEQ_QUEUE_H

/*
 * A queue of messages by seq, kept as runs: a range that waits is one entry, whatever its length.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seq_range {
	uint64_t first, last;
};

struct seq_queue {
	struct seq_range *runs;
	size_t head, n, cap; /* runs in use: from head, n of them */
};

void seq_queue_fini(struct seq_queue *q);
void seq_queue_push(struct seq_queue *q, uint64_t seq);

/* False when it is empty. */
bool seq_queue_pop(struct seq_queue *q, uint64_t *seq);

/* Keeps those of which is_kept() says so, in their order. */
typedef bool seq_queue_is_kept(const void *ctx, uint64_t seq);
void seq_queue_filter(struct seq_queue *q, seq_queue_is_kept *is_kept, const void *ctx);

#endif
