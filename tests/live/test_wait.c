/* Waiting, selecting, and the order of one connection. */
#include "harness.h"

#include <stdio.h>

#define SUMMARY(n) "+OK n=" #n " delivered=" #n " bounced=0 expired=0 dropped=0 cancelled=0 %"

static void
test_wait_is_answered_by_another_connection(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *waiting = client_connect(d), *sender = client_connect(d);

	(void)state;
	client_send(waiting, "wait to=bob@x.test delivered=2 timeout=50s\n");
	expect_text(client_ask(sender, "send 1 to=eve@x.test latency=1ms"), "+OK queued=1 %");
	expect_text(client_ask(sender, "send 2 to=bob@X.TEST latency=1ms"), "+OK queued=1 %");
	expect_text(client_ask(sender, "wait 2"), SUMMARY(1));
	expect_text(client_ask(sender, "send 3 to=bob@x.test latency=50ms"), "+OK queued=1 %");
	/* of bob's two, and nothing before both are there */
	expect_text(client_line(waiting), SUMMARY(2));
	expect_text(client_ask(sender, "status 3"), "+OK id=3 seq=3 % state=delivered %");
	daemon_stop(d);
}

static void
test_wait_counts_what_was_before(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=max", NULL);
	struct client *c = client_connect(d), *other;

	(void)state;
	expect_text(client_ask(c, "gather 0..9 to=u{n}@x.test"), "+OK n=10 %");
	other = client_connect(d);
	expect_text(client_ask(other, "wait all delivered=10 timeout=30s"), SUMMARY(10));
	expect_text(client_ask(other, "wait all delivered=3"), SUMMARY(10));
	expect_text(client_ask(other, "wait batch=1 final=10"), SUMMARY(10));
	expect_text(client_ask(other, "wait to=*@x.test"), SUMMARY(10));
	expect_text(client_ask(other, "wait to=u3@x.test"), SUMMARY(1));
	expect_text(client_ask(other, "wait seq=10"), SUMMARY(1));
	expect_text(client_ask(other, "wait id=4"), SUMMARY(1));
	expect_text(client_ask(c, "wait"), SUMMARY(10));
	expect_text(client_ask(other, "wait"), "-ERR not_found %");
	daemon_stop(d);
}

static void
test_wait_times_out(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d);
	int64_t began;

	(void)state;
	expect_text(client_ask(c, "send 0..9 latency=10s"), "+OK queued=10 %");
	began = harness_now_ms();
	expect_text(client_ask(c, "wait timeout=100ms"), "-ERR timeout pending=10 delivered=0");
	expect(harness_now_ms() - began >= 100);
	expect_text(client_ask(c, "wait all delivered=1 timeout=1ms"),
	    "-ERR timeout pending=10 delivered=0");
	expect_text(client_ask(c, "wait to=nobody@x.test delivered=1 timeout=1ms"),
	    "-ERR timeout pending=0 delivered=0");
	expect_text(client_ask(c, "wait all accepted=10 timeout=0s"), "+OK n=10 delivered=0 %");
	expect_text(client_ask(c, "cancel 3"), "+OK cancelled=1");
	expect_text(client_ask(c, "wait all cancelled=1"), "+OK n=10 delivered=0 % cancelled=1 %");
	expect_text(client_ask(c, "ping"), "+OK pong");
	expect_text(client_ask(c, "cancel all"), "+OK cancelled=9");
	daemon_stop(d);
}

static void
test_wait_for_what_cannot_come_is_not_found(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=max", NULL);
	struct client *c = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "wait"), "-ERR not_found %");
	expect_text(client_ask(c, "wait all"), "-ERR not_found %");
	expect_text(client_ask(c, "wait to=bob@x.test"), "-ERR not_found %");
	expect_text(client_ask(c, "wait seq=1"), "-ERR not_found %");
	expect_text(client_ask(c, "wait batch=1"), "-ERR not_found %");
	expect_text(client_ask(c, "gather 0..4"), SUMMARY(5));
	/* five there are, and a batch gets no sixth */
	expect_text(client_ask(c, "wait batch=1 delivered=6"), "-ERR not_found %");
	expect_text(client_ask(c, "wait batch=1 bounced=1"), "-ERR not_found %");
	expect_text(client_ask(c, "wait seq=2 delivered=2"), "-ERR not_found %");
	daemon_stop(d);
}

static void
test_goal_ends_when_it_is_out_of_reach(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d), *waiting = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "send 0..2"), "+OK queued=3 %");
	client_send(waiting, "wait batch=1 delivered=3\nping\n");
	expect_text(client_ask(c, "cancel seq=1"), "+OK cancelled=1");
	expect_text(client_ask(c, "cancel all"), "+OK cancelled=2");
	expect_text(client_line(waiting), "-ERR not_found %");
	expect_text(client_line(waiting), "+OK pong");
	daemon_stop(d);
}

static void
test_selectors_find_what_they_name(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "send 0..9 id=job1-{n} to=user{n}@x.test"),
	    "+OK queued=10 ids=job1-0..job1-9 batch=1 seq=1..10");
	expect_text(client_ask(c, "send id=\"a b\\\"c\" to=eve@y.test from=me@z.test size=4k"),
	    "+OK queued=1 ids=\"a b\\\"c\" batch=2 seq=11");
	expect_text(client_ask(c, "send 7"), "+OK queued=1 ids=7 batch=3 seq=12");
	expect_text(client_ask(c, "send 7"), "+OK queued=1 ids=7 batch=4 seq=13");
	expect_text(client_ask(c, "send"), "+OK queued=1 ids=s14 batch=5 seq=14");
	expect_text(client_ask(c, "status 7"), "+OK id=7 seq=13 batch=4 state=sending attempt=1");
	expect_text(client_ask(c, "status id=\"a b\\\"c\""),
	    "+OK id=\"a b\\\"c\" seq=11 batch=2 from=me@z.test to=eve@y.test size=4096 "
	    "state=sending %");
	expect_text(
	    client_ask(c, "status job1-4"), "+OK id=job1-4 seq=5 batch=1 to=user4@x.test %");
	expect_text(client_ask(c, "status to=*@x.test"), "+OK id=job1-9 seq=10 %");
	expect_text(client_ask(c, "status batch=1"), "+OK id=job1-9 seq=10 %");
	expect_text(client_ask(c, "status seq=2"), "+OK id=job1-1 seq=2 %");
	expect_text(client_ask(c, "status all"), "+OK id=s14 seq=14 %");
	expect_text(client_ask(c, "status job1-10"), "-ERR not_found %");
	expect_text(client_ask(c, "status to=user1@y.test"), "-ERR not_found %");
	expect_text(client_ask(c, "cancel to=*@x.test"), "+OK cancelled=10");
	expect_text(client_ask(c, "cancel to=*@x.test"), "-ERR not_found %");
	expect_text(client_ask(c, "list state=cancelled limit=3"), "+OK n=3");
	expect_text(client_ask(c, "list 7"), "+OK n=2");
	expect_text(client_ask(c, "cancel 7"), "+OK cancelled=2");
	expect_text(client_ask(c, "cancel all"), "+OK cancelled=2");
	daemon_stop(d);
}

static void
test_list_shows_the_newest_last(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=0", NULL);
	struct client *c = client_connect(d);

	(void)state;
	expect_text(client_ask(c, "send 0..9"), "+OK %");
	client_send(c, "list limit=2\nlist batch=1 state=delivered,sending limit=100\n");
	expect_text(client_line(c), "* id=8 seq=9 %");
	expect_text(client_line(c), "* id=9 seq=10 %");
	expect_text(client_line(c), "+OK n=2");
	expect_text(client_line(c), "* id=0 seq=1 %");
	expect_text(client_reply(c), "+OK n=10");
	expect_text(client_ask(c, "cancel all"), "+OK cancelled=10");
	daemon_stop(d);
}

static void
test_lines_of_a_connection_run_one_after_the_other(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *c = client_connect(d), *other = client_connect(d);

	(void)state;
	client_send(c,
	    "gather a latency=300ms\nping\nsend b latency=0s\r\n\n# a "
	    "comment\nwait\nstats\nQuit\nping\n");
	/* another one is not held up by it, and b is not there before a is done */
	expect_text(client_ask(other, "wait a accepted=1 timeout=50s"), "+OK n=1 delivered=0 %");
	expect_text(client_ask(other, "status b"), "-ERR not_found %");
	expect_text(client_line(c), "* a delivered code=250 dsn=2.0.0 attempts=1 delay=0.300s");
	expect_text(client_line(c), SUMMARY(1));
	expect_text(client_line(c), "+OK pong");
	expect_text(client_line(c), "+OK queued=1 ids=b batch=2 seq=2");
	expect_text(client_line(c), SUMMARY(2));
	expect_text(client_line(c), "+OK accepted=2 % delivered=2 %");
	expect_text(client_line(c), "+OK bye");
	client_expect_end(c);
	daemon_stop(d);
}

static void
test_half_close_is_answered_to_the_end(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *c = client_connect(d);

	(void)state;
	client_send(c, "send 0..9 latency=200ms\nwait\nevents on\nsend 10 latency=200ms\n");
	client_half_close(c);
	expect_text(client_line(c), "+OK queued=10 %");
	expect_text(client_line(c), SUMMARY(10));
	expect_text(client_line(c), "+OK events=on");
	/* events go on until its own are final */
	expect_text(client_line(c), "* queued time=% id=10 seq=11 batch=2");
	expect_text(client_line(c), "* dispatched time=% id=10 seq=11 batch=2 attempt=1");
	expect_text(client_line(c), "+OK queued=1 ids=10 batch=2 seq=11");
	expect_text(client_line(c),
	    "* delivered time=% id=10 seq=11 batch=2 attempt=1 "
	    "outcome=delivered code=250 dsn=2.0.0 text=\"OK\" delay=0.200s");
	client_expect_end(c);
	daemon_stop(d);
}

static void
test_events_are_those_that_were_asked_for(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=max", NULL);
	struct client *text = client_connect(d), *json = client_connect(d), *c = client_connect(d);

	(void)state;
	expect_text(
	    client_ask(text, "events on to=bob@x.test type=delivered,queued"), "+OK events=on");
	expect_text(client_ask(json, "events json type=finished"), "+OK events=json");
	expect_text(client_ask(c, "gather 1 to=eve@x.test"), "+OK n=1 %");
	expect_text(client_ask(c, "gather 2 to=bob@x.test"), "+OK n=1 %");
	expect_text(client_ask(c, "gather 3..4 to=eve@x.test"), "+OK n=2 %");
	expect_text(client_line(text), "* queued time=% id=2 seq=2 batch=2 to=bob@x.test");
	expect_text(client_line(text), "* delivered time=% id=2 seq=2 batch=2 to=bob@x.test %");
	expect_text(client_ask(text, "events off"), "+OK events=off");
	expect_text(client_line(json),
	    "{\"event\":\"finished\",\"time\":\"%Z\",\"batch\":3,\"n\":2,"
	    "\"delivered\":2,%\"simulated\":1.000000,\"final\":false}");
	expect_text(client_ask(c, "gather 5 to=bob@x.test"), "+OK n=1 %");
	expect_text(client_ask(text, "ping"), "+OK pong");
	expect(text->at == text->in.n);
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_wait_is_answered_by_another_connection),
		LIVE_TEST(test_wait_counts_what_was_before),
		LIVE_TEST(test_wait_times_out),
		LIVE_TEST(test_wait_for_what_cannot_come_is_not_found),
		LIVE_TEST(test_goal_ends_when_it_is_out_of_reach),
		LIVE_TEST(test_selectors_find_what_they_name),
		LIVE_TEST(test_list_shows_the_newest_last),
		LIVE_TEST(test_lines_of_a_connection_run_one_after_the_other),
		LIVE_TEST(test_half_close_is_answered_to_the_end),
		LIVE_TEST(test_events_are_those_that_were_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
