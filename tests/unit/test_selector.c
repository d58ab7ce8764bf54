/*
 * Which messages are meant: ids given, made and patterned, addresses, domains; walks both ways over
 * a registry in which batches come and go.
 */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/registry.h"
#include "core/selector.h"

static struct selector
by_id(const char *id)
{
	return (struct selector){ .kind = SELECT_ID, .text = str_of(id) };
}

static struct selector
by_to(const char *to)
{
	return (struct selector){ .kind = SELECT_TO, .text = str_of(to) };
}

static void
send_one(struct world *w, const char *id, const char *to)
{
	struct batch_request r = world_one(id);

	r.to = str_of(to);
	world_send(w, &r);
}

static void
send_range(struct world *w, const char *id, const char *to, uint64_t first, uint64_t last)
{
	struct batch_request r = world_range(first, last);

	r.id = str_of(id);
	r.to = str_of(to);
	world_send(w, &r);
}

static struct world *
populated(void)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, false);

	send_one(w, "a", "bob@x.test");                            /* 1 */
	send_one(w, NULL, NULL);                                   /* 2: s2 */
	send_range(w, NULL, "u{n}@x.test", 8, 11);                 /* 3-6: ids 8..11 */
	send_one(w, "a", "Bob@X.TEST");                            /* 7 */
	send_range(w, "job-{n}-{n}", "all@d{n}.example", 99, 101); /* 8-10 */
	send_one(w, "9", "ann@sub.x.test");                        /* 11 */
	send_range(w, "same", "bob@x.test", 1, 2);                 /* 12-13 */
	return w;
}

static void
test_ids(void **state)
{
	struct world *w = populated();

	(void)state;
	world_expect_walk(w, by_id("a"), false, "1 7");
	world_expect_walk(w, by_id("a"), true, "7 1");
	world_expect_walk(w, by_id("s2"), false, "2");
	world_expect_walk(w, by_id("s1"), false, "");
	world_expect_walk(w, by_id("s02"), false, "");
	world_expect_walk(w, by_id("9"), false, "4 11");
	world_expect_walk(w, by_id("9"), true, "11 4");
	world_expect_walk(w, by_id("7"), false, "");
	world_expect_walk(w, by_id("12"), false, "");
	world_expect_walk(w, by_id("08"), false, "");
	world_expect_walk(w, by_id("job-100-100"), false, "9");
	world_expect_walk(w, by_id("job-99-99"), false, "8");
	world_expect_walk(w, by_id("job-100-101"), false, "");
	world_expect_walk(w, by_id("job-102-102"), false, "");
	world_expect_walk(w, by_id("job-{n}-{n}"), false, "");
	world_expect_walk(w, by_id("same"), true, "13 12");
	world_expect_walk(w, by_id(""), false, "");
	world_free(w);
}

static void
test_addresses(void **state)
{
	struct world *w = populated();

	(void)state;
	world_expect_walk(w, by_to("bob@x.test"), false, "1 12 13");
	world_expect_walk(w, by_to("bob@X.Test"), false, "1 12 13");
	world_expect_walk(w, by_to("Bob@x.test"), false, "7");
	world_expect_walk(w, by_to("u10@x.test"), false, "5");
	world_expect_walk(w, by_to("u12@x.test"), false, "");
	world_expect_walk(w, by_to("all@d100.example"), false, "9");
	world_expect_walk(w, by_to("*@d101.EXAMPLE"), false, "10");
	world_expect_walk(w, by_to("*@x.test"), false, "1 3 4 5 6 7 12 13");
	world_expect_walk(w, by_to("*@sub.x.test"), true, "11");
	world_expect_walk(w, by_to("*@test"), false, "");
	world_expect_walk(w, by_to("x.test"), false, "");
	world_free(w);
}

static void
test_numbers(void **state)
{
	struct world *w = populated();

	(void)state;
	world_expect_walk(w, (struct selector){ .kind = SELECT_SEQ, .number = 9 }, false, "9");
	world_expect_walk(w, (struct selector){ .kind = SELECT_SEQ, .number = 0 }, false, "");
	world_expect_walk(w, (struct selector){ .kind = SELECT_SEQ, .number = 14 }, true, "");
	world_expect_walk(
	    w, (struct selector){ .kind = SELECT_BATCH, .number = 3 }, true, "6 5 4 3");
	world_expect_walk(w, (struct selector){ .kind = SELECT_BATCH, .number = 8 }, false, "");
	world_expect_walk(
	    w, (struct selector){ .kind = SELECT_ALL }, false, "1 2 3 4 5 6 7 8 9 10 11 12 13");
	world_expect_walk(
	    w, (struct selector){ .kind = SELECT_ALL }, true, "13 12 11 10 9 8 7 6 5 4 3 2 1");
	world_expect_walk(w, (struct selector){ .kind = SELECT_OWN, .owner = NULL }, false, "");
	world_free(w);
}

/* Batches go while a walk is under way, and holes are closed under it. */
static void
test_walk_survives_forgetting(void **state)
{
	struct simulator_conf conf = world_conf();
	struct selector all = { .kind = SELECT_ALL };
	struct selection walk;
	struct message *m;
	struct world *w;
	uint64_t expected = 1;
	int i;

	(void)state;
	w = world_new(&conf, false);
	for (i = 0; i < 500; i++)
		send_one(w, i % 2 ? "odd" : NULL, NULL);
	world_pass(w, SEC);
	selection_init(&walk, &w->sim->registry, &all, false);
	while (expected <= 300 && (m = selection_next(&walk)) != NULL)
		assert_int_equal(message_seq(m), expected++);
	conf.history = 100;
	world_configure(w, &conf);
	for (expected = 401; (m = selection_next(&walk)) != NULL; expected++)
		assert_int_equal(message_seq(m), expected);
	selection_fini(&walk);
	assert_int_equal(expected, 501);
	/* the runs that hold the last hundred, and nothing else */
	assert_int_equal(w->sim->registry.n - w->sim->registry.gone, 2);
	world_free(w);
}

/* The message with that seq, which is here also the number of its request; NULL if it is not known.
 */
static struct message *
message_at(struct world *w, uint64_t seq)
{
	const struct batch *b = registry_find_seq(&w->sim->registry, seq);
	struct message *m = b ? batch_message(b, (uint32_t)(seq - b->first_seq)) : NULL;

	assert_ptr_equal(registry_find(&w->sim->registry, seq), b);
	return m && !message_is_forgotten(m) ? m : NULL;
}

/* How many messages a walk finds. */
static int
count_found(struct world *w, struct selector s)
{
	struct selection walk;
	int n = 0;

	selection_init(&walk, &w->sim->registry, &s, false);
	while (selection_next(&walk) != NULL)
		n++;
	selection_fini(&walk);
	return n;
}

/* The registry against a plain list: many ids, some the same, added and forgotten in any order. */
static void
test_registry_finds_what_is_there(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w;
	int i;

	(void)state;
	conf.history = 0;
	w = world_new(&conf, false);
	for (i = 0; i < 3000; i++) {
		char id[16];

		snprintf(id, sizeof id, "m%d", i % 1500);
		send_one(w, id, NULL);
	}
	for (i = 0; i < 3000; i += 3)
		delivery_cancel(w->sim, message_at(w, (uint64_t)i + 1));
	history_trim(w->sim);
	for (i = 0; i < 3000; i++) {
		char id[16];

		assert_int_equal(message_at(w, (uint64_t)i + 1) != NULL, i % 3 != 0);
		snprintf(id, sizeof id, "m%d", i % 1500);
		assert_int_equal(
		    count_found(w, by_id(id)), (i % 1500 % 3 != 0) + ((i % 1500 + 1500) % 3 != 0));
	}
	assert_null(registry_find(&w->sim->registry, 0));
	assert_null(registry_find(&w->sim->registry, 3001));
	world_free(w);
}

/* Ids of which only the newest are remembered are not looked for among all there ever were; the
 * same one given ever so often costs no more than others, and is found whole. */
static void
test_index_forgets(void **state)
{
	struct simulator_conf conf = world_conf();
	struct selector nobody = by_id("nobody");
	struct selection walk;
	struct world *w;
	char id[16];
	int i;

	(void)state;
	conf.history = 1000;
	w = world_new(&conf, false);
	for (i = 0; i < 200000; i++) {
		snprintf(id, sizeof id, "m%d", i);
		send_one(w, i % 2 ? id : "same", NULL);
		if (i % 500 == 0)
			world_pass(w, SEC);
	}
	world_pass(w, SEC);
	assert_true(w->sim->registry.by_id.total < 10000);
	assert_true(w->sim->registry.by_id.cap < 20000);
	assert_int_equal(count_found(w, by_id("same")), 500);
	/* what nobody is called is not looked for among all */
	selection_init(&walk, &w->sim->registry, &nobody, true);
	walk.budget = 1;
	assert_null(selection_next(&walk));
	assert_true(walk.is_over);
	selection_fini(&walk);
	for (i = 0; i < 200000; i++) {
		snprintf(id, sizeof id, "m%d", i);
		assert_int_equal(count_found(w, by_id(id)), i % 2 && i >= 199000);
	}
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_walk_survives_forgetting),
		cmocka_unit_test(test_registry_finds_what_is_there),
		cmocka_unit_test(test_index_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
