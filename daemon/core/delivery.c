/*
 * Owns the life of a message. Every function here leaves the simulator consistent: state moved, *
 * event said, batch finished if that was its last.
 */
#include "core/delivery.h"

#include "core/batch.h"
#include "core/draw.h"
#include "core/simulator.h"
#include "core/watch.h"

/* The event that says that a message got to this state. */
static const enum event_kind event_of[STATE_COUNT] = {
	[STATE_WAITING] = EVENT_QUEUED,
	[STATE_SENDING] = EVENT_DISPATCHED,
	[STATE_DEFERRED] = EVENT_DEFERRED,
	[STATE_DELIVERED] = EVENT_DELIVERED,
	[STATE_BOUNCED] = EVENT_BOUNCED,
	[STATE_EXPIRED] = EVENT_EXPIRED,
	[STATE_DROPPED] = EVENT_DROPPED,
	[STATE_CANCELLED] = EVENT_CANCELLED,
};

static void
move_and_tell(struct simulator *sim, struct message *m, enum message_state to)
{
	struct event ev = {
		.kind = event_of[to],
		.time_ns = sim->now_ns,
		.batch = message_batch(m),
		.message = m,
	};

	message_set_state(sim, m, to);
	bus_emit(&sim->bus, &ev);
}

static void
dispatch(struct simulator *sim, struct message *m)
{
	const struct plan *plan = message_batch(m)->plan;
	uint64_t key = plan_is_random(plan) ? message_draw_key(m) : 0;
	int64_t connect, latency;

	m->attempt++;
	connect = latency_draw(&plan->connect, draw_bits(key, m->attempt, DRAW_CONNECT));
	latency = latency_draw(&plan->latency, draw_bits(key, m->attempt, DRAW_LATENCY));
	m->due_ns = clock_add(clock_add(sim->now_ns, connect), latency);
	move_and_tell(sim, m, STATE_SENDING);
}

/* Gives the slots that one step made free, at the moment of that step. */
static void
give_slots(struct simulator *sim)
{
	struct message *m;

	/* when many are free, that is done in slices, and nobody jumps the queue */
	while (!sim->needs_refill && (m = lanes_next(&sim->lanes)) != NULL)
		dispatch(sim, m);
}

bool
delivery_refill(struct simulator *sim, uint32_t slice)
{
	struct message *m;

	while (sim->needs_refill && slice-- > 0 && !bus_is_congested(&sim->bus)) {
		m = lanes_next(&sim->lanes);
		if (m)
			dispatch(sim, m);
		else
			sim->needs_refill = false;
	}
	return !sim->needs_refill;
}

static void
finish_batch(struct simulator *sim, struct batch *b)
{
	struct event ev = {
		.kind = EVENT_FINISHED,
		.time_ns = sim->now_ns,
		.batch = b,
		.is_time_jumping = !clock_is_running(&sim->clock),
	};

	if (b->is_remembered || !batch_is_done(b))
		return;
	if (b->count > 1)
		bus_emit(&sim->bus, &ev);
	history_add_batch(&sim->history, b);
}

static void
finish(struct simulator *sim, struct message *m, enum message_state state, enum outcome_id outcome)
{
	m->outcome = (uint8_t)outcome;
	move_and_tell(sim, m, state);
	finish_batch(sim, message_batch(m));
}

void
delivery_accept(struct simulator *sim, struct message *m)
{
	m->accepted_ns = sim->now_ns;
	move_and_tell(sim, m, STATE_WAITING);
	give_slots(sim);
}

void
delivery_fire(struct simulator *sim, struct message *m)
{
	finish(sim, m, STATE_DELIVERED, message_batch(m)->plan->outcome);
	give_slots(sim);
}

void
delivery_cancel(struct simulator *sim, struct message *m)
{
	m->due_ns = sim->now_ns;
	finish(sim, m, STATE_CANCELLED, OUTCOME_CANCELLED);
}

static void
recheck(struct simulator *sim, struct tally *t)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &t->watches)
		watch_recheck(list_entry(l, struct watch, link), sim);
}

void
delivery_close_batch(struct simulator *sim, struct batch *b)
{
	b->is_open = false;
	list_remove(&b->open_link);
	finish_batch(sim, b);
	recheck(sim, &sim->tally);
	recheck(sim, &b->owner->tally);
	if (b->group)
		recheck(sim, &b->group->tally);
}
