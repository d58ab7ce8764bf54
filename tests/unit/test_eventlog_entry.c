/*
 * Events as entries of systemd's journal.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "back/eventlog_entry.h"

#define HAS(s, literal) (memmem((s).p, (s).n, literal, sizeof literal - 1) != NULL)

/* All the entries there are of one event each of w's, written behind each other. */
static void
entry_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	struct buf *b = ctx;
	size_t begin = eventlog_entry_begin(b);

	buf_add_str(b, bus_text(bus, ev));
	eventlog_entry_end(b, begin, ev);
}

static struct world *
entries_world(const char *outcome, struct buf *entries)
{
	struct simulator_conf conf = world_conf();
	struct world *w;

	delivery_conf_unref(conf.delivery);
	conf.delivery = world_delivery(outcome, NULL, 0, "");
	w = world_new(&conf, false);
	bus_subscribe(&w->sim->bus, EVENT_MASK_ALL, entry_cb, entries);
	return w;
}

/* Takes the first entry off. */
static struct str
next_entry(struct str *entries)
{
	struct str first;

	assert_true(entries->n > EVENTLOG_ENTRY_HEAD);
	first = eventlog_entry_first(*entries);
	*entries = str_from(*entries, EVENTLOG_ENTRY_HEAD + first.n);
	return first;
}

static void
expect_entry(struct str *entries, const char *expected)
{
	struct str entry = next_entry(entries);

	assert_int_equal(entry.n, strlen(expected));
	assert_memory_equal(entry.p, expected, entry.n);
}

#define CONSTANT "SYSLOG_IDENTIFIER=mailsimd\nMESSAGE_ID=45e749925f60477c894ba489e0ac8da7\n"

static void
test_each_field_has_its_own(void **state)
{
	struct buf b = { 0 };
	struct world *w = entries_world("delivered", &b);
	struct batch_request r = world_one("7");
	struct str rest;

	(void)state;
	r.to = STR("bob@x.test");
	r.size = 3000;
	world_send(w, &r);
	world_pass(w, SEC);
	rest = buf_str(&b);
	assert_int_equal(eventlog_entry_count(rest), 3);
	expect_entry(&rest,
	    "MESSAGE=2026-01-01T00:00:00.000Z queued id=7 seq=1 batch=1 to=bob@x.test "
	    "size=3000\n" CONSTANT
	    "PRIORITY=6\nMAILSIMD_EVENT=queued\nMAILSIMD_TIME=2026-01-01T00:00:00.000Z\n"
	    "MAILSIMD_ID=7\nMAILSIMD_SEQ=1\nMAILSIMD_BATCH=1\nMAILSIMD_TO=bob@x.test\n"
	    "MAILSIMD_SIZE=3000\n");
	next_entry(&rest);
	assert_int_equal(eventlog_entry_count(rest), 1);
	expect_entry(&rest,
	    "MESSAGE=2026-01-01T00:00:01.000Z delivered id=7 seq=1 batch=1 to=bob@x.test attempt=1 "
	    "outcome=delivered code=250 dsn=2.0.0 text=\"OK\" delay=1.000s\n" CONSTANT
	    "PRIORITY=6\nMAILSIMD_EVENT=delivered\n"
	    "MAILSIMD_TIME=2026-01-01T00:00:01.000Z\n"
	    "MAILSIMD_ID=7\nMAILSIMD_SEQ=1\nMAILSIMD_BATCH=1\nMAILSIMD_TO=bob@x.test\n"
	    "MAILSIMD_ATTEMPT=1\nMAILSIMD_OUTCOME=delivered\nMAILSIMD_CODE=250\n"
	    "MAILSIMD_DSN=2.0.0\nMAILSIMD_TEXT=OK\nMAILSIMD_DELAY=1.000s\n");
	assert_int_equal(rest.n, 0);
	assert_int_equal(eventlog_entry_count(rest), 0);
	world_free(w);
	buf_fini(&b);
}

/* Nothing that a client writes can end its field and begin another. */
static void
test_control_characters_go_with_their_length(void **state)
{
	static const char id[] = "a\nPRIORITY=0\nMESSAGE=b\x7f";
	static const char field[] =
	    "\nMAILSIMD_ID\n\x17\0\0\0\0\0\0\0a\nPRIORITY=0\nMESSAGE=b\x7f\n"
	    "MAILSIMD_SEQ=1\n";
	struct buf b = { 0 };
	struct world *w = entries_world("delivered", &b);
	struct batch_request r = world_one(id);
	struct str rest, entry;

	(void)state;
	assert_int_equal(sizeof id - 1, 0x17);
	/* a quote, a space or a letter of another language is nothing of that kind */
	r.to = STR("\"j\xc3\xb6 b\"@x.test");
	world_send(w, &r);
	rest = buf_str(&b);
	entry = next_entry(&rest);
	assert_true(HAS(entry, field));
	assert_true(HAS(entry, "\nMAILSIMD_TO=\"j\xc3\xb6 b\"@x.test\n"));
	/* the line is escaped as ever */
	assert_true(HAS(entry, "id=\"a\\nPRIORITY=0\\nMESSAGE=b\\x7f\""));
	world_free(w);
	buf_fini(&b);
}

static void
test_what_was_asked(void **state)
{
	static const struct str to = STR_INIT("bob@x.test");
	static const struct event_notification asked = { STR_INIT("NEVER"), STR_INIT("FULL"),
		STR_INIT("rfc822;a b"), STR_INIT("e\nx") };
	struct buf b = { 0 };
	struct world *w = entries_world("delivered", &b);
	struct world_mail m = world_mail("7", &to, 1);
	struct str rest, entry;

	(void)state;
	m.notifications = &asked;
	world_send_mail(w, &m);
	rest = buf_str(&b);
	entry = next_entry(&rest);
	assert_true(HAS(entry,
	    "\nMAILSIMD_TO=bob@x.test\nMAILSIMD_NOTIFY=NEVER\nMAILSIMD_RET=FULL\n"
	    "MAILSIMD_ORCPT=rfc822;a b\nMAILSIMD_ENVID\n\3\0\0\0\0\0\0\0e\nx\n"));
	entry = next_entry(&rest);
	assert_true(HAS(entry, "EVENT=dispatched"));
	assert_false(HAS(entry, "MAILSIMD_NOTIFY"));
	world_free(w);
	buf_fini(&b);
}

static void
test_what_goes_wrong_is_more_urgent(void **state)
{
	static const struct {
		const char *outcome, *priority;
	} rows[] = {
		{ "delivered", "PRIORITY=6\nMAILSIMD_EVENT=delivered\n" },
		{ "user_unknown", "PRIORITY=4\nMAILSIMD_EVENT=bounced\n" },
		{ "suppressed", "PRIORITY=5\nMAILSIMD_EVENT=dropped\n" },
		{ "mailbox_full", "PRIORITY=5\nMAILSIMD_EVENT=deferred\n" },
		{ "mailbox_full", "PRIORITY=4\nMAILSIMD_EVENT=expired\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b = { 0 };
		struct world *w = entries_world(rows[i].outcome, &b);
		struct batch_request r = world_range(0, 1);
		const char *priority = rows[i].priority;

		world_send(w, &r);
		world_pass(w, 6 * DAY);
		if (!memmem(b.data, b.len, priority, strlen(priority)))
			fail_msg("%s: no %s", rows[i].outcome, priority);
		assert_non_null(memmem(b.data, b.len, "PRIORITY=6\nMAILSIMD_EVENT=finished\n", 35));
		assert_non_null(memmem(b.data, b.len, "\nMAILSIMD_N=2\n", 14));
		world_free(w);
		buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field_has_its_own),
		cmocka_unit_test(test_control_characters_go_with_their_length),
		cmocka_unit_test(test_what_was_asked),
		cmocka_unit_test(test_what_goes_wrong_is_more_urgent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
