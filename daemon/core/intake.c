/*
 * Owns admission: numbers are given when a request is opened, messages are made as there is room.
 * Invariant: a batch is open exactly while messages of it are still to be accepted.
 */
#include "core/intake.h"

#include "core/delivery.h"
#include "core/simulator.h"

uint64_t
intake_room(const struct simulator *sim)
{
	uint64_t taken = counts_pending(&sim->tally.counts) + sim->reserved;

	return taken < sim->conf.pending ? sim->conf.pending - taken : 0;
}

bool
intake_is_possible(const struct simulator *sim)
{
	return !bus_is_congested(&sim->bus) && intake_room(sim) > 0;
}

struct batch *
intake_open(struct simulator *sim, struct owner *owner, const struct batch_request *r)
{
	struct batch *b;

	if (sim->is_draining)
		return NULL;
	b = batch_new(r, sim->next_batch++, sim->next_seq, owner, sim->plan);
	sim->next_seq += b->count;
	if (!b->id.p && !b->is_range)
		b->sequel = sequel_next(&sim->sequels, b->to);
	if (b->is_reserved)
		sim->reserved += b->count;
	batch_hold(b);
	registry_add(&sim->registry, b);
	return b;
}

static void
accept_one(struct simulator *sim, struct batch *b)
{
	struct message *m = batch_add_message(b);

	if (b->is_reserved)
		sim->reserved--;

	if (b->accepted == b->count) {
		/* what the last one's events say of the batch must be true already */
		b->is_open = false;
		list_remove(&b->open_link);
	}
	delivery_accept(sim, m);
	if (sim->needs_refill || (m->state == STATE_SENDING && m->due_ns <= sim->now_ns))
		simulator_settle(sim);
}

enum intake_status
intake_accept(struct simulator *sim, struct batch *b, uint32_t slice)
{
	while (b->is_open) {
		if (sim->is_draining) {
			intake_close(sim, b);
			return INTAKE_DRAINING;
		}
		if (bus_is_congested(&sim->bus))
			return INTAKE_CONGESTED;
		if (!b->is_reserved && intake_room(sim) == 0)
			return INTAKE_NO_ROOM;
		if (slice-- == 0)
			return INTAKE_MORE;
		accept_one(sim, b);
	}
	return INTAKE_DONE;
}

void
intake_close(struct simulator *sim, struct batch *b)
{
	if (!b->is_open)
		return;
	if (b->is_reserved)
		sim->reserved -= b->count - b->accepted;
	b->count = b->accepted;
	delivery_close_batch(sim, b);
}

void
intake_release(struct simulator *sim, struct batch *b)
{
	batch_release(b);
	history_release_batch(sim, b);
}

static bool
is_of(const struct batch *b, const struct owner *only)
{
	return !only || b->owner == only;
}

/* A range that is meant to its very end is not accepted any further, if it was there when the walk
 * began. */
static void
close_ranges(struct simulator *sim, const struct selection *walk, const struct owner *only)
{
	const struct selector *s = walk->selector;
	struct list *l, *after;
	uint32_t first, last;

	list_foreach_safe (l, after, &sim->registry.open) {
		struct batch *b = list_entry(l, struct batch, open_link);

		if (b->number <= walk->end && is_of(b, only) &&
		    selector_match_batch(s, b, &first, &last) && first <= b->accepted &&
		    last == b->count - 1)
			intake_close(sim, b);
	}
}

/* Slots that became free go to who waits for them, as long as there is something left of the slice.
 * True when that is done. */
static bool
refill(struct simulator *sim, uint32_t slice)
{
	while (sim->needs_refill && slice-- > 0 && !bus_is_congested(&sim->bus))
		delivery_refill(sim);
	return !sim->needs_refill;
}

bool
intake_cancel(struct simulator *sim, struct selection *walk, const struct owner *only,
    uint32_t slice, uint64_t *cancelled)
{
	struct message *m;

	close_ranges(sim, walk, only);
	walk->budget = SIMULATOR_SLICE;
	for (; !walk->is_over && slice > 0 && !bus_is_congested(&sim->bus); slice--) {
		m = selection_next(walk);
		if (!m && !walk->is_over)
			break;
		if (m && !message_is_final(m) && is_of(message_batch(m), only)) {
			sim->is_cancelling = true;
			delivery_cancel(sim, m);
			sim->is_cancelling = false;
			++*cancelled;
			history_trim(sim);
		}
		sim->needs_refill |= walk->is_over;
	}
	return walk->is_over && refill(sim, slice);
}

bool
intake_flush(struct simulator *sim, struct selection *walk, const struct owner *only,
    uint32_t slice, uint64_t *flushed)
{
	struct message *m;

	walk->budget = SIMULATOR_SLICE;
	for (; !walk->is_over && slice > 0 && !bus_is_congested(&sim->bus); slice--) {
		m = selection_next(walk);
		if (!m && !walk->is_over)
			break;
		if (m && m->state == STATE_DEFERRED && is_of(message_batch(m), only)) {
			delivery_flush(sim, m);
			++*flushed;
		}
	}
	if (!walk->is_over || bus_is_congested(&sim->bus))
		return false;
	simulator_settle(sim);
	return true;
}
