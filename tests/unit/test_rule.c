/*
 * Rules: which one speaks, for how many, who still holds on to it, and a reload.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "core/rule.h"

#define NONE ((struct str){ NULL, 0 })

static struct outcome_set *outcomes;

static int
set_up(void **state)
{
	struct rules *r = malloc(sizeof *r);

	rules_init(r);
	*state = r;
	outcomes = outcome_set_new();
	return 0;
}

static int
tear_down(void **state)
{
	rules_fini(*state);
	free(*state);
	outcome_set_unref(outcomes);
	return 0;
}

/* count 0: for all. The number of the rule. */
static uint64_t
add(struct rules *r, const char *to, const char *from, const char *outcome, uint64_t count)
{
	struct rule_request q = {
		.to = str_of(to),
		.from = str_of(from),
		.fate = world_fate(outcomes, outcome),
		.outcomes = outcomes,
		.is_counted = count > 0,
		.count = count,
	};
	uint64_t number = rules_add(r, &q);

	fate_unref(q.fate);
	return number;
}

/* Which rule speaks, by its number; it is let go at once. */
static uint64_t
chosen(struct rules *r, const char *to, const char *from)
{
	uint32_t handle = rules_choose(r, outcomes, str_of(to), str_of(from));
	uint64_t number;

	if (handle == 0)
		return 0;
	number = rules_get(r, handle)->number;
	rules_release(r, handle);
	return number;
}

static void
test_newest_first(void **state)
{
	struct rules *r = *state;

	assert_int_equal(chosen(r, "a@x.test", ""), 0);
	assert_int_equal(add(r, "*@x.test", NULL, "greylisted", 0), 1);
	assert_int_equal(add(r, "a@x.test", NULL, "user_unknown", 0), 2);
	assert_int_equal(add(r, "*@y.test", NULL, "null_mx", 0), 3);
	assert_int_equal(chosen(r, "a@x.test", "me@z.test"), 2);
	assert_int_equal(chosen(r, "b@x.test", NULL), 1);
	assert_int_equal(chosen(r, "b@Y.test", ""), 3);
	assert_int_equal(chosen(r, "b@z.test", ""), 0);
	assert_int_equal(add(r, NULL, NULL, "null_mx", 0), 4);
	assert_int_equal(chosen(r, "a@x.test", NULL), 4);
	assert_int_equal(chosen(r, NULL, NULL), 4);
	assert_true(rules_remove(r, 4));
	assert_false(rules_remove(r, 4));
	assert_int_equal(chosen(r, "a@x.test", NULL), 2);
	assert_int_equal(r->n, 3);
}

static void
test_patterns(void **state)
{
	struct rules *r = *state;

	add(r, "*@x.test", "news*@*", "greylisted", 0);
	assert_int_equal(chosen(r, "a@x.test", "newsletter@me.test"), 1);
	assert_int_equal(chosen(r, "a@x.test", "joe@me.test"), 0);
	assert_int_equal(chosen(r, "a@y.test", "newsletter@me.test"), 0);
	assert_int_equal(chosen(r, "a@x.test", NULL), 0);
	assert_int_equal(chosen(r, NULL, "newsletter@me.test"), 0);
	/* an empty sender is one, and is not none */
	add(r, NULL, "", "null_mx", 0);
	assert_int_equal(chosen(r, "a@x.test", ""), 2);
	assert_int_equal(chosen(r, "a@x.test", NULL), 0);
	add(r, NULL, "*", "null_mx", 0);
	assert_int_equal(chosen(r, NULL, ""), 3);
	assert_int_equal(chosen(r, NULL, NULL), 0);
}

/* The next three to bob, and then what was there before. */
static void
test_counts(void **state)
{
	struct rules *r = *state;
	int i;

	add(r, "bob@x.test", NULL, "greylisted", 0);
	add(r, "bob@x.test", NULL, "user_unknown", 3);
	assert_int_equal(chosen(r, "joe@x.test", NULL), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(chosen(r, "bob@x.test", NULL), 2);
	assert_int_equal(chosen(r, "bob@x.test", NULL), 1);
	assert_int_equal(r->n, 1);
	assert_false(rules_remove(r, 2));
}

/* One that is used up or off stays for those it chose for, and its handle is free after the last.
 */
static void
test_handles(void **state)
{
	struct rules *r = *state;
	uint32_t first, again, other;

	add(r, NULL, NULL, "user_unknown", 2);
	first = rules_choose(r, outcomes, NONE, NONE);
	again = rules_choose(r, outcomes, NONE, NONE);
	assert_int_equal(first, again);
	assert_int_not_equal(first, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(rules_choose(r, outcomes, NONE, NONE), 0);
	/* it is still held: another one gets another handle */
	assert_int_equal(add(r, NULL, NULL, "null_mx", 0), 2);
	other = rules_choose(r, outcomes, NONE, NONE);
	assert_int_not_equal(other, first);
	rules_release(r, first);
	assert_int_equal(rules_get(r, first)->number, 1);
	assert_true(str_eq(fate_text(rules_get(r, first)->fate), STR("user_unknown")));
	rules_release(r, first);
	/* nobody holds it: the next one has its handle, and a number of its own */
	assert_int_equal(add(r, NULL, NULL, "null_mx", 0), 3);
	assert_int_equal(rules_choose(r, outcomes, NONE, NONE), first);
	assert_int_equal(rules_get(r, first)->number, 3);
	assert_int_equal(rules_remove_all(r), 2);
	assert_int_equal(rules_get(r, other)->number, 2);
	assert_int_equal(rules_get(r, first)->number, 3);
	assert_int_equal(rules_remove_all(r), 0);
	rules_release(r, other);
	/* what is still held goes with the rest */
}

static void
test_not_too_many(void **state)
{
	struct rules *r = *state;
	uint64_t i;

	for (i = 1; i <= RULES_MAX; i++)
		assert_int_equal(add(r, NULL, NULL, "null_mx", 0), i);
	assert_int_equal(add(r, NULL, NULL, "null_mx", 0), 0);
	assert_true(rules_remove(r, 7));
	assert_int_equal(add(r, NULL, NULL, "null_mx", 0), RULES_MAX + 1);
}

/* The first step of what that rule chooses. */
static const struct fate_step *
rules_steps(const struct rules *r, uint32_t handle)
{
	return fate_choose(rules_get(r, handle)->fate, 0).steps;
}

/* The rules mean the new outcomes; what has none any more goes; messages keep the old. */
static void
test_reload(void **state)
{
	struct rules *r = *state;
	struct outcome_set *fresh = outcome_set_new(), *old = outcomes;
	struct outcome_change change = { .code = 450 };
	uint32_t held, handle;

	assert_null(outcome_define(outcomes, STR("odd"), &change));
	assert_null(outcome_define(outcomes, STR("even"), &change));
	assert_null(outcome_define(fresh, STR("even"), &change));
	add(r, "a@x.test", NULL, "even", 0);
	add(r, "b@x.test", NULL, "odd", 0);
	add(r, "*@x.test", NULL, "greylisted:2 even", 5);
	add(r, "c@x.test", NULL, "odd", 1);
	held = rules_choose(r, outcomes, STR("b@x.test"), NONE);
	assert_int_equal(rules_get(r, held)->number, 3);
	assert_int_equal(rules_reload(r, fresh), 2);
	assert_int_equal(r->n, 2);
	outcomes = fresh;
	/* the same order, numbers and counts */
	assert_int_equal(rules_get(r, held)->number, 3);
	assert_int_equal(chosen(r, "b@x.test", NULL), 3);
	assert_int_equal(chosen(r, "c@x.test", NULL), 3);
	assert_int_equal(chosen(r, "a@x.test", NULL), 3);
	assert_int_equal(chosen(r, "a@x.test", NULL), 3);
	assert_int_equal(chosen(r, "b@x.test", NULL), 0);
	assert_int_equal(chosen(r, "a@x.test", NULL), 1);
	rules_release(r, held);
	/* a range that was opened before means the old ones, as far as the rule does */
	handle = rules_choose(r, old, STR("a@x.test"), NONE);
	assert_int_equal(rules_get(r, handle)->number, 1);
	assert_int_equal(rules_steps(r, handle)->outcome, outcome_find(old, STR("even")));
	assert_int_not_equal(outcome_find(old, STR("even")), outcome_find(fresh, STR("even")));
	assert_int_equal(rules_choose(r, old, STR("a@x.test"), NONE), handle);
	rules_release(r, handle);
	assert_int_equal(add(r, NULL, NULL, "null_mx", 0), 5);
	assert_null(outcome_define(fresh, STR("new"), &change));
	assert_int_equal(add(r, "a@x.test", NULL, "new", 0), 6);
	assert_int_equal(chosen(r, "a@x.test", NULL), 6);
	handle = rules_choose(r, old, STR("a@x.test"), NONE);
	assert_int_equal(rules_get(r, handle)->number, 5);
	outcome_set_unref(old);
}

static void
test_format(void **state)
{
	struct rules *r = *state;
	struct latency latency = latency_fixed(SEC);
	struct rule_request q = { .to = STR("a b@x.test"),
		.from = STR(""),
		.latency = &latency,
		.fate = world_fate(outcomes, "greylisted:2 null_mx"),
		.outcomes = outcomes,
		.is_counted = true,
		.count = 7 };
	struct buf b = { 0 };

	rules_add(r, &q);
	fate_unref(q.fate);
	rule_format(&b, rules_get(r, rules_choose(r, outcomes, STR("a b@x.test"), STR(""))));
	buf_add_char(&b, '\0');
	assert_string_equal(b.data,
	    "rule=1 to=\"a b@x.test\" from=\"\" outcome=\"greylisted:2 null_mx\" "
	    "latency=\"fixed 1s\" left=6");
	b.len = 0;
	add(r, "*", NULL, "null_mx", 0);
	rule_format(&b, rules_get(r, rules_choose(r, outcomes, STR("x"), NONE)));
	buf_add_char(&b, '\0');
	assert_string_equal(b.data, "rule=2 to=* outcome=null_mx");
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_newest_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_patterns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_handles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_too_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_format, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
