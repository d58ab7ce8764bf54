/*
 * One mail to several recipients: its events and numbers, how it is found among ranges and runs,
 * what cancels it, what its draws go by, and whose copy it is.
 */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct str three[] = { STR_INIT("ann@a.test"), STR_INIT("bob@b.test"),
	STR_INIT("Cy@a.test") };

static void
expect_events(struct world *w, const char *expected)
{
	char *events = world_take_events(w);

	assert_string_equal(events, expected);
	free(events);
}

static void
expect_end(const struct world *w, const char *expected)
{
	size_t n = strlen(expected);

	assert_true(w->events.len > n);
	assert_memory_equal(w->events.data + w->events.len - n, expected, n);
}

static void
test_events(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, true);
	struct world_mail m = world_mail("m@x", three, 3);
	struct batch *b;

	(void)state;
	m.r.size = 77;
	b = world_send_mail(w, &m);
	assert_int_equal(b->count, 3);
	assert_false(b->is_run);
	expect_events(w,
	    "2026-01-01T00:00:00.000Z queued id=m@x seq=1 batch=1 from=sender@x.test to=ann@a.test "
	    "size=77\n"
	    "2026-01-01T00:00:00.000Z dispatched id=m@x seq=1 batch=1 from=sender@x.test "
	    "to=ann@a.test attempt=1\n"
	    "2026-01-01T00:00:00.000Z queued id=m@x seq=2 batch=1 from=sender@x.test to=bob@b.test "
	    "size=77\n"
	    "2026-01-01T00:00:00.000Z dispatched id=m@x seq=2 batch=1 from=sender@x.test "
	    "to=bob@b.test attempt=1\n"
	    "2026-01-01T00:00:00.000Z queued id=m@x seq=3 batch=1 from=sender@x.test to=Cy@a.test "
	    "size=77\n"
	    "2026-01-01T00:00:00.000Z dispatched id=m@x seq=3 batch=1 from=sender@x.test "
	    "to=Cy@a.test attempt=1\n");
	simulator_jump(w->sim, w->real_ns, 100, false);
	expect_end(w,
	    "2026-01-01T00:00:01.000Z finished batch=1 n=3 delivered=3 bounced=0 expired=0 "
	    "dropped=0 cancelled=0 attempts=3 elapsed=1.000s simulated=1.000s\n");
	world_check(w);
	world_free(w);
}

static void
test_one_recipient_is_a_single_message(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, true);
	struct world_mail m = world_mail("m@x", three, 1);
	struct batch_request plain = world_one("y");
	struct batch *b;

	(void)state;
	b = world_send(w, &plain);
	assert_ptr_equal(world_send_mail(w, &m), b);
	assert_true(b->is_run);
	expect_events(w,
	    "2026-01-01T00:00:00.000Z queued id=y seq=1 batch=1\n"
	    "2026-01-01T00:00:00.000Z dispatched id=y seq=1 batch=1 attempt=1\n"
	    "2026-01-01T00:00:00.000Z queued id=m@x seq=2 batch=2 from=sender@x.test "
	    "to=ann@a.test\n"
	    "2026-01-01T00:00:00.000Z dispatched id=m@x seq=2 batch=2 from=sender@x.test "
	    "to=ann@a.test attempt=1\n");
	simulator_jump(w->sim, w->real_ns, 100, false);
	assert_null(memmem(w->events.data, w->events.len, "finished", 8));
	/* but one that is gathered is a batch that can be held */
	m.r.is_gathered = true;
	b = world_send_mail(w, &m);
	assert_false(b->is_run);
	assert_int_equal(b->count, 1);
	assert_non_null(b->group);
	world_check(w);
	world_free(w);
}

static struct world *
populated(uint64_t history)
{
	struct simulator_conf conf = world_conf();
	struct batch_request r = world_one("a"), range = world_range(1, 2);
	struct world_mail m;
	struct world *w;

	conf.history = history;
	w = world_new(&conf, false);
	world_send(w, &r); /* 1 */
	m = world_mail("a", three, 3);
	world_send_mail(w, &m); /* 2-4, batch 2 */
	m = world_mail("a", three + 1, 1);
	world_send_mail(w, &m); /* 5, batch 3 */
	range.to = three[1];
	world_send(w, &range); /* 6-7, batch 4 */
	m = world_mail(NULL, three, 3);
	world_send_mail(w, &m); /* 8-10, batch 5 */
	return w;
}

#define BY(what, value) \
	(struct selector) \
	{ \
		.kind = SELECT_##what, .text = STR(value) \
	}
#define BY_NUMBER(what, value) \
	(struct selector) \
	{ \
		.kind = SELECT_##what, .number = (value) \
	}

static void
test_is_found(void **state)
{
	struct world *w = populated(10000);

	(void)state;
	world_expect_walk(w, BY(ALL, ""), false, "1 2 3 4 5 6 7 8 9 10");
	world_expect_walk(w, BY(ALL, ""), true, "10 9 8 7 6 5 4 3 2 1");
	world_expect_walk(w, BY(ID, "a"), false, "1 2 3 4 5");
	world_expect_walk(w, BY(ID, "a"), true, "5 4 3 2 1");
	world_expect_walk(w, BY(ID, "s8"), false, "8");
	world_expect_walk(w, BY(ID, "s10"), false, "10");
	world_expect_walk(w, BY(ID, "s3"), false, "");
	world_expect_walk(w, BY(ID, "s11"), false, "");
	world_expect_walk(w, BY(TO, "bob@b.test"), false, "3 5 6 7 9");
	world_expect_walk(w, BY(TO, "bob@b.test"), true, "9 7 6 5 3");
	world_expect_walk(w, BY(TO, "*@a.test"), false, "2 4 8 10");
	world_expect_walk(w, BY(TO, "cy@a.test"), false, "");
	world_expect_walk(w, BY_NUMBER(SEQ, 3), false, "3");
	world_expect_walk(w, BY_NUMBER(SEQ, 10), true, "10");
	world_expect_walk(w, BY_NUMBER(SEQ, 11), false, "");
	world_expect_walk(w, BY_NUMBER(BATCH, 2), false, "2 3 4");
	world_expect_walk(w, BY_NUMBER(BATCH, 5), true, "10 9 8");
	world_expect_walk(w, BY_NUMBER(BATCH, 3), false, "5");
	world_expect_walk(w, BY_NUMBER(BATCH, 6), false, "");
	world_free(w);
}

/* The batch is in the history longer than its messages. */
static void
test_is_forgotten(void **state)
{
	struct world *w = populated(4);

	(void)state;
	world_pass(w, 2 * SEC);
	world_expect_walk(w, BY(ALL, ""), false, "7 8 9 10");
	world_expect_walk(w, BY(ID, "a"), false, "");
	world_expect_walk(w, BY(ID, "s9"), false, "9");
	world_expect_walk(w, BY_NUMBER(BATCH, 2), false, "");
	world_expect_walk(w, BY_NUMBER(BATCH, 5), false, "8 9 10");
	world_check(w);
	world_free(w);
}

/* Of many recipients those that are forgotten take no memory, while others are still known. */
static void
test_is_forgotten_in_blocks(void **state)
{
	struct simulator_conf conf = world_conf();
	struct str to[3 * BATCH_BLOCK];
	struct world_mail m = world_mail("m", to, 3 * BATCH_BLOCK);
	struct world *w;
	struct batch *b;
	size_t i;

	(void)state;
	for (i = 0; i < 3 * BATCH_BLOCK; i++)
		to[i] = three[i % 3];
	conf.history = BATCH_BLOCK + 1;
	w = world_new(&conf, false);
	b = world_send_mail(w, &m);
	assert_int_equal(b->n_blocks, 3);
	world_pass(w, 2 * SEC);
	assert_int_equal(b->n_blocks, 2);
	world_expect_walk(w, BY_NUMBER(SEQ, 127), false, "");
	world_expect_walk(w, BY_NUMBER(SEQ, 128), false, "128");
	world_free(w);
}

/* So many that the index of ids is built anew several times, and with more recipients than fit in a
 * block. */
static void
test_many(void **state)
{
	struct simulator_conf conf = world_conf();
	struct str to[150];
	char text[150][32], id[32];
	struct selector s = { .kind = SELECT_ID };
	struct selection walk;
	struct world_mail m;
	struct world *w;
	uint64_t n;
	int i;

	(void)state;
	conf.history = 1000;
	for (i = 0; i < 150; i++) {
		snprintf(text[i], sizeof text[i], "u%d@x%d.test", i, i % 7);
		to[i] = str_of(text[i]);
	}
	w = world_new(&conf, false);
	for (i = 1; i <= 3000; i++) {
		snprintf(id, sizeof id, "m%d", i);
		m = world_mail(id, to, i % 100 == 0 ? 150 : 3);
		world_send_mail(w, &m);
		world_pass(w, SEC / 4);
		w->events.len = 0;
		world_check(w);
		s.text = str_of(id);
		selection_init(&walk, &w->sim->registry, &s, false);
		for (n = 0; selection_next(&walk);)
			n++;
		selection_fini(&walk);
		assert_int_equal(n, m.mail.n);
	}
	world_pass(w, DAY);
	/* what is over is the history and no more */
	assert_true(w->sim->registry.n - w->sim->registry.gone <= 1000);
	s.text = STR("m3000");
	selection_init(&walk, &w->sim->registry, &s, true);
	for (n = 0; selection_next(&walk); n++)
		;
	selection_fini(&walk);
	assert_int_equal(n, 150);
	world_free(w);
}

static uint64_t
cancel(struct world *w, struct selector s)
{
	struct selection walk;
	uint64_t n = 0;

	selection_init(&walk, &w->sim->registry, &s, false);
	while (!intake_cancel(w->sim, &walk, NULL, 3, &n))
		;
	selection_fini(&walk);
	return n;
}

/* One of three is accepted. */
static struct batch *
open_in_part(struct world *w, bool is_reserved, const char *id)
{
	struct world_mail m = world_mail(id, three, 3);
	struct batch *b;

	m.r.is_reserved = is_reserved;
	b = intake_open_mail(w->sim, w->owner, &m.r, &m.mail, NULL);
	assert_int_equal(intake_accept(w->sim, b, 1), INTAKE_MORE);
	return b;
}

static void
test_room(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w;
	struct batch *b, *other;

	(void)state;
	conf.pending = 5;
	w = world_new(&conf, false);
	b = open_in_part(w, true, "m");
	assert_int_equal(w->sim->reserved, 2);
	assert_int_equal(intake_room(w->sim), 2);
	other = open_in_part(w, false, "n");
	assert_int_equal(intake_accept(w->sim, other, 9), INTAKE_NO_ROOM);
	assert_int_equal(intake_accept(w->sim, b, 9), INTAKE_DONE);
	assert_int_equal(w->sim->reserved, 0);
	world_expect_walk(w, BY(ALL, ""), false, "1 2 3 4 5");
	world_pass(w, SEC);
	assert_int_equal(intake_accept(w->sim, other, 9), INTAKE_DONE);
	world_expect_walk(w, BY(ID, "n"), false, "4 5 6");
	intake_release(w->sim, b);
	intake_release(w->sim, other);
	world_check(w);
	world_free(w);
}

/* What is to come of it is ended only by who means all of that. */
static void
test_cancel_in_part(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, false);
	struct batch *b = open_in_part(w, true, "m");

	(void)state;
	assert_int_equal(cancel(w, BY(TO, "*@a.test")), 1);
	assert_true(b->is_open);
	assert_int_equal(cancel(w, BY(TO, "bob@b.test")), 0);
	assert_true(b->is_open);
	assert_int_equal(intake_accept(w->sim, b, 1), INTAKE_MORE);
	assert_int_equal(cancel(w, BY(TO, "*@a.test")), 0);
	assert_false(b->is_open);
	assert_int_equal(b->count, 2);
	assert_int_equal(w->sim->reserved, 0);
	intake_release(w->sim, b);
	b = open_in_part(w, false, "n");
	assert_int_equal(cancel(w, BY(ID, "n")), 1);
	assert_false(b->is_open);
	intake_release(w->sim, b);
	world_pass(w, 2 * SEC);
	world_check(w);
	world_free(w);
}

/* A batch that was cut short is no original of anything that did not come. */
static void
test_drain_in_part(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, false);
	struct world_mail m = world_mail("m", three, 3);
	struct batch *b = open_in_part(w, true, "m");

	(void)state;
	w->sim->is_draining = true;
	assert_int_equal(intake_accept(w->sim, b, 9), INTAKE_DRAINING);
	assert_null(intake_open_mail(w->sim, w->owner, &m.r, &m.mail, NULL));
	w->sim->is_draining = false;
	assert_int_equal(w->sim->reserved, 0);
	intake_release(w->sim, b);
	w->events.len = 0;
	b = world_send_mail(w, &m);
	assert_int_equal(batch_dup_of_at(b, 0), 1);
	assert_int_equal(batch_dup_of_at(b, 1), 1);
	world_pass(w, 2 * SEC);
	world_check(w);
	world_free(w);
}

/* The ends of three mails to the same three, as the simulator's seconds, in order of seq. */
static char *
fates(const char *const ids[3], bool is_unkeyed)
{
	struct simulator_conf conf = world_conf();
	struct selector all = BY(ALL, "");
	struct selection walk;
	struct buf out = { 0 };
	struct message *m;
	struct world *w;
	int i;

	assert_null(latency_parse(STR("exponential mean=1m"), NULL, &conf.delivery->all.latency));
	w = world_new(&conf, false);
	for (i = 0; i < 3; i++) {
		struct world_mail mail = world_mail(ids[i], three, i == 1 ? 1 : 3);

		mail.mail.is_id_unkeyed = is_unkeyed;
		world_send_mail(w, &mail);
	}
	selection_init(&walk, &w->sim->registry, &all, false);
	while ((m = selection_next(&walk)) != NULL)
		buf_printf(&out, "%ld ", (long)message_delay(m));
	selection_fini(&walk);
	buf_add_char(&out, '\0');
	world_free(w);
	return out.data;
}

static void
test_draws(void **state)
{
	static const char *const ids[3] = { "a", "b", "c" }, *const others[3] = { "x", "y", "z" },
				 *const none[3] = { NULL, NULL, NULL };
	char *one = fates(ids, true), *two = fates(others, true), *three_ = fates(none, false),
	     *keyed = fates(ids, false), *keyed_again = fates(ids, false),
	     *keyed_other = fates(others, false);
	unsigned long delay[7];
	int i, j, at = 0, n;

	(void)state;
	assert_string_equal(one, two);
	assert_string_equal(one, three_);
	assert_string_equal(keyed, keyed_again);
	assert_string_not_equal(keyed, keyed_other);
	assert_string_not_equal(keyed, one);
	for (i = 0; i < 7; i++, at += n) {
		assert_int_equal(sscanf(one + at, "%lu %n", &delay[i], &n), 1);
		for (j = 0; j < i; j++)
			assert_int_not_equal(delay[i], delay[j]);
	}
	free(one);
	free(two);
	free(three_);
	free(keyed);
	free(keyed_again);
	free(keyed_other);
}

static void
test_copies(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, true);
	struct world_mail m = world_mail("m@x", three, 2);
	struct buf json = { 0 };
	struct event ev = { .kind = EVENT_QUEUED, .time_ns = WORLD_EPOCH };

	(void)state;
	world_send_mail(w, &m);
	m = world_mail("m@x", three + 1, 2);
	m.r.id = STR("y");
	m.r.size = 5;
	w->events.len = 0;
	ev.batch = world_send_mail(w, &m);
	assert_non_null(memmem(w->events.data, w->events.len,
	    "queued id=y seq=3 batch=2 from=sender@x.test to=bob@b.test size=5 dup_of=2\n", 75));
	assert_non_null(memmem(w->events.data, w->events.len,
	    "queued id=y seq=4 batch=2 from=sender@x.test to=Cy@a.test size=5 dup_of=1\n", 74));
	ev.message = batch_message(ev.batch, 0);
	event_format_json(&json, &ev, NULL);
	assert_non_null(memmem(json.data, json.len, ",\"size\":5,\"dup_of\":2,\"final\"", 28));
	buf_fini(&json);
	w->events.len = 0;
	m = world_mail("m@x", three, 1);
	world_send_mail(w, &m);
	assert_non_null(memmem(w->events.data, w->events.len, "to=ann@a.test dup_of=1\n", 23));
	assert_null(memmem(w->events.data, w->events.len, "attempt=1 dup_of", 16));
	/* an id alone is none */
	m.mail.message_id = (struct str){ NULL, 0 };
	w->events.len = 0;
	world_send_mail(w, &m);
	assert_null(memmem(w->events.data, w->events.len, "dup_of", 6));
	world_free(w);
}

/* What was asked for each is in his event, in whatever slices they are accepted, and in no other.
 */
static void
test_notifications(void **state)
{
	static const struct event_notification asked[] = {
		{ STR_INIT("SUCCESS,DELAY"), STR_INIT("HDRS"), STR_INIT("rfc822;a \"b\""),
		    STR_INIT("e\n1") },
		{ { NULL, 0 }, STR_INIT("FULL"), { NULL, 0 }, { NULL, 0 } },
		{ STR_INIT("NEVER"), { NULL, 0 }, { NULL, 0 }, STR_INIT("last") },
	};
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, true);
	struct world_mail m = world_mail("m", three, 3);
	struct batch *b = intake_open_mail(w->sim, w->owner, &m.r, &m.mail, NULL);
	struct buf json = { 0 };
	struct event ev = { .kind = EVENT_QUEUED, .time_ns = WORLD_EPOCH, .batch = b };
	char *events;

	(void)state;
	assert_int_equal(intake_accept_mail(w->sim, b, 1, asked), INTAKE_MORE);
	assert_int_equal(intake_accept_mail(w->sim, b, 9, asked + 1), INTAKE_DONE);
	events = world_take_events(w);
	assert_non_null(strstr(events,
	    "to=ann@a.test notify=SUCCESS,DELAY ret=HDRS orcpt=\"rfc822;a \\\"b\\\"\" "
	    "envid=\"e\\n1\"\n"));
	assert_non_null(strstr(events, "to=bob@b.test ret=FULL\n"));
	assert_non_null(strstr(events, "to=Cy@a.test notify=NEVER envid=last\n"));
	assert_null(strstr(events, "attempt=1 notify"));
	ev.message = batch_message(b, 0);
	ev.notification = &asked[0];
	event_format_json(&json, &ev, NULL);
	buf_add_char(&json, '\0');
	assert_non_null(strstr(json.data,
	    ",\"notify\":\"SUCCESS,DELAY\",\"ret\":\"HDRS\",\"orcpt\":\"rfc822;a \\\"b\\\"\","
	    "\"envid\":\"e\\n1\",\"final\""));
	intake_release(w->sim, b);
	free(events);
	buf_fini(&json);
	world_free(w);
}

static void
test_reset(void **state)
{
	struct world *w = populated(10000);
	struct world_mail m = world_mail("a", three, 3);

	(void)state;
	assert_int_equal(cancel(w, BY(ALL, "")), 10);
	simulator_reset(w->sim, w->real_ns, 0);
	w->events.len = 0;
	world_send_mail(w, &m);
	assert_null(memmem(w->events.data, w->events.len, "dup_of", 6));
	world_expect_walk(w, BY(ID, "a"), false, "1 2 3");
	assert_int_equal(batch_sequel_at(registry_find(&w->sim->registry, 1), 2), 1);
	world_check(w);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_one_recipient_is_a_single_message),
		cmocka_unit_test(test_is_found),
		cmocka_unit_test(test_is_forgotten),
		cmocka_unit_test(test_is_forgotten_in_blocks),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_cancel_in_part),
		cmocka_unit_test(test_drain_in_part),
		cmocka_unit_test(test_draws),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_notifications),
		cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
