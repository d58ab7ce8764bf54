/*
 * Owns the set of clients and what their connections call back for; whose command goes on when;
 * and the order in which that happens at the end of a turn.
 */
#include "front/line.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/http.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/intake.h"
#include "front/line_client.h"
#include "io/peer.h"

#define CHECK_NS (10 * TEXT_NS_PER_S)
#define REFUSED_MAX 32 /* clients at once that are told why */

const char *const line_admin_names[LINE_ADMINS] = { "local", "all", "none" };

/* Where there is one client only, it sees nothing half done: what it is told, and so what it does
 * next, does not depend on how fast the machine or the log is. Of many, each is answered also while
 * there is more to fire than the machine can; only what must wait does. */
static bool
ready_cb(void *ctx)
{
	struct line_client *c = ctx;
	bool is_current = present_is_reached(c->front->present);

	return !c->front->sim->is_resetting && (is_current || !c->is_stdio);
}

static void
line_cb(void *ctx, struct str line, bool is_whole)
{
	struct line_client *c = ctx;

	c->has_spoken = true;
	if (!c->is_refused)
		line_execute(c, line, is_whole);
}

static void
overlong_cb(void *ctx, struct str head, struct str tail)
{
	struct line_client *c = ctx;

	c->has_spoken = true;
	if (c->is_refused || head.p[0] == '#')
		return;
	if (tail.n > 0 && tail.p[tail.n - 1] == '\r')
		tail.n--;
	if (http_is_request(tail))
		line_client_quit(c);
	else
		line_error(c, LINE_TOO_LONG, "a line has at most %lu octets with its end",
		    c->front->conf.line_octets);
}

/* The peer asks nothing more. Events go on until its own messages are final. */
static void
ended_cb(void *ctx)
{
	struct line_client *c = ctx;
	struct selector own = { .kind = SELECT_OWN, .owner = c->owner };

	c->has_ended = true;
	if (!c->events || !c->owner) {
		line_client_quit(c);
		return;
	}
	c->last = mem_alloc(sizeof *c->last);
	if (watch_start(c->last, c->front->sim, &own, 0, NULL, line_client_watch_cb, c) !=
	    WATCH_PENDING)
		line_client_wake(c);
}

static void
drained_cb(void *ctx)
{
	struct line_client *c = ctx;

	if (c->is_refused)
		return;
	line_events_tell_lost(c);
	if (c->task)
		line_client_wake(c);
}

static void
stop_last(struct line_client *c)
{
	if (c->last)
		watch_stop(c->last);
	free(c->last);
	c->last = NULL;
}

static void
closed_cb(void *ctx)
{
	struct line_client *c = ctx;

	c->conn = NULL;
	c->has_ended = true;
	line_events_stop(c);
	stop_last(c);
	if (c->task && c->task->outlives_client)
		return;
	if (c->task)
		line_client_end(c);
	else
		line_client_bury(c);
}

static const struct conn_handler handler = {
	.ready = ready_cb,
	.line = line_cb,
	.overlong = overlong_cb,
	.ended = ended_cb,
	.drained = drained_cb,
	.closed = closed_cb,
};

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
    struct quota *quota, struct present *present, const struct line_conf *conf,
    const struct line_env *env)
{
	struct line_front *front = mem_alloc(sizeof *front);
	struct conn_limits limits = conn_limits_of(conf);

	front->loop = loop;
	front->sim = sim;
	front->quota = quota;
	front->present = present;
	front->conf = *conf;
	front->env = *env;
	front->scratch = mem_alloc(conf->line_octets);
	front->conns = conn_set_new(loop, gate, &handler, &limits);
	list_init(&front->clients);
	list_init(&front->runnable);
	list_init(&front->late);
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
	struct list *l;

	free(front->scratch);
	front->scratch = mem_alloc(conf->line_octets);
	front->conf = *conf;
	conn_set_configure(front->conns, &limits);
	list_foreach (l, &front->clients)
		line_client_idle(list_entry(l, struct line_client, link));
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

	if (front->quota->n >= front->quota->max) {
		refuse(front, fd);
		return;
	}
	c = client_new(front, fd);
	c->is_near = peer_is_local(fd);
	front->quota->n++;
	line_client_idle(c);
}

void
line_front_adopt(struct line_front *front, int fd)
{
	struct line_client *c = client_new(front, fd);

	front->quota->n++;
	c->is_stdio = c->is_near = true;
}

static void
run_client(struct line_client *c)
{
	if (c->task) {
		line_client_step(c);
	} else if (c->last && c->last->status != WATCH_PENDING) {
		stop_last(c);
		line_client_quit(c);
	}
}

void
line_front_work(struct line_front *front)
{
	struct list now, *l;

	if (front->sim->is_draining || intake_room(front->sim) > 0)
		list_splice(&front->runnable, &front->roomless);
	if (front->sim->is_draining || !bus_is_congested(&front->sim->bus))
		list_splice(&front->runnable, &front->congested);
	if (!list_is_empty(&front->late) && present_is_reached(front->present))
		list_splice(&front->runnable, &front->late);
	list_init(&now);
	list_splice(&now, &front->runnable);
	while ((l = list_pop(&now)) != NULL) {
		struct line_client *c = list_entry(l, struct line_client, run_link);

		if (((c->task && c->task->needs_current) || c->is_stdio) &&
		    !present_is_reached(front->present))
			list_add_tail(&front->late, l);
		else
			run_client(c);
	}
	conn_set_give(front->conns);
	/* while the log is full it is the log that makes the next turn */
	if (present_is_missed(front->present))
		loop_want_turn(front->loop);
}

void
line_front_flush(struct line_front *front)
{
	conn_set_flush(front->conns);
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

		/* one that only waits for its client to read waits for no message */
		if (c->task && !c->task->is_answering && progress & (1U << c->task->progress))
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
	return !list_is_empty(&front->runnable) || !list_is_empty(&front->late);
}

bool
line_front_has_output(const struct line_front *front)
{
	return conn_set_has_output(front->conns);
}

bool
line_front_awaits_log(const struct line_front *front)
{
	return conn_set_awaits_log(front->conns);
}

bool
line_front_may_gather(const struct line_front *front)
{
	return conn_set_may_gather(front->conns);
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

		if (!c->has_ended || c->task)
			return false;
	}
	return true;
}

bool
line_front_has_silent(const struct line_front *front)
{
	struct list *l;

	list_foreach (l, &front->clients) {
		const struct line_client *c = list_entry(l, struct line_client, link);

		if (!c->has_spoken && !c->has_ended && !c->is_refused && !c->is_stdio)
			return true;
	}
	return false;
}

/* What can be said of a command that will not be finished. */
static void
cut_short(struct line_client *c)
{
	const struct line_task *t = c->task;

	if (t->batch && !t->is_watching)
		line_error(c, LINE_DRAINING, "accepted=%u", t->batch->accepted - t->first);
	else if (t->counted)
		line_error(c, LINE_DRAINING, "%s=%lu", t->counted, t->count);
	else
		line_error(c, LINE_DRAINING, "the daemon stops");
	line_client_end(c);
}

void
line_front_finish(struct line_front *front)
{
	struct list *l, *after;

	front->is_finishing = true;
	list_foreach_safe (l, after, &front->clients) {
		struct line_client *c = list_entry(l, struct line_client, link);
		if (!c->task)
			line_client_quit(c);
		else if (!c->task->is_answering)
			cut_short(c);
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
		stop_last(c);
		if (c->task)
			line_client_end(c);
		else
			line_client_bury(c);
	}
	conn_set_free(front->conns);
	loop_remove(front->check);
	free(front->scratch);
	free(front->spare_task);
	buf_fini(&front->reply);
	buf_fini(&front->part);
	free(front);
}
