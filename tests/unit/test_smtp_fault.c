/*
 * Faults of SMTP: how they are written, that they depend on nothing but their place, and how often
 * they come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "front/smtp_fault.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void
test_chances(void **state)
{
	static const struct {
		const char *text, *printed; /* NULL: refused */
	} cases[] = {
		{ "", "" },
		{ "5%", "5%" },
		{ "0.25%", "0.25%" },
		{ "100%", "100%" },
		{ "0%", "" },
		{ "first 3", "first 3" },
		{ " first  3 ", "first 3" },
		{ "first 0", "" },
		{ "first", NULL },
		{ "first x", NULL },
		{ "first -1", NULL },
		{ "3", NULL },
		{ "101%", NULL },
		{ "5% x", NULL },
		{ "second 3", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct smtp_chance chance = { 0 };
		struct buf b = { 0 };
		const char *wrong = smtp_chance_parse(str_of(cases[i].text), &chance);

		if ((wrong == NULL) != (cases[i].printed != NULL))
			fail_msg("\"%s\": %s", cases[i].text, wrong ? wrong : "taken");
		if (wrong)
			continue;
		smtp_chance_format(&b, &chance);
		buf_add_char(&b, '\0');
		assert_string_equal(b.data, cases[i].printed);
		buf_fini(&b);
	}
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *text, *printed; /* NULL: refused */
	} cases[] = {
		{ "", "" },
		{ "5% 451 4.7.1 Come back later", "5% 451 4.7.1 Come back later" },
		{ "first 2  550 no", "first 2 550 no" },
		{ "0% 450 4.2.0 x", "0% 450 4.2.0 x" },
		{ "100% 421 4.3.2 Bye", "100% 421 4.3.2 Bye" },
		{ "451 4.7.1 x", NULL },
		{ "5%", NULL },
		{ "5% 451", NULL },
		{ "5% 250 2.0.0 Ok", NULL },
		{ "5% 499 x", NULL },
		{ "5% 45 x", NULL },
		{ "5% 4511 x", NULL },
		{ "5% 451 5.7.1 x", NULL },
		{ "5% 451 4.7 x", NULL },
		{ "5% 451 4.7.1 a\r\n250 b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct smtp_fail fail = { .reply = NULL };
		struct buf b = { 0 };
		const char *wrong = smtp_fail_parse(str_of(cases[i].text), &fail);

		if ((wrong == NULL) != (cases[i].printed != NULL))
			fail_msg("\"%s\": %s", cases[i].text, wrong ? wrong : "taken");
		smtp_fail_format(&b, &fail);
		buf_add_char(&b, '\0');
		if (!wrong)
			assert_string_equal(b.data, cases[i].printed);
		buf_fini(&b);
		smtp_fail_fini(&fail);
	}
}

static struct smtp_fault
draw(const struct smtp_fault_conf *conf, uint64_t seed, uint64_t session, enum smtp_stage stage,
    uint64_t count)
{
	struct smtp_fault_place at = { seed, session, stage, count, 1000 };
	struct smtp_fault fault;

	smtp_fault_draw(conf, &at, &fault);
	return fault;
}

/* The same place has the same faults; another seed, session, stage or count has others. */
static void
test_draws_are_functions(void **state)
{
	const struct smtp_fault_conf conf = {
		.delay = { .kind = LATENCY_UNIFORM,
		    .value = { [LATENCY_FIRST] = 0, [LATENCY_SECOND] = 1000 * TEXT_NS_PER_S } },
	};
	int64_t delay = draw(&conf, 1, 2, SMTP_STAGE_MAIL, 3).delay_ns;

	(void)state;
	assert_int_equal(draw(&conf, 1, 2, SMTP_STAGE_MAIL, 3).delay_ns, delay);
	assert_int_not_equal(draw(&conf, 2, 2, SMTP_STAGE_MAIL, 3).delay_ns, delay);
	assert_int_not_equal(draw(&conf, 1, 3, SMTP_STAGE_MAIL, 3).delay_ns, delay);
	assert_int_not_equal(draw(&conf, 1, 2, SMTP_STAGE_RCPT, 3).delay_ns, delay);
	assert_int_not_equal(draw(&conf, 1, 2, SMTP_STAGE_MAIL, 4).delay_ns, delay);
}

/* Shares are kept, and the three kinds of faults know nothing of each other. */
static void
test_how_often(void **state)
{
	char reply[] = "451 4.7.1 x";
	const struct smtp_fault_conf conf = {
		.drop = { .share = 100000 },
		.drop_after = { .share = 300000 },
		.fail = { .chance = { .share = 200000 }, .reply = reply },
	};
	unsigned dropped = 0, failed = 0, after = 0, both = 0;

	(void)state;
	for (uint64_t session = 1; session <= 10000; session++) {
		const struct smtp_fault_place at = { 7, session, SMTP_STAGE_EOM, 1, 1000 };
		struct smtp_fault f = draw(&conf, 7, session, SMTP_STAGE_EOM, 1);

		dropped += f.is_dropped;
		failed += f.is_failed;
		after += smtp_fault_drops_after(&conf, &at);
		both += f.is_dropped && f.is_failed;
		assert_int_equal(f.delay_ns, 0);
	}
	assert_in_range(dropped, 900, 1100);
	assert_in_range(failed, 1850, 2150);
	assert_in_range(after, 2850, 3150);
	assert_in_range(both, 150, 250);
}

static void
test_the_first_so_many(void **state)
{
	const struct smtp_fault_conf conf = { .drop = { .first = 3 } };
	struct smtp_fault f;

	(void)state;
	for (uint64_t total = 1; total <= 6; total++) {
		struct smtp_fault_place at = { 1, total, SMTP_STAGE_CONNECT, 1, total };

		smtp_fault_draw(&conf, &at, &f);
		assert_int_equal(f.is_dropped, total <= 3);
		assert_false(f.is_failed);
	}
}

static void
test_stages(void **state)
{
	(void)state;
	assert_int_equal(smtp_stage_find(STR("eom")), SMTP_STAGE_EOM);
	assert_int_equal(smtp_stage_find(STR("EOM")), SMTP_STAGE_NONE);
	assert_null(smtp_stage_check(STR("connect")));
	assert_non_null(smtp_stage_check(STR("dns")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chances),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_draws_are_functions),
		cmocka_unit_test(test_how_often),
		cmocka_unit_test(test_the_first_so_many),
		cmocka_unit_test(test_stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
