/* The gate: what waits for what, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "io/gate.h"

static void
test_nothing_promised_passes(void **state)
{
	struct gate g = { 0 };

	(void)state;
	assert_true(gate_is_passable(&g, 0));
	assert_true(gate_deadline(&g) == CLOCK_NEVER);
}

static void
test_promise_is_held_until_reached(void **state)
{
	struct gate g = { 0 };

	(void)state;
	gate_promise(&g, 10, 0);
	gate_promise(&g, 5, 0);
	assert_false(gate_is_passable(&g, 15));
	gate_reach(&g, 10, 1);
	assert_true(gate_is_passable(&g, 10));
	assert_false(gate_is_passable(&g, 11));
	gate_reach(&g, 15, 2);
	assert_true(gate_is_passable(&g, 15));
	assert_true(gate_deadline(&g) == CLOCK_NEVER);
}

static void
test_reached_never_goes_back(void **state)
{
	struct gate g = { 0 };

	(void)state;
	gate_promise(&g, 10, 0);
	gate_reach(&g, 10, 1);
	gate_reach(&g, 4, 2);
	assert_int_equal(g.reached, 10);
	assert_int_equal(g.moved_ns, 1);
}

static void
test_patience_counts_from_last_movement(void **state)
{
	struct gate g = { 0 };

	(void)state;
	gate_promise(&g, 10, 1000);
	assert_int_equal(gate_deadline(&g), 1000 + GATE_PATIENCE_NS);
	gate_promise(&g, 10, 2000); /* more to do is not progress */
	assert_int_equal(gate_deadline(&g), 1000 + GATE_PATIENCE_NS);
	gate_reach(&g, 10, 3000);
	assert_int_equal(gate_deadline(&g), 3000 + GATE_PATIENCE_NS);
	gate_reach(&g, 10, 4000); /* nor is the same position */
	assert_int_equal(gate_deadline(&g), 3000 + GATE_PATIENCE_NS);
	gate_check(&g, 3000 + GATE_PATIENCE_NS - 1);
	assert_false(gate_is_passable(&g, 20));
	gate_check(&g, 3000 + GATE_PATIENCE_NS);
	assert_true(gate_is_passable(&g, 20));
	assert_true(gate_deadline(&g) == CLOCK_NEVER);
}

static void
test_rest_does_not_use_up_patience(void **state)
{
	struct gate g = { 0 };

	(void)state;
	gate_promise(&g, 10, 0);
	gate_reach(&g, 10, 1);
	gate_promise(&g, 10, 50 * GATE_PATIENCE_NS);
	assert_int_equal(gate_deadline(&g), 51 * GATE_PATIENCE_NS);
}

/* While the loop is busy with something else, the store has nothing that it could be slow with. */
static void
test_busy_loop_does_not_use_up_patience(void **state)
{
	struct gate g = { 0 };

	(void)state;
	gate_promise(&g, 10, 0);
	gate_hand_over(&g, 10, 3 * GATE_PATIENCE_NS);
	gate_check(&g, 3 * GATE_PATIENCE_NS);
	assert_false(gate_is_passable(&g, 10));
	/* what it gets besides is not progress, nor is what it had */
	gate_promise(&g, 10, 3 * GATE_PATIENCE_NS);
	gate_hand_over(&g, 20, 4 * GATE_PATIENCE_NS - 1);
	gate_hand_over(&g, 20, 4 * GATE_PATIENCE_NS - 1);
	assert_int_equal(gate_deadline(&g), 4 * GATE_PATIENCE_NS);
	gate_reach(&g, 20, 4 * GATE_PATIENCE_NS);
	gate_promise(&g, 10, 4 * GATE_PATIENCE_NS);
	gate_hand_over(&g, 30, 6 * GATE_PATIENCE_NS);
	assert_int_equal(gate_deadline(&g), 7 * GATE_PATIENCE_NS);
}

static void
test_trouble_opens_until_it_moves(void **state)
{
	struct gate g = { 0 };

	(void)state;
	gate_promise(&g, 10, 0);
	gate_give_up(&g);
	assert_true(gate_is_passable(&g, 10));
	gate_promise(&g, 10, 1);
	gate_reach(&g, 0, 1); /* has not moved */
	assert_true(gate_is_passable(&g, 20));
	gate_reach(&g, 5, 2);
	assert_false(gate_is_passable(&g, 20));
	assert_int_equal(gate_deadline(&g), 2 + GATE_PATIENCE_NS);
}

static void
test_check_without_need_leaves_it_shut(void **state)
{
	struct gate g = { 0 };

	(void)state;
	gate_check(&g, CLOCK_NEVER - 1);
	gate_promise(&g, 10, 0);
	assert_false(gate_is_passable(&g, 10));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_promised_passes),
		cmocka_unit_test(test_promise_is_held_until_reached),
		cmocka_unit_test(test_reached_never_goes_back),
		cmocka_unit_test(test_patience_counts_from_last_movement),
		cmocka_unit_test(test_rest_does_not_use_up_patience),
		cmocka_unit_test(test_busy_loop_does_not_use_up_patience),
		cmocka_unit_test(test_trouble_opens_until_it_moves),
		cmocka_unit_test(test_check_without_need_leaves_it_shut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
