/*
 * The schedule against the simplest thing that could be right: an array that is searched.
 */
#include "sim_world.h"

#include <stdlib.h>

#include "core/schedule.h"

#define N 2000
#define HIGH_TIDE 50000

static uint64_t
next_random(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	uint64_t z = (*state ^ (*state >> 30)) * 0xbf58476d1ce4e5b9ULL;

	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* A batch whose messages are there but in no lane: bare records with a seq. */
static struct batch *
records(uint32_t n, struct owner *owner, struct plan *plan)
{
	struct batch_request r = world_range(0, n - 1);
	struct batch *b = batch_new(&r, 1, 1, owner, plan);
	uint32_t i;

	for (i = 0; i < n; i++)
		batch_add_message(b);
	return b;
}

struct bench {
	struct list owners;
	struct schedule s;
	struct owner *owner;
	struct plan *plan;
	struct batch *b;
	bool is_in[N];
};

static struct bench *
bench_new(int64_t start_ns)
{
	struct bench *t = calloc(1, sizeof *t);
	struct simulator_conf conf = world_conf();

	list_init(&t->owners);
	t->owner = owner_new(&t->owners);
	t->plan = plan_new(conf.delivery, 1);
	delivery_conf_unref(conf.delivery);
	t->b = records(N, t->owner, t->plan);
	schedule_init(&t->s, start_ns);
	return t;
}

static void
bench_free(struct bench *t)
{
	schedule_fini(&t->s);
	batch_free(t->b);
	plan_unref(t->plan);
	owner_unref(t->owner);
	free(t);
}

static void
put(struct bench *t, uint32_t i, int64_t due_ns)
{
	struct message *m = batch_message(t->b, i);

	m->due_ns = due_ns;
	schedule_add(&t->s, m);
	t->is_in[i] = true;
}

static void
take(struct bench *t, uint32_t i)
{
	schedule_remove(&t->s, batch_message(t->b, i));
	t->is_in[i] = false;
}

/* What must come first: the least (due, seq); NULL when nothing is due by then. */
static struct message *
expected_first(struct bench *t, int64_t until_ns)
{
	struct message *best = NULL;
	uint32_t i;

	for (i = 0; i < N; i++) {
		struct message *m = batch_message(t->b, i);

		if (t->is_in[i] && m->due_ns <= until_ns && (!best || m->due_ns < best->due_ns))
			best = m;
	}
	return best;
}

static int64_t
draw_delay(uint64_t *random)
{
	static const int64_t spans[] = { 1, 3, 300, 70000, 20000000, 5000000000, 900000000000,
		200000000000000 };
	int64_t span = spans[next_random(random) % 8];

	return (int64_t)(next_random(random) % (uint64_t)span) * TEXT_NS_PER_US;
}

/* Adds, removes and takes at random, with delays from nothing to six years. */
static void
test_random_order(void **state)
{
	uint64_t random = 7;
	int64_t now = WORLD_EPOCH;
	struct bench *t = bench_new(now);
	int step;

	(void)state;
	for (step = 0; step < 40000; step++) {
		uint32_t i = (uint32_t)(next_random(&random) % N);
		int64_t until;
		struct message *m;

		if (!t->is_in[i]) {
			put(t, i, now + draw_delay(&random));
		} else if (next_random(&random) % 4 == 0) {
			take(t, i);
		}
		if (step % 3 != 0)
			continue;
		until = step % 100 == 0 ? CLOCK_NEVER : now + draw_delay(&random);
		m = schedule_first(&t->s, until);
		assert_ptr_equal(m, expected_first(t, until));
		if (m) {
			now = m->due_ns;
			take(t, message_index(m));
		} else if (until != CLOCK_NEVER) {
			now = until;
		}
	}
	bench_free(t);
}

static void
test_deadline_is_never_late(void **state)
{
	uint64_t random = 11;
	int64_t now = WORLD_EPOCH;
	struct bench *t = bench_new(now);
	uint32_t i;

	(void)state;
	assert_int_equal(schedule_deadline(&t->s), CLOCK_NEVER);
	for (i = 0; i < N; i++)
		put(t, i, now + draw_delay(&random));
	for (i = 0; i < N; i++) {
		struct message *first = expected_first(t, CLOCK_NEVER), *m = NULL;
		int wakes = 0;

		/* a deadline may come early, but only a few times for one moment */
		while (!m) {
			int64_t deadline = schedule_deadline(&t->s);

			assert_true(deadline <= first->due_ns);
			assert_true(++wakes <= SCHEDULE_LEVELS + 1);
			m = schedule_first(&t->s, deadline);
		}
		assert_ptr_equal(m, first);
		take(t, message_index(m));
	}
	assert_int_equal(t->s.n, 0);
	bench_free(t);
}

/* All at one moment, put in from both ends and the middle: by seq all the same. */
static void
test_same_moment_is_by_seq(void **state)
{
	int64_t due = WORLD_EPOCH + 5 * SEC;
	struct bench *t = bench_new(WORLD_EPOCH);
	uint32_t i;

	(void)state;
	for (i = 0; i < N; i++)
		put(t, (i * 7919) % N, due);
	assert_null(schedule_first(&t->s, due - TEXT_NS_PER_US));
	for (i = 0; i < N; i++) {
		struct message *m = schedule_first(&t->s, due);

		assert_int_equal(message_index(m), i);
		take(t, i);
		/* one that comes back at the very moment that is being given out */
		if (i % 3 == 0 && m->attempt++ == 0) {
			put(t, i, due);
			assert_ptr_equal(schedule_first(&t->s, due), m);
			take(t, i);
		}
	}
	bench_free(t);
}

static void
test_add_to_open_moment_in_the_middle(void **state)
{
	int64_t due = WORLD_EPOCH + SEC;
	struct bench *t = bench_new(WORLD_EPOCH);
	uint32_t i;

	(void)state;
	for (i = 0; i < 10; i += 2)
		put(t, i, due);
	assert_int_equal(message_index(schedule_first(&t->s, due)), 0);
	put(t, 5, due);
	put(t, 3, due);
	take(t, 0);
	for (i = 2; i <= 6; i++) {
		assert_int_equal(message_index(schedule_first(&t->s, due)), i);
		take(t, i);
	}
	bench_free(t);
}

/* What is far away wakes nobody on the way there. */
static void
test_deadline_of_one_is_exact(void **state)
{
	int64_t due = WORLD_EPOCH + 5 * 86400 * SEC + 123456 * TEXT_NS_PER_US;
	struct bench *t = bench_new(WORLD_EPOCH);

	(void)state;
	put(t, 1, due + SEC);
	put(t, 0, due);
	assert_int_equal(schedule_deadline(&t->s), due);
	assert_null(schedule_first(&t->s, due - TEXT_NS_PER_US));
	assert_int_equal(schedule_deadline(&t->s), due);
	assert_int_equal(message_index(schedule_first(&t->s, due)), 0);
	take(t, 0);
	assert_int_equal(schedule_deadline(&t->s), due + SEC);
	bench_free(t);
}

/* What is taken out leaves nothing behind, however often. */
static void
test_cancelled_leave_nothing(void **state)
{
	struct bench *t = bench_new(WORLD_EPOCH);
	int round;
	uint32_t i;

	(void)state;
	for (round = 0; round < 200; round++) {
		for (i = 0; i < N; i++)
			put(t, i, WORLD_EPOCH + 5 * 86400 * SEC + (int64_t)i * MS);
		for (i = 0; i < N; i++)
			take(t, i);
		assert_int_equal(t->s.n, 0);
		assert_null(schedule_first(&t->s, WORLD_EPOCH + round * SEC));
		assert_int_equal(schedule_deadline(&t->s), CLOCK_NEVER);
	}
	bench_free(t);
}

/* The memory of a high tide is given back when the last message is gone; and an order that came all
 * wrong is put right however many there are. */
static void
test_high_tide(void **state)
{
	struct bench *t = bench_new(WORLD_EPOCH);
	struct batch *b = records(HIGH_TIDE, t->owner, t->plan);
	int64_t due = WORLD_EPOCH + SEC;
	uint32_t i;

	(void)state;
	for (i = HIGH_TIDE; i-- > 0;) {
		batch_message(b, i)->due_ns = due;
		schedule_add(&t->s, batch_message(b, i));
	}
	assert_true(t->s.arena.n_slabs > 1);
	for (i = 0; i < HIGH_TIDE; i++) {
		struct message *m = schedule_first(&t->s, due);

		assert_int_equal(message_index(m), i);
		schedule_remove(&t->s, m);
	}
	assert_int_equal(t->s.arena.n_slabs, 1);
	put(t, 0, due);
	assert_ptr_equal(schedule_first(&t->s, due), batch_message(t->b, 0));
	batch_free(b);
	bench_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_order),
		cmocka_unit_test(test_deadline_is_never_late),
		cmocka_unit_test(test_same_moment_is_by_seq),
		cmocka_unit_test(test_add_to_open_moment_in_the_middle),
		cmocka_unit_test(test_deadline_of_one_is_exact),
		cmocka_unit_test(test_cancelled_leave_nothing),
		cmocka_unit_test(test_high_tide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
