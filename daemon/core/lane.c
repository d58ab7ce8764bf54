/*
 * Owns the turn order of what waits. Invariant: a lane is on the ready list exactly while it has a
 * message waiting and is below its own limit.
 */
#include "core/lane.h"

#include "core/delivery_conf.h"
#include "core/message.h"

void
lane_init(struct lane *l, uint64_t concurrency)
{
	list_init(&l->waiting);
	list_init(&l->ready_link);
	l->in_flight = 0;
	l->concurrency = concurrency;
}

void
lanes_init(struct lanes *ls, uint64_t concurrency)
{
	list_init(&ls->ready);
	lane_init(&ls->common, DELIVERY_UNLIMITED);
	ls->in_flight = 0;
	ls->concurrency = concurrency;
}

static void
update_readiness(struct lanes *ls, struct lane *l)
{
	bool is_ready = !list_is_empty(&l->ready_link);
	bool should_be = !list_is_empty(&l->waiting) && l->in_flight < l->concurrency;

	if (should_be && !is_ready)
		list_add_tail(&ls->ready, &l->ready_link);
	else if (!should_be && is_ready)
		list_remove(&l->ready_link);
}

void
lane_add(struct lanes *ls, struct lane *l, struct message *m)
{
	list_add_tail(&l->waiting, &m->link);
	update_readiness(ls, l);
}

void
lane_remove(struct lanes *ls, struct lane *l, struct message *m)
{
	list_remove(&m->link);
	update_readiness(ls, l);
}

void
lane_take_slot(struct lanes *ls, struct lane *l)
{
	ls->in_flight++;
	l->in_flight++;
	update_readiness(ls, l);
}

void
lane_free_slot(struct lanes *ls, struct lane *l)
{
	ls->in_flight--;
	l->in_flight--;
	update_readiness(ls, l);
}

struct message *
lanes_next(struct lanes *ls)
{
	struct lane *l;

	if (list_is_empty(&ls->ready) || ls->in_flight >= ls->concurrency)
		return NULL;
	l = list_entry(ls->ready.next, struct lane, ready_link);
	list_remove(&l->ready_link);
	list_add_tail(&ls->ready, &l->ready_link);
	return list_entry(l->waiting.next, struct message, link);
}
