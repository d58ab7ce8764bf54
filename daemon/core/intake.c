/*
 * Owns admission: numbers are given when a request is opened, messages are made as there is room.
 * Invariant: a batch is open exactly while messages of it are still to be accepted.
 */
#include "core/intake.h"

#include "core/delivery.h"
#include "core/simulator.h"

#define RUN_MIN 4 /* messages */

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

/* The run that takes the next single message. One that is cut short by other requests is followed
 * by a shorter one, so that not much memory lies idle. */
static struct batch *
run_for_next(struct simulator *sim)
{
	struct batch *b = registry_last(&sim->registry);

	if (b && batch_takes_letter(b, sim->next_batch, sim->next_seq))
		return b;
	if (b && b->letters && b->count == b->letters->room)
		sim->run_room *= 2;
	else if (b)
		sim->run_room /= 2;
	if (sim->run_room < RUN_MIN)
		sim->run_room = RUN_MIN;
	if (sim->run_room > BATCH_BLOCK)
		sim->run_room = BATCH_BLOCK;
	return registry_add_run(&sim->registry, sim->run_room, sim->next_batch, sim->next_seq);
}

/* The batch is known with all that is to come of it, from *index on. */
static struct batch *
begin(struct simulator *sim, struct batch *b, uint32_t *index)
{
	uint32_t first = b->is_run ? b->count - 1 : 0;

	sim->next_batch++;
	sim->next_seq += b->count - first;
	if (b->is_reserved)
		sim->reserved += b->count - first;
	batch_hold(b);
	registry_open(&sim->registry, b);
	if (index)
		*index = first;
	return b;
}

struct batch *
intake_open(
    struct simulator *sim, struct owner *owner, const struct batch_request *r, uint32_t *index)
{
	bool is_in_run = !r->is_range && !r->is_gathered;
	uint64_t sequel = 0;
	struct batch *b;

	if (sim->is_draining)
		return NULL;
	if (!r->id.p && !r->is_range)
		sequel = sequel_next(&sim->sequels, r->to);
	if (is_in_run) {
		b = run_for_next(sim);
		batch_add_letter(b, r, owner, sim->plan, sequel);
	} else {
		b = batch_new(r, sim->next_batch, sim->next_seq, owner, sim->plan);
		b->sequel = sequel;
		registry_add(&sim->registry, b);
	}
	return begin(sim, b, index);
}

/* The message to that recipient, the next but `nth`: which one of its recipient's it is, where
 * draws go by that… */
static uint64_t
sequel_for(struct simulator *sim, const struct batch_request *r, const struct batch_mail *mail,
    uint32_t nth)
{
	return r->id.p && !mail->is_id_unkeyed ? 0
					       : sequel_next(&sim->sequels, mail->recipients[nth]);
}

/* …and what it is a copy of. */
static uint64_t
dup_of_for(struct simulator *sim, const struct batch_mail *mail, uint32_t nth)
{
	if (!mail->message_id.p)
		return 0;
	return duplicates_note(&sim->duplicates, mail->message_id, mail->recipients[nth],
	    sim->next_seq, sim->next_seq + nth, sim->conf.history);
}

struct batch *
intake_open_mail(struct simulator *sim, struct owner *owner, const struct batch_request *r,
    const struct batch_mail *mail, uint32_t *index)
{
	struct batch *b;
	uint32_t i;

	if (sim->is_draining)
		return NULL;
	if (mail->n == 1 && !r->is_gathered) {
		b = run_for_next(sim);
		batch_add_mail(b, r, mail->recipients[0], owner, sim->plan,
		    sequel_for(sim, r, mail, 0), dup_of_for(sim, mail, 0));
		return begin(sim, b, index);
	}
	b = batch_new_mail(r, mail->n, sim->next_batch, sim->next_seq, owner, sim->plan);
	registry_add(&sim->registry, b);
	for (i = 0; i < mail->n; i++)
		batch_add_recipient(
		    b, mail->recipients[i], sequel_for(sim, r, mail, i), dup_of_for(sim, mail, i));
	return begin(sim, b, index);
}

static void
accept_one(struct simulator *sim, struct batch *b, const struct event_notification *notification)
{
	struct message *m = batch_add_message(b);

	if (b->is_reserved)
		sim->reserved--;

	if (b->accepted == b->count) {
		/* what the last one's events say of the batch must be true already */
		b->is_open = false;
		list_remove(&b->open_link);
	}
	delivery_accept(sim, m, notification);
	if (sim->needs_refill || (m->state == STATE_SENDING && m->due_ns <= sim->now_ns))
		simulator_settle(sim);
}

static enum intake_status
accept(struct simulator *sim, struct batch *b, uint32_t slice,
    const struct event_notification *notifications)
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
		accept_one(sim, b, notifications);
		if (notifications)
			notifications++;
	}
	return INTAKE_DONE;
}

enum intake_status
intake_accept(struct simulator *sim, struct batch *b, uint32_t slice)
{
	return accept(sim, b, slice, NULL);
}

enum intake_status
intake_accept_mail(struct simulator *sim, struct batch *b, uint32_t slice,
    const struct event_notification *notifications)
{
	return accept(sim, b, slice, notifications);
}

void
intake_reject(
    struct simulator *sim, const struct event_rejection *rejection, const struct outcome *outcome)
{
	const struct event ev = {
		.kind = EVENT_REJECTED,
		.time_ns = sim->now_ns,
		.outcome = outcome,
		.rejection = rejection,
	};

	sim->n_rejected++;
	sim->n_fired++;
	bus_emit(&sim->bus, &ev);
}

void
intake_close(struct simulator *sim, struct batch *b)
{
	if (!b->is_open)
		return;
	if (b->is_reserved)
		sim->reserved -= b->count - b->accepted;
	duplicates_forget(&sim->duplicates, b->first_seq + b->accepted, b->first_seq + b->count);
	delivery_close_batch(sim, b);
}

void
intake_release(struct simulator *sim, struct batch *b)
{
	batch_release(b);
	history_release_batch(sim, b);
}

/* A range that is meant to its very end is not accepted any further, if it was there when the walk
 * began. */
static void
close_ranges(struct simulator *sim, const struct selection *walk, const struct owner *only)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &sim->registry.open) {
		struct batch *b = list_entry(l, struct batch, open_link);

		if (batch_number_at(b, b->accepted) <= walk->end &&
		    (!only || batch_owner_at(b, b->accepted) == only) &&
		    selector_match_rest(walk->selector, b))
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
		if (m && !message_is_final(m) && (!only || message_owner(m) == only)) {
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
		if (m && m->state == STATE_DEFERRED && (!only || message_owner(m) == only)) {
			delivery_flush(sim, m);
			++*flushed;
		}
	}
	if (!walk->is_over || bus_is_congested(&sim->bus))
		return false;
	simulator_settle(sim);
	return true;
}
