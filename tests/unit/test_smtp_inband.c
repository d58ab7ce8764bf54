/*
 * What pairs of sender and recipient get with smtp.mode = inband: at which stage, how long it
 * lasts, that it is remembered, and that it is the same in every run.
 */
#include "sim_world.h"

#include <stdio.h>

#include "core/rule.h"
#include "front/smtp_inband.h"

#define PAIRS 100

struct mock {
	struct world *w;
	struct smtp_inband *inband;
};

static struct mock
begin_with(const char *outcome, const struct domain_conf *domains, size_t n, uint64_t pairs)
{
	struct simulator_conf conf = world_conf();
	struct mock m;

	delivery_conf_unref(conf.delivery);
	conf.delivery = world_delivery(outcome, domains, n, "magic.test");
	m.w = world_new(&conf, false);
	m.inband = smtp_inband_new(m.w->sim, pairs, 5);
	return m;
}

static struct mock
begin(const char *outcome)
{
	return begin_with(outcome, NULL, 0, PAIRS);
}

static void
end(struct mock *m)
{
	smtp_inband_free(m->inband);
	world_free(m->w);
}

static struct smtp_verdict
ask(struct mock *m, enum smtp_stage stage, const char *from, const char *to)
{
	struct smtp_pair pair = { .from = str_of(from), .to = str_of(to), .stage = stage };
	struct smtp_verdict v;

	smtp_inband_ask(m->inband, &pair, &v);
	return v;
}

/* A whole mail to one: the code of the answer, 250 when it is delivered. */
static int
mail(struct mock *m, const char *from, const char *to)
{
	struct smtp_verdict v = ask(m, SMTP_STAGE_RCPT, from, to);

	if (v.kind == SMTP_PASSES)
		v = ask(m, SMTP_STAGE_EOM, from, to);
	return v.kind == SMTP_PASSES ? 250 : v.outcome->code;
}

static void
test_greylisting_passes_with_its_age(void **state)
{
	struct mock m = begin("greylisted");
	struct smtp_verdict v;

	(void)state;
	v = ask(&m, SMTP_STAGE_RCPT, "a@x.test", "b@y.test");
	assert_int_equal(v.kind, SMTP_IS_REFUSED);
	assert_int_equal(v.outcome->code, 451);
	assert_int_equal(v.attempt, 1);
	assert_int_equal(v.delay_ns, SEC);
	world_pass(m.w, 299 * SEC);
	v = ask(&m, SMTP_STAGE_RCPT, "a@x.test", "b@y.test");
	assert_int_equal(v.attempt, 2);
	assert_int_equal(v.kind, SMTP_IS_REFUSED);
	/* another pair has its own age */
	assert_int_equal(mail(&m, "c@x.test", "b@y.test"), 451);
	world_pass(m.w, SEC);
	assert_int_equal(mail(&m, "a@x.test", "b@y.test"), 250);
	assert_int_equal(mail(&m, "c@x.test", "b@y.test"), 451);
	/* the next mail is another one */
	assert_int_equal(mail(&m, "a@x.test", "b@y.test"), 451);
	end(&m);
}

static void
test_scripts_over_attempts(void **state)
{
	struct mock m = begin("mailbox_full:2 user_unknown");

	(void)state;
	assert_int_equal(mail(&m, "a", "b"), 452);
	assert_int_equal(mail(&m, "a", "b"), 452);
	assert_int_equal(mail(&m, "a", "b"), 550);
	assert_int_equal(mail(&m, "a", "b"), 452);
	end(&m);
}

/* What [delivery] says for all is asked at its stage and not once more with the recipient. */
static void
test_early_stages(void **state)
{
	struct mock m = begin("service_unavailable:1 rate_limited:1 system_error:1");

	(void)state;
	assert_int_equal(ask(&m, SMTP_STAGE_CONNECT, "", NULL).kind, SMTP_IS_REFUSED);
	assert_int_equal(ask(&m, SMTP_STAGE_CONNECT, "", NULL).kind, SMTP_PASSES);
	assert_int_equal(ask(&m, SMTP_STAGE_CONNECT, "", NULL).kind, SMTP_IS_REFUSED);
	assert_int_equal(ask(&m, SMTP_STAGE_EHLO, "", NULL).kind, SMTP_PASSES);
	assert_int_equal(mail(&m, "a", "b"), 451);
	assert_int_equal(mail(&m, "a", "b"), 250);
	end(&m);
}

/* What is chosen by address is known with it at the earliest. */
static void
test_early_stages_of_addresses(void **state)
{
	struct mock m = begin("delivered");
	struct smtp_verdict v;

	(void)state;
	assert_int_equal(ask(&m, SMTP_STAGE_MAIL, "a", NULL).kind, SMTP_PASSES);
	v = ask(&m, SMTP_STAGE_RCPT, "a", "rate_limited@magic.test");
	assert_int_equal(v.kind, SMTP_IS_REFUSED);
	assert_int_equal(v.outcome->code, 421);
	assert_int_equal(
	    ask(&m, SMTP_STAGE_RCPT, "a", "connect_timeout@magic.test").kind, SMTP_IS_SILENT);
	assert_int_equal(
	    ask(&m, SMTP_STAGE_RCPT, "a", "connect_refused@magic.test").kind, SMTP_IS_CLOSED);
	assert_int_equal(
	    ask(&m, SMTP_STAGE_RCPT, "a", "connection_lost@magic.test").kind, SMTP_PASSES);
	assert_int_equal(
	    ask(&m, SMTP_STAGE_EOM, "a", "connection_lost@magic.test").kind, SMTP_IS_CLOSED);
	assert_int_equal(
	    ask(&m, SMTP_STAGE_RCPT, "a", "dns_failure@magic.test").kind, SMTP_IS_MISTAKE);
	end(&m);
}

/* A peek counts who is refused, and nobody who passes. */
static void
test_a_peek(void **state)
{
	struct mock m = begin("system_error:1");
	struct smtp_pair pair = {
		.from = STR("a"), .to = STR("b"), .stage = SMTP_STAGE_EOM, .is_peek = true
	};
	struct smtp_verdict v;

	(void)state;
	smtp_inband_ask(m.inband, &pair, &v);
	assert_int_equal(v.kind, SMTP_IS_REFUSED);
	smtp_inband_ask(m.inband, &pair, &v);
	assert_int_equal(v.kind, SMTP_PASSES);
	smtp_inband_ask(m.inband, &pair, &v);
	assert_int_equal(v.kind, SMTP_PASSES);
	pair.is_peek = false;
	smtp_inband_ask(m.inband, &pair, &v);
	assert_int_equal(v.kind, SMTP_PASSES);
	smtp_inband_ask(m.inband, &pair, &v);
	assert_int_equal(v.kind, SMTP_IS_REFUSED);
	end(&m);
}

/* What a peek passed is over when it was answered; no pair, nothing to be over. */
static void
test_a_peek_that_was_answered(void **state)
{
	struct mock m = begin("system_error:1");
	struct smtp_pair pair = { .from = STR("a"), .to = STR("b"), .stage = SMTP_STAGE_EOM };
	struct smtp_verdict v;

	(void)state;
	smtp_inband_deliver(m.inband, &pair);
	smtp_inband_ask(m.inband, &pair, &v);
	assert_int_equal(v.kind, SMTP_IS_REFUSED);
	pair.is_peek = true;
	smtp_inband_ask(m.inband, &pair, &v);
	assert_int_equal(v.kind, SMTP_PASSES);
	smtp_inband_deliver(m.inband, &pair);
	assert_int_equal(smtp_inband_pairs(m.inband), 0);
	smtp_inband_deliver(m.inband, &pair);
	smtp_inband_ask(m.inband, &pair, &v);
	assert_int_equal(v.kind, SMTP_IS_REFUSED);
	end(&m);
}

static void
test_what_the_header_chooses(void **state)
{
	struct mock m = begin("delivered");
	struct latency slow = latency_fixed(7 * SEC);
	struct smtp_pair pair = { .from = STR("a"), .to = STR("b"), .stage = SMTP_STAGE_EOM };
	struct smtp_verdict v;

	(void)state;
	pair.fate = world_fate(m.w->sim->plan->conf->outcomes, "user_unknown");
	pair.latency = &slow;
	smtp_inband_ask(m.inband, &pair, &v);
	assert_int_equal(v.kind, SMTP_IS_REFUSED);
	assert_int_equal(v.delay_ns, 7 * SEC);
	fate_unref(pair.fate);
	end(&m);
}

/* What was chosen before has nothing to do with what is chosen now. */
static void
test_each_choice_of_the_header_has_its_own_attempts(void **state)
{
	static const struct {
		const char *choice;
		unsigned code; /* 0: passes */
	} mails[] = { { "system_error:1", 451 }, { "user_unknown", 550 }, { "greylisted:2", 451 },
		{ "greylisted:2", 451 }, { "system_error:1", 0 }, { "greylisted:2", 0 } };
	struct mock m = begin("delivered");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof mails / sizeof mails[0]; i++) {
		struct smtp_pair pair = { .from = STR("a"),
			.to = STR("b"),
			.stage = SMTP_STAGE_EOM,
			.choice = str_of(mails[i].choice),
			.fate = world_fate(m.w->sim->plan->conf->outcomes, mails[i].choice) };
		struct smtp_verdict v;

		smtp_inband_ask(m.inband, &pair, &v);
		assert_int_equal(v.kind == SMTP_PASSES ? 0 : v.outcome->code, mails[i].code);
		fate_unref(pair.fate);
	}
	end(&m);
}

/* A rule chooses for so many mails, and holds through all attempts of one. */
static void
test_rules(void **state)
{
	struct mock m = begin("delivered");
	struct rule_request r = { .to = STR("b@*"), .is_counted = true, .count = 1 };

	(void)state;
	r.outcomes = m.w->sim->plan->conf->outcomes;
	r.fate = world_fate(r.outcomes, "mailbox_full:2 user_unknown");
	assert_int_not_equal(rules_add(&m.w->sim->rules, &r), 0);
	fate_unref(r.fate);
	assert_int_equal(mail(&m, "a", "c@y.test"), 250);
	assert_int_equal(mail(&m, "a", "b@y.test"), 452);
	assert_int_equal(mail(&m, "z", "b@y.test"), 250);
	assert_int_equal(mail(&m, "a", "b@y.test"), 452);
	assert_int_equal(mail(&m, "a", "b@y.test"), 550);
	assert_int_equal(mail(&m, "a", "b@y.test"), 250);
	end(&m);
}

/* The last so many pairs are known. Without any each attempt is the first. */
static void
test_the_memory_has_its_limit(void **state)
{
	struct mock m = begin_with("mailbox_full:1", NULL, 0, 2);

	(void)state;
	assert_int_equal(mail(&m, "a", "1"), 452);
	assert_int_equal(mail(&m, "a", "2"), 452);
	assert_int_equal(mail(&m, "a", "1"), 250);
	assert_int_equal(mail(&m, "a", "3"), 452);
	assert_int_equal(mail(&m, "a", "4"), 452);
	assert_int_equal(smtp_inband_pairs(m.inband), 2);
	assert_int_equal(mail(&m, "a", "2"), 452);
	assert_int_equal(mail(&m, "a", "4"), 250);
	smtp_inband_configure(m.inband, 0);
	assert_int_equal(smtp_inband_pairs(m.inband), 0);
	assert_int_equal(mail(&m, "a", "2"), 452);
	assert_int_equal(mail(&m, "a", "2"), 452);
	end(&m);
	m = begin_with("mailbox_full:1", NULL, 0, 1000);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 1000; i++) {
			char to[16];

			snprintf(to, sizeof to, "%d", i);
			assert_int_equal(mail(&m, "a", to), round == 0 ? 452 : 250);
		}
	assert_int_equal(smtp_inband_pairs(m.inband), 0);
	end(&m);
}

/* Shares are kept over many mails of one pair and over many pairs, the same in each run. */
static void
test_shares_and_repeatability(void **state)
{
	int refused[2] = { 0, 0 }, first[2][2000];

	(void)state;
	for (int run = 0; run < 2; run++) {
		struct mock m = begin("user_unknown 10%, rate_limited 5%");

		for (int i = 0; i < 2000; i++) {
			char to[16];

			snprintf(to, sizeof to, "%d", i % 4 == 0 ? 0 : i);
			first[run][i] = mail(&m, "a", to);
			refused[run] += first[run][i] == 550;
		}
		end(&m);
	}
	assert_memory_equal(first[0], first[1], sizeof first[0]);
	assert_in_range(refused[0], 150, 250);
}

static void
test_a_reset_forgets(void **state)
{
	struct mock m = begin("mailbox_full:1");
	struct rule_request r = { .to = STR("r"), .is_counted = false };

	(void)state;
	r.outcomes = m.w->sim->plan->conf->outcomes;
	r.fate = world_fate(r.outcomes, "user_unknown");
	rules_add(&m.w->sim->rules, &r);
	fate_unref(r.fate);
	assert_int_equal(mail(&m, "a", "b"), 452);
	assert_int_equal(ask(&m, SMTP_STAGE_DATA, "a", "r").kind, SMTP_PASSES);
	simulator_reset(m.w->sim, m.w->real_ns, 0);
	assert_int_equal(mail(&m, "a", "b"), 452);
	assert_int_equal(mail(&m, "a", "r"), 452);
	assert_int_equal(mail(&m, "a", "b"), 250);
	end(&m);
}

/* The receiving side's limits and outages are asked once an attempt. */
static void
test_receiving_side(void **state)
{
	struct domain_conf d = world_domain("slow.test");
	struct mock m;

	(void)state;
	d.receiver_rate = (struct rate){ 2, SEC, 0 };
	m = begin_with("delivered", &d, 1, PAIRS);
	assert_int_equal(mail(&m, "a", "1@slow.test"), 250);
	assert_int_equal(mail(&m, "a", "2@slow.test"), 250);
	assert_int_equal(mail(&m, "a", "3@slow.test"), 421);
	assert_int_equal(mail(&m, "a", "3@fast.test"), 250);
	delivery_set_down(m.w->sim, STR("fast.test"), m.w->sim->now_ns + SEC);
	assert_int_equal(ask(&m, SMTP_STAGE_RCPT, "a", "3@fast.test").kind, SMTP_IS_SILENT);
	end(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greylisting_passes_with_its_age),
		cmocka_unit_test(test_scripts_over_attempts),
		cmocka_unit_test(test_early_stages),
		cmocka_unit_test(test_early_stages_of_addresses),
		cmocka_unit_test(test_a_peek),
		cmocka_unit_test(test_a_peek_that_was_answered),
		cmocka_unit_test(test_what_the_header_chooses),
		cmocka_unit_test(test_each_choice_of_the_header_has_its_own_attempts),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_the_memory_has_its_limit),
		cmocka_unit_test(test_shares_and_repeatability),
		cmocka_unit_test(test_a_reset_forgets),
		cmocka_unit_test(test_receiving_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
