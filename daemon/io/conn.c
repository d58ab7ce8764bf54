/*
 * Owns sockets, their unread lines and their unsent output. Invariants: a connection is on the
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

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"

#define READ_SIZE (64U * 1024)
#define READ_AHEAD 4096U /* of a paused connection, so that its end is noticed */
#define OUT_OCTETS 1024  /* room for replies to begin with; more comes as it is needed */
/* Buffers that are kept for the next output, as many as a turn may need, if they are no larger. */
#define SPARES_MAX 128
#define SPARE_OCTETS_MAX 16384
#define LINGER_NS (2 * TEXT_NS_PER_S)
#define EDGE 32 /* octets kept of the head and of the tail of a line that is too long */

/* The line being skipped. */
struct skipped {
	char head[EDGE], tail[EDGE];
	size_t n_head, n_tail;
};

struct conn {
	struct list link;      /* in the set */
	struct list work_link; /* in the set's work list, or its gated list */
	struct conn_set *set;
	struct loop_event *event;
	struct loop_event *linger; /* closes it when the peer does not */
	void *ctx;
	int fd;
	uint32_t yielded; /* the turn, its low bits, in which no more lines are given */
	struct buf in;    /* what was read and not given yet */
	struct buf out;   /* what is to be sent… */
	size_t sent;      /* …from here on */
	uint64_t barrier; /* the gate's position that the output must wait for */
	int64_t last_input_ns;
	struct skipped *skipped; /* or NULL */
	bool is_gated;
	bool is_paused;
	bool wants_lines; /* may be given some that were read before */
	bool is_full;     /* the queue went above high and has not been below low since */
	bool is_at_end;   /* the peer's end of input was read */
	bool is_ended;    /* …and told */
	bool is_finishing;
	bool is_lingering;
	bool is_dead;
	bool has_new_output; /* since the barrier was set */
};

struct conn_set {
	struct loop *loop;
	const struct gate *gate;
	const struct conn_handler *handler;
	struct conn_limits limits;
	struct list all;
	struct list work;
	struct list gated;
	size_t with_output;
	struct buf spares[SPARES_MAX];
	size_t n_spares;
	char read_buffer[READ_SIZE];
};

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
	free(c);
}

static bool
has_output(const struct conn *c)
{
	return c->out.len > c->sent;
}

static void
die(struct conn *c)
{
	c->is_dead = true;
	if (has_output(c))
		c->set->with_output--;
	list_remove(&c->link);
	list_remove(&c->work_link);
	loop_remove(c->event);
	loop_remove(c->linger);
	close(c->fd);
	loop_bury(c->set->loop, free_cb, c);
}

static void
die_and_tell(struct conn *c)
{
	void *ctx = c->ctx;

	die(c);
	c->set->handler->closed(ctx);
}

static void
want_work(struct conn *c)
{
	if (c->is_gated)
		list_remove(&c->work_link);
	c->is_gated = false;
	if (list_is_empty(&c->work_link))
		list_add_tail(&c->set->work, &c->work_link);
}

static bool
may_give_lines(const struct conn *c)
{
	return !c->is_dead && !c->is_paused && !c->is_full && !c->is_finishing &&
	    c->yielded != (uint32_t)loop_turn(c->set->loop);
}

static bool
may_read(const struct conn *c)
{
	if (c->is_lingering)
		return true;
	if (c->is_at_end || c->is_finishing || c->is_full)
		return false;
	return c->in.len < (c->is_paused ? READ_AHEAD : READ_SIZE + c->set->limits.line_octets);
}

static void
want_events(struct conn *c)
{
	bool read = may_read(c);
	/* what is on the work list is sent at the end of this turn, and most often all of it */
	bool write = has_output(c) && list_is_empty(&c->work_link) &&
	    gate_is_passable(c->set->gate, c->barrier);

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
	c->event = loop_add_fd(set->loop, fd, fd_cb, c);
	want_events(c);
	return c;
}

/* Remembers how the line began and how it ends so far. */
static void
skip(struct conn *c, struct str s)
{
	struct skipped *k;
	size_t head, tail, kept;

	if (!c->skipped)
		c->skipped = mem_alloc(sizeof *c->skipped);
	k = c->skipped;
	head = EDGE - k->n_head < s.n ? EDGE - k->n_head : s.n;
	memcpy(k->head + k->n_head, s.p, head);
	k->n_head += head;
	/* of the tail so far, what still fits in front of the new one */
	tail = s.n < EDGE ? s.n : EDGE;
	kept = k->n_tail < EDGE - tail ? k->n_tail : EDGE - tail;
	memmove(k->tail, k->tail + k->n_tail - kept, kept);
	memcpy(k->tail + kept, s.p + s.n - tail, tail);
	k->n_tail = kept + tail;
}

static void
end_skipping(struct conn *c)
{
	struct skipped *k = c->skipped;

	c->skipped = NULL;
	c->set->handler->overlong(
	    c->ctx, (struct str){ k->head, k->n_head }, (struct str){ k->tail, k->n_tail });
	free(k);
}

/* Gives the lines in s as long as they are wanted; how much of it was used. */
static size_t
give_lines(struct conn *c, struct str s)
{
	size_t used = 0;

	while (used < s.n && may_give_lines(c)) {
		struct str rest = str_from(s, used);
		size_t n = str_find(rest, '\n');
		bool has_end = n < rest.n;

		if (c->skipped || n + has_end > c->set->limits.line_octets) {
			skip(c, str_head(rest, n));
			used += n + has_end;
			if (has_end)
				end_skipping(c);
		} else if (has_end) {
			used += n + 1;
			if (n > 0 && rest.p[n - 1] == '\r')
				n--;
			c->set->handler->line(c->ctx, str_head(rest, n), true);
		} else {
			break;
		}
	}
	return used;
}

/* The input has ended and all whole lines are given: what is left is a line without its end. */
static void
give_end(struct conn *c)
{
	if (c->skipped) {
		end_skipping(c);
	} else if (c->in.len > 0) {
		struct buf last = c->in;

		c->in = (struct buf){ 0 };
		c->set->handler->line(c->ctx, buf_str(&last), false);
		buf_fini(&last);
	}
	if (c->is_dead || c->is_finishing)
		return;
	c->is_ended = true;
	c->set->handler->ended(c->ctx);
}

static bool
has_whole_line(const struct conn *c)
{
	return c->in.len > 0 && memchr(c->in.data, '\n', c->in.len) != NULL;
}

static void
want_lines(struct conn *c)
{
	c->wants_lines = true;
	want_work(c);
	loop_want_turn(c->set->loop);
}

/* Lines that were read before, then the end if it has come. */
static void
give_saved(struct conn *c)
{
	if (c->yielded == (uint32_t)loop_turn(c->set->loop)) {
		want_lines(c);
		return;
	}
	c->wants_lines = false;
	if (!may_give_lines(c) || (c->in.len == 0 && !c->is_at_end))
		return;
	if (!c->set->handler->ready(c->ctx)) {
		/* asked again next turn, whenever that is */
		c->wants_lines = true;
		want_work(c);
		return;
	}
	buf_consume(&c->in, give_lines(c, buf_str(&c->in)));
	if (c->in.len == 0)
		buf_fini(&c->in);
	if (c->is_at_end && !c->is_ended && may_give_lines(c) && !has_whole_line(c))
		give_end(c);
}

/* The peer is done, or it is time: nothing more to hope for. */
static void
linger_cb(void *ctx)
{
	die_and_tell(ctx);
}

/* All is sent: says so to the peer and waits for its end, because closing a socket that has unread
 * input would take back what is on its way. */
static void
linger(struct conn *c)
{
	if (c->is_at_end || shutdown(c->fd, SHUT_WR) == -1) {
		die_and_tell(c);
		return;
	}
	c->is_lingering = true;
	c->linger = loop_add_timer(c->set->loop, linger_cb, c);
	loop_timer_at(c->linger, clock_add(loop_read_clock(c->set->loop), LINGER_NS));
}

static void
take_input(struct conn *c, struct str s)
{
	size_t used = 0;

	c->last_input_ns = loop_now(c->set->loop);
	if (c->in.len == 0 && c->set->handler->ready(c->ctx))
		used = give_lines(c, s);
	if (c->is_dead)
		return;
	buf_add_str(&c->in, str_from(s, used));
	if (used == 0)
		give_saved(c);
}

static void
read_input(struct conn *c)
{
	ssize_t n = read(c->fd, c->set->read_buffer, READ_SIZE);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1 || (n == 0 && c->is_lingering)) {
		die_and_tell(c);
		return;
	}
	loop_read_clock(c->set->loop);
	if (c->is_lingering)
		return;
	if (n > 0) {
		take_input(c, (struct str){ c->set->read_buffer, (size_t)n });
	} else {
		c->is_at_end = true;
		give_saved(c);
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

	if (set->n_spares == SPARES_MAX || c->out.cap > SPARE_OCTETS_MAX) {
		buf_fini(&c->out);
		return;
	}
	c->out.len = 0;
	set->spares[set->n_spares++] = c->out;
	c->out = (struct buf){ 0 };
}

/* Sends as much as the peer takes. False when the connection died of it. */
static bool
send_output(struct conn *c)
{
	ssize_t n;

	while (has_output(c)) {
		n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n == -1) {
			die_and_tell(c);
			return false;
		}
		c->sent += (size_t)n;
	}
	if (!has_output(c)) {
		c->set->with_output--;
		give_spare(c);
		c->sent = 0;
	} else if (c->sent > CONN_BACKLOG_HIGH) {
		buf_consume(&c->out, c->sent);
		c->sent = 0;
	}
	return true;
}

static void
flush(struct conn *c)
{
	if (has_output(c)) {
		if (c->has_new_output)
			c->barrier = c->set->gate->promised;
		c->has_new_output = false;
		if (!gate_is_passable(c->set->gate, c->barrier)) {
			c->is_gated = true;
			list_add_tail(&c->set->gated, &c->work_link);
			return;
		}
		if (!send_output(c))
			return;
	}
	if (c->is_full && conn_backlog(c) < CONN_BACKLOG_LOW) {
		c->is_full = false;
		want_lines(c);
		if (!c->is_finishing)
			c->set->handler->drained(c->ctx);
	}
	if (!c->is_dead && c->is_finishing && !has_output(c) && !c->is_lingering)
		linger(c);
	if (!c->is_dead)
		want_events(c);
}

static void
fd_cb(void *ctx, enum loop_fd_event what)
{
	struct conn *c = ctx;

	if (c->is_dead)
		return;
	if (what == LOOP_READABLE) {
		read_input(c);
	} else if (what == LOOP_WRITABLE) {
		want_work(c);
	} else if (c->is_full || c->is_finishing) {
		/* it has read nothing for the whole of stall_timeout */
		die_and_tell(c);
		return;
	}
	if (!c->is_dead)
		want_events(c);
}

void
conn_set_give(struct conn_set *set)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &set->work)
		give_saved(list_entry(l, struct conn, work_link));
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
		want_work(c);
	}
	list_init(&now);
	list_splice(&now, &set->work);
	while ((l = list_pop(&now)) != NULL) {
		c = list_entry(l, struct conn, work_link);
		flush(c);
		if (!c->is_dead && c->wants_lines)
			want_work(c);
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
			die_and_tell(c);
	}
}

bool
conn_set_has_output(const struct conn_set *set)
{
	return set->with_output > 0;
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
conn_write(struct conn *c, const void *data, size_t n)
{
	if (n == 0 || c->is_dead)
		return;
	if (!has_output(c))
		c->set->with_output++;
	if (c->out.cap == 0)
		take_spare(c);
	buf_add(&c->out, data, n);
	c->has_new_output = true;
	if (conn_backlog(c) > CONN_BACKLOG_HIGH)
		c->is_full = true;
	want_work(c);
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
	want_lines(c);
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
	want_lines(c);
}

void
conn_finish(struct conn *c)
{
	c->is_finishing = true;
	want_work(c);
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
