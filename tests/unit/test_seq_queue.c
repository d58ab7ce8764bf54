/*
 * Queues of seqs against a plain array, and what they cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/seq_queue.h"

#define PUSHES 50000

static void
test_random(void **state)
{
	static uint64_t pushed[PUSHES];
	unsigned short seed[3] = { 9, 2, 6 };
	struct seq_queue q = { 0 };
	size_t head = 0, n = 0;
	uint64_t seq = 0, got;

	(void)state;
	while (n < PUSHES) {
		/* filled for a while, then emptied for a while */
		if (nrand48(seed) % 10 < (n / 1000 % 2 ? 7 : 4)) {
			/* mostly the one that follows; sometimes back, as retries are */
			seq = nrand48(seed) % 4 ? seq + 1 : (uint64_t)nrand48(seed);
			pushed[n++] = seq;
			seq_queue_push(&q, seq);
		} else if (head < n) {
			assert_true(seq_queue_pop(&q, &got));
			assert_int_equal(got, pushed[head++]);
		} else {
			assert_false(seq_queue_pop(&q, &got));
		}
	}
	while (head < n) {
		assert_true(seq_queue_pop(&q, &got));
		assert_int_equal(got, pushed[head++]);
	}
	assert_false(seq_queue_pop(&q, &got));
	seq_queue_fini(&q);
}

/* A range costs what a message costs, also while it is popped from. */
static void
test_a_range_is_one_run(void **state)
{
	struct seq_queue q = { 0 };
	uint64_t seq, got;

	(void)state;
	for (seq = 1; seq <= 1000000; seq++) {
		seq_queue_push(&q, seq);
		if (seq % 3 == 0)
			assert_true(seq_queue_pop(&q, &got));
		assert_int_equal(q.n, 1);
	}
	assert_true(q.cap <= 4);
	/* the same one again is another message's turn, not the range's end */
	seq_queue_push(&q, 1000000);
	assert_int_equal(q.n, 2);
	seq_queue_fini(&q);
}

/* What is popped is reclaimed: a queue that is never empty does not grow for ever. */
static void
test_room_is_reclaimed(void **state)
{
	struct seq_queue q = { 0 };
	uint64_t i, got;

	(void)state;
	for (i = 0; i < 10; i++)
		seq_queue_push(&q, 2 * i);
	for (; i < 100000; i++) {
		seq_queue_push(&q, 2 * i);
		assert_true(seq_queue_pop(&q, &got));
		assert_int_equal(got, 2 * (i - 10));
	}
	assert_int_equal(q.n, 10);
	assert_true(q.cap <= 64);
	seq_queue_fini(&q);
	assert_false(seq_queue_pop(&q, &got));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_a_range_is_one_run),
		cmocka_unit_test(test_room_is_reclaimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
