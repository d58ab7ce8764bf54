/*
 * What a dispatch costs: the same however many lanes wait, and whatever they wait for. Processor
 * times are compared with each other, never with a clock.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <time.h>

#include "core/delivery_conf.h"
#include "core/lane.h"

#define TRIES 5
#define DISPATCHES 10000
#define FEW 1000
#define MANY 10000

static const struct rate unlimited;

/* Lanes of many batches, or to many destinations; each has messages enough. */
struct queues {
	struct lanes lanes;
	struct lane_group *groups;
	struct limiter *destinations;
	size_t n;
};

static void
queues_init(struct queues *q, size_t n, uint64_t group_slots, uint64_t destination_slots)
{
	size_t i;

	lanes_init(&q->lanes, DELIVERY_UNLIMITED, &unlimited);
	q->n = n;
	q->groups = calloc(n, sizeof q->groups[0]);
	q->destinations = calloc(n, sizeof q->destinations[0]);
	for (i = 0; i < n; i++) {
		lane_group_init(&q->groups[i], group_slots, &unlimited);
		limiter_init(&q->destinations[i], destination_slots, &unlimited);
	}
}

static void
queues_fini(struct queues *q)
{
	lanes_fini(&q->lanes);
	free(q->groups);
	free(q->destinations);
}

static void
add(struct queues *q, struct lane_group *g, struct limiter *destination, size_t messages)
{
	uint64_t seq = q->lanes.n_waiting + 1;

	for (; messages > 0; messages--)
		lanes_add(&q->lanes, g, destination, LANE_FIRST, seq++, WORLD_EPOCH);
}

/* Of so many dispatches; the least of some tries. */
static int64_t
cost_ns(struct queues *q)
{
	int64_t least = INT64_MAX;
	int try, i;

	for (try = 0; try < TRIES; try++) {
		struct timespec from, to;
		int64_t ns;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		for (i = 0; i < DISPATCHES; i++)
			world_lane_turn(&q->lanes);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		ns = (to.tv_sec - from.tv_sec) * SEC + to.tv_nsec - from.tv_nsec;
		least = ns < least ? ns : least;
	}
	return least;
}

/* Batches without limits, all bound for one destination that takes one at a time. */
static int64_t
cost_of_batches(size_t n)
{
	struct queues q;
	int64_t ns;
	size_t i;

	queues_init(&q, n, DELIVERY_UNLIMITED, 1);
	for (i = 0; i < n; i++)
		add(&q, &q.groups[i], &q.destinations[0], TRIES * DISPATCHES / n + 20);
	ns = cost_ns(&q);
	queues_fini(&q);
	return ns;
}

/* One batch, one after the other, to as many destinations with limits of their own. */
static int64_t
cost_of_destinations(size_t n)
{
	struct queues q;
	int64_t ns;
	size_t i;

	queues_init(&q, n, 1, 20);
	for (i = 0; i < n; i++)
		add(&q, &q.groups[0], &q.destinations[i], TRIES * DISPATCHES / n + 20);
	ns = cost_ns(&q);
	queues_fini(&q);
	return ns;
}

/* Batches that closed after they had come to wait for the destination that single messages go to.
 */
static int64_t
cost_of_closed_batches(size_t n)
{
	struct queues q;
	int64_t ns;
	size_t i;

	queues_init(&q, n, 1, 1);
	lanes_take(&q.lanes, &q.lanes.common, &q.destinations[0], WORLD_EPOCH);
	for (i = 0; i < n; i++) {
		lanes_take(&q.lanes, &q.groups[i], NULL, WORLD_EPOCH);
		add(&q, &q.groups[i], &q.destinations[0], 3);
	}
	add(&q, &q.lanes.common, &q.destinations[0], TRIES * DISPATCHES);
	lanes_give_back(&q.lanes, &q.lanes.common, &q.destinations[0], WORLD_EPOCH);
	ns = cost_ns(&q);
	queues_fini(&q);
	return ns;
}

/* Ten times the lanes cost something in the processor's caches, and nothing else: without a slack
 * of five a dispatch that touched every lane would be ten times as dear. */
static void
expect_same_cost(int64_t cost_of(size_t n))
{
	assert_true(cost_of(MANY) < 5 * cost_of(FEW) + MS);
}

static void
test_many_batches_for_a_destination(void **state)
{
	(void)state;
	expect_same_cost(cost_of_batches);
}

static void
test_many_destinations_of_a_batch(void **state)
{
	(void)state;
	expect_same_cost(cost_of_destinations);
}

static void
test_many_closed_batches(void **state)
{
	(void)state;
	expect_same_cost(cost_of_closed_batches);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_batches_for_a_destination),
		cmocka_unit_test(test_many_destinations_of_a_batch),
		cmocka_unit_test(test_many_closed_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
