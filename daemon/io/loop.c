/*
 * Owns the event library's base; no other file but this one sees the library. Invariant: what is
 * removed during a turn is freed after the turn-end hook, so a callback may remove anything.
 */
#include "io/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/timers.h"

/* A turn has no more callbacks than this, though the library may have more at hand; those come in
 * the next. So what was read is answered while it is still in the processor's caches, and a crowd
 * of clients does not fill the log with what they all say at once. (To break off the library's loop
 * instead costs a poll of all that is ready for each turn.) */
#define TURN_CALLBACKS 128

struct grave {
	loop_cb *free_cb;
	void *p;
};

struct loop {
	struct event_base *base;
	struct timers timers;
	struct event *due; /* a timer's time has come */
	loop_cb *turn_end_cb;
	void *ctx;
	int64_t now_ns;
	uint64_t turn;
	unsigned callbacks; /* that ran in this turn */
	bool is_idle;       /* none since the library last looked what there is */
	int64_t began_ns;   /* when the loop had done waiting in this turn */
	bool is_stopped;
	bool wants_turn;
	struct grave *graves;
	size_t n_graves, cap_graves;
	struct histogram lag;
};

enum loop_kind { LOOP_FD, LOOP_TIMER, LOOP_SIGNAL };

/* There may be one for each of thousands of connections. */
struct loop_event {
	struct loop *loop;
	void *ctx;
	union {
		loop_fd_cb *fd;
		loop_cb *timer;
		loop_signal_cb *signal;
	} cb;
	union {
		struct event *write; /* LOOP_FD: made when first wanted */
		int64_t armed_for;   /* LOOP_TIMER; CLOCK_NEVER: not armed */
	};
	int fd; /* or the signal */
	uint8_t kind;
	bool is_removed;
	bool wants_read;
	union {
		struct heap_node timer; /* LOOP_TIMER */
		struct event event;     /* of the signal, or the read side */
	};
};

struct loop_waker {
	struct loop_event *event;
	loop_cb *wake_cb;
	void *ctx;
	int fd;
};

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) == -1)
		abort();
	return (int64_t)t.tv_sec * TEXT_NS_PER_S + t.tv_nsec;
}

static void
reap(struct loop *l)
{
	size_t i;

	/* a free function may bury more */
	for (i = 0; i < l->n_graves; i++)
		l->graves[i].free_cb(l->graves[i].p);
	l->n_graves = 0;
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

static void
end_turn(struct loop *l)
{
	if (l->turn_end_cb)
		l->turn_end_cb(l->ctx);
	reap(l);
	histogram_add(&l->lag, read_clock(CLOCK_MONOTONIC) - l->began_ns);
}

static void
call_back(struct loop_event *e, short what)
{
	if (e->kind == LOOP_TIMER) {
		e->armed_for = CLOCK_NEVER;
		e->cb.timer(e->ctx);
	} else if (e->kind == LOOP_SIGNAL) {
		e->cb.signal(e->ctx, e->fd);
	} else if (what & EV_WRITE) {
		e->cb.fd(e->ctx, LOOP_WRITABLE);
	} else if (what & EV_TIMEOUT) {
		e->cb.fd(e->ctx, LOOP_STALLED);
	} else {
		e->cb.fd(e->ctx, LOOP_READABLE);
	}
}

static void
run_callback(struct loop_event *e, short what)
{
	struct loop *l = e->loop;

	/* the library waits and calls back in one: the first callback tells when it had waited */
	l->is_idle = false;
	if (l->callbacks++ == 0)
		l->began_ns = read_clock(CLOCK_MONOTONIC);
	if (!e->is_removed)
		call_back(e, what);
	if (l->callbacks == TURN_CALLBACKS && !l->is_stopped) {
		end_turn(l);
		l->callbacks = 0;
		l->turn++;
	}
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	run_callback(arg, what);
}

/* This is no callback: who waits for a turn in which nothing is to do gets it when nothing is due.
 */
static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd;
	(void)what;
	timers_note_wake(&l->timers);
}

static void
run_due(struct loop *l)
{
	struct heap_node *timer;

	timers_begin(&l->timers, l->began_ns);
	while (!l->is_stopped && (timer = timers_take(&l->timers)))
		run_callback(list_entry(timer, struct loop_event, timer), EV_TIMEOUT);
}

void
loop_free(struct loop *l)
{
	reap(l);
	if (l->due)
		event_free(l->due);
	if (l->base)
		event_base_free(l->base);
	timers_fini(&l->timers);
	free(l->graves);
	free(l);
}

struct loop *
loop_new(void)
{
	struct loop *l = mem_alloc(sizeof *l);

	if (!timers_init(&l->timers)) {
		free(l);
		return NULL;
	}
	l->base = event_base_new();
	if (l->base)
		l->due = event_new(l->base, l->timers.fd, EV_READ | EV_PERSIST | EV_ET, on_due, l);
	if (!l->due || event_add(l->due, NULL) == -1) {
		loop_free(l);
		return NULL;
	}
	loop_read_clock(l);
	return l;
}

static void
poll_events(struct loop *l, int flags)
{
	if (event_base_loop(l->base, flags | EVLOOP_NO_EXIT_ON_EMPTY) == -1)
		abort();
}

/* Sleeps if there is nothing to do. The kernel is told when to wake us only then. */
static void
wait_for_events(struct loop *l)
{
	bool may_sleep = !l->wants_turn;

	l->wants_turn = false;
	if (may_sleep && timers_are_told(&l->timers)) {
		poll_events(l, EVLOOP_ONCE);
		return;
	}
	poll_events(l, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (may_sleep && l->is_idle) {
		timers_tell(&l->timers);
		poll_events(l, EVLOOP_ONCE);
	}
}

void
loop_run(struct loop *l)
{
	l->is_stopped = false;
	while (!l->is_stopped) {
		l->callbacks = 0;
		l->is_idle = true;
		l->turn++;
		wait_for_events(l);
		if (l->callbacks == 0)
			l->began_ns = read_clock(CLOCK_MONOTONIC);
		run_due(l);
		end_turn(l);
	}
}

void
loop_stop(struct loop *l)
{
	l->is_stopped = true;
	event_base_loopbreak(l->base);
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

unsigned
loop_callbacks(const struct loop *l)
{
	return l->callbacks;
}

uint64_t
loop_turn(const struct loop *l)
{
	return l->turn;
}

void
loop_lag(const struct loop *l, struct loop_lag *out)
{
	out->p99_ns = histogram_percentile(&l->lag, 990);
	out->max_ns = histogram_max(&l->lag);
}

void
loop_lag_reset(struct loop *l)
{
	histogram_init(&l->lag);
}

void
loop_add_stats(const struct loop *l, struct buf *b)
{
	struct loop_lag lag;

	loop_lag(l, &lag);
	buf_add_lit(b, " loop_lag_p99=");
	text_format_seconds(b, lag.p99_ns, 6);
	buf_add_lit(b, "s loop_lag_max=");
	text_format_seconds(b, lag.max_ns, 6);
	buf_add_char(b, 's');
}

int64_t
loop_read_clock(struct loop *l)
{
	return l->now_ns = read_clock(CLOCK_MONOTONIC);
}

int64_t
loop_now(const struct loop *l)
{
	return l->now_ns;
}

int64_t
loop_wall_clock(void)
{
	return read_clock(CLOCK_REALTIME);
}

static struct timeval
timeval_of(int64_t ns)
{
	/* rounded up: nothing happens early */
	int64_t us = (ns + TEXT_NS_PER_US - 1) / TEXT_NS_PER_US;

	return (struct timeval){ us / 1000000, us % 1000000 };
}

static struct loop_event *
event_of(struct loop *l, enum loop_kind kind, int fd, void *ctx)
{
	struct loop_event *e = mem_alloc(sizeof *e);

	e->loop = l;
	e->kind = (uint8_t)kind;
	e->fd = fd;
	e->ctx = ctx;
	return e;
}

struct loop_event *
loop_add_fd(struct loop *l, int fd, loop_fd_cb *fd_cb, void *ctx)
{
	struct loop_event *e = event_of(l, LOOP_FD, fd, ctx);

	e->cb.fd = fd_cb;
	event_assign(&e->event, l->base, fd, EV_READ | EV_PERSIST, on_event, e);
	return e;
}

/* Adding fails only when the kernel's limits on watched descriptors or memory are reached. */
static void
add_or_die(struct event *event, const struct timeval *timeout)
{
	if (event_add(event, timeout) == -1)
		abort();
}

static void
want_write(struct loop_event *e, bool write, int64_t stall_timeout_ns)
{
	struct timeval tv;

	if (!write) {
		if (e->write)
			event_free(e->write);
		e->write = NULL;
		return;
	}
	if (e->write)
		return;
	e->write = event_new(e->loop->base, e->fd, EV_WRITE | EV_PERSIST, on_event, e);
	if (!e->write)
		abort();
	/* the library counts from its cached time; an old one would make the timeout early */
	event_base_update_cache_time(e->loop->base);
	tv = timeval_of(stall_timeout_ns);
	add_or_die(e->write, stall_timeout_ns > 0 ? &tv : NULL);
}

void
loop_fd_want(struct loop_event *e, bool read, bool write, int64_t stall_timeout_ns)
{
	if (read && !e->wants_read)
		add_or_die(&e->event, NULL);
	else if (!read && e->wants_read)
		event_del(&e->event);
	e->wants_read = read;
	want_write(e, write, stall_timeout_ns);
}

struct loop_event *
loop_add_timer(struct loop *l, loop_cb *timer_cb, void *ctx)
{
	struct loop_event *e = event_of(l, LOOP_TIMER, -1, ctx);

	e->cb.timer = timer_cb;
	e->armed_for = CLOCK_NEVER;
	return e;
}

void
loop_timer_at(struct loop_event *e, int64_t real_ns)
{
	if (e->is_removed)
		abort();
	if (real_ns == e->armed_for)
		return;
	e->armed_for = real_ns;
	timers_set(&e->loop->timers, &e->timer, real_ns);
}

struct loop_event *
loop_add_signal(struct loop *l, int signo, loop_signal_cb *signal_cb, void *ctx)
{
	struct loop_event *e = event_of(l, LOOP_SIGNAL, signo, ctx);

	e->cb.signal = signal_cb;
	event_assign(&e->event, l->base, signo, EV_SIGNAL | EV_PERSIST, on_event, e);
	add_or_die(&e->event, NULL);
	return e;
}

static void
on_wake(void *ctx, enum loop_fd_event what)
{
	struct loop_waker *w = ctx;
	uint64_t n;

	(void)what;
	if (read(w->fd, &n, sizeof n) == sizeof n)
		w->wake_cb(w->ctx);
}

struct loop_waker *
loop_add_waker(struct loop *l, loop_cb *wake_cb, void *ctx)
{
	struct loop_waker *w = mem_alloc(sizeof *w);

	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd == -1)
		abort();
	w->wake_cb = wake_cb;
	w->ctx = ctx;
	w->event = loop_add_fd(l, w->fd, on_wake, w);
	loop_fd_want(w->event, true, false, 0);
	return w;
}

void
loop_wake(struct loop_waker *w)
{
	uint64_t one = 1;

	/* EAGAIN: the counter is full, so a wake-up is pending anyway */
	if (write(w->fd, &one, sizeof one) == -1 && errno != EAGAIN)
		abort();
}

void
loop_waker_free(struct loop_waker *w)
{
	if (!w)
		return;
	loop_remove(w->event);
	close(w->fd);
	free(w);
}

void
loop_remove(struct loop_event *e)
{
	if (!e || e->is_removed)
		return;
	e->is_removed = true;
	if (e->kind == LOOP_FD && e->write)
		event_free(e->write);
	if (e->kind == LOOP_TIMER)
		timers_set(&e->loop->timers, &e->timer, CLOCK_NEVER);
	else
		event_del(&e->event);
	loop_bury(e->loop, free, e);
}
