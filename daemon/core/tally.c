/*
 * Owns the counters. They follow the moves of messages and nothing else; the watches on a tally
 * are told of each move by message_set_state().
 */
#include "core/tally.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/watch.h"

void
tally_init(struct tally *t)
{
	*t = (struct tally){ 0 };
	list_init(&t->watches);
}

void
tally_reset(struct tally *t, const struct simulator *sim)
{
	struct list *l, *after;

	t->counts = (struct counts){ 0 };
	list_foreach_safe (l, after, &t->watches)
		watch_reset(list_entry(l, struct watch, link), sim);
}

static void
count_acceptance(struct counts *c, int64_t now_ns, int64_t real_ns)
{
	if (c->accepted++ == 0) {
		c->first_ns = now_ns;
		c->first_real_ns = real_ns;
	}
}

static void
count_end(struct counts *c, int64_t now_ns, int64_t real_ns)
{
	if (now_ns > c->last_ns)
		c->last_ns = now_ns;
	if (real_ns > c->last_real_ns)
		c->last_real_ns = real_ns;
}

void
counts_move(struct counts *c, const struct message *m, enum message_state from,
    enum message_state to, int64_t now_ns, int64_t real_ns)
{
	if (from == STATE_NEW)
		count_acceptance(c, now_ns, real_ns);
	else
		c->state[from]--;
	c->state[to]++;
	if (to == STATE_SENDING)
		c->attempts++;
	if (to == STATE_DEFERRED && m->attempt == 1)
		c->deferred_once++;
	if (to >= STATE_FIRST_FINAL)
		count_end(c, now_ns, real_ns);
}

void
counts_add(struct counts *c, const struct message *m)
{
	if (c->accepted == 0 || m->accepted_ns < c->first_ns)
		c->first_ns = m->accepted_ns;
	c->accepted++;
	c->state[m->state]++;
	c->attempts += m->attempt;
	if (m->was_deferred)
		c->deferred_once++;
	if (message_is_final(m) && m->due_ns > c->last_ns)
		c->last_ns = m->due_ns;
}

uint64_t
counts_pending(const struct counts *c)
{
	return c->state[STATE_WAITING] + c->state[STATE_SENDING] + c->state[STATE_DEFERRED];
}

uint64_t
counts_final(const struct counts *c)
{
	uint64_t sum = 0;
	int s;

	for (s = STATE_FIRST_FINAL; s < STATE_COUNT; s++)
		sum += c->state[s];
	return sum;
}

int64_t
counts_simulated(const struct counts *c)
{
	return counts_final(c) > 0 && c->last_ns > c->first_ns ? c->last_ns - c->first_ns : 0;
}

int64_t
counts_elapsed(const struct counts *c)
{
	return counts_final(c) > 0 && c->last_real_ns > c->first_real_ns
	    ? c->last_real_ns - c->first_real_ns
	    : 0;
}

bool
counts_are_balanced(const struct counts *c)
{
	return c->accepted == counts_pending(c) + counts_final(c);
}

struct owner *
owner_new(struct list *owners)
{
	struct owner *o = mem_alloc(sizeof *o);

	tally_init(&o->tally);
	list_add_tail(owners, &o->link);
	o->refs = 1;
	return o;
}

struct owner *
owner_ref(struct owner *o)
{
	o->refs++;
	return o;
}

void
owner_unref(struct owner *o)
{
	if (--o->refs > 0)
		return;
	list_remove(&o->link);
	free(o);
}
