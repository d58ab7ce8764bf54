/*
 * The tables a user names things from: outcomes, states, goals.
 */
#include "sim_world.h"

static void
test_outcome_names(void **state)
{
	(void)state;
	assert_int_equal(outcome_find(STR("delivered")), OUTCOME_DELIVERED);
	assert_int_equal(outcome_find(STR("DELIVERED")), OUTCOME_DELIVERED);
	assert_int_equal(outcome_find(STR("de-liv_ered-")), OUTCOME_DELIVERED);
	assert_int_equal(outcome_find(STR("deliver")), OUTCOME_COUNT);
	assert_int_equal(outcome_find(STR("delivereds")), OUTCOME_COUNT);
	assert_int_equal(outcome_find(STR("")), OUTCOME_COUNT);
	assert_int_equal(outcome_find(STR("-_")), OUTCOME_COUNT);
	/* it happens, but nobody may ask for it */
	assert_int_equal(outcome_find(STR("cancelled")), OUTCOME_COUNT);
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
