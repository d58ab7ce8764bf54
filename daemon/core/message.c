/*
 * Owns the states of a message and the one function that changes them. Invariant: a message is on
 * exactly the list that its state says, and every tally that it belongs to counts it in exactly
 * that state. What is not final is in the schedule: by its expiry while it waits in a lane, by the
 * end of the attempt, by its retry.
 */
#include "core/message.h"

#include <stdlib.h>

#include "core/address.h"
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

#define QUEUE_SLACK 1024 /* runs of seqs in a lane that are never looked through */

#define TO(state) (1U << STATE_##state)

/* Where a message may go from each state. From a final one: nowhere. */
static const unsigned moves[STATE_COUNT] = {
	[STATE_NEW] = TO(WAITING),
	[STATE_WAITING] = TO(SENDING) | TO(DROPPED) | TO(EXPIRED) | TO(CANCELLED),
	[STATE_SENDING] = TO(DELIVERED) | TO(BOUNCED) | TO(DEFERRED) | TO(EXPIRED) | TO(CANCELLED),
	[STATE_DEFERRED] = TO(WAITING) | TO(EXPIRED) | TO(CANCELLED),
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

struct str
message_from(const struct message *m)
{
	return batch_from_at(message_batch(m), message_index(m));
}

uint64_t
message_size(const struct message *m)
{
	return batch_size_at(message_batch(m), message_index(m));
}

uint64_t
message_number(const struct message *m)
{
	return batch_number_at(message_batch(m), message_index(m));
}

uint64_t
message_draw_key(struct simulator *sim, const struct message *m)
{
	const struct batch *b = message_batch(m);
	uint64_t seed = message_plan(m)->seed, sequel = batch_sequel_at(b, message_index(m));
	struct str to = message_to(m, &sim->scratch_key_to);

	if (sequel > 0)
		return draw_key_nth(seed, to, sequel);
	return draw_key(seed, message_id(m, &sim->scratch_id), to);
}

const struct outcome *
message_last_outcome(const struct message *m)
{
	bool has_one = m->attempt > 0 || m->state == STATE_DROPPED;

	return has_one ? outcome_get(message_plan(m)->conf->outcomes, m->outcome) : NULL;
}

const struct outcome *
message_outcome(const struct message *m)
{
	const struct outcome_set *outcomes = message_plan(m)->conf->outcomes;

	if (m->state == STATE_EXPIRED)
		return outcome_get(outcomes, OUTCOME_EXPIRED);
	if (m->state == STATE_CANCELLED)
		return outcome_get(outcomes, OUTCOME_CANCELLED);
	return message_is_final(m) || m->state == STATE_DEFERRED ? message_last_outcome(m) : NULL;
}

int64_t
message_delay(const struct message *m)
{
	return m->due_ns - m->accepted_ns;
}

static struct lane_group *
group_of(struct simulator *sim, const struct message *m)
{
	struct batch *b = message_batch(m);

	return b->group ? &b->group->lanes : &sim->lanes.common;
}

/* The limiter of its recipient's domain, if that has limits of its own now. */
static struct limiter *
limiter_of(struct simulator *sim, const struct message *m)
{
	const struct delivery_conf *conf = sim->plan->conf;
	const struct domain_conf *d;
	struct str domain;

	if (conf->n == 0)
		return NULL;
	domain = address_domain(message_to(m, &sim->scratch_to));
	d = delivery_conf_find(conf, domain);
	if (!domain_conf_is_limited(d))
		return NULL;
	return &destinations_get(&sim->destinations, &sim->lanes, domain, d, sim->now_ns)->limiter;
}

bool
message_may_pass(struct simulator *sim, const struct message *m)
{
	return lanes_are_open(&sim->lanes, group_of(sim, m), limiter_of(sim, m), sim->now_ns);
}

struct message *
message_waiting(const struct registry *registry, uint64_t seq)
{
	const struct batch *b = registry_find_seq(registry, seq);
	struct message *m = b ? batch_message(b, (uint32_t)(seq - b->first_seq)) : NULL;

	return m && m->state == STATE_WAITING ? m : NULL;
}

static bool
still_waits(const void *registry, uint64_t seq)
{
	return message_waiting(registry, seq) != NULL;
}

void
message_hold(struct simulator *sim, struct message *m, enum lane_kind kind)
{
	struct lane *lane;

	m->held = ((unsigned)kind + 1) & 3U;
	schedule_add(&sim->schedule, m);
	lane = lanes_add(
	    &sim->lanes, group_of(sim, m), limiter_of(sim, m), kind, message_seq(m), sim->now_ns);
	/* what was cancelled stays in the queue, but not without bound */
	if (lane->queue.n > QUEUE_SLACK && lane->queue.n / 2 > lane->n)
		seq_queue_filter(&lane->queue, still_waits, &sim->registry);
}

static void
leave_lane(struct simulator *sim, struct message *m)
{
	lanes_remove(&sim->lanes, group_of(sim, m), limiter_of(sim, m), m->held - 1U, sim->now_ns);
	m->held = 0;
	schedule_remove(&sim->schedule, m);
}

static void
take_slot(struct simulator *sim, struct message *m)
{
	struct limiter *destination = limiter_of(sim, m);

	m->has_destination = destination != NULL;
	lanes_take(&sim->lanes, group_of(sim, m), destination, sim->now_ns);
}

static void
give_back_slot(struct simulator *sim, struct message *m)
{
	struct limiter *destination = NULL;

	if (m->has_destination)
		destination = &destinations_find(
		    &sim->destinations, address_domain(message_to(m, &sim->scratch_to)))
				   ->limiter;
	m->has_destination = 0;
	lanes_give_back(&sim->lanes, group_of(sim, m), destination, sim->now_ns);
	if (sim->lanes.n_waiting > 0 && !sim->is_cancelling)
		sim->needs_refill = true;
}

void
message_rejoin(struct simulator *sim, struct message *m)
{
	struct limiter *destination;

	if (m->state == STATE_WAITING) {
		schedule_remove(&sim->schedule, m);
		message_hold(sim, m, m->held - 1U);
	} else if (m->state == STATE_SENDING && !m->has_destination) {
		destination = limiter_of(sim, m);
		m->has_destination = destination != NULL;
		if (destination)
			lanes_count(destination);
	}
}

static void
leave(struct simulator *sim, struct message *m)
{
	switch (m->state) {
	case STATE_WAITING:
		if (m->held > 0)
			leave_lane(sim, m);
		break;
	case STATE_SENDING:
		give_back_slot(sim, m);
		schedule_remove(&sim->schedule, m);
		break;
	case STATE_DEFERRED:
		schedule_remove(&sim->schedule, m);
		break;
	}
}

static void
enter(struct simulator *sim, struct message *m)
{
	switch (m->state) {
	case STATE_WAITING:
		break;
	case STATE_SENDING:
		take_slot(sim, m);
		schedule_add(&sim->schedule, m);
		break;
	case STATE_DEFERRED:
		m->was_deferred = 1;
		schedule_add(&sim->schedule, m);
		break;
	default:
		history_add_message(&sim->history, m);
		break;
	}
}

/* Apart, since most tallies have none, and inside it would make each count slower. */
__attribute__((noinline, cold)) static void
tell_watches(
    struct simulator *sim, struct tally *t, const struct message *m, enum message_state from)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &t->watches)
		watch_note(list_entry(l, struct watch, link), sim, m, from, m->state);
}

static void
count(struct simulator *sim, struct tally *t, const struct message *m, enum message_state from)
{
	enum message_state to = m->state;

	counts_move(&t->counts, m, from, to, sim->now_ns, sim->real_ns);
	if (!list_is_empty(&t->watches))
		tell_watches(sim, t, m, from);
}

void
message_set_state(struct simulator *sim, struct message *m, enum message_state to)
{
	struct batch *b = message_batch(m);
	enum message_state from = m->state;

	if (!(moves[from] & (1U << to)))
		abort();
	leave(sim, m);
	m->state = (unsigned)to & 0xffU;
	enter(sim, m);
	count(sim, &sim->tally, m, from);
	count(sim, &message_owner(m)->tally, m, from);
	if (b->group)
		count(sim, &b->group->tally, m, from);
}
