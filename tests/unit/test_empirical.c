/*
 * Latencies from files: what a file may hold, its quantiles to the microsecond, what is wrong with
 * it, who owns the table, and the configuration keys that name one.
 */
#include "sim_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/draw.h"
#include "core/empirical.h"
#include "settings.h"

#define DRAWS 1000000
#define STEP 4096 /* of the bits: what a draw sees of them */
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct empirical *
parsed(struct str text)
{
	struct empirical *e = NULL;
	const char *why = empirical_parse(text, STR("file"), &e);

	if (why)
		fail_msg("refused: %.*s: %s", STR_ARG(text), why);
	return e;
}

static void
test_quantiles(void **state)
{
	static const struct {
		const char *text;
		double u;
		int64_t us;
	} cases[] = {
		{ "80ms", 0, 80000 },
		{ "80ms", 0.3, 80000 },
		{ "80ms\n", 1, 80000 },
		{ "1s\n2s", 0, 1000000 },
		{ "1s\n2s", 0.25, 1250000 },
		{ "1s\n2s\n", 1, 2000000 },
		{ "0s\n1s\n1s\n5s\n7s\n", 0.125, 500000 },
		{ "0s\n1s\n1s\n5s\n7s\n", 0.25, 1000000 },
		{ "0s\n1s\n1s\n5s\n7s\n", 0.375, 1000000 },
		{ "0s\n1s\n1s\n5s\n7s\n", 0.5, 1000000 },
		{ "0s\n1s\n1s\n5s\n7s\n", 0.625, 3000000 },
		{ "0s\n1s\n1s\n5s\n7s\n", 0.875, 6000000 },
		{ "1us\n2us\n", 0.4375, 1 },
		{ "1us\n2us\n", 0.5625, 2 },
		{ "0s\n36500d\n", 0.5, 1576800000000000 },
		{ "0s\n36500d\n", 1, 3153600000000000 },
		{ "50 80ms", 0, 80000 },
		{ "50 80ms", 1, 80000 },
		{ "25 1s\n75 3s", 0.125, 1000000 },
		{ "25 1s\n75 3s", 0.25, 1000000 },
		{ "25 1s\n75 3s", 0.5, 2000000 },
		{ "25 1s\n75 3s", 0.625, 2500000 },
		{ "25 1s\n75 3s", 0.75, 3000000 },
		{ "25 1s\n75 3s", 0.875, 3000000 },
		{ "0 0s\n50 1s\n62.5 9s\n100 9s\n", 0.5625, 5000000 },
		{ "0.000001 1s\n100.000000 2s\n", 0, 1000000 },
		{ "p25 1s\n75% 3s\n", 0.5, 2000000 },
		{ "; a\n\n # b\n\t25 \t1s \r\n#c\r\n\r\n   \n75 3s\t\n;", 0.5, 2000000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct empirical *e = parsed(str_of(cases[i].text));
		int64_t ns = empirical_quantile(e, cases[i].u);

		if (ns != cases[i].us * TEXT_NS_PER_US)
			fail_msg("at %g of %s: %ld", cases[i].u, cases[i].text, ns);
		empirical_unref(e);
	}
}

/* Each list is a reason and what is refused for it. */
static const char *const *const bad[] = {
	(const char *const[]){
	    "names a file without a duration in it", "", "\n", "\r\n \t\n", "# 1s\n;2s\n", NULL },
	(const char *const[]){
	    "names a file with a line that is neither a duration nor a percentile and a duration",
	    "1", "1s\n2\n", "-1s", "1s 2", "50 80ms x", "1s # one", "36501d", "80 ms", "1s,2s",
	    "50 = 80ms", "50:80ms", "1s\v", "50%", NULL },
	(const char *const[]){ "names a file with a percentile that is not a number from 0 to 100",
	    "101 1s", "100.000001 1s", "p999 1s", "p 1s", "% 1s", "p50% 1s", "-1 1s", "1. 1s",
	    "0.0000001 1s", "1s 2s", "fifty 1s", NULL },
	(const char *const[]){ "names a file in which only some lines have a percentile",
	    "1s\n50 2s\n", "50 1s\n2s\n", NULL },
	(const char *const[]){ "names a file whose percentiles do not ascend", "50 1s\n50 2s\n",
	    "50 1s\n49.999999 2s\n", NULL },
	(const char *const[]){ "names a file whose durations do not ascend", "2s\n1s\n",
	    "1s\n3s\n2999999us\n", "50 1s\n60 999ms\n", NULL },
};

static void
test_bad_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		for (const char *const *text = bad[i] + 1; *text; text++) {
			struct empirical *e = NULL;
			const char *why = empirical_parse(str_of(*text), STR("file"), &e);

			if (!why || e)
				fail_msg("accepted: %s", *text);
			assert_string_equal(why, bad[i][0]);
		}
	assert_non_null(empirical_parse((struct str){ "1s\0", 3 }, STR("file"), NULL));
}

static void
test_a_million_and_no_more(void **state)
{
	struct empirical *e = NULL;
	struct buf text = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < EMPIRICAL_POINTS_MAX; i++)
		buf_printf(&text, "%zuus\n", i);
	e = parsed(buf_str(&text));
	assert_int_equal(empirical_quantile(e, 1), (EMPIRICAL_POINTS_MAX - 1) * TEXT_NS_PER_US);
	assert_int_equal(empirical_quantile(e, 0.5), EMPIRICAL_POINTS_MAX / 2 * TEXT_NS_PER_US);
	empirical_unref(e);
	buf_add_lit(&text, "# the end\n2d\n");
	assert_string_equal(empirical_parse(buf_str(&text), STR("file"), &e),
	    "names a file of more than 1000000 durations");
	buf_fini(&text);
}

/* What is there to be read instead of files. */
static struct str file_text;
static char file_path[32];

static const char *
read_cb(struct str path, struct buf *text)
{
	snprintf(file_path, sizeof file_path, "%.*s", STR_ARG(path));
	if (!file_text.p)
		return "names nothing";
	buf_add_str(text, file_text);
	return NULL;
}

static struct latency
parsed_latency(const char *s)
{
	struct latency l;
	const char *why = latency_parse(str_of(s), read_cb, &l);

	if (why)
		fail_msg("refused: %s: %s", s, why);
	return l;
}

/* The bits of the i-th of n strata. */
static uint64_t
stratum(uint64_t i, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)(2 * i + 1) << 63) / n);
}

static int64_t
quantile_of_draws(const struct latency *l, uint64_t i)
{
	return latency_draw(l, stratum(i, DRAWS));
}

static void
expect_near(int64_t got, double theory)
{
	if (fabs((double)got - theory) > 0.01 * theory)
		fail_msg("%ld is not within 1 %% of %.0f", got, theory);
}

/* Of a million draws, one out of each stratum: they rise with their bits, so the i-th is their i-th
 * smallest; and p50, p90, p99 are those of the distribution whose percentiles went in. */
static void
test_draws(void **state)
{
	struct buf text = { 0 };
	struct latency l;
	int64_t last = 0;
	uint64_t i;
	int k;

	(void)state;
	for (k = 0; k <= 999; k++)
		buf_printf(
		    &text, "p%d.%d %.0fus\n", k / 10, k % 10, 800000 * log(1000.0 / (1000 - k)));
	file_text = buf_str(&text);
	l = parsed_latency("empirical file");
	for (i = 0; i < DRAWS; i++) {
		int64_t ns = quantile_of_draws(&l, i);

		assert_true(ns >= last && ns % TEXT_NS_PER_US == 0);
		last = ns;
	}
	expect_near(quantile_of_draws(&l, DRAWS / 2), 800 * MS * M_LN2);
	expect_near(quantile_of_draws(&l, DRAWS / 10 * 9), 800 * MS * log(10));
	expect_near(quantile_of_draws(&l, DRAWS / 100 * 99), 800 * MS * log(100));
	latency_fini(&l);
	assert_int_equal(latency_draw(&l, UINT64_MAX), 0);
	buf_fini(&text);
}

/* Neighbours in bits, where lines meet and in between. */
static void
test_monotone_in_bits(void **state)
{
	static const double meet[] = { 0.003, 0.1, 0.33333333, 0.33333334, 0.5, 0.667, 0.66700001,
		0.9 };
	struct latency l;
	uint64_t i, k;

	(void)state;
	file_text =
	    STR("0 1us\n0.3 3us\n33.333333 1s\n33.333334 1d\n66.7 300d\n66.700001 36500d\n");
	l = parsed_latency("empirical file");
	for (i = 0; i < COUNT(meet); i++) {
		uint64_t bits = (uint64_t)(meet[i] * 0x1p64) - 64 * STEP;
		int64_t last = 0;

		for (k = 0; k < 128; k++, bits += STEP) {
			int64_t ns = latency_draw(&l, bits);

			assert_true(ns >= last && ns <= TEXT_DURATION_MAX_NS);
			last = ns;
		}
	}
	assert_int_equal(latency_draw(&l, 0), 1000);
	assert_int_equal(latency_draw(&l, UINT64_MAX), TEXT_DURATION_MAX_NS);
	latency_fini(&l);
}

static void
test_the_words(void **state)
{
	static const struct {
		const char *text, *path, *back; /* back: NULL if it is text */
	} cases[] = {
		{ "empirical file", "file", NULL },
		{ "empirical /a/b=c.txt min=1s max=10s", "/a/b=c.txt", NULL },
		{ "empirical 'a b.txt' max=10s", "a b.txt", NULL },
		{ "empirical 'a\tb'", "a\tb", NULL },
		{ "empirical max=1s", "max=1s", NULL },
		{ " empirical\t it's  max=1000ms min=0s ", "it's", "empirical it's min=0s max=1s" },
		{ "empirical 'file'", "file", "empirical file" },
		{ "empirical ' ' max=1s", " ", NULL },
	};

	(void)state;
	file_text = STR("1s\n2s\n");
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct latency l = parsed_latency(cases[i].text);
		struct buf b = { 0 };

		assert_string_equal(file_path, cases[i].path);
		latency_format(&b, &l);
		buf_add_char(&b, '\0');
		assert_string_equal(b.data, cases[i].back ? cases[i].back : cases[i].text);
		buf_fini(&b);
		latency_fini(&l);
	}
}

static void
test_bad_words(void **state)
{
	static const char usage[] =
	    "needs one file behind empirical, in single quotes if its path holds blanks";
	static const char *const cases[][2] = {
		{ "empirical", usage },
		{ "empirical ", usage },
		{ "empirical a b", usage },
		{ "empirical 'a b", usage },
		{ "empirical ''", usage },
		{ "empirical '", usage },
		{ "empirical 'a'b", usage },
		{ "empirical 'a'max=1s", usage },
		{ "empirical a mean=1s", "has a key that it does not take" },
		{ "empirical a max=1s max=1s", "has a key twice" },
		{ "empirical a max=1", "needs a unit: us ms s m h d" },
		{ "empirical a min=2s max=1s", "has a min above its max" },
		{ "empiric a",
		    "is neither a duration nor fixed, uniform, normal, exponential, lognormal, "
		    "empirical" },
	};
	struct latency l = latency_fixed(7000);

	(void)state;
	file_text = STR("1s\n2s\n");
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *why = latency_parse(str_of(cases[i][0]), read_cb, &l);

		if (!why)
			fail_msg("accepted: %s", cases[i][0]);
		assert_string_equal(why, cases[i][1]);
	}
	assert_string_equal(latency_parse(STR("empirical a\0b"), read_cb, &l), usage);
	file_text = STR("1s\nx\n");
	assert_string_equal(latency_parse(STR("empirical a"), read_cb, &l), bad[1][0]);
	file_text = (struct str){ NULL, 0 };
	assert_string_equal(latency_parse(STR("empirical a"), read_cb, &l), "names nothing");
	assert_string_equal(latency_parse(STR("empirical /etc/passwd"), NULL, &l),
	    "is empirical, and only the configuration may name files");
	assert_string_equal(latency_parse(STR("empiric a"), NULL, &l),
	    "is neither a duration nor fixed, uniform, normal, exponential, lognormal");
	assert_int_equal(latency_draw(&l, 1), 7000);
}

static void
test_bounds(void **state)
{
	struct latency l;

	(void)state;
	file_text = STR("1s\n2s\n3s\n");
	l = parsed_latency("empirical a min=1500ms max=2500ms");
	assert_int_equal(latency_draw(&l, 0), 1500 * MS);
	assert_int_equal(latency_draw(&l, 1ULL << 63), 2 * SEC);
	assert_int_equal(latency_draw(&l, UINT64_MAX), 2500 * MS);
	latency_fini(&l);
}

/* The table lives until the last message that was accepted with it is forgotten, whatever becomes
 * of the configuration. */
static void
test_the_table_outlives_the_configuration(void **state)
{
	struct simulator_conf conf = world_conf(), other = world_conf();
	struct batch_request r = world_range(0, 2), late = world_range(3, 4);
	struct latency own = latency_fixed(7 * SEC);
	struct world *w;
	char *events;

	(void)state;
	file_text = STR("3s\n");
	conf.delivery->all.latency = parsed_latency("empirical a");
	conf.delivery->all.connect = latency_copy(&conf.delivery->all.latency);
	w = world_new(&conf, false);
	world_configure(w, &w->sim->conf); /* with what is its own */
	world_send(w, &r);
	late.plan.latency = &own; /* connect is the table's still */
	world_send(w, &late);
	world_configure(w, &other);
	world_pass(w, 6 * SEC);
	events = world_take_events(w);
	assert_non_null(strstr(events, "06.000Z delivered id=2 "));
	assert_null(strstr(events, "delivered id=3 "));
	free(events);
	world_pass(w, 4 * SEC);
	events = world_take_events(w);
	assert_non_null(strstr(events, "10.000Z delivered id=4 "));
	free(events);
	world_free(w);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A folder for the files of one test; the name holds a blank. */
static int
enter_folder(void **state)
{
	static char folder[64];

	snprintf(folder, sizeof folder, "/tmp/test_empirical %ld", (long)getpid());
	*state = folder;
	return mkdir(folder, 0700) != 0 || chdir(folder) != 0;
}

static int
leave_folder(void **state)
{
	static const char *const names[] = { "samples", "two words", "fifo", "ini" };

	for (size_t i = 0; i < COUNT(names); i++)
		unlink(names[i]);
	return chdir("/") != 0 || rmdir(*state) != 0;
}

static void
test_settings(void **state)
{
	struct conf_sources from = { .file = "ini" };
	struct conf_problems p = { 0 };
	struct buf once = { 0 }, twice = { 0 };
	struct settings *s;

	(void)state;
	write_file("samples", "50 80ms\n");
	write_file("two words", "# all the same\n1s\n1s\n");
	write_file("ini",
	    "[delivery]\nlatency = empirical samples max=10s\n"
	    "connect = \"empirical 'two words'\"\n");
	s = settings_load(&from, false, &p);
	assert_non_null(s);
	assert_int_equal(latency_draw(&s->simulator.delivery->all.latency, 5), 80 * MS);
	assert_int_equal(latency_draw(&s->simulator.delivery->all.connect, 5), SEC);
	conf_print(&settings_table, s, true, &once);
	settings_free(s);
	buf_add_char(&once, '\0');
	assert_non_null(strstr(once.data, "\nlatency = empirical samples max=10s\n"));
	assert_non_null(strstr(once.data, "\nconnect = empirical 'two words'\n"));
	write_file("ini", once.data);
	/* read anew, and a later source beats an earlier one */
	write_file("samples", "90ms\n");
	from.options = (const char *const[]){ "delivery.connect=empirical samples", NULL };
	s = settings_load(&from, false, &p);
	assert_non_null(s);
	assert_int_equal(latency_draw(&s->simulator.delivery->all.latency, 5), 90 * MS);
	conf_print(&settings_table, s, true, &twice);
	buf_add_char(&twice, '\0');
	assert_non_null(strstr(twice.data, "\nconnect = empirical samples\n"));
	settings_free(s);
	buf_fini(&once);
	buf_fini(&twice);
}

static void
expect_problem(const char *value, const char *problem)
{
	struct conf_sources from = { .file = "ini" };
	struct conf_problems p = { 0 };
	struct buf line = { 0 };

	buf_printf(&line, "[delivery]\n\nlatency = empirical %s\n", value);
	buf_add_char(&line, '\0');
	write_file("ini", line.data);
	line.len = 0;
	buf_printf(&line, "ini:3: delivery.latency: names %s\n", problem);
	assert_null(settings_load(&from, false, &p));
	if (!str_eq(buf_str(&p.lines), buf_str(&line)))
		fail_msg(
		    "%.*s instead of %.*s", STR_ARG(buf_str(&p.lines)), STR_ARG(buf_str(&line)));
	buf_fini(&line);
	conf_problems_fini(&p);
}

static void
test_settings_that_name_no_such_file(void **state)
{
	char path[32];
	int ends[2];

	(void)state;
	/* nobody would ever write to it */
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	expect_problem(path, "something that is not a file");
	close(ends[0]);
	close(ends[1]);
	expect_problem("samples", "a file that is not there");
	expect_problem("/etc/passwd/x", "a file that cannot be read");
	expect_problem(".", "a directory");
	expect_problem("/dev/zero", "something that is not a file");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	expect_problem("fifo", "something that is not a file");
	expect_problem("/dev/null", "a file without a duration in it");
	write_file("samples", "");
	assert_int_equal(truncate("samples", 16 << 20), 0);
	expect_problem("samples", bad[1][0] + strlen("names "));
	assert_int_equal(truncate("samples", (16 << 20) + 1), 0);
	expect_problem("samples", "a file of more than 16M");
	write_file("samples", "2s\n1s\n");
	expect_problem("samples", "a file whose durations do not ascend");
	assert_int_equal(chmod("samples", 0), 0);
	if (geteuid() != 0)
		expect_problem("samples", "a file that may not be read");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_a_million_and_no_more),
		cmocka_unit_test(test_draws),
		cmocka_unit_test(test_monotone_in_bits),
		cmocka_unit_test(test_the_words),
		cmocka_unit_test(test_bad_words),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_the_table_outlives_the_configuration),
		cmocka_unit_test_setup_teardown(test_settings, enter_folder, leave_folder),
		cmocka_unit_test_setup_teardown(
		    test_settings_that_name_no_such_file, enter_folder, leave_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
