/*
 * Owns sockets and their unsent output; what becomes of input is in conn_input.c, how TLS begins in
 * conn_tls.c. Invariants: a connection is on the
 * work list exactly while the turn's end has something to do for it, and on the gated list, which
 * is in the order of barriers, while all there is to do is to wait for the gate; a handler is never
 * called for a connection after `closed`; memory is freed after the turn, never inside a callback.
 */
#include "io/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/conn_inside.h"

#define READ_AHEAD 4096U       /* of a paused connection, so that its end is noticed */
#define OUT_OCTETS 1024        /* room for replies to begin with; more comes as it is needed */
#define SPARE_OCTETS_MAX 16384 /* of a buffer that is kept for the next output */
#define LINGER_NS (2 * TEXT_NS_PER_S)

static void fd_cb(void *ctx, enum loop_fd_event what);

struct conn_set *
conn_set_new(struct loop *loop, const struct gate *gate, const struct conn_handler *handler,
    const struct conn_limits *limits)
{
	struct conn_set *set = mem_alloc(sizeof *set);

	set->loop = loop;
	set->gate = gate;
	set->handler = handler;
	set->limits = *limits;
	list_init(&set->all);
	list_init(&set->work);
	list_init(&set->gated);
	return set;
}

void
conn_set_configure(struct conn_set *set, const struct conn_limits *limits)
{
	set->limits = *limits;
}

static void
free_cb(void *p)
{
	struct conn *c = p;

	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c->skipped);
	if (c->rare)
		tls_session_free(c->rare->tls);
	free(c->rare);
	free(c);
}

static void
die(struct conn *c)
{
	c->is_dead = true;
	c->set->n_lasting -= !c->is_finishing;
	if (conn_has_output(c))
		c->set->with_output--;
	c->set->awaiting_log -= c->awaits_log;
	list_remove(&c->link);
	list_remove(&c->work_link);
	loop_remove(c->event);
	if (c->rare)
		loop_remove(c->rare->linger);
	close(c->fd);
	loop_bury(c->set->loop, free_cb, c);
}

struct conn_rare *
conn_rare(struct conn *c)
{
	if (!c->rare)
		c->rare = mem_alloc(sizeof *c->rare);
	return c->rare;
}

void
conn_die_and_tell(struct conn *c)
{
	void *ctx = c->ctx;

	die(c);
	c->set->handler->closed(ctx);
}

void
conn_want_work(struct conn *c)
{
	if (c->is_gated)
		list_remove(&c->work_link);
	c->is_gated = false;
	if (list_is_empty(&c->work_link))
		list_add_tail(&c->set->work, &c->work_link);
}

static bool
may_read(const struct conn *c)
{
	if (c->is_lingering || c->is_starting_tls)
		return true;
	if (c->is_at_end || c->is_finishing || c->is_full)
		return false;
	return c->in.len <
	    (c->is_paused ? READ_AHEAD : CONN_READ_SIZE + c->set->limits.line_octets);
}

/* Octets that may leave as things are: while TLS is started, those that go before it. */
static size_t
sendable(const struct conn *c)
{
	return c->is_starting_tls ? c->rare->n_clear : c->out.len - c->sent;
}

static void
want_events(struct conn *c)
{
	bool read = may_read(c);
	/* what is on the work list is sent at the end of this turn, and most often all of it */
	bool write = sendable(c) > 0 && list_is_empty(&c->work_link) &&
	    gate_is_passable(c->set->gate, c->barrier);

	if (c->rare && !c->is_lingering) {
		read = (read && !c->rare->read_wants_write) || c->rare->write_wants_read;
		write = (write && !c->rare->write_wants_read) || c->rare->read_wants_write;
	}
	loop_fd_want(c->event, read, write, c->set->limits.stall_timeout_ns);
}

struct conn *
conn_new(struct conn_set *set, int fd, void *ctx)
{
	struct conn *c = mem_alloc(sizeof *c);

	c->set = set;
	c->fd = fd;
	c->ctx = ctx;
	c->last_input_ns = loop_now(set->loop);
	list_init(&c->work_link);
	list_add_tail(&set->all, &c->link);
	set->n_lasting++;
	c->event = loop_add_fd(set->loop, fd, fd_cb, c);
	want_events(c);
	return c;
}

/* The peer is done, or it is time: nothing more to hope for. */
static void
linger_cb(void *ctx)
{
	conn_die_and_tell(ctx);
}

/* All is sent: says so to the peer and waits for its end, because closing a socket that has unread
 * input would take back what is on its way. */
static void
linger(struct conn *c)
{
	struct loop_event *timer;

	if (conn_has_tls(c))
		tls_session_end(c->rare->tls);
	if (c->is_at_end || shutdown(c->fd, SHUT_WR) == -1) {
		conn_die_and_tell(c);
		return;
	}
	c->is_lingering = true;
	timer = conn_rare(c)->linger = loop_add_timer(c->set->loop, linger_cb, c);
	loop_timer_at(timer, clock_add(loop_read_clock(c->set->loop), LINGER_NS));
}

/* Puts what a front of octets has not used yet in front of what is read now, so that it gets them
 * in one; how much that is. It is kept until something is read. */
static size_t
put_before(struct conn *c)
{
	size_t n = c->in.len;

	if (n == 0 || !c->set->handler->octets || n > CONN_READ_SIZE / 2 || !conn_may_give(c))
		return 0;
	memcpy(c->set->read_buffer, c->in.data, n);
	return n;
}

static ssize_t
receive(struct conn *c, char *p, size_t n)
{
	return conn_has_tls(c) && !c->is_lingering ? conn_tls_receive(c, p, n)
						   : recv(c->fd, p, n, 0);
}

static void
read_input(struct conn *c)
{
	char *buffer = c->set->read_buffer;
	size_t before = put_before(c);
	ssize_t n = receive(c, buffer + before, CONN_READ_SIZE - before);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1 || (n == 0 && c->is_lingering)) {
		conn_die_and_tell(c);
		return;
	}
	loop_read_clock(c->set->loop);
	if (c->is_lingering)
		return;
	if (n > 0) {
		c->in.len -= before;
		conn_take_input(c, (struct str){ buffer, before + (size_t)n });
	} else {
		c->is_at_end = true;
		conn_give_saved(c);
	}
}

/* An idle connection has no buffer; one that is at work gets one that was at work lately. */
static void
take_spare(struct conn *c)
{
	struct conn_set *set = c->set;

	if (set->n_spares > 0)
		c->out = set->spares[--set->n_spares];
	else
		buf_set_room(&c->out, OUT_OCTETS);
}

static void
give_spare(struct conn *c)
{
	struct conn_set *set = c->set;

	if (set->n_spares == CONN_SPARES_MAX || c->out.cap > SPARE_OCTETS_MAX) {
		buf_fini(&c->out);
		return;
	}
	c->out.len = 0;
	set->spares[set->n_spares++] = c->out;
	c->out = (struct buf){ 0 };
}

static ssize_t
transmit(struct conn *c, const char *p, size_t n)
{
	return conn_has_tls(c) ? conn_tls_send(c, p, n) : send(c->fd, p, n, MSG_NOSIGNAL);
}

/* Sends as much as the peer takes. False when the connection died of it. */
static bool
send_output(struct conn *c)
{
	ssize_t n;

	if (c->is_starting_tls)
		conn_tls_discard(c);
	while (sendable(c) > 0) {
		n = transmit(c, c->out.data + c->sent, sendable(c));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1) {
			conn_die_and_tell(c);
			return false;
		}
		c->sent += (size_t)n;
		if (c->is_starting_tls)
			c->rare->n_clear -= (size_t)n;
	}
	if (!conn_has_output(c)) {
		c->set->with_output--;
		give_spare(c);
		c->sent = 0;
	} else if (c->sent > CONN_BACKLOG_HIGH) {
		buf_consume(&c->out, c->sent);
		c->sent = 0;
	}
	return true;
}

/* Puts it among those that wait for the gate. */
static void
wait_for_gate(struct conn *c)
{
	struct list *at = &c->set->gated;

	while (at->prev != &c->set->gated &&
	    list_entry(at->prev, struct conn, work_link)->barrier > c->barrier)
		at = at->prev;
	c->is_gated = true;
	list_add_before(at, &c->work_link);
}

/* Whether the output may leave, as far as the log is concerned. */
static bool
passes_gate(struct conn *c)
{
	if (!c->awaits_log)
		return true;
	if (c->has_new_output)
		c->barrier = c->set->gate->promised;
	c->has_new_output = false;
	if (!gate_is_passable(c->set->gate, c->barrier))
		return false;
	c->awaits_log = false;
	c->set->awaiting_log--;
	return true;
}

static void
flush(struct conn *c)
{
	if (sendable(c) > 0) {
		if (!passes_gate(c)) {
			wait_for_gate(c);
			return;
		}
		if (!send_output(c))
			return;
	}
	if (c->is_full && conn_backlog(c) < CONN_BACKLOG_LOW) {
		c->is_full = false;
		conn_want_lines(c);
		if (!c->is_finishing)
			c->set->handler->drained(c->ctx);
	}
	if (!c->is_dead && c->is_finishing && !conn_has_output(c) && !c->is_lingering)
		linger(c);
	else if (!c->is_dead && c->is_starting_tls && sendable(c) == 0)
		c->rare->is_in_handshake = true;
	if (!c->is_dead)
		want_events(c);
}

/* A connection that has, or will have, TLS, where reading may have to wait for writing. */
static void
tls_cb(struct conn *c, enum loop_fd_event what)
{
	bool is_other =
	    what == LOOP_READABLE ? c->rare->write_wants_read : c->rare->read_wants_write;

	if (c->is_starting_tls && (what == LOOP_READABLE || c->rare->is_in_handshake)) {
		conn_tls_step(c);
		return;
	}
	if (what == LOOP_WRITABLE || is_other)
		conn_want_work(c);
	if (what == LOOP_READABLE || is_other)
		read_input(c);
}

/* What does not wait for the log leaves right after the input that it answers: so the peer works
 * on it while the others are read. For commands one by one that was a tenth of their cost. */
static bool
may_send_early(const struct conn *c)
{
	return !c->is_dead && conn_has_output(c) && !c->awaits_log && !c->wants_lines &&
	    !list_is_empty(&c->work_link);
}

static void
fd_cb(void *ctx, enum loop_fd_event what)
{
	struct conn *c = ctx;

	if (c->is_dead)
		return;
	if (what == LOOP_STALLED) {
		/* it has read nothing for the whole of stall_timeout */
		if (c->is_full || c->is_finishing)
			conn_die_and_tell(c);
	} else if (c->rare && !c->is_lingering) {
		tls_cb(c, what);
	} else if (what == LOOP_READABLE) {
		read_input(c);
		if (may_send_early(c)) {
			list_remove(&c->work_link);
			flush(c);
			return;
		}
	} else {
		conn_want_work(c);
	}
	if (!c->is_dead)
		want_events(c);
}

void
conn_set_give(struct conn_set *set)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &set->work)
		conn_give_saved(list_entry(l, struct conn, work_link));
}

void
conn_set_flush(struct conn_set *set)
{
	struct list now, *l;
	struct conn *c;

	while (!list_is_empty(&set->gated)) {
		c = list_entry(set->gated.next, struct conn, work_link);
		if (!gate_is_passable(set->gate, c->barrier))
			break;
		conn_want_work(c);
	}
	list_init(&now);
	list_splice(&now, &set->work);
	while ((l = list_pop(&now)) != NULL) {
		c = list_entry(l, struct conn, work_link);
		flush(c);
		if (!c->is_dead && c->wants_lines)
			conn_want_work(c);
	}
}

void
conn_set_check(struct conn_set *set)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &set->all) {
		struct conn *c = list_entry(l, struct conn, link);
		struct pollfd p = { .fd = c->fd };

		if (!may_read(c) && poll(&p, 1, 0) == 1 && p.revents & (POLLERR | POLLHUP))
			conn_die_and_tell(c);
	}
}

bool
conn_set_has_output(const struct conn_set *set)
{
	return set->with_output > 0;
}

bool
conn_set_awaits_log(const struct conn_set *set)
{
	return set->awaiting_log > 0;
}

bool
conn_set_may_gather(const struct conn_set *set)
{
	return set->awaiting_log > 0 && set->awaiting_log < set->n_lasting;
}

void
conn_set_free(struct conn_set *set)
{
	while (!list_is_empty(&set->all))
		die(list_entry(set->all.next, struct conn, link));
	while (set->n_spares > 0)
		buf_fini(&set->spares[--set->n_spares]);
	free(set);
}

void
conn_write_early(struct conn *c, const void *data, size_t n)
{
	if (n == 0 || c->is_dead)
		return;
	if (!conn_has_output(c))
		c->set->with_output++;
	if (c->out.cap == 0)
		take_spare(c);
	buf_add(&c->out, data, n);
	if (conn_backlog(c) > CONN_BACKLOG_HIGH)
		c->is_full = true;
	conn_want_work(c);
}

void
conn_write(struct conn *c, const void *data, size_t n)
{
	if (n == 0 || c->is_dead)
		return;
	conn_write_early(c, data, n);
	c->has_new_output = true;
	c->set->awaiting_log += !c->awaits_log;
	c->awaits_log = true;
}

size_t
conn_backlog(const struct conn *c)
{
	return c->out.len - c->sent;
}

void
conn_yield(struct conn *c)
{
	c->yielded = (uint32_t)loop_turn(c->set->loop);
	conn_want_lines(c);
}

void
conn_pause(struct conn *c)
{
	c->is_paused = true;
}

void
conn_resume(struct conn *c)
{
	c->is_paused = false;
	conn_want_lines(c);
}

void
conn_finish(struct conn *c)
{
	c->set->n_lasting -= !c->is_finishing;
	c->is_finishing = true;
	/* what was to leave by TLS does not leave in clear */
	if (c->is_starting_tls && conn_has_output(c)) {
		c->out.len = c->sent + c->rare->n_clear;
		c->set->with_output -= !conn_has_output(c);
	}
	conn_want_work(c);
}

void
conn_close(struct conn *c)
{
	die(c);
}

int64_t
conn_last_input(const struct conn *c)
{
	return c->last_input_ns;
}

int
conn_fd(const struct conn *c)
{
	return c->fd;
}
