/*
 * The tables a user names things from: outcomes, latencies, states, goals.
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
test_latency(void **state)
{
	static const char *const bad[] = { "", "fixed", "fixed ", "1", "fixed 1", "fixed -1s",
		"1s 2s", "fixed 1s x", "fixed1s", "normal mean=1s", "36501d", "infinite",
		"fixed inf" };
	struct latency l = { LATENCY_FIXED, 7 };
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!latency_parse(str_of(bad[i]), &l))
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(l.fixed_ns, 7);
	assert_null(latency_parse(STR(" fixed \t1.5s "), &l));
	assert_int_equal(latency_draw(&l), 1500 * MS);
	latency_format(&b, &l);
	assert_true(str_eq(buf_str(&b), STR("fixed 1500ms")));
	assert_null(latency_parse(STR("80ms"), &l));
	assert_int_equal(l.fixed_ns, 80 * MS);
	buf_fini(&b);
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
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
