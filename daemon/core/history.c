/*
 * Owns the memory of what is over: two queues, oldest first, trimmed to limits.history between
 * steps and never during one.
 */
#include "core/history.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/batch.h"
#include "core/simulator.h"

#define RING_MIN 64
#define AHEAD 32 /* so many messages before it is forgotten, its block is fetched from memory */

void
history_init(struct history *h)
{
	*h = (struct history){ 0 };
	list_init(&h->batches);
}

void
history_fini(struct history *h)
{
	free(h->messages);
}

static struct history_entry *
place_of(const struct history *h, size_t nth)
{
	return &h->messages[(h->first + nth) & (h->cap - 1)];
}

static void
grow(struct history *h)
{
	struct history old = *h;
	size_t i;

	h->cap = old.cap > 0 ? old.cap * 2 : RING_MIN;
	h->first = 0;
	h->messages = mem_alloc_array(h->cap, sizeof h->messages[0]);
	for (i = 0; i < old.n_messages; i++)
		h->messages[i] = *place_of(&old, i);
	free(old.messages);
}

void
history_add_message(struct history *h, struct message *m)
{
	if (h->n_messages == h->cap)
		grow(h);
	*place_of(h, h->n_messages++) = (struct history_entry){ message_own_block(m), m->slot };
}

static struct history_entry
pop_message(struct history *h)
{
	struct history_entry oldest = *place_of(h, 0);

	h->first++;
	h->n_messages--;
	return oldest;
}

void
history_add_batch(struct history *h, struct batch *b)
{
	list_add_tail(&h->batches, &b->done_link);
	b->is_remembered = true;
	h->n_batches++;
}

void
history_release_batch(struct simulator *sim, struct batch *b)
{
	bool is_needed = b->is_open || b->is_remembered || b->kept > 0;

	if (b->holders > 0 || (is_needed && !b->is_detached))
		return;
	if (!b->is_detached)
		registry_remove(&sim->registry, b);
	if (b->group)
		lanes_forget_group(&sim->lanes, &b->group->lanes);
	registry_discard(&sim->registry, b);
}

void
history_clear(struct simulator *sim)
{
	struct history *h = &sim->history;
	struct registry *r = &sim->registry;

	history_fini(h);
	h->messages = NULL;
	h->first = h->cap = h->n_messages = 0;
	while (list_pop(&h->batches))
		;
	h->n_batches = 0;
	while (r->n > 0) {
		struct batch *b = r->entries[r->n - 1].batch;

		registry_remove(r, b);
		b->is_detached = true;
		history_release_batch(sim, b);
	}
	registry_reset(r);
}

void
history_trim(struct simulator *sim)
{
	struct history *h = &sim->history;

	while (h->n_messages > sim->conf.history) {
		struct history_entry oldest = pop_message(h);
		struct batch *b = oldest.block->batch;

		if (h->n_messages > AHEAD)
			__builtin_prefetch(place_of(h, AHEAD)->block, 1);
		batch_forget_message(oldest.block, oldest.slot);
		history_release_batch(sim, b);
	}
	while (h->n_batches > sim->conf.history) {
		struct batch *b = list_entry(list_pop(&h->batches), struct batch, done_link);

		h->n_batches--;
		b->is_remembered = false;
		history_release_batch(sim, b);
	}
}
