/*
 * Owns descriptors and timers that a harness looks at when it wants to. As in io/loop.c, what is
 * removed during a turn is freed after the turn-end hook.
 */
#include "hand_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"

#define EVENTS_MAX 64
#define START_NS TEXT_NS_PER_S

struct grave {
	loop_cb *free_cb;
	void *p;
};

struct loop {
	struct list events;
	loop_cb *turn_end_cb;
	void *ctx;
	int64_t now_ns;
	uint64_t turn;
	bool wants_turn, is_idle;
	struct grave *graves;
	size_t n_graves, cap_graves;
};

struct loop_event {
	struct list link;
	struct loop *loop;
	void *ctx;
	loop_fd_cb *fd_cb; /* or NULL: a timer */
	loop_cb *timer_cb;
	int fd;
	bool wants_read, wants_write, is_removed;
	int64_t stall_ns;
	int64_t due_ns; /* the timer, or that it has stalled; CLOCK_NEVER */
};

struct loop *
loop_new(void)
{
	struct loop *l = mem_alloc(sizeof *l);

	l->now_ns = START_NS;
	list_init(&l->events);
	return l;
}

static void
reap(struct loop *l)
{
	size_t i;

	for (i = 0; i < l->n_graves; i++)
		l->graves[i].free_cb(l->graves[i].p);
	l->n_graves = 0;
}

void
loop_free(struct loop *l)
{
	reap(l);
	if (!list_is_empty(&l->events))
		abort();
	free(l->graves);
	free(l);
}

void
loop_bury(struct loop *l, loop_cb *free_cb, void *p)
{
	if (l->n_graves == l->cap_graves) {
		l->cap_graves = l->cap_graves ? l->cap_graves * 2 : 16;
		l->graves = mem_resize_array(l->graves, l->cap_graves, sizeof l->graves[0]);
	}
	l->graves[l->n_graves++] = (struct grave){ free_cb, p };
}

void
loop_set_turn_end(struct loop *l, loop_cb *turn_end_cb, void *ctx)
{
	l->turn_end_cb = turn_end_cb;
	l->ctx = ctx;
}

/* What is ready, as of now: callbacks may add and remove. */
static size_t
look(struct loop *l, struct loop_event **ready, struct pollfd *polls)
{
	size_t n = 0;
	struct list *k;

	list_foreach (k, &l->events) {
		struct loop_event *e = list_entry(k, struct loop_event, link);

		if (!e->wants_read && !e->wants_write && e->due_ns > l->now_ns)
			continue;
		if (n == EVENTS_MAX)
			abort();
		ready[n] = e;
		polls[n++] = (struct pollfd){
			.fd = e->wants_read || e->wants_write ? e->fd : -1,
			.events =
			    (short)((e->wants_read ? POLLIN : 0) | (e->wants_write ? POLLOUT : 0)),
		};
	}
	/* a fuzzer's clock interrupts */
	while (n > 0 && poll(polls, n, 0) == -1)
		if (errno != EINTR)
			abort();
	return n;
}

/* An error or a hang-up is found out by whoever reads or writes. */
static bool
call_back_fd(struct loop_event *e, short what)
{
	bool has_failed = what & (POLLERR | POLLHUP | POLLNVAL), is_done = false;

	if (!e->is_removed && e->wants_write && (what & POLLOUT || has_failed)) {
		e->due_ns = clock_add(e->loop->now_ns, e->stall_ns);
		e->fd_cb(e->ctx, LOOP_WRITABLE);
		is_done = true;
	}
	if (!e->is_removed && e->wants_read && (what & POLLIN || has_failed)) {
		e->fd_cb(e->ctx, LOOP_READABLE);
		is_done = true;
	}
	return is_done;
}

static bool
call_back(struct loop_event *e, short what)
{
	bool is_done = e->fd_cb && call_back_fd(e, what);

	if (e->is_removed || e->due_ns > e->loop->now_ns)
		return is_done;
	e->due_ns = CLOCK_NEVER;
	if (e->fd_cb)
		e->fd_cb(e->ctx, LOOP_STALLED);
	else
		e->timer_cb(e->ctx);
	return true;
}

bool
hand_loop_turn(struct loop *l)
{
	struct loop_event *ready[EVENTS_MAX];
	struct pollfd polls[EVENTS_MAX];
	size_t n, i;

	l->turn++;
	l->wants_turn = false;
	l->is_idle = true;
	n = look(l, ready, polls);
	for (i = 0; i < n; i++)
		if (call_back(ready[i], polls[i].revents))
			l->is_idle = false;
	l->turn_end_cb(l->ctx);
	reap(l);
	return !l->is_idle || l->wants_turn;
}

void
hand_loop_pass(struct loop *l, int64_t ns)
{
	l->now_ns = clock_add(l->now_ns, ns);
}

int64_t
hand_loop_next(const struct loop *l)
{
	int64_t next = CLOCK_NEVER;
	struct list *k;

	list_foreach (k, &l->events) {
		const struct loop_event *e = list_entry(k, struct loop_event, link);

		if (e->due_ns < next)
			next = e->due_ns;
	}
	return next;
}

void
loop_want_turn(struct loop *l)
{
	l->wants_turn = true;
}

bool
loop_was_idle(const struct loop *l)
{
	return l->is_idle;
}

uint64_t
loop_turn(const struct loop *l)
{
	return l->turn;
}

int64_t
loop_read_clock(struct loop *l)
{
	return l->now_ns;
}

int64_t
loop_now(const struct loop *l)
{
	return l->now_ns;
}

static struct loop_event *
event_of(struct loop *l, int fd, void *ctx)
{
	struct loop_event *e = mem_alloc(sizeof *e);

	e->loop = l;
	e->fd = fd;
	e->ctx = ctx;
	e->due_ns = CLOCK_NEVER;
	list_add_tail(&l->events, &e->link);
	return e;
}

struct loop_event *
loop_add_fd(struct loop *l, int fd, loop_fd_cb *fd_cb, void *ctx)
{
	struct loop_event *e = event_of(l, fd, ctx);

	e->fd_cb = fd_cb;
	return e;
}

void
loop_fd_want(struct loop_event *e, bool read, bool write, int64_t stall_timeout_ns)
{
	e->stall_ns = stall_timeout_ns > 0 ? stall_timeout_ns : CLOCK_NEVER;
	if (!write)
		e->due_ns = CLOCK_NEVER;
	else if (!e->wants_write)
		e->due_ns = clock_add(e->loop->now_ns, e->stall_ns);
	e->wants_read = read;
	e->wants_write = write;
}

struct loop_event *
loop_add_timer(struct loop *l, loop_cb *timer_cb, void *ctx)
{
	struct loop_event *e = event_of(l, -1, ctx);

	e->timer_cb = timer_cb;
	return e;
}

void
loop_timer_at(struct loop_event *e, int64_t real_ns)
{
	e->due_ns = real_ns;
}

void
loop_remove(struct loop_event *e)
{
	if (!e || e->is_removed)
		return;
	e->is_removed = true;
	list_remove(&e->link);
	loop_bury(e->loop, free, e);
}
