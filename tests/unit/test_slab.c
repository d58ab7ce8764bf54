/*
 * Slabs: records side by side, zero at first, gone when all have come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/slab.h"

#define OCTETS 2328
#define COUNT 3000

/* Whether there is memory at that page. */
static bool
is_mapped(void *p)
{
	char octet;
	int fds[2];
	bool is_there;

	if (pipe(fds) == -1)
		fail();
	is_there = write(fds[1], p, 1) == 1 && read(fds[0], &octet, 1) == 1;
	close(fds[0]);
	close(fds[1]);
	return is_there;
}

static void
test_records_are_apart_and_zero(void **state)
{
	struct slabs *s = slabs_new(OCTETS, COUNT);
	static const char zero[OCTETS];
	static char *at[COUNT];
	size_t i;

	(void)state;
	assert_true(COUNT > 3 * slabs_capacity(OCTETS));
	for (i = 0; i < COUNT; i++) {
		at[i] = slabs_take(s, i);
		assert_memory_equal(at[i], zero, OCTETS);
		memset(at[i], (int)(i % 255) + 1, OCTETS);
	}
	for (i = 0; i < COUNT; i++) {
		assert_int_equal((unsigned char)at[i][0], i % 255 + 1);
		assert_int_equal((unsigned char)at[i][OCTETS - 1], i % 255 + 1);
	}
	slabs_free(s);
}

static void
test_a_slab_goes_with_its_last_record(void **state)
{
	struct slabs *s = slabs_new(OCTETS, COUNT);
	size_t capacity = slabs_capacity(OCTETS), i;
	static char *at[COUNT];

	(void)state;
	for (i = 0; i < COUNT; i++)
		at[i] = slabs_take(s, i);
	for (i = 1; i < capacity; i++)
		slabs_give_back(s, i);
	assert_true(is_mapped(at[0]));
	slabs_give_back(s, 0);
	assert_false(is_mapped(at[0]));
	/* the last slab is not full */
	assert_true(is_mapped(at[COUNT - 1]));
	for (i = COUNT - COUNT % capacity; i < COUNT; i++)
		slabs_give_back(s, i);
	assert_false(is_mapped(at[COUNT - 1]));
	assert_true(is_mapped(at[capacity]));
	slabs_free(s);
	assert_false(is_mapped(at[capacity]));
}

/* Not all that was to come has come: nothing of that slab goes before the end. */
static void
test_a_slab_that_is_not_complete(void **state)
{
	struct slabs *s = slabs_new(OCTETS, COUNT);
	char *first = slabs_take(s, 0), *second;

	(void)state;
	slabs_give_back(s, 0);
	second = slabs_take(s, 1);
	assert_ptr_equal(second, first + OCTETS);
	assert_int_equal(second[0], 0);
	slabs_give_back(s, 1);
	slabs_free(s);
	slabs_free(NULL);
	mem_free_huge(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_are_apart_and_zero),
		cmocka_unit_test(test_a_slab_goes_with_its_last_record),
		cmocka_unit_test(test_a_slab_that_is_not_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
