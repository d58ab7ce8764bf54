/*
 * Owns queues of seqs.
 */
#include "core/seq_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
seq_queue_fini(struct seq_queue *q)
{
	free(q->runs);
	*q = (struct seq_queue){ 0 };
}

/* Room for one run more: what was popped is reclaimed first, and the array grows when that is not
 * worth it. */
static void
make_room(struct seq_queue *q)
{
	if (q->runs && q->head + q->n < q->cap)
		return;
	if (q->runs && q->head > q->cap / 2) {
		memmove(q->runs, q->runs + q->head, q->n * sizeof q->runs[0]);
		q->head = 0;
		return;
	}
	q->cap = q->cap ? q->cap * 2 : 4;
	q->runs = mem_resize_array(q->runs, q->cap, sizeof q->runs[0]);
}

void
seq_queue_push(struct seq_queue *q, uint64_t seq)
{
	struct seq_range *end;

	if (q->runs && q->n > 0) {
		end = &q->runs[q->head + q->n - 1];
		if (end->last + 1 == seq) {
			end->last = seq;
			return;
		}
	}
	make_room(q);
	end = q->runs + q->head + q->n++;
	*end = (struct seq_range){ seq, seq };
}

bool
seq_queue_pop(struct seq_queue *q, uint64_t *seq)
{
	struct seq_range *first;

	if (!q->runs || q->n == 0)
		return false;
	first = &q->runs[q->head];
	*seq = first->first;
	if (first->first++ < first->last)
		return true;
	q->head++;
	if (--q->n == 0)
		q->head = 0;
	return true;
}

void
seq_queue_filter(struct seq_queue *q, seq_queue_is_kept *is_kept, const void *ctx)
{
	struct seq_queue kept = { 0 };
	uint64_t seq;

	while (seq_queue_pop(q, &seq))
		if (is_kept(ctx, seq))
			seq_queue_push(&kept, seq);
	seq_queue_fini(q);
	*q = kept;
}
