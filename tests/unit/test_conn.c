/*
 * Octets as a front gets them: in one piece with what it did not use before, straight from the
 * shared buffer, no sooner than it wants them, and with a bound to what it may leave.
 */
#include "conn_world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define BODY (4U << 20)

static int
set_up(void **state)
{
	*state = conn_world_new();
	return 0;
}

static int
tear_down(void **state)
{
	conn_world_free(*state);
	return 0;
}

static void
expect_calls(struct conn_world *w, const char *calls)
{
	buf_add_char(&w->calls, '\0');
	assert_string_equal(w->calls.data, calls);
	w->calls.len = 0;
}

static void
test_what_is_left_comes_again(void **state)
{
	struct conn_world *w = *state;

	conn_world_send(w, "one\ntwo\nth");
	conn_world_turn(w, 2);
	expect_calls(w, "[one\ntwo\nth][two\nth][th]");
	conn_world_send(w, "r");
	conn_world_turn(w, 2);
	expect_calls(w, "[thr]");
	conn_world_send(w, "ee\nfour\n");
	conn_world_turn(w, 2);
	expect_calls(w, "[three\nfour\n][four\n]");
	conn_world_expect_given(w, "one\ntwo\nthree\nfour\n");
	assert_true(w->is_shared);
	/* and who waits for nothing has no buffer */
	assert_int_equal(w->c->in.cap, 0);
}

/* As much as the socket takes, again and again. */
static void
test_a_body_is_not_held(void **state)
{
	struct conn_world *w = *state;
	char *body = mem_alloc(BODY), *at = body;
	size_t i;

	for (i = 0; i < BODY; i++)
		body[i] = (char)(i * 2654435761U >> 13 | 1);
	conn_world_send(w, "and");
	conn_world_turn(w, 1);
	w->takes = CONN_WORLD_ALL;
	while (w->given.len < BODY + 3) {
		ssize_t n = send(w->peer, at, (size_t)(body + BODY - at), 0);

		at += n > 0 ? n : 0;
		conn_world_turn(w, 1);
		assert_int_equal(w->c->in.len, 0);
	}
	assert_memory_equal(w->given.data, "and", 3);
	assert_memory_equal(w->given.data + 3, body, BODY);
	assert_true(w->is_shared);
	assert_true(w->longest > CONN_READ_SIZE / 2);
	free(body);
}

static void
test_pause(void **state)
{
	struct conn_world *w = *state;
	int i;

	w->pauses = true;
	conn_world_send(w, "one\ntwo\n");
	conn_world_turn(w, 3);
	expect_calls(w, "[one\ntwo\n]");
	/* what comes meanwhile is not read for ever */
	for (i = 0; i < 40; i++) {
		char text[4000];

		memset(text, 'x', sizeof text);
		send(w->peer, text, sizeof text, 0);
		conn_world_turn(w, 1);
	}
	assert_true(w->c->in.len < 3 * 4096);
	assert_int_equal(w->n_calls, 1);
	w->pauses = false;
	conn_resume(w->c);
	conn_world_turn(w, 1);
	conn_world_expect_given(w, "one\ntwo\n");
}

static void
test_yield(void **state)
{
	struct conn_world *w = *state;

	w->yields = true;
	conn_world_send(w, "1\n2\n3\n");
	conn_world_turn(w, 1);
	conn_world_expect_given(w, "1\n");
	conn_world_turn(w, 1);
	conn_world_expect_given(w, "1\n2\n");
	conn_world_turn(w, 1);
	conn_world_expect_given(w, "1\n2\n3\n");
}

static void
test_not_ready(void **state)
{
	struct conn_world *w = *state;

	w->is_ready = false;
	conn_world_send(w, "1\n");
	conn_world_turn(w, 3);
	assert_int_equal(w->n_calls, 0);
	conn_world_send(w, "2\n");
	conn_world_turn(w, 3);
	assert_int_equal(w->n_calls, 0);
	w->is_ready = true;
	conn_world_turn(w, 1);
	expect_calls(w, "[1\n2\n][2\n]");
}

/* Whose answers nobody reads gets no more to answer. */
static void
test_full(void **state)
{
	struct conn_world *w = *state;
	char *answer = mem_alloc(CONN_BACKLOG_HIGH + 1), trash[4096];
	int i;

	memset(answer, 'a', CONN_BACKLOG_HIGH);
	w->answer = answer;
	for (i = 0; i < 20; i++)
		conn_world_send(w, "x\n");
	conn_world_turn(w, 50);
	assert_in_range(w->n_calls, 1, 19);
	assert_in_range(w->c->out.len, CONN_BACKLOG_LOW, 3 * CONN_BACKLOG_HIGH);
	for (i = 0; i < 20 * (int)CONN_BACKLOG_HIGH;) {
		ssize_t n = recv(w->peer, trash, sizeof trash, 0);

		i += n > 0 ? (int)n : 0;
		conn_world_turn(w, 1);
	}
	assert_int_equal(w->given.len, 40);
	assert_true(w->n_drained > 0);
	free(answer);
}

static void
test_wants_too_much(void **state)
{
	struct conn_world *w = *state;
	char text[CONN_WORLD_LINE + 2] = "";

	memset(text, 'x', CONN_WORLD_LINE);
	conn_world_send(w, text);
	conn_world_turn(w, 2);
	assert_int_equal(w->n_closed, 0);
	conn_world_send(w, "x");
	conn_world_turn(w, 2);
	assert_int_equal(w->n_closed, 1);
	conn_world_expect(w, "");
}

/* The same, with no room to want it in. */
static void
test_wants_nothing(void **state)
{
	struct conn_world *w = *state;
	int i;

	w->pauses = true;
	w->takes = CONN_WORLD_NONE;
	for (i = 0; i < 50; i++) {
		conn_world_send(w, "some line or other\n");
		conn_world_turn(w, 1);
	}
	assert_int_equal(w->n_closed, 0);
	w->pauses = false;
	conn_resume(w->c);
	conn_world_turn(w, 1);
	assert_int_equal(w->n_closed, 1);
}

static void
test_end(void **state)
{
	struct conn_world *w = *state;

	w->answer = "+\n";
	conn_world_send(w, "one\nrest");
	shutdown(w->peer, SHUT_WR);
	conn_world_turn(w, 5);
	assert_int_equal(w->n_ended, 1);
	conn_world_expect_given(w, "one\n");
	conn_finish(w->c);
	conn_world_turn(w, 2);
	assert_int_equal(w->n_closed, 1);
	conn_world_expect(w, "+\n");
}

/* A paused one is told of its end when it goes on. */
static void
test_end_while_paused(void **state)
{
	struct conn_world *w = *state;

	w->pauses = true;
	conn_world_send(w, "1\n2\n");
	shutdown(w->peer, SHUT_WR);
	conn_world_turn(w, 5);
	assert_int_equal(w->n_ended, 0);
	conn_resume(w->c);
	conn_world_turn(w, 5);
	assert_int_equal(w->n_ended, 0);
	conn_resume(w->c);
	conn_world_turn(w, 5);
	assert_int_equal(w->n_ended, 1);
	conn_world_expect_given(w, "1\n2\n");
}

/* ---- the log ---- */

static void
test_waits_for_the_log(void **state)
{
	struct conn_world *w = *state;

	gate_promise(&w->gate, 10, 0);
	conn_write(w->c, "told\n", 5);
	assert_true(conn_set_awaits_log(w->set));
	conn_world_turn(w, 2);
	conn_world_expect(w, "");
	/* what comes behind it does not overtake it, nor make it wait for more */
	gate_promise(&w->gate, 10, 0);
	conn_write_early(w->c, "said\n", 5);
	gate_reach(&w->gate, 9, 0);
	conn_world_turn(w, 2);
	conn_world_expect(w, "");
	gate_reach(&w->gate, 10, 0);
	conn_world_turn(w, 2);
	conn_world_expect(w, "told\nsaid\n");
	assert_false(conn_set_awaits_log(w->set));
	assert_false(conn_set_has_output(w->set));
}

static void
test_need_not_wait_for_the_log(void **state)
{
	struct conn_world *w = *state;

	gate_promise(&w->gate, 10, 0);
	conn_write_early(w->c, "said\n", 5);
	assert_false(conn_set_awaits_log(w->set));
	assert_true(conn_set_has_output(w->set));
	conn_world_turn(w, 2);
	conn_world_expect(w, "said\n");
	assert_false(conn_set_has_output(w->set));
}

/* It leaves with the turn not yet over, but not before what waits. */
static void
test_replies_leave_at_once(void **state)
{
	struct conn_world *w = *state;

	w->keeps_output = true;
	w->takes = CONN_WORLD_LINES;
	w->reply = "ok\n";
	gate_promise(&w->gate, 10, 0);
	conn_world_send(w, "one\ntwo\n");
	conn_world_turn(w, 1);
	conn_world_expect(w, "ok\nok\n");
	conn_write(w->c, "told\n", 5);
	conn_world_send(w, "three\n");
	conn_world_turn(w, 1);
	conn_world_expect(w, "");
	w->keeps_output = false;
	gate_reach(&w->gate, 10, 0);
	conn_world_turn(w, 1);
	conn_world_expect(w, "told\nok\n");
}

static void
test_is_gone_while_it_waits_for_the_log(void **state)
{
	struct conn_world *w = *state;

	gate_promise(&w->gate, 10, 0);
	conn_write(w->c, "told\n", 5);
	conn_write(w->c, "told\n", 5);
	conn_world_turn(w, 1);
	conn_close(w->c);
	assert_false(conn_set_awaits_log(w->set));
	assert_false(conn_set_has_output(w->set));
}

/* With one who waits for the log others may join in, while there are others. */
static void
test_may_gather(void **state)
{
	struct conn_world *w = *state;
	struct conn *other;
	int pair[2];

	assert_false(conn_set_may_gather(w->set));
	conn_write(w->c, "told\n", 5);
	assert_false(conn_set_may_gather(w->set));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	other = conn_new(w->set, pair[0], w);
	assert_true(conn_set_may_gather(w->set));
	conn_write(other, "told\n", 5);
	conn_write(other, "told\n", 5);
	assert_false(conn_set_may_gather(w->set));
	conn_close(other);
	assert_false(conn_set_may_gather(w->set));
	/* who is about to end has nothing more to say */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	other = conn_new(w->set, pair[0], w);
	assert_true(conn_set_may_gather(w->set));
	conn_finish(other);
	conn_finish(other);
	assert_false(conn_set_may_gather(w->set));
	conn_close(other);
	assert_false(conn_set_may_gather(w->set));
	conn_world_turn(w, 1);
	assert_false(conn_set_may_gather(w->set));
	close(pair[1]);
}

/* An idle connection is this, its event and a descriptor: 512 octets in all. */
static void
test_is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct conn) <= 168);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_left_comes_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_body_is_not_held, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pause, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_yield, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_ready, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wants_too_much, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wants_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end_while_paused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_waits_for_the_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_need_not_wait_for_the_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replies_leave_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_is_gone_while_it_waits_for_the_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_may_gather, set_up, tear_down),
		cmocka_unit_test(test_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
