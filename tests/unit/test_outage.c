/*
 * Destinations that cannot be reached: windows, what is said of names and wildcards, and what comes
 * of it for messages.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/outage.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MINUTE (60 * SEC)

static struct windows
windows_of(const char *text)
{
	const char *why;
	struct windows w;

	why = windows_parse(str_of(text), &w);
	if (why)
		fail_msg("refused: %s: %s", text, why);
	return w;
}

static void
test_windows(void **state)
{
	struct windows w = windows_of("10m..40m 30m..50m,2h..3h");

	(void)state;
	assert_int_equal(windows_end(&w, 0), -1);
	assert_int_equal(windows_end(&w, 10 * MINUTE - 1), -1);
	assert_int_equal(windows_end(&w, 10 * MINUTE), 40 * MINUTE);
	/* of those that overlap, the later end */
	assert_int_equal(windows_end(&w, 30 * MINUTE), 50 * MINUTE);
	assert_int_equal(windows_end(&w, 50 * MINUTE - 1), 50 * MINUTE);
	assert_int_equal(windows_end(&w, 50 * MINUTE), -1);
	assert_int_equal(windows_end(&w, 120 * MINUTE), 180 * MINUTE);
	w = windows_of("0s..1us");
	assert_int_equal(windows_end(&w, 0), 1000);
	assert_int_equal(windows_end(&w, 1000), -1);
	w = windows_of("");
	assert_int_equal(windows_end(&w, 0), -1);
}

static void
test_windows_text(void **state)
{
	static const struct {
		const char *text, *shown;
	} good[] = {
		{ "", "" },
		{ " , ", "" },
		{ "10m..40m", "10m..40m" },
		{ " 600s..0.5h,  2h..3h ,", "10m..30m 2h..3h" },
		{ "0s..36500d\t1d..2d", "0s..36500d 1d..2d" },
	};
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "10m", "is no window such as 10m..40m" },
		{ "..", "is no window such as 10m..40m" },
		{ "10m..", "is no window such as 10m..40m" },
		{ "..10m", "is no window such as 10m..40m" },
		{ "10m...40m", "is no window such as 10m..40m" },
		{ "10m .. 40m", "is no window such as 10m..40m" },
		{ "10..40", "is no window such as 10m..40m" },
		{ "1m..2m..3m", "is no window such as 10m..40m" },
		{ "10m-40m", "is no window such as 10m..40m" },
		{ "10m..40m x", "is no window such as 10m..40m" },
		{ "40m..10m", "has a window that ends before it begins" },
		{ "10m..10m", "has a window that ends before it begins" },
		{ "1m..2m,9m..8m", "has a window that ends before it begins" },
	};
	struct windows w = { 0 };
	struct buf b = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		assert_string_equal(windows_parse(str_of(bad[i].text), &w), bad[i].why);
	assert_int_equal(w.n, 0);
	for (i = 0; i < COUNT(good); i++) {
		w = windows_of(good[i].text);
		b.len = 0;
		windows_format(&b, &w);
		assert_true(str_eq(buf_str(&b), str_of(good[i].shown)));
	}
	b.len = 0;
	for (i = 0; i < WINDOWS_MAX; i++)
		buf_add_lit(&b, "1m..2m ");
	assert_null(windows_parse(buf_str(&b), &w));
	buf_add_lit(&b, "1m..2m");
	assert_string_equal(windows_parse(buf_str(&b), &w), "has more than 16 windows");
	buf_fini(&b);
}

static bool
is_down(const struct outages *o, const char *domain, int64_t now_ns)
{
	static const struct windows none;
	int64_t until_ns;

	return outages_is_down(o, &none, 0, str_of(domain), now_ns, &until_ns);
}

/* A name counts more than a wildcard, and a longer one more than a shorter, whatever was last. */
static void
test_nearest_counts(void **state)
{
	struct outages o;

	(void)state;
	outages_init(&o);
	assert_true(outages_say(&o, STR("*"), true, 0, CLOCK_NEVER));
	assert_true(outages_say(&o, STR("*.x.test"), false, 0, CLOCK_NEVER));
	assert_true(outages_say(&o, STR("a.X.test"), true, 0, CLOCK_NEVER));
	assert_true(is_down(&o, "A.x.test", 7));
	assert_false(is_down(&o, "b.x.test", 7));
	assert_true(is_down(&o, "x.test", 7));
	assert_true(is_down(&o, "y.test", 7));
	/* of the same, what was said last */
	assert_true(outages_say(&o, STR("A.x.test"), false, 0, CLOCK_NEVER));
	assert_false(is_down(&o, "a.x.test", 7));
	assert_int_equal(o.n, 3);
	/* down is down, also for who was said to be up before; that is forgotten */
	assert_true(outages_say(&o, STR("*"), true, 0, CLOCK_NEVER));
	assert_true(is_down(&o, "a.x.test", 7));
	assert_true(is_down(&o, "b.x.test", 7));
	assert_int_equal(o.n, 1);
	outages_fini(&o);
}

static void
test_said_for_a_time(void **state)
{
	struct outages o;

	(void)state;
	outages_init(&o);
	assert_true(outages_say(&o, STR("*"), true, 0, 100));
	assert_true(outages_say(&o, STR("x.test"), false, 0, 50));
	assert_false(is_down(&o, "x.test", 49));
	/* what is over lets what was said of more come through */
	assert_true(is_down(&o, "x.test", 50));
	assert_true(is_down(&o, "x.test", 99));
	assert_false(is_down(&o, "x.test", 100));
	/* and is forgotten when something is said */
	assert_true(outages_say(&o, STR("y.test"), true, 100, 200));
	assert_int_equal(o.n, 1);
	outages_fini(&o);
}

static void
test_forget(void **state)
{
	struct outages o;

	(void)state;
	outages_init(&o);
	outages_say(&o, STR("x.test"), true, 0, 100);
	outages_say(&o, STR("a.x.test"), true, 0, 100);
	outages_say(&o, STR("*.x.test"), true, 0, 100);
	outages_say(&o, STR("y.test"), true, 0, 100);
	outages_forget(&o, STR("X.test"));
	assert_int_equal(o.n, 3);
	assert_false(is_down(&o, "x.test", 0));
	outages_forget(&o, STR("*.x.test"));
	assert_int_equal(o.n, 1);
	assert_false(is_down(&o, "a.x.test", 0));
	outages_forget(&o, STR("*"));
	assert_int_equal(o.n, 0);
	outages_fini(&o);
}

static void
test_not_too_many(void **state)
{
	struct outages o;
	unsigned i;

	(void)state;
	outages_init(&o);
	for (i = 0; i <= OUTAGES_MAX; i++) {
		struct buf b = { 0 };

		buf_printf(&b, "d%u.test", i);
		assert_int_equal(outages_say(&o, buf_str(&b), true, 0, 100), i < OUTAGES_MAX);
		buf_fini(&b);
	}
	/* of what is there, something else may be said; and what is over makes room */
	assert_true(outages_say(&o, STR("d7.test"), false, 0, 100));
	assert_false(is_down(&o, "d7.test", 0));
	assert_true(outages_say(&o, STR("new.test"), true, 100, 200));
	outages_fini(&o);
}

static struct world *
world_of(const char *outcome)
{
	struct domain_conf domains[3] = { world_domain("x.test"), world_domain("*.y.test"),
		world_domain("z.test") };
	struct simulator_conf conf = world_conf();
	int i;

	delivery_conf_unref(conf.delivery);
	domains[0].down = windows_of("10m..50m");
	domains[1].down = windows_of("10m..40m");
	for (i = 0; i < 3; i++) {
		domains[i].latency = latency_fixed(0);
		assert_null(retry_parse(STR("10m"), &domains[i].retry));
	}
	conf.delivery = world_delivery(outcome, domains, 3, "");
	return world_new(&conf, false);
}

/* Which of these domains cannot be reached now, as +x and -x. */
static void
expect_reach(struct world *w, const char *expected)
{
	static const char *const domains[] = { "x.test", "a.y.test", "b.y.test", "z.test" };
	struct buf b = { 0 };
	size_t i;

	for (i = 0; i < COUNT(domains); i++) {
		const struct domain_conf *d =
		    delivery_conf_find(w->sim->conf.delivery, str_of(domains[i]));
		int64_t until_ns;
		bool down = outages_is_down(&w->sim->outages, &d->down, w->sim->start_ns,
		    str_of(domains[i]), w->sim->now_ns, &until_ns);

		buf_printf(&b, "%s%c%.1s", i > 0 ? " " : "", down ? '-' : '+', domains[i]);
	}
	buf_add_char(&b, '\0');
	assert_string_equal(b.data, expected);
	buf_fini(&b);
}

/* Up takes back a down, and beats a window that is open, to its end; the next window counts. */
static void
test_up_beats_a_window(void **state)
{
	struct world *w = world_of("delivered");

	(void)state;
	expect_reach(w, "+x +a +b +z");
	/* an up where all is up changes nothing later */
	assert_true(delivery_set_up(w->sim, STR("x.test")));
	world_pass(w, 10 * MINUTE);
	expect_reach(w, "-x -a -b +z");
	assert_true(delivery_set_up(w->sim, STR("a.y.test")));
	expect_reach(w, "-x +a -b +z");
	world_pass(w, MINUTE);
	assert_true(delivery_set_up(w->sim, STR("*")));
	expect_reach(w, "+x +a +b +z");
	world_pass(w, 38 * MINUTE);
	expect_reach(w, "+x +a +b +z");
	assert_true(delivery_set_down(w->sim, STR("a.y.test"), CLOCK_NEVER));
	world_pass(w, MINUTE);
	expect_reach(w, "+x -a +b +z");
	assert_true(delivery_set_up(w->sim, STR("*.y.test")));
	expect_reach(w, "+x +a +b +z");
	world_free(w);
}

static void
test_down_and_up(void **state)
{
	struct world *w = world_of("delivered");

	(void)state;
	assert_true(delivery_set_down(w->sim, STR("*"), w->sim->now_ns + 5 * MINUTE));
	expect_reach(w, "-x -a -b -z");
	/* one of those that a wildcard has taken down */
	assert_true(delivery_set_up(w->sim, STR("z.test")));
	expect_reach(w, "-x -a -b +z");
	world_pass(w, 5 * MINUTE);
	expect_reach(w, "+x +a +b +z");
	assert_true(delivery_set_down(w->sim, STR("*.y.test"), CLOCK_NEVER));
	assert_true(delivery_set_down(w->sim, STR("b.y.test"), CLOCK_NEVER));
	assert_true(delivery_set_up(w->sim, STR("b.y.test")));
	expect_reach(w, "+x -a +b +z");
	assert_true(delivery_set_up(w->sim, STR("*.y.test")));
	expect_reach(w, "+x +a +b +z");
	world_free(w);
}

static void
expect_outcomes(struct world *w, const char *expected)
{
	char *events = world_take_events(w), *at = events;
	struct buf b = { 0 };

	while ((at = strstr(at, " outcome=")) != NULL) {
		at += strlen(" outcome=");
		buf_printf(&b, "%.*s ", (int)strcspn(at, " \n"), at);
	}
	buf_add_char(&b, '\0');
	assert_string_equal(b.data, expected);
	buf_fini(&b);
	free(events);
}

/* Each attempt asks anew; one that fails so uses up no step of a script; and an outcome that the
 * request gave counts more. */
static void
test_attempts_fail(void **state)
{
	struct world *w = world_of("system_error:2 user_unknown");
	struct batch_request r = world_one("7");
	struct fate *own = world_fate(w->sim->conf.delivery->outcomes, "null_mx");

	(void)state;
	r.to = STR("joe@X.test");
	world_send(w, &r);
	world_pass(w, 0);
	world_pass(w, DAY);
	expect_outcomes(w,
	    "system_error connect_timeout connect_timeout connect_timeout "
	    "connect_timeout "
	    "system_error user_unknown ");
	assert_true(delivery_set_down(w->sim, STR("x.test"), CLOCK_NEVER));
	r.plan.fate = own;
	world_send(w, &r);
	world_pass(w, DAY);
	expect_outcomes(w, "null_mx ");
	fate_unref(own);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_windows_text),
		cmocka_unit_test(test_nearest_counts),
		cmocka_unit_test(test_said_for_a_time),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_not_too_many),
		cmocka_unit_test(test_up_beats_a_window),
		cmocka_unit_test(test_down_and_up),
		cmocka_unit_test(test_attempts_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
