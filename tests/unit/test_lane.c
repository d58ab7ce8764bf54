/*
 * Lanes against a model that knows of each message where it is and asks all of them: random groups,
 * destinations, limits, rates, cancellations and times. What must hold: no limit is ever exceeded,
 * retries go before first tries, a lane keeps its order, nobody waits who could go, and the moment
 * at which somebody could is not missed.
 */
#include "sim_world.h"

#include <stdlib.h>

#include "core/delivery_conf.h"
#include "core/lane.h"

#define GROUPS 6
#define DESTINATIONS 5 /* the first one is none */
#define MESSAGES 600
#define TAKES_MAX 4000
#define US TEXT_NS_PER_US

enum place { NOWHERE, IN_LANE, IN_FLIGHT };

struct item {
	enum place place;
	enum lane_kind kind;
	struct lane_group *group;
	struct limiter *destination;
	uint64_t turn; /* when it came into its lane, counted */
};

/* What went through a limiter. */
struct ledger {
	const struct limiter *limiter;
	size_t n;
	int64_t at_us[TAKES_MAX];
};

struct model {
	struct lanes lanes;
	struct lane_group groups[GROUPS]; /* the first one is not used: lanes.common */
	struct limiter destinations[DESTINATIONS];
	struct ledger ledgers[1 + GROUPS + DESTINATIONS];
	struct item items[MESSAGES];
	uint64_t turns, n_retries_dispatched;
	int64_t now_ns;
	unsigned short seed[3];
};

static unsigned
chance(struct model *m, unsigned n)
{
	return (unsigned)nrand48(m->seed) % n;
}

static struct rate
random_rate(struct model *m)
{
	static const char *const rates[] = { "3/s", "50/s burst=7", "7/s burst=2", "1000/m",
		"400/s", "2/s burst=40" };
	struct rate r = { 0 };

	if (chance(m, 2))
		assert_null(rate_parse(str_of(rates[chance(m, 6)]), &r));
	return r;
}

static uint64_t
random_concurrency(struct model *m)
{
	return chance(m, 2) ? 1 + chance(m, 6) : DELIVERY_UNLIMITED;
}

static struct model *
model_new(unsigned short seed)
{
	struct model *m = calloc(1, sizeof *m);
	struct rate rate;
	size_t i, n = 0;

	m->seed[0] = seed;
	m->now_ns = WORLD_EPOCH;
	rate = random_rate(m);
	lanes_init(&m->lanes, random_concurrency(m), &rate);
	m->ledgers[n++].limiter = &m->lanes.all;
	for (i = 1; i < GROUPS; i++) {
		rate = random_rate(m);
		lane_group_init(&m->groups[i], random_concurrency(m), &rate);
		m->ledgers[n++].limiter = &m->groups[i].limiter;
	}
	for (i = 1; i < DESTINATIONS; i++) {
		rate = random_rate(m);
		limiter_init(&m->destinations[i], random_concurrency(m), &rate);
		m->ledgers[n++].limiter = &m->destinations[i];
	}
	return m;
}

static void
model_free(struct model *m)
{
	lanes_fini(&m->lanes);
	free(m);
}

static bool
has_slot(const struct limiter *l)
{
	return !l || l->in_flight < l->concurrency;
}

static int64_t
opens_at(const struct limiter *l)
{
	return l && l->rate.n > 0 ? rate_opens_at(&l->rate, &l->pace, 1) : 0;
}

/* When that message could go if only time passed; CLOCK_NEVER when more than that is wanting. */
static int64_t
may_go_at(const struct model *m, const struct item *it)
{
	const struct limiter *all[] = { &m->lanes.all, &it->group->limiter, it->destination };
	int64_t at = m->now_ns;
	size_t i;

	for (i = 0; i < 3; i++) {
		if (!has_slot(all[i]))
			return CLOCK_NEVER;
		at = opens_at(all[i]) > at ? opens_at(all[i]) : at;
	}
	return at;
}

/* Not more than burst + rate * t in any stretch of time, and time is whole microseconds. */
static void
check_ledger(const struct ledger *l)
{
	const struct rate *r = &l->limiter->rate;
	int64_t burst = r->burst > 0 ? (int64_t)r->burst : 1;
	size_t from, to;

	for (from = 0; r->n > 0 && from < l->n; from++)
		for (to = from; to < l->n; to++) {
			int64_t over = (int64_t)(to - from + 1) - burst;
			int64_t us = l->at_us[to] - l->at_us[from] + 1;

			assert_true(over * (r->per_ns / US) <= us * (int64_t)r->n);
		}
}

static void
go(struct model *m, struct item *it)
{
	size_t i;

	assert_int_equal(may_go_at(m, it), m->now_ns);
	for (i = 0; i < sizeof m->ledgers / sizeof m->ledgers[0]; i++) {
		struct ledger *l = &m->ledgers[i];

		if (!l->limiter ||
		    (l->limiter != &m->lanes.all && l->limiter != &it->group->limiter &&
			l->limiter != it->destination))
			continue;
		assert_true(l->n < TAKES_MAX);
		l->at_us[l->n++] = m->now_ns / US;
	}
	it->place = IN_FLIGHT;
	m->n_retries_dispatched += it->kind == LANE_RETRY;
	lanes_take(&m->lanes, it->group, it->destination, m->now_ns);
}

static bool
is_same_lane(const struct item *a, const struct item *b)
{
	return a->group == b->group && a->destination == b->destination && a->kind == b->kind;
}

/* The message of this lane that may go: it must be the one that came first, and no retry may. */
static void
dispatch_from(struct model *m, struct lane *lane)
{
	struct item *it;
	uint64_t seq;
	size_t i;

	do {
		assert_true(seq_queue_pop(&lane->queue, &seq));
		it = &m->items[seq];
	} while (it->place != IN_LANE);
	assert_ptr_equal(lane->group, it->group);
	assert_ptr_equal(lane->destination, it->destination);
	assert_int_equal(lane->kind, it->kind);
	for (i = 0; i < MESSAGES; i++) {
		const struct item *other = &m->items[i];

		if (other->place != IN_LANE)
			continue;
		assert_false(is_same_lane(other, it) && other->turn < it->turn);
		if (it->kind == LANE_FIRST && other->kind == LANE_RETRY)
			assert_true(may_go_at(m, other) > m->now_ns);
	}
	lanes_remove(&m->lanes, it->group, it->destination, it->kind, m->now_ns);
	go(m, it);
}

/* Nobody who waits could go, and the moment when somebody can by time alone is known. */
static void
check_nobody_could_go(const struct model *m)
{
	int64_t first = CLOCK_NEVER, opening = lanes_opening(&m->lanes, m->now_ns);
	uint64_t waiting = 0;
	size_t i;

	for (i = 0; i < MESSAGES; i++)
		if (m->items[i].place == IN_LANE) {
			int64_t at = may_go_at(m, &m->items[i]);

			assert_true(at > m->now_ns);
			first = at < first ? at : first;
			waiting++;
		}
	assert_int_equal(m->lanes.n_waiting, waiting);
	assert_true(opening <= first);
	/* else time would stand still */
	assert_true(opening > m->now_ns);
}

static void
refill(struct model *m)
{
	struct lane *lane;

	while ((lane = lanes_next(&m->lanes, m->now_ns)) != NULL)
		dispatch_from(m, lane);
	check_nobody_could_go(m);
}

/* It may pass those who wait only if none of them could go instead. */
static void
come(struct model *m, size_t i, enum lane_kind kind)
{
	struct item *it = &m->items[i];
	size_t k;

	it->kind = kind;
	it->turn = m->turns++;
	if (lanes_are_open(&m->lanes, it->group, it->destination, m->now_ns)) {
		for (k = 0; k < MESSAGES; k++)
			if (m->items[k].place == IN_LANE)
				assert_true(may_go_at(m, &m->items[k]) > m->now_ns);
		go(m, it);
		return;
	}
	it->place = IN_LANE;
	lanes_add(&m->lanes, it->group, it->destination, kind, i, m->now_ns);
}

static struct item *
pick(struct model *m, enum place place)
{
	size_t i, from = chance(m, MESSAGES);

	for (i = 0; i < MESSAGES; i++)
		if (m->items[(from + i) % MESSAGES].place == place)
			return &m->items[(from + i) % MESSAGES];
	return NULL;
}

/* What is over, or tried again. */
static void
land(struct model *m)
{
	struct item *it = pick(m, IN_FLIGHT);

	if (!it)
		return;
	it->place = NOWHERE;
	lanes_give_back(&m->lanes, it->group, it->destination, m->now_ns);
	if (chance(m, 2))
		come(m, (size_t)(it - m->items), LANE_RETRY);
}

static void
cancel(struct model *m)
{
	struct item *it = pick(m, IN_LANE);

	if (!it)
		return;
	it->place = NOWHERE;
	it->turn = UINT64_MAX; /* its seq stays in a queue: it does not come again */
	lanes_remove(&m->lanes, it->group, it->destination, it->kind, m->now_ns);
}

static void
pass(struct model *m, int64_t ns)
{
	int64_t until = m->now_ns + ns, opening;

	while ((opening = lanes_opening(&m->lanes, m->now_ns)) <= until) {
		m->now_ns = opening;
		lanes_open(&m->lanes, opening);
		refill(m);
	}
	m->now_ns = until;
}

static void
set_concurrency(struct model *m)
{
	struct limiter *l = chance(m, 2) ? &m->groups[1 + chance(m, GROUPS - 1)].limiter
					 : &m->destinations[1 + chance(m, DESTINATIONS - 1)];

	lanes_set_limits(&m->lanes, l, random_concurrency(m), &l->rate, m->now_ns);
}

static void
set_destination_and_group(struct model *m, struct item *it)
{
	unsigned g = chance(m, GROUPS), d = chance(m, DESTINATIONS);

	it->group = g > 0 ? &m->groups[g] : &m->lanes.common;
	it->destination = d > 0 ? &m->destinations[d] : NULL;
}

static void
test_random(void **state)
{
	unsigned short seed;
	size_t i, next, retries = 0;

	(void)state;
	for (seed = 1; seed <= 60; seed++) {
		struct model *m = model_new(seed);

		for (next = 0; next < MESSAGES;) {
			unsigned what = chance(m, 100);

			if (what < 45) {
				set_destination_and_group(m, &m->items[next]);
				come(m, next++, LANE_FIRST);
			} else if (what < 80) {
				land(m);
			} else if (what < 84) {
				cancel(m);
			} else if (what < 85) {
				set_concurrency(m);
			} else {
				pass(m, chance(m, 40) * MS + chance(m, 1000) * US);
			}
			refill(m);
		}
		retries += m->n_retries_dispatched;
		for (i = 0; i < sizeof m->ledgers / sizeof m->ledgers[0]; i++)
			if (m->ledgers[i].limiter)
				check_ledger(&m->ledgers[i]);
		model_free(m);
	}
	assert_true(retries > 1000);
}

static const struct rate unlimited;

static void
add_many(
    struct lanes *ls, struct lane_group *g, struct limiter *destination, uint64_t first, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		lanes_add(ls, g, destination, LANE_FIRST, first + i, WORLD_EPOCH);
}

static void
expect_done_within(struct lanes *ls, const struct lane_group *g, unsigned messages, unsigned turns)
{
	while (messages > 0 && turns-- > 0)
		messages -= world_lane_turn(ls) == g;
	assert_int_equal(messages, 0);
}

/* Each of the groups gets its turn as often as the others. */
static void
expect_even_turns(struct lanes *ls, const struct lane_group *const *groups, size_t n)
{
	unsigned turns[4] = { 0 };
	size_t i, k;

	for (i = 0; i < 100 * n; i++) {
		const struct lane_group *g = world_lane_turn(ls);

		for (k = 0; k < n; k++)
			turns[k] += groups[k] == g;
	}
	for (k = 0; k < n; k++)
		assert_in_range(turns[k], 99, 101);
}

/* With a slot over all: a batch of ten beside a batch of a million and a million single ones. */
static void
test_fair_between_groups(void **state)
{
	struct lane_group big, small;
	struct lanes ls;

	(void)state;
	lanes_init(&ls, 1, &unlimited);
	lane_group_init(&big, DELIVERY_UNLIMITED, &unlimited);
	lane_group_init(&small, DELIVERY_UNLIMITED, &unlimited);
	add_many(&ls, &big, NULL, 1, 1000000);
	add_many(&ls, &small, NULL, 1000001, 10);
	expect_done_within(&ls, &small, 10, 20);
	add_many(&ls, &ls.common, NULL, 1000011, 1000000);
	add_many(&ls, &small, NULL, 2000011, 10);
	expect_done_within(&ls, &small, 10, 30);
	add_many(&ls, &small, NULL, 2000021, 200);
	expect_even_turns(&ls, (const struct lane_group *[]){ &big, &ls.common, &small }, 3);
	lanes_clear(&ls);
	add_many(&ls, &big, NULL, 1, 1000000);
	add_many(&ls, &ls.common, NULL, 1000001, 1);
	expect_done_within(&ls, &ls.common, 1, 2);
	lanes_fini(&ls);
}

/* With a slot at a destination that all are bound for, and many lanes in one of the groups. */
static void
test_fair_at_a_destination(void **state)
{
	static struct limiter many[1000];
	struct lane_group big, small;
	struct limiter one;
	struct lanes ls;
	size_t i;

	(void)state;
	lanes_init(&ls, DELIVERY_UNLIMITED, &unlimited);
	lane_group_init(&big, DELIVERY_UNLIMITED, &unlimited);
	lane_group_init(&small, DELIVERY_UNLIMITED, &unlimited);
	limiter_init(&one, 1, &unlimited);
	add_many(&ls, &big, &one, 1, 100000);
	add_many(&ls, &ls.common, &one, 100001, 100000);
	add_many(&ls, &small, &one, 200001, 10);
	expect_done_within(&ls, &small, 10, 30);
	add_many(&ls, &small, &one, 200011, 200);
	expect_even_turns(&ls, (const struct lane_group *[]){ &big, &ls.common, &small }, 3);
	lanes_clear(&ls);
	ls.all.concurrency = 1;
	for (i = 0; i < 1000; i++) {
		limiter_init(&many[i], 1, &unlimited);
		add_many(&ls, &big, &many[i], 300000 + 1000 * i, 1000);
	}
	add_many(&ls, &small, &one, 200311, 200);
	expect_even_turns(&ls, (const struct lane_group *[]){ &big, &small }, 2);
	lanes_fini(&ls);
}

/* The lanes of one batch take turns, too: a domain of ten beside a domain of a hundred thousand. */
static void
test_fair_in_a_group(void **state)
{
	struct limiter many, few;
	struct lane_group g;
	struct lanes ls;
	unsigned turns = 0;

	(void)state;
	lanes_init(&ls, 1, &unlimited);
	lane_group_init(&g, DELIVERY_UNLIMITED, &unlimited);
	limiter_init(&many, 1, &unlimited);
	limiter_init(&few, 1, &unlimited);
	add_many(&ls, &g, &few, 100001, 1);
	add_many(&ls, &g, &many, 1, 100000);
	add_many(&ls, &g, &few, 100002, 9);
	for (; few.n_lanes > 0 && turns < 1000; turns++)
		world_lane_turn(&ls);
	assert_in_range(turns, 19, 20);
	lanes_fini(&ls);
}

/* Retries go before first tries, also those of another group and of a group that waited longer. */
static void
test_retries_first(void **state)
{
	struct lane_group a, b;
	struct limiter one;
	struct lanes ls;

	(void)state;
	lanes_init(&ls, 1, &unlimited);
	lane_group_init(&a, DELIVERY_UNLIMITED, &unlimited);
	lane_group_init(&b, DELIVERY_UNLIMITED, &unlimited);
	limiter_init(&one, 1, &unlimited);
	add_many(&ls, &a, NULL, 1, 100);
	add_many(&ls, &a, &one, 101, 100);
	lanes_add(&ls, &b, NULL, LANE_RETRY, 201, WORLD_EPOCH);
	lanes_add(&ls, &b, &one, LANE_RETRY, 202, WORLD_EPOCH);
	assert_ptr_equal(world_lane_turn(&ls), &b);
	assert_ptr_equal(world_lane_turn(&ls), &b);
	assert_ptr_equal(world_lane_turn(&ls), &a);
	lanes_fini(&ls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_fair_between_groups),
		cmocka_unit_test(test_fair_at_a_destination),
		cmocka_unit_test(test_fair_in_a_group),
		cmocka_unit_test(test_retries_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
