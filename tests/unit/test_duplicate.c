/*
 * Which mail came before: copies by recipient, the bound and the order in which it forgets, and
 * what never came to be.
 */
#include "sim_world.h"

#include <stdio.h>

#include "core/duplicate.h"

#define LIMIT 100

static uint64_t
note(struct duplicates *d, const char *id, const char *to, uint64_t first, uint64_t seq)
{
	return duplicates_note(d, str_of(id), str_of(to), first, seq, LIMIT);
}

static void
test_copies_by_recipient(void **state)
{
	struct duplicates d;

	(void)state;
	duplicates_init(&d, 7);
	/* one mail to three, among them one twice: that is no copy */
	assert_int_equal(note(&d, "m", "a", 1, 1), 0);
	assert_int_equal(note(&d, "m", "b", 1, 2), 0);
	assert_int_equal(note(&d, "m", "b", 1, 3), 0);
	assert_int_equal(note(&d, "other", "a", 4, 4), 0);
	/* again: each of its own, the newcomer of the first */
	assert_int_equal(note(&d, "m", "b", 5, 5), 2);
	assert_int_equal(note(&d, "m", "new", 5, 6), 1);
	assert_int_equal(note(&d, "m", "a", 5, 7), 1);
	/* and the original stays the original */
	assert_int_equal(note(&d, "m", "b", 8, 8), 2);
	assert_int_equal(note(&d, "m", "new", 9, 9), 6);
	assert_int_equal(note(&d, "", "a", 10, 10), 0);
	assert_int_equal(note(&d, "", NULL, 11, 11), 10);
	duplicates_fini(&d);
}

static void
test_forgets_the_oldest(void **state)
{
	struct duplicates d;
	char id[32];
	uint64_t seq;

	(void)state;
	duplicates_init(&d, 7);
	for (seq = 1; seq <= 3 * LIMIT; seq++) {
		snprintf(id, sizeof id, "m%lu", seq);
		assert_int_equal(note(&d, id, "a", seq, seq), 0);
		assert_true(d.n <= LIMIT);
	}
	for (seq = 2 * LIMIT + 1; seq <= 3 * LIMIT; seq++) {
		snprintf(id, sizeof id, "m%lu", seq);
		assert_int_equal(note(&d, id, "a", 1000, 1000), seq);
	}
	assert_int_equal(note(&d, "m200", "a", 1001, 1001), 0);
	assert_int_equal(note(&d, "m201", "a", 1002, 1002), 0);
	/* a lower limit holds from the next on; with none nothing is remembered */
	assert_int_equal(duplicates_note(&d, STR("m9"), STR("a"), 1003, 1003, 3), 0);
	assert_int_equal(d.n, 3);
	assert_int_equal(duplicates_note(&d, STR("m8"), STR("a"), 1004, 1004, 0), 0);
	assert_int_equal(d.n, 0);
	assert_int_equal(note(&d, "m8", "a", 1005, 1005), 0);
	duplicates_fini(&d);
}

/* The first of a mail is forgotten before the others of it. */
static void
test_forgets_a_mail_in_parts(void **state)
{
	struct duplicates d;
	uint64_t seq;

	(void)state;
	duplicates_init(&d, 7);
	note(&d, "m", "a", 1, 1);
	note(&d, "m", "b", 1, 2);
	for (seq = 3; seq < LIMIT + 2; seq++) {
		char id[32];

		snprintf(id, sizeof id, "m%lu", seq);
		note(&d, id, "a", seq, seq);
	}
	assert_int_equal(note(&d, "m", "b", 500, 500), 2);
	assert_int_equal(note(&d, "m", "a", 501, 501), 0);
	assert_int_equal(note(&d, "m", "c", 502, 502), 501);
	duplicates_fini(&d);
}

static void
test_what_never_came_to_be(void **state)
{
	struct duplicates d;
	uint64_t seq;

	(void)state;
	duplicates_init(&d, 7);
	duplicates_forget(&d, 1, 100);
	note(&d, "m", "a", 1, 1);
	note(&d, "m", "b", 1, 2);
	note(&d, "m", "c", 1, 3);
	note(&d, "n", "a", 4, 4);
	duplicates_forget(&d, 2, 4);
	duplicates_forget(&d, 2, 4);
	assert_int_equal(note(&d, "m", "b", 5, 5), 1);
	assert_int_equal(note(&d, "m", "c", 6, 6), 1);
	assert_int_equal(note(&d, "n", "a", 7, 7), 4);
	/* they take their places with them when these come to an end, also in another ring */
	for (seq = 10; seq < 3 * LIMIT; seq++) {
		char id[32];

		snprintf(id, sizeof id, "m%lu", seq);
		assert_int_equal(note(&d, id, "a", seq, seq), 0);
	}
	assert_int_equal(note(&d, "m", "a", 500, 500), 0);
	duplicates_fini(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_by_recipient),
		cmocka_unit_test(test_forgets_the_oldest),
		cmocka_unit_test(test_forgets_a_mail_in_parts),
		cmocka_unit_test(test_what_never_came_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
