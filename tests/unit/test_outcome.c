/*
 * The tables a user names things from: outcomes, states, goals.
 */
#include <stdio.h>

#include "sim_world.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MINUTE (60 * SEC)

#define ONE_ATTEMPT \
	{ \
		UNTIL_ATTEMPTS, 1 \
	}
#define TWO_ATTEMPTS \
	{ \
		UNTIL_ATTEMPTS, 2 \
	}

/* All that can be chosen, as it is documented; any text will do. */
static const struct outcome rows[] = {
	{ "delivered", 250, "2.0.0", NULL, "OK", OUTCOME_SUCCESS, ONE_ATTEMPT },
	{ "mailbox_full", 452, "4.2.2", "rcpt", "", OUTCOME_TRANSIENT, { UNTIL_FOREVER, 0 } },
	{ "greylisted", 451, "4.7.1", "rcpt", "", OUTCOME_TRANSIENT, { UNTIL_AGE, 5 * MINUTE } },
	{ "rate_limited", 421, "4.7.0", "mail", "", OUTCOME_TRANSIENT, ONE_ATTEMPT },
	{ "system_error", 451, "4.3.0", "eom", "", OUTCOME_TRANSIENT, ONE_ATTEMPT },
	{ "service_unavailable", 421, "4.3.2", "connect reply", "", OUTCOME_TRANSIENT,
	    ONE_ATTEMPT },
	{ "dns_failure", 0, "4.4.3", "dns", "", OUTCOME_TRANSIENT, TWO_ATTEMPTS },
	{ "connect_timeout", 0, "4.4.1", "connect", "", OUTCOME_TRANSIENT, TWO_ATTEMPTS },
	{ "connect_refused", 0, "4.4.1", "connect", "", OUTCOME_TRANSIENT, TWO_ATTEMPTS },
	{ "connection_lost", 0, "4.4.2", "eom", "", OUTCOME_TRANSIENT, ONE_ATTEMPT },
	{ "user_unknown", 550, "5.1.1", "rcpt", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "mailbox_disabled", 550, "5.2.1", "rcpt", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "quota_exceeded", 552, "5.2.2", "rcpt", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "message_too_big", 552, "5.3.4", "mail", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "spam_blocked", 550, "5.7.1", "eom", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "dmarc_reject", 550, "5.7.26", "eom", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "ip_blocked", 554, "5.7.1", "connect reply", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "tls_required", 530, "5.7.0", "mail", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "host_unknown", 0, "5.1.2", "dns", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "null_mx", 556, "5.1.10", "dns", "", OUTCOME_PERMANENT, ONE_ATTEMPT },
	{ "suppressed", 0, NULL, NULL, "", OUTCOME_DROP, ONE_ATTEMPT },
};

static void
expect_text(const char *got, const char *expected)
{
	if (!expected) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, expected);
}

static void
expect_row(const struct outcome *got, const struct outcome *expected)
{
	assert_string_equal(got->name, expected->name);
	assert_int_equal(got->code, expected->code);
	expect_text(got->dsn, expected->dsn);
	expect_text(got->stage, expected->stage);
	assert_int_equal(got->class, expected->class);
	assert_int_equal(got->until.kind, expected->until.kind);
	assert_int_equal(got->until.n, expected->until.n);
}

static void
test_builtin_rows(void **state)
{
	static const struct outcome expired = { "expired", 554, "5.4.7", NULL, "", OUTCOME_GIVEN_UP,
		ONE_ATTEMPT };
	struct outcome_set *set = outcome_set_new();
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		uint16_t id = outcome_find(set, str_of(rows[i].name));

		if (id == OUTCOME_NONE)
			fail_msg("there is no %s", rows[i].name);
		expect_row(outcome_get(set, id), &rows[i]);
		assert_true(strlen(outcome_get(set, id)->text) > 0);
	}
	expect_row(outcome_get(set, OUTCOME_EXPIRED), &expired);
	assert_int_equal(outcome_find(set, STR("expired")), OUTCOME_NONE);
	assert_int_equal(outcome_get(set, OUTCOME_CANCELLED)->class, OUTCOME_TAKEN_BACK);
	/* those that the simulator gives by itself are where it looks for them */
	assert_int_equal(outcome_find(set, STR("suppressed")), OUTCOME_SUPPRESSED);
	assert_int_equal(outcome_find(set, STR("rate_limited")), OUTCOME_RATE_LIMITED);
	assert_int_equal(outcome_find(set, STR("connect_timeout")), OUTCOME_CONNECT_TIMEOUT);
	outcome_set_unref(set);
}

static void
test_codes(void **state)
{
	struct outcome_set *set = outcome_set_new();
	unsigned code;

	(void)state;
	for (code = 0; code < 1000; code++) {
		uint16_t id = outcome_find_code(set, code);
		const struct outcome *o;

		if (code < 200 || code > 599 || code / 100 == 3) {
			assert_int_equal(id, OUTCOME_NONE);
			continue;
		}
		o = outcome_get(set, id);
		assert_int_equal(o->code, code);
		assert_string_equal(o->stage, "rcpt");
		assert_int_equal(o->dsn[0], '0' + code / 100);
		assert_string_equal(o->dsn + 1, ".0.0");
		assert_int_equal(o->class,
		    code < 300       ? OUTCOME_SUCCESS
			: code < 500 ? OUTCOME_TRANSIENT
				     : OUTCOME_PERMANENT);
		assert_int_equal(o->until.n, 1);
		assert_int_equal(outcome_find(set, str_of(o->name)), id);
	}
	assert_int_equal(outcome_find_code(set, UINT32_MAX), OUTCOME_NONE);
	assert_int_equal(outcome_find(set, STR("smtp-450")), outcome_find_code(set, 450));
	assert_int_equal(outcome_find(set, STR("smtp_350")), OUTCOME_NONE);
	outcome_set_unref(set);
}

static void
define(struct outcome_set *set, const char *name, struct outcome_change change, const char *why)
{
	expect_text(outcome_define(set, str_of(name), &change), why);
}

static void
test_define_changes(void **state)
{
	static const struct outcome_until hour = { UNTIL_AGE, 60 * MINUTE };
	struct outcome_set *set = outcome_set_new();
	uint16_t id = outcome_find(set, STR("greylisted"));
	struct outcome expected = *outcome_get(set, id);

	(void)state;
	/* what is not said stays */
	define(set, "Grey-Listed", (struct outcome_change){ .code = 450 }, NULL);
	expected.code = 450;
	expect_row(outcome_get(set, id), &expected);
	define(set, "greylisted", (struct outcome_change){ .until = &hour, .dsn = "4.2.0" }, NULL);
	expected.until = hour;
	expected.dsn = "4.2.0";
	expect_row(outcome_get(set, id), &expected);
	define(set, "greylisted", (struct outcome_change){ .stage = "eom", .text = "later" }, NULL);
	expected.stage = "eom";
	expect_row(outcome_get(set, id), &expected);
	assert_string_equal(outcome_get(set, id)->text, "later");
	/* its class is that of its code */
	define(set, "greylisted", (struct outcome_change){ .code = 550, .dsn = "5.7.1" }, NULL);
	assert_int_equal(outcome_get(set, id)->class, OUTCOME_PERMANENT);
	/* of some only the text */
	define(set, "suppressed", (struct outcome_change){ .text = "no" }, NULL);
	assert_string_equal(outcome_get(set, OUTCOME_SUPPRESSED)->text, "no");
	define(set, "expired", (struct outcome_change){ .text = "too late" }, NULL);
	assert_string_equal(outcome_get(set, OUTCOME_EXPIRED)->text, "too late");
	define(set, "delivered", (struct outcome_change){ .code = 251, .dsn = "2.1.5" }, NULL);
	assert_int_equal(outcome_get(set, OUTCOME_DELIVERED)->code, 251);
	define(set, "smtp_450", (struct outcome_change){ .dsn = "4.2.0" }, NULL);
	assert_string_equal(outcome_get(set, outcome_find_code(set, 450))->dsn, "4.2.0");
	outcome_set_unref(set);
}

static void
test_define_new(void **state)
{
	static const struct outcome_until thrice = { UNTIL_ATTEMPTS, 3 };
	static const struct outcome full = { "Tarpit-1", 432, "4.7.12", "ehlo", "",
		OUTCOME_TRANSIENT, { UNTIL_ATTEMPTS, 3 } };
	static const struct outcome by_code = { "odd", 599, NULL, "rcpt", "", OUTCOME_PERMANENT,
		ONE_ATTEMPT };
	static const struct outcome by_dsn = { "even", 0, "4.4.7", "connect", "", OUTCOME_TRANSIENT,
		ONE_ATTEMPT };
	struct outcome_set *set = outcome_set_new();
	char name[] = "Tarpit-1", text[] = "wait";

	(void)state;
	define(set, name,
	    (struct outcome_change){
		.code = 432, .dsn = "4.7.12", .stage = "ehlo", .text = text, .until = &thrice },
	    NULL);
	define(set, "odd", (struct outcome_change){ .code = 599 }, NULL);
	define(set, "even", (struct outcome_change){ .dsn = "4.4.7" }, NULL);
	/* it has copies of what it was given */
	memset(text, 'x', sizeof text - 1);
	name[0] = 'x';
	expect_row(outcome_get(set, outcome_find(set, STR("tarpit1"))), &full);
	assert_string_equal(outcome_get(set, outcome_find(set, STR("tarpit1")))->text, "wait");
	expect_row(outcome_get(set, outcome_find(set, STR("odd"))), &by_code);
	assert_null(outcome_get(set, outcome_find(set, STR("odd")))->text);
	expect_row(outcome_get(set, outcome_find(set, STR("EVEN"))), &by_dsn);
	outcome_set_unref(set);
}

static void
test_define_refuses(void **state)
{
	static const struct outcome_until one = ONE_ATTEMPT;
	static const char only[] = "can only have its text changed";
	struct outcome_set *set = outcome_set_new();
	char text[402];

	(void)state;
	memset(text, 'x', sizeof text);
	text[401] = '\0';
	define(set, "new", (struct outcome_change){ .text = "x" }, "needs a code or a dsn");
	define(set, "new", (struct outcome_change){ .code = 350 },
	    "has a code that is not 2xx, 4xx or 5xx");
	define(set, "new", (struct outcome_change){ .code = 199 },
	    "has a code that is not 2xx, 4xx or 5xx");
	define(set, "new", (struct outcome_change){ .code = 450, .dsn = "5.0.0" },
	    "has a code and a dsn of different classes");
	define(set, "greylisted", (struct outcome_change){ .code = 550 },
	    "has a code and a dsn of different classes");
	define(set, "greylisted", (struct outcome_change){ .dsn = "5.0.0" },
	    "has a code and a dsn of different classes");
	define(set, "delivered", (struct outcome_change){ .code = 450, .dsn = "4.0.0" },
	    "must be a success");
	define(set, "new", (struct outcome_change){ .code = 550, .until = &one },
	    "has an until, which only a transient outcome (4xx) has");
	define(set, "delivered", (struct outcome_change){ .until = &one },
	    "has an until, which only a transient outcome (4xx) has");
	define(set, "new", (struct outcome_change){ .code = 450, .text = text },
	    "has a text of more than 400 octets");
	define(set, "suppressed", (struct outcome_change){ .code = 550 }, only);
	define(set, "suppressed", (struct outcome_change){ .dsn = "5.0.0" }, only);
	define(set, "cancelled", (struct outcome_change){ .stage = "rcpt" }, only);
	define(set, "expired", (struct outcome_change){ .until = &one }, only);
	/* what is refused changes nothing */
	assert_int_equal(outcome_find(set, STR("new")), OUTCOME_NONE);
	expect_row(outcome_get(set, outcome_find(set, STR("greylisted"))), &rows[2]);
	text[400] = '\0';
	define(set, "new", (struct outcome_change){ .code = 450, .text = text }, NULL);
	outcome_set_unref(set);
}

static void
test_define_a_thousand(void **state)
{
	struct outcome_set *set = outcome_set_new();
	char name[20];
	unsigned i;

	(void)state;
	for (i = 0; i <= OUTCOME_SET_MAX; i++) {
		snprintf(name, sizeof name, "more%u", i);
		define(set, name, (struct outcome_change){ .code = (uint16_t)(400 + i % 100) },
		    i < OUTCOME_SET_MAX ? NULL : "is one outcome too many");
	}
	assert_int_equal(outcome_get(set, outcome_find(set, STR("more999")))->code, 499);
	assert_int_equal(outcome_get(set, outcome_find(set, STR("more0")))->code, 400);
	assert_int_equal(outcome_find(set, STR("more1000")), OUTCOME_NONE);
	/* those that are there can still be changed */
	define(set, "more7", (struct outcome_change){ .text = "x" }, NULL);
	outcome_set_unref(set);
}

static const struct {
	const char *text;
	const char *(*check)(struct str);
	bool is_good;
} checks[] = {
	{ "a", outcome_check_name, true },
	{ "Tarpit_2-x", outcome_check_name, true },
	{ "0123456789012345678901234567890123456789", outcome_check_name, false },
	{ "a123456789012345678901234567890123456789", outcome_check_name, true },
	{ "a1234567890123456789012345678901234567890", outcome_check_name, false },
	{ "", outcome_check_name, false },
	{ "-_", outcome_check_name, false },
	{ "a b", outcome_check_name, false },
	{ "a:b", outcome_check_name, false },
	{ "a+b", outcome_check_name, false },
	{ "\xc3\xa4", outcome_check_name, false },
	{ "2.0.0", outcome_check_dsn, true },
	{ "4.7.12", outcome_check_dsn, true },
	{ "5.999.999", outcome_check_dsn, true },
	{ "3.0.0", outcome_check_dsn, false },
	{ "4.7", outcome_check_dsn, false },
	{ "4.7.", outcome_check_dsn, false },
	{ "4..1", outcome_check_dsn, false },
	{ "4.7.1.1", outcome_check_dsn, false },
	{ "4.1000.1", outcome_check_dsn, false },
	{ "4.1.1000", outcome_check_dsn, false },
	{ "4.01.1", outcome_check_dsn, false },
	{ "4-7-1", outcome_check_dsn, false },
	{ "x.7.1", outcome_check_dsn, false },
	{ "", outcome_check_dsn, false },
	{ "dns", outcome_check_stage, true },
	{ "connect reply", outcome_check_stage, true },
	{ "eom", outcome_check_stage, true },
	{ "EOM", outcome_check_stage, false },
	{ "reply", outcome_check_stage, false },
	{ "", outcome_check_stage, false },
};

static void
test_checks(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(checks); i++)
		if (!checks[i].check(str_of(checks[i].text)) != checks[i].is_good)
			fail_msg("\"%s\" %s", checks[i].text,
			    checks[i].is_good ? "is refused" : "is taken");
}

static void
test_until_reads_back(void **state)
{
	static const char *const texts[] = { "1", "1000000", "1us", "90s", "30m", "36500d",
		"forever" };
	struct outcome_until until = { UNTIL_ATTEMPTS, 7 };
	struct buf b = { 0 };
	size_t i;

	(void)state;
	assert_non_null(outcome_parse_until(STR("0"), &until));
	assert_non_null(outcome_parse_until(STR("0s"), &until));
	assert_non_null(outcome_parse_until(STR("1000001"), &until));
	assert_non_null(outcome_parse_until(STR("ever"), &until));
	assert_int_equal(until.n, 7);
	for (i = 0; i < COUNT(texts); i++) {
		assert_null(outcome_parse_until(str_of(texts[i]), &until));
		b.len = 0;
		outcome_format_until(&b, &until);
		buf_add_char(&b, '\0');
		assert_string_equal(b.data, texts[i]);
	}
	buf_fini(&b);
}

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
		cmocka_unit_test(test_builtin_rows),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_define_changes),
		cmocka_unit_test(test_define_new),
		cmocka_unit_test(test_define_refuses),
		cmocka_unit_test(test_define_a_thousand),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_until_reads_back),
		cmocka_unit_test(test_outcome_names),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
