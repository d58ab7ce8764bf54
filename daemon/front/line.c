/*
 * Owns the clients and the one command that each may have under way. Invariants: a client whose
 * task is not done has its connection paused; a client is freed when both its connection and its
 * task are gone, after the turn, never inside a callback.
 */
#include "front/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/intake.h"
#include "front/line_client.h"

#define RUN_SLICE 16384 /* moments fired in one go */
#define CHECK_NS (10 * TEXT_NS_PER_S)
#define REFUSED_MAX 32 /* clients at once that are told why */

static const char *const code_names[] = {
	[LINE_BAD_COMMAND] = "bad_command",
	[LINE_BAD_ARGUMENT] = "bad_argument",
	[LINE_BAD_UTF8] = "bad_utf8",
	[LINE_TOO_LONG] = "line_too_long",
	[LINE_UNKNOWN_OUTCOME] = "unknown_outcome",
	[LINE_NOT_FOUND] = "not_found",
	[LINE_BUSY] = "busy",
	[LINE_TIMEOUT] = "timeout",
	[LINE_DRAINING] = "draining",
};

void
line_detail(struct line_client *c, struct str line)
{
	if (!c->conn)
		return;
	conn_write(c->conn, line.p, line.n);
	conn_write(c->conn, "\n", 1);
}

void
line_reply_buf(struct line_client *c, const struct buf *b)
{
	line_detail(c, buf_str(b));
}

void
line_reply(struct line_client *c, const char *format, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line)
		abort();
	line_detail(c, (struct str){ line, (size_t)n });
}

void
line_error(struct line_client *c, enum line_code code, const char *format, ...)
{
	char line[512];
	va_list ap;
	int n;

	c->front->n_errors++;
	va_start(ap, format);
	n = vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line)
		abort();
	line_reply(c, "-ERR %s %s", code_names[code], line);
}

void
line_reply_summary(struct line_client *c, const struct counts *counts)
{
	struct buf b = { 0 };

	buf_printf(&b, "+OK n=%lu delivered=%lu bounced=%lu expired=%lu dropped=%lu cancelled=%lu",
	    counts->accepted, counts->state[STATE_DELIVERED], counts->state[STATE_BOUNCED],
	    counts->state[STATE_EXPIRED], counts->state[STATE_DROPPED],
	    counts->state[STATE_CANCELLED]);
	buf_printf(&b, " attempts=%lu elapsed=", counts->attempts);
	text_format_seconds(&b, counts_elapsed(counts), 3);
	buf_add_lit(&b, "s simulated=");
	text_format_seconds(&b, counts_simulated(counts), 3);
	buf_add_lit(&b, "s");
	line_reply_buf(c, &b);
	buf_fini(&b);
}

bool
line_client_is_full(const struct line_client *c)
{
	return c->conn && conn_backlog(c->conn) > CONN_BACKLOG_HIGH;
}

struct owner *
line_client_owner(struct line_client *c)
{
	if (!c->owner)
		c->owner = owner_new();
	return c->owner;
}

static void
free_cb(void *p)
{
	free(p);
}

/* Both its connection and its task are gone. */
static void
bury(struct line_client *c)
{
	list_remove(&c->link);
	list_remove(&c->run_link);
	if (c->is_refused)
		c->front->n_refused--;
	loop_remove(c->timer);
	if (c->owner)
		owner_unref(c->owner);
	loop_bury(c->front->loop, free_cb, c);
}

/* Idling counts from now. */
static void
arm_idle_timer(struct line_client *c)
{
	int64_t idle = c->front->conf.idle_timeout_ns, now = loop_read_clock(c->front->loop);

	if (c->timer)
		loop_timer_at(
		    c->timer, idle > 0 && !c->is_local ? clock_add(now, idle) : CLOCK_NEVER);
}

static void
end_task(struct line_client *c)
{
	bool was_paused = c->task.progress != LINE_DONE;

	if (c->task.has_timeout)
		c->front->n_timers--;
	c->task.end(c);
	c->task = (struct line_task){ 0 };
	list_remove(&c->run_link);
	if (!c->conn) {
		bury(c);
		return;
	}
	if (c->front->is_finishing) {
		line_client_quit(c);
	} else if (was_paused) {
		conn_resume(c->conn);
		arm_idle_timer(c);
	}
}

static void
make_step(struct line_client *c)
{
	enum line_progress progress = c->task.step(c);

	switch (progress) {
	case LINE_DONE:
		end_task(c);
		return;
	case LINE_AGAIN:
		list_add_tail(&c->front->runnable, &c->run_link);
		loop_want_turn(c->front->loop);
		break;
	case LINE_NO_ROOM:
		list_add_tail(&c->front->roomless, &c->run_link);
		break;
	case LINE_CONGESTED:
		list_add_tail(&c->front->congested, &c->run_link);
		break;
	case LINE_WAITING:
		break;
	}
	if (c->task.progress == LINE_DONE && c->conn)
		conn_pause(c->conn);
	c->task.progress = progress;
}

void
line_client_start(struct line_client *c)
{
	c->task.progress = LINE_DONE; /* not paused yet */
	make_step(c);
}

void
line_client_wake(struct line_client *c)
{
	if (!list_is_empty(&c->run_link))
		return;
	list_add_tail(&c->front->runnable, &c->run_link);
	loop_want_turn(c->front->loop);
}

static void
timer_cb(void *ctx)
{
	struct line_client *c = ctx;
	int64_t idle = c->front->conf.idle_timeout_ns, since;

	if (c->task.step) {
		c->task.has_timed_out = c->task.has_timeout;
		if (c->task.has_timeout)
			line_client_wake(c);
		return;
	}
	if (idle == 0 || !c->conn)
		return;
	since = conn_last_input(c->conn);
	if (!c->events && loop_read_clock(c->front->loop) >= clock_add(since, idle))
		line_client_quit(c);
	else
		loop_timer_at(
		    c->timer, clock_add(c->events ? loop_now(c->front->loop) : since, idle));
}

void
line_client_set_timeout(struct line_client *c, int64_t timeout_ns)
{
	if (!c->timer)
		c->timer = loop_add_timer(c->front->loop, timer_cb, c);
	c->task.has_timeout = true;
	c->front->n_timers++;
	loop_timer_at(c->timer, clock_add(loop_read_clock(c->front->loop), timeout_ns));
}

void
line_client_quit(struct line_client *c)
{
	c->has_ended = true;
	if (c->conn)
		conn_finish(c->conn);
}

/* Brings the simulator up to date, once a turn: what is accepted now comes after all that was due
 * before. False when there is still something to fire. */
static bool
is_current(struct line_front *front)
{
	if (front->turn == loop_turn(front->loop))
		return front->is_current;
	front->turn = loop_turn(front->loop);
	front->is_current = simulator_run(front->sim, loop_read_clock(front->loop), RUN_SLICE) ||
	    bus_is_congested(&front->sim->bus);
	return front->is_current;
}

static bool
ready_cb(void *ctx)
{
	struct line_client *c = ctx;

	return is_current(c->front);
}

static void
line_cb(void *ctx, struct str line, bool is_whole)
{
	struct line_client *c = ctx;

	if (!c->is_refused)
		line_execute(c, line, is_whole);
}

void
line_client_drop(struct line_client *c)
{
	conn_close(c->conn);
	c->conn = NULL;
	line_events_stop(c);
	c->front->n_clients--;
	bury(c);
}

static void
overlong_cb(void *ctx, struct str head, struct str tail)
{
	struct line_client *c = ctx;

	if (c->is_refused || head.p[0] == '#')
		return;
	if (tail.n > 0 && tail.p[tail.n - 1] == '\r')
		tail.n--;
	if (line_is_http(tail))
		line_client_drop(c);
	else
		line_error(c, LINE_TOO_LONG, "a line has at most %lu octets with its end",
		    c->front->conf.line_octets);
}

static void
last_final_cb(void *ctx)
{
	struct line_client *c = ctx;

	c->front->sim->has_news = true;
	line_client_wake(c);
}

/* The peer asks nothing more. Events go on until its own messages are final. */
static void
ended_cb(void *ctx)
{
	struct line_client *c = ctx;
	struct selector own = { .kind = SELECT_OWN, .owner = c->owner };

	c->has_ended = true;
	if (c->events && c->owner &&
	    watch_start(&c->last, c->front->sim, &own, 0, NULL, last_final_cb, c) == WATCH_PENDING)
		c->is_watching_last = true;
	else
		line_client_quit(c);
}

static void
drained_cb(void *ctx)
{
	struct line_client *c = ctx;

	if (c->is_refused)
		return;
	line_events_tell_lost(c);
	if (c->task.step)
		line_client_wake(c);
}

static void
closed_cb(void *ctx)
{
	struct line_client *c = ctx;

	c->conn = NULL;
	c->has_ended = true;
	line_events_stop(c);
	if (c->is_watching_last)
		watch_stop(&c->last);
	c->is_watching_last = false;
	if (!c->is_refused)
		c->front->n_clients--;
	if (c->task.step && c->task.outlives_client)
		return;
	if (c->task.step)
		end_task(c);
	else
		bury(c);
}

static const struct conn_handler handler = { ready_cb, line_cb, overlong_cb, ended_cb, drained_cb,
	closed_cb };

static void
check_cb(void *ctx)
{
	struct line_front *front = ctx;

	conn_set_check(front->conns);
	loop_timer_at(front->check, clock_add(loop_read_clock(front->loop), CHECK_NS));
}

static struct conn_limits
conn_limits_of(const struct line_conf *conf)
{
	return (struct conn_limits){ conf->line_octets, conf->stall_timeout_ns };
}

struct line_front *
line_front_new(struct loop *loop, struct simulator *sim, const struct gate *gate,
    const struct line_conf *conf, const struct line_env *env)
{
	struct line_front *front = mem_alloc(sizeof *front);
	struct conn_limits limits = conn_limits_of(conf);

	front->loop = loop;
	front->sim = sim;
	front->conf = *conf;
	front->env = *env;
	front->scratch = mem_alloc(conf->line_octets);
	front->conns = conn_set_new(loop, gate, &handler, &limits);
	list_init(&front->clients);
	list_init(&front->runnable);
	list_init(&front->roomless);
	list_init(&front->congested);
	front->check = loop_add_timer(loop, check_cb, front);
	check_cb(front);
	return front;
}

void
line_front_configure(struct line_front *front, const struct line_conf *conf)
{
	struct conn_limits limits = conn_limits_of(conf);

	free(front->scratch);
	front->scratch = mem_alloc(conf->line_octets);
	front->conf = *conf;
	conn_set_configure(front->conns, &limits);
}

static struct line_client *
client_new(struct line_front *front, int fd)
{
	struct line_client *c = mem_alloc(sizeof *c);

	c->front = front;
	list_init(&c->run_link);
	list_add_tail(&front->clients, &c->link);
	c->conn = conn_new(front->conns, fd, c);
	return c;
}

/* One client too many. A few at a time are told so in peace, the others at once. */
static void
refuse(struct line_front *front, int fd)
{
	struct line_client *c;

	if (front->n_refused >= REFUSED_MAX) {
		/* best effort: it is being turned away */
		if (write(fd, LINE_REFUSAL, sizeof LINE_REFUSAL - 1) == -1)
			diag_debug("a newcomer could not be told that there are too many");
		close(fd);
		return;
	}
	c = client_new(front, fd);
	c->is_refused = true;
	front->n_refused++;
	conn_write(c->conn, LINE_REFUSAL, sizeof LINE_REFUSAL - 1);
	line_client_quit(c);
}

void
line_front_accept(void *ctx, int fd)
{
	struct line_front *front = ctx;
	struct line_client *c;

	if (front->n_clients >= front->conf.connections) {
		refuse(front, fd);
		return;
	}
	c = client_new(front, fd);
	front->n_clients++;
	if (front->conf.idle_timeout_ns > 0) {
		c->timer = loop_add_timer(front->loop, timer_cb, c);
		arm_idle_timer(c);
	}
}

void
line_front_adopt(struct line_front *front, int fd)
{
	struct line_client *c = client_new(front, fd);

	front->n_clients++;
	c->is_local = true;
}

static void
run_client(struct line_client *c)
{
	if (c->task.step) {
		make_step(c);
	} else if (c->is_watching_last && c->last.status != WATCH_PENDING) {
		watch_stop(&c->last);
		c->is_watching_last = false;
		line_client_quit(c);
	}
}

void
line_front_work(struct line_front *front)
{
	struct list now, *l;

	if (front->sim->is_draining || intake_is_possible(front->sim))
		list_splice(&front->runnable, &front->roomless);
	if (!bus_is_congested(&front->sim->bus))
		list_splice(&front->runnable, &front->congested);
	if (!list_is_empty(&front->runnable) && !is_current(front)) {
		loop_want_turn(front->loop);
	} else {
		list_init(&now);
		list_splice(&now, &front->runnable);
		while ((l = list_pop(&now)) != NULL)
			run_client(list_entry(l, struct line_client, run_link));
	}
	conn_set_give(front->conns);
}

void
line_front_flush(struct line_front *front)
{
	conn_set_flush(front->conns);
}

uint64_t
line_front_connections(const struct line_front *front)
{
	return front->n_clients;
}

uint64_t
line_front_errors(const struct line_front *front)
{
	return front->n_errors;
}

static bool
is_waiting_for(const struct line_front *front, unsigned progress)
{
	struct list *l;

	list_foreach (l, &front->clients) {
		const struct line_client *c = list_entry(l, struct line_client, link);

		if (c->task.step && progress & (1U << c->task.progress))
			return true;
	}
	return false;
}

bool
line_front_is_waiting(const struct line_front *front)
{
	return is_waiting_for(front, 1U << LINE_WAITING | 1U << LINE_NO_ROOM);
}

bool
line_front_has_work(const struct line_front *front)
{
	return !list_is_empty(&front->runnable);
}

bool
line_front_has_output(const struct line_front *front)
{
	return conn_set_has_output(front->conns);
}

bool
line_front_wants_room(const struct line_front *front)
{
	return !list_is_empty(&front->roomless);
}

bool
line_front_is_busy(const struct line_front *front)
{
	return front->n_timers > 0 || line_front_has_work(front) || line_front_has_output(front);
}

bool
line_front_is_ended(const struct line_front *front)
{
	struct list *l;

	list_foreach (l, &front->clients) {
		const struct line_client *c = list_entry(l, struct line_client, link);

		if (!c->has_ended || c->task.step)
			return false;
	}
	return true;
}

void
line_front_finish(struct line_front *front)
{
	struct list *l, *after;

	front->is_finishing = true;
	list_foreach_safe (l, after, &front->clients) {
		struct line_client *c = list_entry(l, struct line_client, link);

		if (!c->task.step) {
			line_client_quit(c);
		} else if (!c->task.is_answering) {
			line_error(c, LINE_DRAINING, "the daemon stops");
			end_task(c);
		}
	}
}

void
line_front_free(struct line_front *front)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &front->clients) {
		struct line_client *c = list_entry(l, struct line_client, link);

		c->conn = NULL;
		line_events_stop(c);
		if (c->is_watching_last)
			watch_stop(&c->last);
		if (c->task.step)
			end_task(c);
		else
			bury(c);
	}
	conn_set_free(front->conns);
	loop_remove(front->check);
	free(front->scratch);
	free(front);
}
