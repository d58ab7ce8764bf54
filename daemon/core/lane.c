/*
 * Owns the turn order of what waits. A lane exists while something in it waits; it is ready (its
 * turn comes with that of its group), blocked (its destination was closed when its turn came) or
 * parked (its destination opened while its group was closed). Invariants: a group is on the turn
 * list of a kind exactly while its limiter is open and it has a lane of that kind ready. As long as
 * lanes are blocked at a destination that is open, one lane of it is its holder: ready, and of an
 * open group. Who stops being that hands on to the next blocked one; each dispatch does, so all get
 * their turn. A lane is parked once for each time its group opens, and a holder made once for each
 * dispatch: so a dispatch costs the same however many wait.
 */
#include "core/lane.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/delivery_conf.h"

#define BUCKETS_MIN 16

void
limiter_init(struct limiter *l, uint64_t concurrency, const struct rate *rate)
{
	int kind;

	*l = (struct limiter){ .concurrency = concurrency, .rate = *rate };
	for (kind = 0; kind < LANE_KINDS; kind++)
		list_init(&l->blocked[kind]);
}

void
lane_group_init(struct lane_group *g, uint64_t concurrency, const struct rate *rate)
{
	int kind;

	limiter_init(&g->limiter, concurrency, rate);
	g->limiter.group = g;
	list_init(&g->lanes);
	list_init(&g->holders);
	list_init(&g->parked);
	for (kind = 0; kind < LANE_KINDS; kind++) {
		list_init(&g->ready[kind]);
		list_init(&g->turn_link[kind]);
	}
}

void
lanes_init(struct lanes *ls, uint64_t concurrency, const struct rate *rate)
{
	static const struct rate unlimited = { 0 };
	int kind;

	*ls = (struct lanes){ .n_buckets = BUCKETS_MIN };
	limiter_init(&ls->all, concurrency, rate);
	for (kind = 0; kind < LANE_KINDS; kind++)
		list_init(&ls->turn[kind]);
	lane_group_init(&ls->common, DELIVERY_UNLIMITED, &unlimited);
	ls->buckets = mem_alloc_array(ls->n_buckets, sizeof(struct lane *));
}

static bool
has_slot(const struct limiter *l)
{
	return l->in_flight < l->concurrency;
}

static bool
is_open(const struct limiter *l, int64_t now_ns)
{
	return has_slot(l) && rate_is_open(&l->rate, &l->pace, 1, now_ns);
}

/* Somebody waits for this limiter: if it is time that must pass, remember until when. */
static void
await_opening(struct lanes *ls, struct limiter *l, int64_t now_ns)
{
	if (has_slot(l) && !rate_is_open(&l->rate, &l->pace, 1, now_ns))
		heap_set(&ls->openings, &l->opening, rate_opens_at(&l->rate, &l->pace, 1));
}

static void
update_turn(struct lanes *ls, struct lane_group *g, enum lane_kind kind, int64_t now_ns)
{
	bool is_in_turn = !list_is_empty(&g->turn_link[kind]);
	bool has_ready = !list_is_empty(&g->ready[kind]);
	bool should_be = has_ready && is_open(&g->limiter, now_ns);

	/* also for lanes that wait for a destination: that may open first */
	if (!list_is_empty(&g->lanes))
		await_opening(ls, &g->limiter, now_ns);
	if (should_be && !is_in_turn)
		list_add_tail(&ls->turn[kind], &g->turn_link[kind]);
	else if (!should_be && is_in_turn)
		list_remove(&g->turn_link[kind]);
}

static void
make_ready(struct lanes *ls, struct lane *lane, int64_t now_ns)
{
	list_remove(&lane->turn_link);
	list_add_tail(&lane->group->ready[lane->kind], &lane->turn_link);
	update_turn(ls, lane->group, lane->kind, now_ns);
}

/* If nobody holds the destination and it is open: the next lane that waits for it does, if there is
 * one of an open group. The others wait for their groups. */
static void
pass_on(struct lanes *ls, struct limiter *destination, int64_t now_ns)
{
	int kind;

	for (kind = 0; kind < LANE_KINDS; kind++)
		while (!destination->holder[kind] && !list_is_empty(&destination->blocked[kind])) {
			struct list *l = destination->blocked[kind].next;
			struct lane *lane = list_entry(l, struct lane, turn_link);

			if (!is_open(destination, now_ns)) {
				await_opening(ls, destination, now_ns);
				return;
			}
			if (!is_open(&lane->group->limiter, now_ns)) {
				list_remove(&lane->turn_link);
				list_add_tail(&lane->group->parked, &lane->turn_link);
				update_turn(ls, lane->group, lane->kind, now_ns);
				continue;
			}
			destination->holder[kind] = lane;
			list_add_tail(&lane->group->holders, &lane->holder_link);
			make_ready(ls, lane, now_ns);
		}
}

/* The lane is no holder any more, if it was one. */
static void
release(struct lanes *ls, struct lane *lane, int64_t now_ns)
{
	if (!lane->destination || lane->destination->holder[lane->kind] != lane)
		return;
	lane->destination->holder[lane->kind] = NULL;
	list_remove(&lane->holder_link);
	pass_on(ls, lane->destination, now_ns);
}

/* Its destination is closed. */
static void
block(struct lanes *ls, struct lane *lane, int64_t now_ns)
{
	list_remove(&lane->turn_link);
	list_add_tail(&lane->destination->blocked[lane->kind], &lane->turn_link);
	await_opening(ls, lane->destination, now_ns);
	update_turn(ls, lane->group, lane->kind, now_ns);
	release(ls, lane, now_ns);
}

static void
update_turns(struct lanes *ls, struct lane_group *g, int64_t now_ns)
{
	update_turn(ls, g, LANE_RETRY, now_ns);
	update_turn(ls, g, LANE_FIRST, now_ns);
}

/* The group is open: what was parked waits for its destinations like all others. */
static void
open_group(struct lanes *ls, struct lane_group *g, int64_t now_ns)
{
	struct list unparked, *l;

	list_init(&unparked);
	list_splice(&unparked, &g->parked);
	while ((l = list_pop(&unparked)) != NULL) {
		struct lane *lane = list_entry(l, struct lane, turn_link);

		list_add_tail(&lane->destination->blocked[lane->kind], l);
		pass_on(ls, lane->destination, now_ns);
	}
	update_turns(ls, g, now_ns);
}

/* The group is closed: its lanes go nowhere, so others must hold the destinations. */
static void
close_group(struct lanes *ls, struct lane_group *g, int64_t now_ns)
{
	update_turns(ls, g, now_ns);
	while (!list_is_empty(&g->holders))
		release(ls, list_entry(g->holders.next, struct lane, holder_link), now_ns);
}

static struct lane **
bucket_of(const struct lanes *ls, const struct lane_group *g, const struct limiter *destination,
    enum lane_kind kind)
{
	uint64_t h = ((uintptr_t)g >> 4) * 0x9e3779b97f4a7c15ULL;

	h = (h ^ ((uintptr_t)destination >> 4) ^ (uint64_t)kind) * 0xd6e8feb86659fd93ULL;
	return &ls->buckets[(h >> 32) & (ls->n_buckets - 1)];
}

static struct lane *
find_lane(const struct lanes *ls, const struct lane_group *g, const struct limiter *destination,
    enum lane_kind kind)
{
	struct lane *lane = *bucket_of(ls, g, destination, kind);

	while (lane && (lane->group != g || lane->destination != destination || lane->kind != kind))
		lane = lane->same_hash;
	return lane;
}

static void
grow_buckets(struct lanes *ls)
{
	struct lane **old = ls->buckets;
	size_t n = ls->n_buckets, i;

	ls->n_buckets *= 2;
	ls->buckets = mem_alloc_array(ls->n_buckets, sizeof(struct lane *));
	for (i = 0; i < n; i++) {
		struct lane *lane = old[i], *next;

		for (; lane; lane = next) {
			struct lane **at =
			    bucket_of(ls, lane->group, lane->destination, lane->kind);

			next = lane->same_hash;
			lane->same_hash = *at;
			*at = lane;
		}
	}
	free(old);
}

static struct lane *
new_lane(struct lanes *ls, struct lane_group *g, struct limiter *destination, enum lane_kind kind,
    int64_t now_ns)
{
	struct lane *lane = mem_alloc(sizeof *lane), **at;

	if (ls->n_lanes++ == ls->n_buckets)
		grow_buckets(ls);
	lane->group = g;
	lane->destination = destination;
	lane->kind = kind;
	list_init(&lane->turn_link);
	list_init(&lane->holder_link);
	list_add_tail(&g->lanes, &lane->group_link);
	at = bucket_of(ls, g, destination, kind);
	lane->same_hash = *at;
	*at = lane;
	if (destination)
		destination->n_lanes++;
	if (destination && !is_open(destination, now_ns))
		block(ls, lane, now_ns);
	else
		make_ready(ls, lane, now_ns);
	return lane;
}

static void
free_lane(struct lanes *ls, struct lane *lane)
{
	struct lane **at = bucket_of(ls, lane->group, lane->destination, lane->kind);

	while (*at != lane)
		at = &(*at)->same_hash;
	*at = lane->same_hash;
	ls->n_lanes--;
	list_remove(&lane->turn_link);
	list_remove(&lane->group_link);
	list_remove(&lane->holder_link);
	if (lane->destination)
		lane->destination->n_lanes--;
	if (lane->destination && lane->destination->holder[lane->kind] == lane)
		lane->destination->holder[lane->kind] = NULL;
	seq_queue_fini(&lane->queue);
	free(lane);
}

void
lanes_clear(struct lanes *ls)
{
	size_t i;

	for (i = 0; i < ls->n_buckets; i++)
		while (ls->buckets[i]) {
			struct lane_group *g = ls->buckets[i]->group;

			free_lane(ls, ls->buckets[i]);
			list_remove(&g->turn_link[LANE_RETRY]);
			list_remove(&g->turn_link[LANE_FIRST]);
		}
	while (heap_first(&ls->openings))
		heap_remove(&ls->openings, heap_first(&ls->openings));
	ls->n_waiting = 0;
}

void
lanes_fini(struct lanes *ls)
{
	lanes_clear(ls);
	free(ls->buckets);
	heap_fini(&ls->openings);
}

void
lanes_forget_limiter(struct lanes *ls, struct limiter *l)
{
	heap_remove(&ls->openings, &l->opening);
}

void
lanes_forget_group(struct lanes *ls, struct lane_group *g)
{
	int kind;

	lanes_forget_limiter(ls, &g->limiter);
	for (kind = 0; kind < LANE_KINDS; kind++)
		list_remove(&g->turn_link[kind]);
}

/* Something may have opened this limiter, or closed it. */
static void
reconsider(struct lanes *ls, struct limiter *l, int64_t now_ns)
{
	if (!l->group)
		pass_on(ls, l, now_ns);
	else if (is_open(l, now_ns))
		open_group(ls, l->group, now_ns);
	else
		close_group(ls, l->group, now_ns);
}

void
lanes_set_limits(struct lanes *ls, struct limiter *l, uint64_t concurrency, const struct rate *rate,
    int64_t now_ns)
{
	l->concurrency = concurrency;
	l->rate = *rate;
	heap_remove(&ls->openings, &l->opening);
	if (l != &ls->all)
		reconsider(ls, l, now_ns);
}

static bool
is_nobody_ready(const struct lanes *ls)
{
	return list_is_empty(&ls->turn[LANE_RETRY]) && list_is_empty(&ls->turn[LANE_FIRST]);
}

bool
lanes_are_open(const struct lanes *ls, const struct lane_group *g,
    const struct limiter *destination, int64_t now_ns)
{
	return is_nobody_ready(ls) && is_open(&ls->all, now_ns) && is_open(&g->limiter, now_ns) &&
	    (!destination || is_open(destination, now_ns));
}

struct lane *
lanes_add(struct lanes *ls, struct lane_group *g, struct limiter *destination, enum lane_kind kind,
    uint64_t seq, int64_t now_ns)
{
	struct lane *lane = find_lane(ls, g, destination, kind);

	if (!lane)
		lane = new_lane(ls, g, destination, kind, now_ns);
	seq_queue_push(&lane->queue, seq);
	lane->n++;
	ls->n_waiting++;
	return lane;
}

void
lanes_remove(struct lanes *ls, struct lane_group *g, struct limiter *destination,
    enum lane_kind kind, int64_t now_ns)
{
	struct lane *lane = find_lane(ls, g, destination, kind);

	ls->n_waiting--;
	if (--lane->n > 0)
		return;
	free_lane(ls, lane);
	update_turn(ls, g, kind, now_ns);
	if (destination)
		pass_on(ls, destination, now_ns);
}

void
lanes_count(struct limiter *destination)
{
	destination->in_flight++;
}

static void
take(struct limiter *l, int64_t now_ns)
{
	l->in_flight++;
	rate_take(&l->rate, &l->pace, now_ns);
}

void
lanes_take(struct lanes *ls, struct lane_group *g, struct limiter *destination, int64_t now_ns)
{
	int kind;

	take(&ls->all, now_ns);
	take(&g->limiter, now_ns);
	if (!list_is_empty(&g->lanes))
		reconsider(ls, &g->limiter, now_ns);
	if (!destination)
		return;
	take(destination, now_ns);
	/* others get their turn, too */
	for (kind = 0; kind < LANE_KINDS; kind++)
		if (destination->holder[kind] && destination->holder[kind]->group == g)
			release(ls, destination->holder[kind], now_ns);
	pass_on(ls, destination, now_ns);
}

void
lanes_give_back(struct lanes *ls, struct lane_group *g, struct limiter *destination, int64_t now_ns)
{
	ls->all.in_flight--;
	g->limiter.in_flight--;
	if (!list_is_empty(&g->lanes))
		reconsider(ls, &g->limiter, now_ns);
	if (destination) {
		destination->in_flight--;
		pass_on(ls, destination, now_ns);
	}
}

/* The next lane of that kind whose group and destination are open. */
static struct lane *
next_of(struct lanes *ls, enum lane_kind kind, int64_t now_ns)
{
	while (!list_is_empty(&ls->turn[kind])) {
		struct list *l = list_pop(&ls->turn[kind]);
		struct lane_group *g = list_entry(l - kind, struct lane_group, turn_link);
		struct lane *lane = list_entry(g->ready[kind].next, struct lane, turn_link);

		list_add_tail(&ls->turn[kind], &g->turn_link[kind]);
		if (lane->destination && !is_open(lane->destination, now_ns)) {
			block(ls, lane, now_ns);
			continue;
		}
		list_remove(&lane->turn_link);
		list_add_tail(&g->ready[kind], &lane->turn_link);
		return lane;
	}
	return NULL;
}

struct lane *
lanes_next(struct lanes *ls, int64_t now_ns)
{
	struct lane *lane;

	if (is_nobody_ready(ls) || !is_open(&ls->all, now_ns))
		return NULL;
	lane = next_of(ls, LANE_RETRY, now_ns);
	return lane ? lane : next_of(ls, LANE_FIRST, now_ns);
}

int64_t
lanes_opening(const struct lanes *ls, int64_t now_ns)
{
	const struct heap_node *first = heap_first(&ls->openings);
	int64_t at = first ? first->key : CLOCK_NEVER, all;

	if (ls->all.rate.n > 0 && has_slot(&ls->all) && !is_nobody_ready(ls)) {
		all = rate_opens_at(&ls->all.rate, &ls->all.pace, 1);
		at = all < at ? all : at;
	}
	return at > now_ns ? at : now_ns;
}

void
lanes_open(struct lanes *ls, int64_t now_ns)
{
	struct heap_node *first;

	while ((first = heap_first(&ls->openings)) != NULL && first->key <= now_ns) {
		heap_remove(&ls->openings, first);
		/* the node is the limiter's first member */
		reconsider(ls, (struct limiter *)(void *)first, now_ns);
	}
}
