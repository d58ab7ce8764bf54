/*
 * Owns waiting. Invariant: a watch is on the list of a tally exactly while it is pending, and its
 * counts are what a walk over all messages it means would give.
 */
#include "core/watch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/batch.h"
#include "core/simulator.h"

static const char *const goal_names[GOAL_COUNT] = {
	[GOAL_ACCEPTED] = "accepted",
	[GOAL_DEFERRED] = "deferred",
	[GOAL_DELIVERED] = "delivered",
	[GOAL_BOUNCED] = "bounced",
	[GOAL_EXPIRED] = "expired",
	[GOAL_DROPPED] = "dropped",
	[GOAL_CANCELLED] = "cancelled",
	[GOAL_FINAL] = "final",
};

static const enum message_state goal_states[GOAL_COUNT] = {
	[GOAL_DELIVERED] = STATE_DELIVERED,
	[GOAL_BOUNCED] = STATE_BOUNCED,
	[GOAL_EXPIRED] = STATE_EXPIRED,
	[GOAL_DROPPED] = STATE_DROPPED,
	[GOAL_CANCELLED] = STATE_CANCELLED,
};

enum watch_goal
watch_goal_find(struct str name)
{
	int g;

	for (g = 0; g < GOAL_COUNT; g++)
		if (str_eq(name, str_of(goal_names[g])))
			break;
	return (enum watch_goal)g;
}

static uint64_t
reached(const struct counts *c, enum watch_goal goal)
{
	switch (goal) {
	case GOAL_ACCEPTED:
		return c->accepted;
	case GOAL_DEFERRED:
		return c->deferred_once;
	case GOAL_FINAL:
		return counts_final(c);
	default:
		return c->state[goal_states[goal]];
	}
}

/* Whether a range that is still being accepted has more of what is meant. */
static bool
has_more_to_come(const struct watch *w, const struct simulator *sim)
{
	struct list *l;

	list_foreach (l, &sim->registry.open)
		if (selector_match_any_rest(&w->selector, list_entry(l, struct batch, open_link)))
			return true;
	return false;
}

static enum watch_status
evaluate(const struct watch *w, const struct simulator *sim)
{
	bool is_over = counts_pending(&w->counts) == 0;
	unsigned g;

	if (w->goals == 0)
		return is_over ? WATCH_DONE : WATCH_PENDING;
	for (g = 0; g < GOAL_COUNT; g++)
		if (w->goals & (1U << g) && reached(&w->counts, g) < w->goal[g])
			return w->is_closed && is_over && !has_more_to_come(w, sim) ? WATCH_NOTHING
										    : WATCH_PENDING;
	return WATCH_DONE;
}

static void
settle(struct watch *w, const struct simulator *sim)
{
	w->status = evaluate(w, sim);
	if (w->status == WATCH_PENDING)
		return;
	list_remove(&w->link);
	w->done_cb(w->ctx);
}

static bool
is_excluded(const struct watch *w, uint64_t seq)
{
	size_t i;

	if (seq > w->bound_seq)
		return true;
	for (i = 0; i < w->n_excluded; i++)
		if (seq >= w->excluded[i].first && seq <= w->excluded[i].last)
			return true;
	return false;
}

/* Whether the message is meant. Moves come in runs of one batch, so its answer is kept. */
static bool
is_meant(struct watch *w, const struct message *m)
{
	const struct batch *b = message_batch(m);
	uint32_t index = message_index(m);

	if (b->letters)
		return selector_match(&w->selector, m);
	if (w->batch.number != b->number) {
		w->batch.number = b->number;
		w->batch.is_meant =
		    selector_match_batch(&w->selector, b, &w->batch.first, &w->batch.last);
	}
	return w->batch.is_meant && index >= w->batch.first && index <= w->batch.last;
}

void
watch_note(struct watch *w, const struct simulator *sim, const struct message *m,
    enum message_state from, enum message_state to)
{
	if (w->is_filtered && !is_meant(w, m))
		return;
	if (w->is_bounded && is_excluded(w, message_seq(m)))
		return;
	counts_move(&w->counts, m, from, to, sim->now_ns, sim->real_ns);
	settle(w, sim);
}

void
watch_recheck(struct watch *w, const struct simulator *sim)
{
	settle(w, sim);
}

void
watch_reset(struct watch *w, const struct simulator *sim)
{
	w->counts = (struct counts){ 0 };
	w->batch.number = 0;
	settle(w, sim);
}

/* The tally that counts what is meant and as little else as there is; is_filtered says whether it
 * counts anything else. */
static struct tally *
choose_tally(struct watch *w, struct simulator *sim)
{
	const struct selector *s = &w->selector;
	struct batch *b;

	w->is_filtered = false;
	if (s->kind == SELECT_ALL)
		return &sim->tally;
	if (s->kind == SELECT_OWN)
		return &s->owner->tally;
	if (s->kind == SELECT_BATCH) {
		b = registry_find(&sim->registry, s->number);
		if (b && b->group)
			return &b->group->tally;
	}
	w->is_filtered = true;
	return &sim->tally;
}

/* Real times of single messages are not kept; where the clock runs they follow from the simulated
 * ones. */
static int64_t
real_time_of(const struct simulator *sim, int64_t simulated_ns)
{
	int64_t real =
	    clock_is_running(&sim->clock) ? clock_real_at(&sim->clock, simulated_ns) : sim->real_ns;

	return real < sim->real_ns ? real : sim->real_ns;
}

static void
count_what_is_there(struct watch *w, const struct simulator *sim)
{
	struct selection walk;
	struct message *m;

	selection_init(&walk, &sim->registry, &w->selector, false);
	while ((m = selection_next(&walk)) != NULL)
		counts_add(&w->counts, m);
	selection_fini(&walk);
	if (w->counts.accepted > 0)
		w->counts.first_real_ns = real_time_of(sim, w->counts.first_ns);
	if (counts_final(&w->counts) > 0)
		w->counts.last_real_ns = real_time_of(sim, w->counts.last_ns);
}

/* What counts from now on is what was accepted before: no later seq, and of the ranges that are
 * being accepted not the part that has a seq but is still to come. */
static void
set_bound(struct watch *w, const struct simulator *sim)
{
	struct list *l;

	w->is_bounded = true;
	w->bound_seq = sim->next_seq - 1;
	list_foreach (l, &sim->registry.open) {
		const struct batch *b = list_entry(l, struct batch, open_link);

		w->excluded =
		    mem_resize_array(w->excluded, w->n_excluded + 1, sizeof w->excluded[0]);
		w->excluded[w->n_excluded++] =
		    (struct seq_range){ b->first_seq + b->accepted, b->first_seq + b->count - 1 };
	}
}

/* Whether no further request can add to what is meant. */
static bool
is_closed_set(const struct selector *s, const struct simulator *sim)
{
	return s->kind == SELECT_OWN || (s->kind == SELECT_BATCH && s->number < sim->next_batch) ||
	    (s->kind == SELECT_SEQ && s->number < sim->next_seq);
}

enum watch_status
watch_start(struct watch *w, struct simulator *sim, const struct selector *s, unsigned goals,
    const uint64_t *goal, void (*done_cb)(void *ctx), void *ctx)
{
	struct tally *tally;

	*w = (struct watch){ .selector = *s, .goals = goals, .done_cb = done_cb, .ctx = ctx };
	list_init(&w->link);
	if (goals != 0)
		memcpy(w->goal, goal, sizeof w->goal);
	tally = choose_tally(w, sim);
	if (w->is_filtered)
		count_what_is_there(w, sim);
	else
		w->counts = tally->counts;
	if (goals == 0 && w->counts.accepted == 0)
		return w->status = WATCH_NOTHING;
	if (goals == 0)
		set_bound(w, sim);
	w->is_closed = is_closed_set(s, sim);
	w->status = evaluate(w, sim);
	if (w->status == WATCH_PENDING)
		list_add_tail(&tally->watches, &w->link);
	return w->status;
}

void
watch_stop(struct watch *w)
{
	list_remove(&w->link);
	free(w->excluded);
	w->excluded = NULL;
	w->n_excluded = 0;
}
