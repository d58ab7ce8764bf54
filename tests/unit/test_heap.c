/*
 * The heap against a sorted array: random keys, changed and taken out from anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/heap.h"

#define NODES 200
#define ROUNDS 20000

/* Every parent is least, and every node knows its place. */
static void
check(const struct heap *h)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		assert_int_equal(h->nodes[i]->at, i + 1);
		assert_true(i == 0 || h->nodes[(i - 1) / 2]->key <= h->nodes[i]->key);
	}
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* What is in it, taken out by and by, is sorted. */
static void
expect_sorted(struct heap *h, const struct heap_node nodes[NODES])
{
	int64_t keys[NODES];
	size_t n = 0, i;

	for (i = 0; i < NODES; i++)
		if (nodes[i].at > 0)
			keys[n++] = nodes[i].key;
	assert_int_equal(h->n, n);
	qsort(keys, n, sizeof keys[0], compare);
	for (i = 0; i < n; i++) {
		assert_int_equal(heap_first(h)->key, keys[i]);
		heap_remove(h, heap_first(h));
		check(h);
	}
	assert_null(heap_first(h));
}

static void
test_random(void **state)
{
	struct heap_node nodes[NODES] = { 0 };
	unsigned short seed[3] = { 5, 5, 5 };
	struct heap h = { 0 };
	int round;

	(void)state;
	for (round = 1; round <= ROUNDS; round++) {
		struct heap_node *node = &nodes[nrand48(seed) % NODES];

		/* few different keys, so that many are the same */
		if (nrand48(seed) % 3)
			heap_set(&h, node, nrand48(seed) % (round % 100 + 1) - 50);
		else
			heap_remove(&h, node);
		check(&h);
		if (round % 1000 == 0)
			expect_sorted(&h, nodes);
	}
	heap_fini(&h);
}

static void
test_extremes(void **state)
{
	struct heap_node a = { 0 }, b = { 0 };
	struct heap h = { 0 };

	(void)state;
	assert_null(heap_first(&h));
	heap_remove(&h, &a);
	heap_set(&h, &a, INT64_MAX);
	heap_set(&h, &b, INT64_MIN);
	assert_ptr_equal(heap_first(&h), &b);
	heap_set(&h, &b, INT64_MAX);
	heap_set(&h, &a, INT64_MIN);
	assert_ptr_equal(heap_first(&h), &a);
	assert_int_equal(h.n, 2);
	heap_remove(&h, &a);
	heap_remove(&h, &a);
	assert_ptr_equal(heap_first(&h), &b);
	heap_fini(&h);
	assert_null(heap_first(&h));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
