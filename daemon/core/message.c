/*
 * Owns the states of a message and the one function that changes them. Invariant: a message is on
 * exactly the list that its state says, and every tally that it belongs to counts it in exactly
 * that state.
 */
#include "core/message.h"

#include <stdlib.h>

#include "core/batch.h"
#include "core/draw.h"
#include "core/simulator.h"
#include "core/watch.h"

const char *const message_state_names[STATE_COUNT] = {
	[STATE_NEW] = "new",
	[STATE_WAITING] = "waiting",
	[STATE_SENDING] = "sending",
	[STATE_DEFERRED] = "deferred",
	[STATE_DELIVERED] = "delivered",
	[STATE_BOUNCED] = "bounced",
	[STATE_EXPIRED] = "expired",
	[STATE_DROPPED] = "dropped",
	[STATE_CANCELLED] = "cancelled",
};

#define TO(state) (1U << STATE_##state)

/* Where a message may go from each state. From a final one: nowhere. */
static const unsigned moves[STATE_COUNT] = {
	[STATE_NEW] = TO(WAITING),
	[STATE_WAITING] = TO(SENDING) | TO(DROPPED) | TO(EXPIRED) | TO(CANCELLED),
	[STATE_SENDING] = TO(DELIVERED) | TO(BOUNCED) | TO(DEFERRED) | TO(EXPIRED) | TO(CANCELLED),
	[STATE_DEFERRED] = TO(SENDING) | TO(WAITING) | TO(EXPIRED) | TO(CANCELLED),
};

enum message_state
message_state_find(struct str name)
{
	int s;

	for (s = STATE_WAITING; s < STATE_COUNT; s++)
		if (str_eq(name, str_of(message_state_names[s])))
			break;
	return (enum message_state)s;
}

static const struct block *
block_of(const struct message *m)
{
	return (const void *)((const char *)(m - m->slot) - offsetof(struct block, messages));
}

struct batch *
message_batch(const struct message *m)
{
	return block_of(m)->batch;
}

uint32_t
message_index(const struct message *m)
{
	return block_of(m)->base + m->slot;
}

uint64_t
message_seq(const struct message *m)
{
	const struct block *block = block_of(m);

	return block->batch->first_seq + block->base + m->slot;
}

struct str
message_id(const struct message *m, struct buf *scratch)
{
	return batch_id_at(message_batch(m), message_index(m), scratch);
}

struct str
message_to(const struct message *m, struct buf *scratch)
{
	return batch_to_at(message_batch(m), message_index(m), scratch);
}

uint64_t
message_draw_key(const struct message *m)
{
	const struct batch *b = message_batch(m);
	struct buf id = { 0 }, to = { 0 };
	uint64_t key;

	if (b->id.p || b->is_range)
		key = draw_key(b->plan->seed, message_id(m, &id), message_to(m, &to));
	else
		key = draw_key_nth(b->plan->seed, b->to, b->sequel);
	buf_fini(&id);
	buf_fini(&to);
	return key;
}

int64_t
message_delay(const struct message *m)
{
	return m->due_ns - m->accepted_ns;
}

static void
leave(struct simulator *sim, struct message *m, struct lane *lane)
{
	switch (m->state) {
	case STATE_WAITING:
		lane_remove(&sim->lanes, lane, m);
		break;
	case STATE_SENDING:
		lane_free_slot(&sim->lanes, lane);
		schedule_remove(&sim->schedule, m);
		break;
	case STATE_DEFERRED:
		schedule_remove(&sim->schedule, m);
		break;
	}
}

static void
enter(struct simulator *sim, struct message *m, struct lane *lane)
{
	switch (m->state) {
	case STATE_WAITING:
		lane_add(&sim->lanes, lane, m);
		break;
	case STATE_SENDING:
		lane_take_slot(&sim->lanes, lane);
		schedule_add(&sim->schedule, m);
		break;
	case STATE_DEFERRED:
		schedule_add(&sim->schedule, m);
		break;
	default:
		history_add_message(&sim->history, m);
		break;
	}
}

static void
count(struct simulator *sim, struct tally *t, const struct message *m, enum message_state from)
{
	enum message_state to = m->state;
	struct list *l, *after;

	counts_move(&t->counts, m, from, to, sim->now_ns, sim->real_ns);
	list_foreach_safe (l, after, &t->watches)
		watch_note(list_entry(l, struct watch, link), sim, m, from, to);
}

void
message_set_state(struct simulator *sim, struct message *m, enum message_state to)
{
	struct batch *b = message_batch(m);
	struct lane *lane = b->group ? &b->group->lane : &sim->lanes.common;
	enum message_state from = m->state;

	if (!(moves[from] & (1U << to)))
		abort();
	leave(sim, m, lane);
	m->state = (uint8_t)to;
	enter(sim, m, lane);
	count(sim, &sim->tally, m, from);
	count(sim, &b->owner->tally, m, from);
	if (b->group)
		count(sim, &b->group->tally, m, from);
}
