/*
 * Owns the two ends of a connection and a front that does as it is told.
 */
#include "conn_world.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define SHORT 200

static bool
ready_cb(void *ctx)
{
	struct conn_world *w = ctx;

	return w->is_ready;
}

static void
start_tls(struct conn_world *w)
{
	conn_write(w->c, "220 go\n", 7);
	conn_start_tls(w->c, w->tls);
	if (w->early)
		conn_write(w->c, w->early, strlen(w->early));
}

static size_t
take_line(struct conn_world *w, struct str s)
{
	size_t n = str_find(s, '\n');

	if (n == s.n)
		return 0;
	if (w->tls && str_eq(str_head(s, n), STR("STARTTLS")))
		start_tls(w);
	else if (w->answer)
		conn_write(w->c, w->answer, strlen(w->answer));
	else if (w->reply)
		conn_write_early(w->c, w->reply, strlen(w->reply));
	return n + 1;
}

static size_t
octets_cb(void *ctx, struct str s)
{
	struct conn_world *w = ctx;
	size_t used = 0;

	w->n_calls++;
	w->longest = s.n > w->longest ? s.n : w->longest;
	w->is_shared &= s.p >= w->set->read_buffer && s.p < w->set->read_buffer + CONN_READ_SIZE;
	if (s.n < SHORT && w->calls.len < SHORT)
		buf_printf(&w->calls, "[%.*s]", STR_ARG(s));
	if (w->takes == CONN_WORLD_ALL)
		used = s.n;
	else if (w->takes == CONN_WORLD_LINES)
		used = take_line(w, s);
	buf_add_str(&w->given, str_head(s, used));
	if (w->pauses)
		conn_pause(w->c);
	if (w->yields)
		conn_yield(w->c);
	return used;
}

static void
ended_cb(void *ctx)
{
	struct conn_world *w = ctx;

	w->n_ended++;
}

static void
drained_cb(void *ctx)
{
	struct conn_world *w = ctx;

	w->n_drained++;
}

static void
secured_cb(void *ctx, bool is_good)
{
	struct conn_world *w = ctx;

	w->n_good += is_good;
	w->n_bad += !is_good;
	w->why.len = 0;
	conn_describe_tls(w->c, &w->why);
	assert_int_equal(conn_is_secure(w->c), is_good);
}

static void
closed_cb(void *ctx)
{
	struct conn_world *w = ctx;

	w->n_closed++;
	w->c = NULL;
}

static const struct conn_handler handler = {
	.ready = ready_cb,
	.octets = octets_cb,
	.ended = ended_cb,
	.drained = drained_cb,
	.secured = secured_cb,
	.closed = closed_cb,
};

static void
turn_end_cb(void *ctx)
{
	struct conn_world *w = ctx;

	conn_set_give(w->set);
	if (!w->keeps_output)
		conn_set_flush(w->set);
	loop_stop(w->loop);
}

struct conn_world *
conn_world_new(void)
{
	static const struct conn_limits limits = { .line_octets = CONN_WORLD_LINE };
	struct conn_world *w = mem_alloc(sizeof *w);
	int fds[2];

	w->is_ready = w->is_shared = true;
	w->loop = loop_new();
	loop_set_turn_end(w->loop, turn_end_cb, w);
	w->set = conn_set_new(w->loop, &w->gate, &handler, &limits);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	w->c = conn_new(w->set, fds[0], w);
	w->peer = fds[1];
	return w;
}

void
conn_world_free(struct conn_world *w)
{
	conn_set_free(w->set);
	conn_world_hang_up(w);
	loop_free(w->loop);
	buf_fini(&w->given);
	buf_fini(&w->calls);
	buf_fini(&w->why);
	free(w);
}

void
conn_world_turn(struct conn_world *w, int n)
{
	while (n-- > 0) {
		loop_want_turn(w->loop);
		loop_run(w->loop);
	}
}

void
conn_world_send(struct conn_world *w, const char *text)
{
	assert_int_equal(send(w->peer, text, strlen(text), 0), strlen(text));
}

void
conn_world_expect(struct conn_world *w, const char *text)
{
	char found[1024];
	ssize_t n = recv(w->peer, found, sizeof found - 1, 0);

	found[n > 0 ? n : 0] = '\0';
	assert_string_equal(found, text);
}

void
conn_world_hang_up(struct conn_world *w)
{
	if (w->peer != -1)
		close(w->peer);
	w->peer = -1;
}
