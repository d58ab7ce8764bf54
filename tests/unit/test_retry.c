/*
 * Retry schedules: what is known of real mail servers as tables of seconds, worked out by hand; the
 * same through a simulator; jitter; their text both ways.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "core/retry.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ATTEMPTS_MAX 16
#define MONTH (30 * DAY)

/* When the attempts are made, in seconds after acceptance, if none takes any time. */
static const struct {
	const char *text;
	size_t n;
	int64_t at_s[ATTEMPTS_MAX];
} schedules[] = {
	/* Postfix */
	{ "5m 5m *2 max 4000s", 10, { 0, 300, 600, 1200, 2400, 4800, 8800, 12800, 16800, 20800 } },
	/* KumoMTA */
	{ "20m *2", 10, { 0, 1200, 3600, 8400, 18000, 37200, 75600, 152400, 306000, 613200 } },
	/* Exim, or nearly */
	{ "15m 15m 15m 15m 15m 15m 15m 15m 1h *1.5 max 6h", 16,
	    { 0, 900, 1800, 2700, 3600, 4500, 5400, 6300, 7200, 10800, 16200, 24300, 36450, 54675,
		76275, 97875 } },
	/* PowerMTA */
	{ "10m", 10, { 0, 600, 1200, 1800, 2400, 3000, 3600, 4200, 4800, 5400 } },
	/* Stalwart */
	{ "2m 5m 10m 15m 30m 1h 2h", 10,
	    { 0, 120, 420, 1020, 1920, 3720, 7320, 14520, 21720, 28920 } },
	/* a factor of one is none */
	{ "1s 7s *1", 5, { 0, 1, 8, 15, 22 } },
	/* the cap may be where it starts */
	{ "1h *3 max 1h", 4, { 0, 3600, 7200, 10800 } },
};

static struct retry
parsed(const char *text)
{
	const char *why;
	struct retry r;

	why = retry_parse(str_of(text), &r);
	if (why)
		fail_msg("refused: %s: %s", text, why);
	return r;
}

static void
test_schedules(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(schedules); i++) {
		struct retry r = parsed(schedules[i].text);
		int64_t at = 0;

		for (k = 1; k < schedules[i].n; k++) {
			at += retry_delay(&r, (uint32_t)k, 0, 0.5);
			if (at != schedules[i].at_s[k] * SEC)
				fail_msg("%s: attempt %zu comes at %ld ns", schedules[i].text,
				    k + 1, at);
		}
	}
}

/* What grows does so without being rounded on its way; what is given is a whole microsecond. */
static void
test_growth_is_not_rounded(void **state)
{
	static const int64_t us[] = { 1000, 1500, 2250, 3375, 5063, 7594, 11391, 17086 };
	struct retry r = parsed("1ms *1.5");
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(us); i++)
		assert_int_equal(retry_delay(&r, (uint32_t)i + 1, 0, 0.5), us[i] * TEXT_NS_PER_US);
}

static void
test_growth_ends(void **state)
{
	struct retry r = parsed("36500d *1000");

	(void)state;
	assert_int_equal(retry_delay(&r, 1, 0, 0.5), TEXT_DURATION_MAX_NS);
	assert_int_equal(retry_delay(&r, UINT32_MAX, 0, 0.5), TEXT_DURATION_MAX_NS);
	r = parsed("1d *1000");
	assert_int_equal(retry_delay(&r, 2, 0, 0.5), 1000 * DAY);
	assert_int_equal(retry_delay(&r, 3, 0, 0.5), TEXT_DURATION_MAX_NS);
	r = parsed("1s *10 max 2m");
	assert_int_equal(retry_delay(&r, 3, 0, 0.5), 100 * SEC);
	assert_int_equal(retry_delay(&r, 4, 0, 0.5), 120 * SEC);
	assert_int_equal(retry_delay(&r, UINT32_MAX, 0, 0.5), 120 * SEC);
}

/* Nobody is ever delivered; attempts take no time. */
static struct world *
world_of(const char *retry, int64_t expire_ns)
{
	struct simulator_conf conf = world_conf();

	delivery_conf_unref(conf.delivery);
	conf.delivery = world_delivery("system_error:forever", NULL, 0, "");
	conf.delivery->all.latency = latency_fixed(0);
	conf.delivery->all.retry = parsed(retry);
	conf.delivery->all.expire_ns = expire_ns;
	return world_new(&conf, false);
}

/* The moments of that event after the start, the first `max` of them; how many there are. */
static size_t
moments_of(struct world *w, const char *event, int64_t *at_ns, size_t max)
{
	char *events = world_take_events(w), *rest = events, *line;
	size_t n = 0;

	while ((line = strsep(&rest, "\n")) && *line) {
		size_t word = strcspn(line, " ");
		int64_t ns = 0;

		if (strncmp(line + word + 1, event, strlen(event)) != 0)
			continue;
		assert_null(text_parse_time((struct str){ line, word }, &ns));
		if (n < max)
			at_ns[n] = ns - WORLD_EPOCH;
		n++;
	}
	free(events);
	return n;
}

static void
test_schedules_in_a_simulator(void **state)
{
	struct batch_request r = world_one("7");
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(schedules); i++) {
		struct world *w = world_of(schedules[i].text, MONTH);
		int64_t at_ns[ATTEMPTS_MAX] = { 0 };

		world_send(w, &r);
		world_pass(w, MONTH);
		assert_true(moments_of(w, "dispatched ", at_ns, ATTEMPTS_MAX) >= schedules[i].n);
		for (k = 0; k < schedules[i].n; k++)
			assert_int_equal(at_ns[k], schedules[i].at_s[k] * SEC);
		world_free(w);
	}
}

/* 0 to 2400 s are five, and (432000 - 4800) / 4000 = 106.8, so 107 from 4800 s on. */
static void
test_five_days_of_postfix(void **state)
{
	struct world *w = world_of("5m 5m *2 max 4000s", 5 * DAY);
	struct batch_request r = world_one("7");
	int64_t at_ns[1] = { -1 };

	(void)state;
	world_send(w, &r);
	world_pass(w, 5 * DAY - TEXT_NS_PER_US);
	assert_int_equal(moments_of(w, "dispatched ", at_ns, 0), 112);
	world_pass(w, TEXT_NS_PER_US);
	assert_int_equal(moments_of(w, "expired ", at_ns, 1), 1);
	assert_int_equal(at_ns[0], 5 * DAY);
	assert_int_equal(w->sim->tally.counts.attempts, 112);
	assert_int_equal(w->sim->tally.counts.state[STATE_EXPIRED], 1);
	world_check(w);
	world_free(w);
}

static void
test_expire_at_once_and_at_a_retry(void **state)
{
	struct batch_request r = world_one("7");
	struct world *w = world_of("10m", 0);
	int64_t at_ns[1] = { -1 };

	(void)state;
	world_send(w, &r);
	world_pass(w, DAY);
	assert_int_equal(moments_of(w, "expired ", at_ns, 1), 1);
	assert_int_equal(at_ns[0], 0);
	world_free(w);
	/* what expires when it would be tried is not tried */
	w = world_of("10m", 1200 * SEC);
	world_send(w, &r);
	world_pass(w, DAY);
	assert_int_equal(w->sim->tally.counts.attempts, 2);
	assert_int_equal(moments_of(w, "expired ", at_ns, 1), 1);
	assert_int_equal(at_ns[0], 1200 * SEC);
	world_free(w);
}

static void
test_jitter(void **state)
{
	static const int64_t percent[] = { 1, 10, 25, 50, 100 };
	struct retry r = parsed("100s 7s *1.5 max 1h");
	uint32_t attempt;
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < COUNT(percent); i++)
		for (attempt = 1; attempt < 30; attempt++) {
			int64_t jitter = percent[i] * DECIMAL_ONE / 100, last = 0;
			int64_t plain = retry_delay(&r, attempt, 0, 0.9), most;

			most = plain * percent[i] / 100 + TEXT_NS_PER_US;
			for (k = 0; k <= 1000; k++) {
				int64_t ns = retry_delay(&r, attempt, jitter, k / 1000.0);

				assert_true(ns >= last && ns % TEXT_NS_PER_US == 0);
				assert_true(llabs(ns - plain) <= most);
				assert_true(ns >= RETRY_DELAY_MIN_NS);
				last = ns;
			}
			assert_int_equal(retry_delay(&r, attempt, jitter, 0.5), plain);
		}
	assert_int_equal(retry_delay(&r, 1, DECIMAL_ONE / 10, 0), 90 * SEC);
	assert_int_equal(retry_delay(&r, 1, DECIMAL_ONE / 10, 0.25), 95 * SEC);
	assert_int_equal(retry_delay(&r, 1, DECIMAL_ONE / 10, 1), 110 * SEC);
	assert_int_equal(retry_delay(&r, 1, DECIMAL_ONE, 0), MS);
	assert_int_equal(retry_delay(&r, 1, DECIMAL_ONE, 1), 200 * SEC);
}

static const struct {
	const char *why;
	const char *texts[6];
} bad[] = {
	{ "lists no delay", { "", " ", " \t " } },
	{ "needs a unit: us ms s m h d", { "5", "5m 5", "0" } },
	{ "has an unknown unit: there are us ms s m h d", { "5x", "5m,5m", "5m*2", "5M" } },
	{ "is not a number with a unit: us ms s m h d", { "m", "x", "maximum", "+5m", "5m x" } },
	{ "is negative", { "-5m", "5m -1s" } },
	{ "is more than 36500d", { "36501d", "5m 876001h" } },
	{ "has a delay shorter than 1ms", { "0s", "999us", "5m 0.5ms", "5m *2 max 0s" } },
	{ "has a factor without a delay before it", { "*2", " *2 5m", "*" } },
	{ "has a factor that is not a number from 1 to 1000, such as *2 or *1.5",
	    { "5m * 2", "5m *0", "5m *0.999999", "5m *1000.000001", "5m *x", "5m *-2" } },
	{ "has a factor that is not a number from 1 to 1000, such as *2 or *1.5",
	    { "5m *1.", "5m *1.0000001", "5m *2m", "5m *1e1", "5m **2",
		"5m *99999999999999999999" } },
	{ "has something else than max behind its factor",
	    { "5m *2 *3", "5m *2 5m", "5m *2 Max 1h", "5m *2 4000s" } },
	{ "has a max without a factor before it, such as *2", { "5m max 1h", "max 1h", "max" } },
	{ "has no duration behind max", { "5m *2 max", "5m *2 max " } },
	{ "needs a unit: us ms s m h d", { "5m *2 max 1", "5m *2 max 4000" } },
	{ "has a max below the delay that grows", { "5m *2 max 4m", "1m 10m *2 max 9m" } },
	{ "has something behind its max",
	    { "5m *2 max 1h 2h", "5m *2 max 1h *2", "5m *2 max 1h max 1h" } },
};

static void
test_bad_text(void **state)
{
	struct retry r = parsed("7s");
	struct buf many = { 0 };
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		for (k = 0; k < COUNT(bad[i].texts) && bad[i].texts[k]; k++) {
			const char *why = retry_parse(str_of(bad[i].texts[k]), &r);

			if (!why || strcmp(why, bad[i].why) != 0)
				fail_msg("\"%s\": %s", bad[i].texts[k], why ? why : "accepted");
		}
	for (i = 0; i < RETRY_DELAYS_MAX; i++)
		buf_add_lit(&many, "1s ");
	assert_null(retry_parse(buf_str(&many), &r));
	assert_int_equal(r.n, RETRY_DELAYS_MAX);
	buf_add_lit(&many, "1s");
	assert_string_equal(retry_parse(buf_str(&many), &r), "lists more than 32 delays");
	/* what is refused changes nothing */
	assert_int_equal(r.n, RETRY_DELAYS_MAX);
	buf_fini(&many);
}

static void
test_text_reads_back(void **state)
{
	static const struct {
		const char *text, *shown;
	} others[] = {
		{ " 300s\t5m  *2.50 max 4000s ", "5m 5m *2.5 max 4000s" },
		{ "0.5h *1000 max 36500d", "30m *1000 max 36500d" },
		{ "1ms *1.000001", "1ms *1.000001" },
		{ "1.5ms *1 max 1.5ms", "1500us *1 max 1500us" },
	};
	struct buf b = { 0 };
	struct retry r;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(schedules) + COUNT(others); i++) {
		const char *text =
		    i < COUNT(schedules) ? schedules[i].text : others[i - COUNT(schedules)].text;
		const char *shown =
		    i < COUNT(schedules) ? text : others[i - COUNT(schedules)].shown;

		r = parsed(text);
		b.len = 0;
		retry_format(&b, &r);
		buf_add_char(&b, '\0');
		assert_string_equal(b.data, shown);
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedules),
		cmocka_unit_test(test_growth_is_not_rounded),
		cmocka_unit_test(test_growth_ends),
		cmocka_unit_test(test_schedules_in_a_simulator),
		cmocka_unit_test(test_five_days_of_postfix),
		cmocka_unit_test(test_expire_at_once_and_at_a_retry),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_text_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
