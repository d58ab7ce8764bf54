/*
 * Requests that say the same share one plan, and one that says anything else has another.
 */
#include "sim_world.h"

#include <string.h>

#include "core/plan.h"

struct said {
	const char *latency, *connect, *outcome, *retry;
	int64_t expire_ns;
	uint64_t max_attempts;
};

/* All different. */
static const struct said all[] = {
	{ "1s", NULL, NULL, NULL, -1, PLAN_UNSAID },
	{ "2s", NULL, NULL, NULL, -1, PLAN_UNSAID },
	{ "1s min=1s", NULL, NULL, NULL, -1, PLAN_UNSAID },
	{ "uniform 1s 2s", NULL, NULL, NULL, -1, PLAN_UNSAID },
	{ "lognormal median=1s sigma=0.5", NULL, NULL, NULL, -1, PLAN_UNSAID },
	{ NULL, "1s", NULL, NULL, -1, PLAN_UNSAID },
	{ "1s", "1s", NULL, NULL, -1, PLAN_UNSAID },
	{ NULL, NULL, "greylisted", NULL, -1, PLAN_UNSAID },
	{ NULL, NULL, "greylisted:2", NULL, -1, PLAN_UNSAID },
	{ NULL, NULL, NULL, "5m", -1, PLAN_UNSAID },
	{ NULL, NULL, NULL, "5m 5m", -1, PLAN_UNSAID },
	{ NULL, NULL, NULL, "5m *2 max 1h", -1, PLAN_UNSAID },
	{ NULL, NULL, NULL, "5m *2 max 2h", -1, PLAN_UNSAID },
	{ NULL, NULL, NULL, "5m *3 max 2h", -1, PLAN_UNSAID },
	{ NULL, NULL, NULL, NULL, 0, PLAN_UNSAID },
	{ NULL, NULL, NULL, NULL, 1, PLAN_UNSAID },
	{ NULL, NULL, NULL, NULL, -1, 0 },
	{ NULL, NULL, NULL, NULL, -1, 1 },
};

#define ALL_N (sizeof all / sizeof all[0])

static struct plan *
derive(struct plan *base, const struct said *said)
{
	struct plan_change change = { .expire_ns = said->expire_ns,
		.max_attempts = said->max_attempts };
	struct latency latency, connect;
	struct retry retry;
	struct plan *p;

	if (said->latency) {
		assert_null(latency_parse(str_of(said->latency), NULL, &latency));
		change.latency = &latency;
	}
	if (said->connect) {
		assert_null(latency_parse(str_of(said->connect), NULL, &connect));
		change.connect = &connect;
	}
	if (said->outcome)
		change.fate = world_fate(base->conf->outcomes, said->outcome);
	if (said->retry) {
		memset(&retry, 0x55, sizeof retry);
		assert_null(retry_parse(str_of(said->retry), &retry));
		change.retry = &retry;
	}
	p = plan_derive(base, &change);
	fate_unref(change.fate);
	return p;
}

static void
test_same_words_same_plan(void **state)
{
	struct simulator_conf conf = world_conf();
	struct plan *base = plan_new(conf.delivery, 1), *kept[ALL_N], *again;
	size_t i;

	(void)state;
	delivery_conf_unref(conf.delivery);
	for (i = 0; i < ALL_N; i++) {
		kept[i] = derive(base, &all[i]);
		again = derive(base, &all[i]);
		assert_ptr_equal(again, kept[i]);
		assert_int_equal(kept[i]->refs, 2);
		plan_unref(again);
		/* what was said last is not found for this, nor this for what comes next */
		assert_true(i == 0 || kept[i] != kept[i - 1]);
	}
	for (i = 1; i < ALL_N; i++) {
		again = derive(base, &all[i - 1]);
		assert_ptr_not_equal(again, kept[i]);
		plan_unref(again);
	}
	/* they go in any order, the base first */
	plan_unref(base);
	for (i = 0; i < ALL_N; i++)
		plan_unref(kept[i * 7 % ALL_N]);
}

/* Many that differ cost a look at a few, and one in between is found no more: it is made anew. */
static void
test_only_the_newest_are_looked_at(void **state)
{
	struct simulator_conf conf = world_conf();
	struct plan *base = plan_new(conf.delivery, 1), *first, *again, *many[100];
	struct said said = all[14];
	size_t i;

	(void)state;
	delivery_conf_unref(conf.delivery);
	first = derive(base, &said);
	for (i = 0; i < 100; i++) {
		said.expire_ns = (int64_t)i + 1;
		many[i] = derive(base, &said);
	}
	again = derive(base, &all[14]);
	assert_ptr_not_equal(again, first);
	assert_int_equal(again->said.expire_ns, first->said.expire_ns);
	plan_unref(again);
	plan_unref(first);
	for (i = 0; i < 100; i++)
		plan_unref(many[i]);
	assert_int_equal(base->refs, 1);
	assert_true(list_is_empty(&base->derived));
	plan_unref(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_words_same_plan),
		cmocka_unit_test(test_only_the_newest_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
