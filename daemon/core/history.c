/*
 * Owns the memory of what is over: two queues, oldest first, trimmed to limits.history between
 * steps and never during one.
 */
#include "core/history.h"

#include "core/batch.h"
#include "core/simulator.h"

void
history_init(struct history *h)
{
	*h = (struct history){ 0 };
	list_init(&h->messages);
	list_init(&h->batches);
}

void
history_add_message(struct history *h, struct message *m)
{
	list_add_tail(&h->messages, &m->link);
	h->n_messages++;
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
	batch_free(b);
}

void
history_clear(struct simulator *sim)
{
	struct history *h = &sim->history;
	struct registry *r = &sim->registry;

	while (list_pop(&h->messages))
		;
	while (list_pop(&h->batches))
		;
	h->n_messages = h->n_batches = 0;
	while (r->n > 0) {
		struct batch *b = r->entries[r->n - 1].batch;

		registry_remove(r, b);
		b->is_detached = true;
		history_release_batch(sim, b);
	}
}

void
history_trim(struct simulator *sim)
{
	struct history *h = &sim->history;

	while (h->n_messages > sim->conf.history) {
		struct message *m = list_entry(list_pop(&h->messages), struct message, link);
		struct batch *b = message_batch(m);

		h->n_messages--;
		batch_forget_message(b, m);
		history_release_batch(sim, b);
	}
	while (h->n_batches > sim->conf.history) {
		struct batch *b = list_entry(list_pop(&h->batches), struct batch, done_link);

		h->n_batches--;
		b->is_remembered = false;
		history_release_batch(sim, b);
	}
}
