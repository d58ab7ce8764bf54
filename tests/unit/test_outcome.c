/*
 * The tables a user names things from: outcomes, states, goals.
 */
#include "sim_world.h"

static void
test_outcome_names(void **state)
{
	struct outcome_set *set = outcome_set_new();

	(void)state;
	assert_int_equal(outcome_find(set, STR("delivered")), OUTCOME_DELIVERED);
	assert_int_equal(outcome_find(set, STR("DELIVERED")), OUTCOME_DELIVERED);
	assert_int_equal(outcome_find(set, STR("de-liv_ered-")), OUTCOME_DELIVERED);
	assert_int_equal(outcome_find(set, STR("deliver")), OUTCOME_NONE);
	assert_int_equal(outcome_find(set, STR("delivereds")), OUTCOME_NONE);
	assert_int_equal(outcome_find(set, STR("")), OUTCOME_NONE);
	assert_int_equal(outcome_find(set, STR("-_")), OUTCOME_NONE);
	/* it happens, but nobody may ask for it */
	assert_int_equal(outcome_find(set, STR("cancelled")), OUTCOME_NONE);
	outcome_set_unref(set);
}

static void
test_names(void **state)
{
	(void)state;
	assert_int_equal(message_state_find(STR("deferred")), STATE_DEFERRED);
	assert_int_equal(message_state_find(STR("new")), STATE_COUNT);
	assert_int_equal(message_state_find(STR("")), STATE_COUNT);
	assert_int_equal(watch_goal_find(STR("final")), GOAL_FINAL);
	assert_int_equal(watch_goal_find(STR("waiting")), GOAL_COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcome_names),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
