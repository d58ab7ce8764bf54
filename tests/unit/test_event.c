/*
 * Events as text, JSON and templates, and their names and masks.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "core/event_field.h"

static struct event
event_of(enum event_kind kind, struct batch *b, uint32_t index)
{
	struct message *m = kind == EVENT_FINISHED ? NULL : batch_message(b, index);

	return (struct event){
		.kind = kind,
		.time_ns = WORLD_EPOCH + 1234567 * TEXT_NS_PER_US,
		.batch = b,
		.message = m,
		.outcome = m ? message_outcome(m) : NULL,
	};
}

static void
expect(struct buf *b, const char *text)
{
	buf_add_char(b, '\0');
	assert_string_equal(b->data, text);
	b->len = 0;
}

static void
test_text_and_json(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, false);
	struct batch_request r = world_one("a b\n\"\\\x01");
	struct buf out = { 0 };
	struct event ev;
	struct batch *b;

	(void)state;
	r.from = STR("");
	r.to = STR("bob@x.test");
	r.size = 3000;
	b = world_send(w, &r);
	ev = event_of(EVENT_QUEUED, b, 0);
	event_format_text(&out, &ev, NULL);
	expect(&out,
	    "2026-01-01T00:00:01.234Z queued id=\"a b\\n\\\"\\\\\\x01\" seq=1 batch=1 from=\"\" "
	    "to=bob@x.test size=3000");
	event_format_json(&out, &ev, NULL);
	expect(&out,
	    "{\"event\":\"queued\",\"time\":\"2026-01-01T00:00:01.234567Z\",\"id\":\"a "
	    "b\\n\\\"\\\\\\u0001\",\"seq\":1,\"batch\":1,\"from\":\"\",\"to\":\"bob@x.test\","
	    "\"size\":3000,\"final\":false}");
	world_pass(w, SEC);
	ev = event_of(EVENT_DELIVERED, b, 0);
	event_format_json(&out, &ev, NULL);
	expect(&out,
	    "{\"event\":\"delivered\",\"time\":\"2026-01-01T00:00:01.234567Z\",\"id\":\"a "
	    "b\\n\\\"\\\\\\u0001\",\"seq\":1,\"batch\":1,\"from\":\"\",\"to\":\"bob@x.test\","
	    "\"attempt\":1,\"outcome\":\"delivered\",\"code\":250,\"dsn\":\"2.0.0\",\"text\":"
	    "\"OK\","
	    "\"delay\":1.234567,\"final\":true}");
	buf_fini(&out);
	world_free(w);
}

static void
assert_memo_changes_nothing(struct event_memo *memo, const struct event *ev)
{
	struct buf plain = { 0 }, remembered = { 0 };

	event_format_text(&plain, ev, NULL);
	event_format_json(&plain, ev, NULL);
	event_format_text(&remembered, ev, memo);
	event_format_json(&remembered, ev, memo);
	buf_add_char(&plain, '\0');
	expect(&remembered, plain.data);
	buf_fini(&plain);
	buf_fini(&remembered);
}

/* All events of some messages in any order, each as it is written when nothing is remembered. */
static void
test_what_is_remembered(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, false);
	struct batch_request r[4] = { world_one("a"), world_one("b"), world_range(0, 1),
		world_one("d") };
	struct fate *fates[4] = { world_fate(conf.delivery->outcomes, "system_error:forever"),
		world_fate(conf.delivery->outcomes, "user_unknown"),
		world_fate(conf.delivery->outcomes, "suppressed"), NULL };
	/* the first two are in one run */
	const uint32_t places[4] = { 0, 1, 1, 0 };
	struct event_memo memo = { 0 };
	struct batch *sent[4];
	unsigned seen = 0;
	int i, turn;

	(void)state;
	for (i = 0; i < 4; i++) {
		r[i].plan.fate = fates[i];
		r[i].plan.expire_ns = 10 * SEC;
		r[i].to = i % 2 ? STR("bob@x.test") : STR("");
		sent[i] = world_send(w, &r[i]);
	}
	for (turn = 0; turn < 3; turn++) {
		for (i = 0; i < 24; i++) {
			int which = i * 7 % 4;
			struct event ev = event_of(
			    (enum event_kind)(i % EVENT_FINISHED), sent[which], places[which]);

			seen |= ev.outcome ? 1U << ev.message->state : 0;
			assert_memo_changes_nothing(&memo, &ev);
		}
		world_pass(w, 6 * SEC);
	}
	assert_int_equal(seen,
	    1U << STATE_DEFERRED | 1U << STATE_BOUNCED | 1U << STATE_DROPPED |
		1U << STATE_DELIVERED | 1U << STATE_EXPIRED);
	event_memo_fini(&memo);
	for (i = 0; i < 3; i++)
		fate_unref(fates[i]);
	world_free(w);
}

/* A reset gives the same numbers to others. */
static void
test_reset_forgets_lines(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, false);
	struct batch_request r = world_one("first");
	char *events;

	(void)state;
	world_send(w, &r);
	world_pass(w, SEC);
	simulator_reset(w->sim, w->real_ns, 0);
	free(world_take_events(w));
	r = world_one("second");
	world_send(w, &r);
	events = world_take_events(w);
	assert_non_null(strstr(events, "queued id=second seq=1 batch=1"));
	assert_null(strstr(events, "first"));
	free(events);
	world_free(w);
}

static void
test_finished(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, false);
	struct batch_request r = world_range(0, 3);
	struct event_template *t;
	struct buf out = { 0 };
	struct event ev;
	struct batch *b;

	(void)state;
	b = world_send(w, &r);
	world_pass(w, SEC + 2 * MS);
	ev = event_of(EVENT_FINISHED, b, 0);
	event_format_text(&out, &ev, NULL);
	expect(&out,
	    "2026-01-01T00:00:01.234Z finished batch=1 n=4 delivered=4 bounced=0 expired=0 "
	    "dropped=0 "
	    "cancelled=0 attempts=4 elapsed=1.002s simulated=1.000s");
	assert_null(event_template_parse(STR("{n} in {elapsed}"), EVENT_FINISHED, &t));
	event_format_template(&out, t, &ev);
	expect(&out, "4 in 1.002");
	/* where time jumps, real time would make every run differ */
	ev.is_time_jumping = true;
	event_format_template(&out, t, &ev);
	expect(&out, "4 in 1.000");
	event_template_free(t);
	buf_fini(&out);
	world_free(w);
}

static void
test_template(void **state)
{
	struct simulator_conf conf = world_conf();
	struct world *w = world_new(&conf, false);
	struct batch_request r = world_one("x y\n7");
	struct event_template *t;
	struct buf out = { 0 };
	struct event ev;
	struct batch *b = world_send(w, &r);

	(void)state;
	ev = event_of(EVENT_DISPATCHED, b, 0);
	/* only some have them, but all may be asked for them */
	assert_null(event_template_parse(STR("{notify}{ret}{orcpt}{envid}"), EVENT_QUEUED, &t));
	event_template_free(t);
	assert_non_null(event_template_parse(STR("{notify}"), EVENT_DELIVERED, &t));
	assert_null(event_template_parse(
	    STR("{{{id}}} #{seq}/{batch} <{to}> {attempt} {time}"), EVENT_DISPATCHED, &t));
	event_format_template(&out, t, &ev);
	expect(&out, "{x y\\n7} #1/1 <> 1 2026-01-01T00:00:01.234Z");
	event_template_free(t);
	assert_null(event_template_parse(STR(""), EVENT_QUEUED, &t));
	assert_null(t);
	buf_fini(&out);
	world_free(w);
}

static void
test_bad_templates(void **state)
{
	static const char *const bad[] = { "{", "}", "{id", "id}", "{}", "{ID}", "{nonsense}",
		"{{id}", "{id}}", "{n}", "{elapsed}" };
	struct event_template *t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!event_template_parse(str_of(bad[i]), EVENT_QUEUED, &t))
			fail_msg("accepted: %s", bad[i]);
	assert_non_null(event_template_parse(STR("{id}"), EVENT_FINISHED, &t));
	/* what an event of a message may have, a template for any of them may name */
	assert_null(event_template_parse(
	    STR("{id} {seq} {batch} {to} {from} {attempt} {outcome} {code} {dsn} {delay} {time}"),
	    EVENT_QUEUED, &t));
	event_template_free(t);
}

static void
test_masks(void **state)
{
	struct buf out = { 0 };
	unsigned mask = 77;

	(void)state;
	assert_null(event_parse_mask(STR("all"), &mask));
	assert_int_equal(mask, EVENT_MASK_ALL);
	assert_null(event_parse_mask(STR("queued, finished delivered"), &mask));
	assert_int_equal(mask, 1U << EVENT_QUEUED | 1U << EVENT_FINISHED | 1U << EVENT_DELIVERED);
	event_format_mask(&out, mask);
	expect(&out, "queued delivered finished");
	assert_non_null(event_parse_mask(STR("queued sent"), &mask));
	assert_non_null(event_parse_mask(STR(""), &mask));
	assert_non_null(event_parse_mask(STR(" , "), &mask));
	assert_int_equal(mask, 1U << EVENT_QUEUED | 1U << EVENT_FINISHED | 1U << EVENT_DELIVERED);
	buf_fini(&out);
}

static void
count_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	(void)bus;
	(void)ev;
	++*(int *)ctx;
}

struct leaver {
	struct bus_subscription *self, *other;
	int calls;
};

static void
leave_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	struct leaver *l = ctx;

	(void)ev;
	l->calls++;
	bus_unsubscribe(bus, l->self);
	if (l->other)
		bus_unsubscribe(bus, l->other);
}

static void
test_bus_survives_leavers(void **state)
{
	struct event ev = { .kind = EVENT_QUEUED };
	struct leaver l = { 0 };
	struct bus bus;
	int first = 0, third = 0, fourth = 0;

	(void)state;
	bus_init(&bus);
	bus_subscribe(&bus, EVENT_MASK_ALL, count_cb, &first);
	l.self = bus_subscribe(&bus, 1U << EVENT_QUEUED, leave_cb, &l);
	l.other = bus_subscribe(&bus, EVENT_MASK_ALL, count_cb, &third);
	bus_subscribe(&bus, 1U << EVENT_FINISHED, count_cb, &fourth);
	bus_emit(&bus, &ev);
	bus_emit(&bus, &ev);
	assert_int_equal(first, 2);
	assert_int_equal(l.calls, 1);
	assert_int_equal(third, 0);
	assert_int_equal(fourth, 0);
	bus_fini(&bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_and_json),
		cmocka_unit_test(test_what_is_remembered),
		cmocka_unit_test(test_reset_forgets_lines),
		cmocka_unit_test(test_finished),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_bad_templates),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_bus_survives_leavers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
