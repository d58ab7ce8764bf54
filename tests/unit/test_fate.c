/*
 * The language of outcome=: mixes by the exact bits at which one alternative ends and the next
 * begins, scripts attempt by attempt, and every text that is refused with what is said of it.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "core/fate.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MINUTE (60 * SEC)

static struct outcome_set *outcomes;

static int
set_up(void **state)
{
	(void)state;
	outcomes = outcome_set_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	outcome_set_unref(outcomes);
	return 0;
}

/* The first bits of a draw that lie at or behind so many millionths of all. */
static uint64_t
bits_at(int64_t millionths)
{
	return (uint64_t)((((unsigned __int128)millionths << 64) + DECIMAL_ONE - 1) / DECIMAL_ONE);
}

/* The outcome of the first attempt. */
static const char *
drawn(const struct fate *f, uint64_t bits)
{
	struct fate_script script = fate_choose(f, bits);
	struct fate_place at = { 0 };

	return outcome_get(outcomes, fate_next(&script, 0, &at))->name;
}

/* One alternative ends just below this share, and the next begins at it. */
static void
expect_edge(const struct fate *f, int64_t millionths, const char *below, const char *from)
{
	assert_string_equal(drawn(f, bits_at(millionths) - 1), below);
	assert_string_equal(drawn(f, bits_at(millionths)), from);
}

static void
test_mix(void **state)
{
	struct fate *f =
	    world_fate(outcomes, "user_unknown 5%, greylisted 2%,system_error 0.0001%");

	(void)state;
	assert_true(fate_is_random(f));
	assert_string_equal(drawn(f, 0), "user_unknown");
	expect_edge(f, 50000, "user_unknown", "greylisted");
	expect_edge(f, 70000, "greylisted", "system_error");
	expect_edge(f, 70001, "system_error", "delivered");
	assert_string_equal(drawn(f, UINT64_MAX), "delivered");
	assert_int_equal(fate_choose(f, UINT64_MAX).n, 0);
	fate_unref(f);
}

/* Without a share the first takes what the others leave, and nothing is left for delivered. */
static void
test_first_takes_the_rest(void **state)
{
	struct fate *f =
	    world_fate(outcomes, "spam_blocked, greylisted 33.3333%, null_mx 33.3333%");

	(void)state;
	assert_string_equal(drawn(f, 0), "spam_blocked");
	expect_edge(f, 333334, "spam_blocked", "greylisted");
	expect_edge(f, 666667, "greylisted", "null_mx");
	assert_string_equal(drawn(f, UINT64_MAX), "null_mx");
	assert_true(fate_is_random(f));
	fate_unref(f);
	f = world_fate(outcomes, "spam_blocked, null_mx 100%");
	assert_string_equal(drawn(f, 0), "null_mx");
	fate_unref(f);
}

static void
test_whole_and_no_shares(void **state)
{
	struct fate *f = world_fate(outcomes, "spam_blocked 0%, null_mx 60%, tls_required 40%");

	(void)state;
	assert_string_equal(drawn(f, 0), "null_mx");
	expect_edge(f, 600000, "null_mx", "tls_required");
	assert_string_equal(drawn(f, UINT64_MAX), "tls_required");
	fate_unref(f);
	f = world_fate(outcomes, "null_mx 100%");
	assert_false(fate_is_random(f));
	assert_string_equal(drawn(f, UINT64_MAX), "null_mx");
	fate_unref(f);
	f = world_fate(outcomes, "null_mx 0%");
	assert_true(fate_is_random(f));
	assert_string_equal(drawn(f, 0), "delivered");
	fate_unref(f);
	f = world_fate(outcomes, "null_mx");
	assert_false(fate_is_random(f));
	fate_unref(f);
}

/* A million shares: each alternative gets as many draws as it has millionths. */
static void
test_shares_are_exact(void **state)
{
	struct fate *f =
	    world_fate(outcomes, "null_mx 1.2345%, greylisted 50%, spam_blocked 0.001%");
	int64_t i, n[4] = { 0 };

	(void)state;
	for (i = 0; i < DECIMAL_ONE; i++) {
		struct fate_script script = fate_choose(f, bits_at(i));
		uint16_t id = script.n > 0 ? script.steps[0].outcome : OUTCOME_DELIVERED;

		n[0] += id == outcome_find(outcomes, STR("null_mx"));
		n[1] += id == outcome_find(outcomes, STR("greylisted"));
		n[2] += id == outcome_find(outcomes, STR("spam_blocked"));
		n[3] += id == OUTCOME_DELIVERED;
	}
	assert_int_equal(n[0], 12345);
	assert_int_equal(n[1], 500000);
	assert_int_equal(n[2], 10);
	assert_int_equal(n[3], 487645);
	fate_unref(f);
}

/* What one attempt after the other meets, each at that age. */
static const struct {
	const char *text;
	struct {
		int64_t age_ns;
		const char *outcome;
	} attempts[8];
} scripts[] = {
	/* as the outcomes themselves say */
	{ "delivered", { { 0, "delivered" }, { DAY, "delivered" } } },
	{ "user_unknown", { { DAY, "user_unknown" } } },
	{ "greylisted",
	    { { 0, "greylisted" }, { 5 * MINUTE - 1, "greylisted" }, { 5 * MINUTE, "delivered" },
		{ 6 * MINUTE, "delivered" } } },
	{ "mailbox_full", { { 0, "mailbox_full" }, { 36500 * DAY, "mailbox_full" } } },
	{ "system_error", { { 0, "system_error" }, { 0, "delivered" } } },
	{ "rate_limited", { { DAY, "rate_limited" }, { DAY, "delivered" } } },
	{ "connection_lost", { { 0, "connection_lost" }, { 0, "delivered" } } },
	{ "service_unavailable", { { 0, "service_unavailable" }, { 0, "delivered" } } },
	{ "dns_failure", { { 0, "dns_failure" }, { DAY, "dns_failure" }, { DAY, "delivered" } } },
	{ "connect_timeout",
	    { { 0, "connect_timeout" }, { 0, "connect_timeout" }, { 0, "delivered" } } },
	{ "connect_refused",
	    { { 0, "connect_refused" }, { 0, "connect_refused" }, { 0, "delivered" } } },
	/* attempts */
	{ "greylisted:2", { { 0, "greylisted" }, { DAY, "greylisted" }, { DAY, "delivered" } } },
	{ "mailbox_full:1", { { 0, "mailbox_full" }, { 0, "delivered" } } },
	{ "system_error:3 user_unknown",
	    { { 0, "system_error" }, { 0, "system_error" }, { 0, "system_error" },
		{ 0, "user_unknown" } } },
	{ "greylisted:2 system_error:1 delivered",
	    { { 0, "greylisted" }, { 0, "greylisted" }, { 0, "system_error" },
		{ 0, "delivered" } } },
	{ "system_error system_error system_error:2",
	    { { 0, "system_error" }, { 0, "system_error" }, { 0, "system_error" },
		{ 0, "system_error" }, { 0, "delivered" } } },
	/* ages: those of the message, not of the step */
	{ "system_error:30m",
	    { { 0, "system_error" }, { 30 * MINUTE - 1, "system_error" },
		{ 30 * MINUTE, "delivered" } } },
	{ "system_error:30m", { { 31 * MINUTE, "delivered" } } },
	{ "system_error:10m mailbox_full:20m user_unknown",
	    { { 0, "system_error" }, { 10 * MINUTE, "mailbox_full" },
		{ 19 * MINUTE, "mailbox_full" }, { 20 * MINUTE, "user_unknown" } } },
	{ "system_error:10m mailbox_full:20m user_unknown",
	    { { 0, "system_error" }, { DAY, "user_unknown" } } },
	/* both, and for ever */
	{ "dns_failure:1 system_error:1h connect_refused:2 mailbox_full:forever",
	    { { 0, "dns_failure" }, { MINUTE, "system_error" }, { 2 * MINUTE, "system_error" },
		{ 60 * MINUTE, "connect_refused" }, { DAY, "connect_refused" },
		{ DAY, "mailbox_full" }, { 1000 * DAY, "mailbox_full" } } },
	{ "system_error:1us greylisted:forever",
	    { { 0, "system_error" }, { 1000, "greylisted" }, { DAY, "greylisted" } } },
	/* names without case, '-' and '_' */
	{ "GreyListed:1 USER-UNKNOWN", { { 0, "greylisted" }, { 0, "user_unknown" } } },
	{ "_sys-tem_Error- \t mailbox__full:1",
	    { { 0, "system_error" }, { 0, "mailbox_full" }, { 0, "delivered" } } },
	{ "smtp_450", { { 0, "smtp_450" }, { 0, "delivered" } } },
	{ "suppressed", { { 0, "suppressed" } } },
};

static void
test_scripts(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(scripts); i++) {
		struct fate *f = world_fate(outcomes, scripts[i].text);
		struct fate_script script = fate_choose(f, UINT64_MAX);
		struct fate_place at = { 0 };

		for (k = 0; k < 8 && scripts[i].attempts[k].outcome; k++) {
			uint16_t id = fate_next(&script, scripts[i].attempts[k].age_ns, &at);
			const char *name = outcome_get(outcomes, id)->name;

			if (strcmp(name, scripts[i].attempts[k].outcome) != 0)
				fail_msg("%s: attempt %zu: %s", scripts[i].text, k + 1, name);
		}
		assert_true(str_eq(fate_text(f), str_of(scripts[i].text)));
		fate_unref(f);
	}
}

static void
test_longest(void **state)
{
	struct fate *f = world_fate(outcomes, "system_error:1000000 user_unknown");
	struct fate_script script = fate_choose(f, 0);
	struct fate_place at = { 0 };
	struct buf many = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 1000000; i++)
		assert_int_not_equal(
		    fate_next(&script, 0, &at), outcome_find(outcomes, STR("user_unknown")));
	assert_int_equal(fate_next(&script, 0, &at), outcome_find(outcomes, STR("user_unknown")));
	fate_unref(f);
	for (i = 0; i < FATE_STEPS_MAX; i++)
		buf_add_lit(&many, "system_error ");
	assert_int_equal(fate_parse(outcomes, buf_str(&many), &f, &many), FATE_OK);
	script = fate_choose(f, 0);
	at = (struct fate_place){ 0 };
	for (i = 0; i < FATE_STEPS_MAX; i++)
		assert_int_not_equal(fate_next(&script, 0, &at), OUTCOME_DELIVERED);
	for (i = 0; i < 1000; i++)
		assert_int_equal(fate_next(&script, 0, &at), OUTCOME_DELIVERED);
	fate_unref(f);
	buf_fini(&many);
}

static const struct {
	const char *text, *why;
	enum fate_status status;
} bad[] = {
	{ "", "\"\" names no outcome", FATE_MALFORMED },
	{ "  ", "\"  \" names no outcome", FATE_MALFORMED },
	{ ",", "\"\" names no outcome", FATE_MALFORMED },
	{ "greylisted,", "\"\" names no outcome", FATE_MALFORMED },
	{ "greylisted 1%,,null_mx 1%", "\"\" names no outcome", FATE_MALFORMED },
	{ "5%", "\"5%\" names no outcome", FATE_MALFORMED },
	{ "null_mx 5%, 5%", "\" 5%\" names no outcome", FATE_MALFORMED },
	{ "nonsense", "\"nonsense\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ "greylisted:1 non\"sense:2", "\"non\\\"sense\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ "null_mx 1%, nonsense 2%", "\"nonsense\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ ":3", "\"\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ "expired", "\"expired\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ "cancelled", "\"cancelled\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ "smtp_350", "\"smtp_350\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ "greylisted;", "\"greylisted;\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ "greylisted=3", "\"greylisted=3\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ "greylisted:",
	    "\"\" lasts for something else than attempts, an age such as 30m, or forever",
	    FATE_MALFORMED },
	{ "greylisted:x",
	    "\"x\" lasts for something else than attempts, an age such as 30m, or "
	    "forever",
	    FATE_MALFORMED },
	{ "greylisted:Forever",
	    "\"Forever\" lasts for something else than attempts, an age such as "
	    "30m, or forever",
	    FATE_MALFORMED },
	{ "greylisted:-1",
	    "\"-1\" lasts for something else than attempts, an age such as 30m, or "
	    "forever",
	    FATE_MALFORMED },
	{ "greylisted:0s",
	    "\"0s\" lasts for something else than attempts, an age such as 30m, or "
	    "forever",
	    FATE_MALFORMED },
	{ "greylisted:1:2",
	    "\"1:2\" lasts for something else than attempts, an age such as 30m, or "
	    "forever",
	    FATE_MALFORMED },
	{ "greylisted:0", "\"0\" lasts for a number of attempts outside of 1 to 1000000",
	    FATE_MALFORMED },
	{ "greylisted:1000001",
	    "\"1000001\" lasts for a number of attempts outside of 1 to 1000000", FATE_MALFORMED },
	{ "user_unknown greylisted",
	    "\"greylisted\" can never come: the step before it is the last", FATE_MALFORMED },
	{ "delivered delivered", "\"delivered\" can never come: the step before it is the last",
	    FATE_MALFORMED },
	{ "mailbox_full user_unknown",
	    "\"user_unknown\" can never come: the step before it is the last", FATE_MALFORMED },
	{ "system_error:forever x", "\"x\" can never come: the step before it is the last",
	    FATE_MALFORMED },
	{ "greylisted suppressed",
	    "\"suppressed\" cannot come later: it drops a message before any dispatch",
	    FATE_MALFORMED },
	{ "null_mx 5% greylisted 2%", "\"greylisted\" stands behind the share; a comma is missing",
	    FATE_MALFORMED },
	{ "null_mx 5% 5%", "\"5%\" stands behind the share; a comma is missing", FATE_MALFORMED },
	{ "null_mx x%", "\"x%\" is not a percentage such as 5% or 0.25%", FATE_MALFORMED },
	{ "null_mx %", "\"%\" is not a percentage such as 5% or 0.25%", FATE_MALFORMED },
	{ "null_mx -5%", "\"-5%\" is not a percentage such as 5% or 0.25%", FATE_MALFORMED },
	{ "null_mx5%", "\"null_mx5%\" is not a percentage such as 5% or 0.25%", FATE_MALFORMED },
	{ "null_mx 101%", "\"101%\" is more than 100%", FATE_MALFORMED },
	{ "null_mx 0.00001%", "\"0.00001%\" has more than four decimals", FATE_MALFORMED },
	{ "null_mx 5", "\"5\" can never come: the step before it is the last", FATE_MALFORMED },
	{ "greylisted 5", "\"5\" is no outcome", FATE_UNKNOWN_OUTCOME },
	{ "null_mx 50%, greylisted 50.0001%",
	    "\"null_mx 50%, greylisted 50.0001%\" adds up to more than 100%", FATE_MALFORMED },
	{ "null_mx, greylisted 60%, spam_blocked 41%",
	    "\"null_mx, greylisted 60%, spam_blocked 41%\" adds up to more than 100%",
	    FATE_MALFORMED },
	{ "null_mx 5%, greylisted", "\"null_mx 5%, greylisted\" has an alternative without a share",
	    FATE_MALFORMED },
	{ "null_mx, greylisted", "\"null_mx, greylisted\" has an alternative without a share",
	    FATE_MALFORMED },
};

static void
expect_refused(struct str text, enum fate_status expected, const char *why)
{
	struct buf said = { 0 };
	struct fate *f = NULL;
	enum fate_status status = fate_parse(outcomes, text, &f, &said);

	buf_add_char(&said, '\0');
	if (status != expected || strcmp(said.data, why) != 0)
		fail_msg("%.*s: %d, %s", STR_ARG(text), (int)status, said.data);
	assert_null(f);
	buf_fini(&said);
}

static void
test_bad_text(void **state)
{
	struct buf text = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		expect_refused(str_of(bad[i].text), bad[i].status, bad[i].why);
	for (i = 0; i < FATE_STEPS_MAX + 1; i++)
		buf_add_lit(&text, "greylisted ");
	expect_refused(buf_str(&text), FATE_MALFORMED,
	    "\"greylisted\" is more than there may be: at most 64 steps");
	text.len = 0;
	for (i = 0; i < FATE_STEPS_MAX; i++)
		buf_add_lit(&text, "greylisted 1%,");
	buf_add_lit(&text, "x");
	expect_refused(
	    buf_str(&text), FATE_MALFORMED, "\"x\" is more than there may be: at most 64 steps");
	text.len = 0;
	for (i = 0; i < 1000; i++)
		buf_add_char(&text, 'x');
	expect_refused(buf_str(&text), FATE_UNKNOWN_OUTCOME,
	    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" is no outcome");
	buf_fini(&text);
}

/* The step of an address: cut in two already, and what is after the sign may be not there. */
static void
test_single_step(void **state)
{
	struct str none = { NULL, 0 };
	struct buf why = { 0 };
	struct fate_step step;

	(void)state;
	assert_int_equal(fate_parse_step(outcomes, STR("dns-failure"), none, &step, &why), FATE_OK);
	assert_int_equal(step.outcome, outcome_find(outcomes, STR("dns_failure")));
	assert_int_equal(step.until.kind, UNTIL_ATTEMPTS);
	assert_int_equal(step.until.n, 2);
	assert_int_equal(
	    fate_parse_step(outcomes, STR("dns_failure"), STR("2h"), &step, &why), FATE_OK);
	assert_int_equal(step.until.kind, UNTIL_AGE);
	assert_int_equal(step.until.n, 120 * MINUTE);
	assert_int_equal(why.len, 0);
	assert_int_equal(
	    fate_parse_step(outcomes, STR("dns_failure"), STR(""), &step, &why), FATE_MALFORMED);
	assert_int_equal(
	    fate_parse_step(outcomes, STR("dns"), none, &step, &why), FATE_UNKNOWN_OUTCOME);
	buf_fini(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mix),
		cmocka_unit_test(test_first_takes_the_rest),
		cmocka_unit_test(test_whole_and_no_shares),
		cmocka_unit_test(test_shares_are_exact),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_single_step),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
