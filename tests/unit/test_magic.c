/*
 * Addresses that choose their outcome: what each says, and in which domains it is listened to.
 */
#include "sim_world.h"

#include <string.h>

#include "core/address.h"
#include "core/delivery_conf.h"
#include "core/magic.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MINUTE (60 * SEC)
#define ATTEMPTS(count) \
	{ \
		UNTIL_ATTEMPTS, count \
	}
#define AGE(ns) \
	{ \
		UNTIL_AGE, ns \
	}
#define FOREVER \
	{ \
		UNTIL_FOREVER, 0 \
	}

static const struct {
	const char *address;
	const char *outcome; /* NULL: it says nothing */
	struct outcome_until until;
} cases[] = {
	/* a tag */
	{ "joe+greylisted@x.test", "greylisted", AGE(5 * MINUTE) },
	{ "joe+mailbox_full@x.test", "mailbox_full", FOREVER },
	{ "joe+dns_failure@x.test", "dns_failure", ATTEMPTS(2) },
	{ "joe+greylisted=3@x.test", "greylisted", ATTEMPTS(3) },
	{ "joe+greylisted=30m@x.test", "greylisted", AGE(30 * MINUTE) },
	{ "joe+greylisted=1.5h@x.test", "greylisted", AGE(90 * MINUTE) },
	{ "joe+greylisted=forever@x.test", "greylisted", FOREVER },
	{ "joe+user-unknown@x.test", "user_unknown", ATTEMPTS(1) },
	{ "joe+UserUnknown@x.test", "user_unknown", ATTEMPTS(1) },
	{ "+user_unknown@x.test", "user_unknown", ATTEMPTS(1) },
	{ "joe+smtp_450=2@x.test", "smtp_450", ATTEMPTS(2) },
	{ "joe+greylisted", "greylisted", AGE(5 * MINUTE) },
	/* the last of some */
	{ "joe+greylisted+user_unknown@x.test", "user_unknown", ATTEMPTS(1) },
	{ "joe+user_unknown=2+greylisted=2@x.test", "greylisted", ATTEMPTS(2) },
	{ "joe+greylisted+news@x.test", NULL, FOREVER },
	{ "joe+@x.test", NULL, FOREVER },
	{ "joe+=3@x.test", NULL, FOREVER },
	{ "joe+bounce@x.test", NULL, FOREVER },
	{ "joe+expired@x.test", NULL, FOREVER },
	{ "joe+450-x@x.test", NULL, FOREVER },
	{ "joe+news=3@x.test", NULL, FOREVER },
	/* a tag before a local part; a tag that says nothing leaves it to the local part */
	{ "spam_blocked+greylisted@x.test", "greylisted", AGE(5 * MINUTE) },
	{ "spam_blocked+news@x.test", "spam_blocked", ATTEMPTS(1) },
	{ "bounce+label1@simulator.amazonses.com", "user_unknown", ATTEMPTS(1) },
	{ "bounced+a+b@resend.dev", "user_unknown", ATTEMPTS(1) },
	/* a local part */
	{ "user_unknown@x.test", "user_unknown", ATTEMPTS(1) },
	{ "User-Unknown@x.test", "user_unknown", ATTEMPTS(1) },
	{ "mailboxfull@x.test", "mailbox_full", FOREVER },
	{ "greylisted=3@x.test", NULL, FOREVER },
	{ "greylisted.x@x.test", NULL, FOREVER },
	{ "cancelled@x.test", NULL, FOREVER },
	{ "joe@user_unknown", NULL, FOREVER },
	{ "joe@greylisted.test", NULL, FOREVER },
	{ "user_unknown", "user_unknown", ATTEMPTS(1) },
	{ "user_unknown@a@x.test", NULL, FOREVER },
	/* the words of mail providers */
	{ "success@x.test", "delivered", ATTEMPTS(1) },
	{ "SUCCESS@x.test", "delivered", ATTEMPTS(1) },
	{ "delivered@x.test", "delivered", ATTEMPTS(1) },
	{ "bounce@x.test", "user_unknown", ATTEMPTS(1) },
	{ "Bounced@x.test", "user_unknown", ATTEMPTS(1) },
	{ "hardbounce@x.test", "user_unknown", ATTEMPTS(1) },
	{ "softbounce@x.test", "mailbox_full", FOREVER },
	{ "complaint@x.test", "delivered", ATTEMPTS(1) },
	{ "complained@x.test", "delivered", ATTEMPTS(1) },
	{ "spamcomplaint@x.test", "delivered", ATTEMPTS(1) },
	{ "ooto@x.test", "delivered", ATTEMPTS(1) },
	{ "blackhole@x.test", "delivered", ATTEMPTS(1) },
	{ "suppressionlist@x.test", "suppressed", ATTEMPTS(1) },
	{ "suppressed@x.test", "suppressed", ATTEMPTS(1) },
	/* a code */
	{ "450-anything@x.test", "smtp_450", ATTEMPTS(1) },
	{ "550-@x.test", "smtp_550", ATTEMPTS(1) },
	{ "250-yes+news@x.test", "smtp_250", ATTEMPTS(1) },
	{ "599-x", "smtp_599", ATTEMPTS(1) },
	{ "450@x.test", NULL, FOREVER },
	{ "450anything@x.test", NULL, FOREVER },
	{ "350-x@x.test", NULL, FOREVER },
	{ "199-x@x.test", NULL, FOREVER },
	{ "600-x@x.test", NULL, FOREVER },
	{ "45x-x@x.test", NULL, FOREVER },
	{ "4500-x@x.test", NULL, FOREVER },
	{ "-450-x@x.test", NULL, FOREVER },
	/* nothing */
	{ "joe@x.test", NULL, FOREVER },
	{ "joe", NULL, FOREVER },
	{ "@x.test", NULL, FOREVER },
	{ "+@x.test", NULL, FOREVER },
	{ "", NULL, FOREVER },
	{ "@", NULL, FOREVER },
	{ "-_@x.test", NULL, FOREVER },
};

static void
test_addresses(void **state)
{
	struct outcome_set *set = outcome_set_new();
	struct buf why = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct fate_step step;
		enum magic_status status = magic_read(set, str_of(cases[i].address), &step, &why);
		const char *name =
		    status == MAGIC_CHOSEN ? outcome_get(set, step.outcome)->name : NULL;

		if (status == MAGIC_MALFORMED || !name != !cases[i].outcome ||
		    (name && strcmp(name, cases[i].outcome) != 0))
			fail_msg("%s: %d, %s", cases[i].address, (int)status, name ? name : "-");
		if (name &&
		    (step.until.kind != cases[i].until.kind || step.until.n != cases[i].until.n))
			fail_msg("%s: until %d, %ld", cases[i].address, (int)step.until.kind,
			    (long)step.until.n);
	}
	assert_int_equal(why.len, 0);
	/* what stands behind an address is no part of it */
	assert_int_equal(
	    magic_read(set, str_head(STR("450-x"), 3), &(struct fate_step){ 0 }, NULL), MAGIC_NONE);
	outcome_set_unref(set);
}

static void
test_malformed(void **state)
{
	static const struct {
		const char *address, *why;
	} bad[] = {
		{ "joe+greylisted=0@x.test",
		    "\"0\" lasts for a number of attempts outside of 1 to 1000000" },
		{ "joe+greylisted=@x.test",
		    "\"\" lasts for something else than attempts, an age such "
		    "as 30m, or forever" },
		{ "joe+greylisted=x@x.test",
		    "\"x\" lasts for something else than attempts, an age "
		    "such as 30m, or forever" },
		{ "joe+greylisted=1=2@x.test",
		    "\"1=2\" lasts for something else than attempts, an "
		    "age such as 30m, or forever" },
		/* what is wrong is not healed by a local part that would say something */
		{ "bounce+greylisted=-1@x.test",
		    "\"-1\" lasts for something else than attempts, an "
		    "age such as 30m, or forever" },
	};
	struct outcome_set *set = outcome_set_new();
	struct fate_step step;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		struct str address = str_of(bad[i].address);
		struct buf why = { 0 };

		assert_int_equal(magic_read(set, address, &step, NULL), MAGIC_MALFORMED);
		assert_int_equal(magic_read(set, address, &step, &why), MAGIC_MALFORMED);
		buf_add_char(&why, '\0');
		assert_string_equal(why.data, bad[i].why);
		buf_fini(&why);
	}
	outcome_set_unref(set);
}

/* What the configuration has added can be named, too. */
static void
test_own_outcomes(void **state)
{
	struct outcome_set *set = outcome_set_new();
	struct outcome_change change = { .code = 450 };
	struct fate_step step;

	(void)state;
	assert_null(outcome_define(set, STR("bounce"), &change));
	assert_int_equal(magic_read(set, STR("bounce@x.test"), &step, NULL), MAGIC_CHOSEN);
	assert_string_equal(outcome_get(set, step.outcome)->name, "bounce");
	assert_int_equal(magic_read(set, STR("joe+bounce=4@x.test"), &step, NULL), MAGIC_CHOSEN);
	assert_int_equal(step.until.n, 4);
	outcome_set_unref(set);
}

static void
expect_magic(const char *patterns, const char *const *domains, bool is_magic)
{
	struct delivery_conf *conf = world_delivery("delivered", NULL, 0, patterns);

	for (; *domains; domains++)
		if (delivery_conf_is_magic(conf, str_of(*domains)) != is_magic)
			fail_msg("\"%s\": %s", patterns, *domains);
	delivery_conf_unref(conf);
}

static void
test_domains(void **state)
{
	static const char *const reserved[] = { "test", "x.test", "a.b.TEST", "example",
		"x.example", "invalid", "x.invalid", "localhost", "x.localhost", "example.com",
		"Example.Net", "example.org", "mx.example.org", "a.b.example.com", NULL };
	static const char *const providers[] = { "simulator.amazonses.com",
		"bounce-testing.postmarkapp.com", "blackhole.postmarkapp.com", "resend.dev",
		"sink.sendgrid.net", "sink.sparkpostmail.com", "acme.sink.sparkpostmail.com",
		NULL };
	static const char *const real[] = { "gmail.com", "testx", "xtest", "test.com", "x.test.org",
		"example.de", "myexample.com", "amazonses.com", "x.simulator.amazonses.com",
		"postmarkapp.com", "x.resend.dev", "sendgrid.net", ".test.", NULL };
	static const char *const own[] = { "corp.lan", "a.corp.lan", NULL };
	struct delivery_conf *conf = world_delivery("delivered", NULL, 0, "*");

	(void)state;
	expect_magic("reserved providers", reserved, true);
	expect_magic("reserved providers", providers, true);
	expect_magic("reserved providers", real, false);
	expect_magic("reserved providers", own, false);
	expect_magic("reserved", providers, false);
	expect_magic("providers", reserved, false);
	expect_magic("Corp.LAN  *.corp.lan\tproviders", own, true);
	expect_magic("corp.lan *.corp.lan providers", providers, true);
	expect_magic("*", real, true);
	expect_magic("", reserved, false);
	/* who has no domain is nowhere */
	assert_false(delivery_conf_is_magic(conf, address_domain(STR("user_unknown"))));
	delivery_conf_unref(conf);
}

static void
test_bad_lists(void **state)
{
	(void)state;
	assert_null(delivery_conf_check_magic(STR("reserved providers x.org *.x.org *")));
	assert_null(delivery_conf_check_magic(STR("")));
	assert_non_null(delivery_conf_check_magic(STR("reserved a,b@c")));
	assert_non_null(delivery_conf_check_magic(STR("x.org .y.org")));
	assert_non_null(delivery_conf_check_magic(STR("x.*.org")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_own_outcomes),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_bad_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
