/*
 * Owns a client and the one command it may have under way: replies, steps, timers, the end.
 * Invariants: a client whose task is not done has its connection paused; a client is freed when
 * both its connection and its task are gone, after the turn, never inside a callback.
 */
#include "front/line_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

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
	[LINE_NOT_PERMITTED] = "not_permitted",
};

void
line_detail(struct line_client *c, struct str line)
{
	if (!c->conn)
		return;
	conn_write(c->conn, line.p, line.n);
	conn_write(c->conn, "\n", 1);
}

struct buf *
line_begin_reply(struct line_client *c)
{
	c->front->reply.len = 0;
	return &c->front->reply;
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
line_client_is_admin(const struct line_client *c)
{
	enum line_admin admin = c->front->conf.admin;

	return admin == LINE_ADMIN_ALL || (admin == LINE_ADMIN_LOCAL && c->is_near);
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
		c->owner = owner_new(&c->front->sim->owners);
	return c->owner;
}

void
line_client_bury(struct line_client *c)
{
	list_remove(&c->link);
	list_remove(&c->run_link);
	if (c->is_refused)
		c->front->n_refused--;
	else
		c->front->quota->n--;
	loop_remove(c->timer);
	if (c->owner)
		owner_unref(c->owner);
	loop_bury(c->front->loop, free, c);
}

struct line_task *
line_client_begin(struct line_client *c, line_step *step, void (*end)(struct line_client *c))
{
	struct line_front *front = c->front;

	c->task = front->spare_task ? front->spare_task : mem_alloc(sizeof *c->task);
	front->spare_task = NULL;
	memset(c->task, 0, offsetof(struct line_task, watch));
	c->task->step = step;
	c->task->end = end;
	return c->task;
}

static void
drop_task(struct line_client *c)
{
	struct line_task *task = c->task;

	c->task = NULL;
	if (c->front->spare_task)
		free(task);
	else
		c->front->spare_task = task;
}

void
line_client_end(struct line_client *c)
{
	bool was_paused = c->task->progress != LINE_DONE;

	if (c->task->has_timeout)
		c->front->n_timers--;
	c->task->end(c);
	drop_task(c);
	list_remove(&c->run_link);
	if (!c->conn) {
		line_client_bury(c);
		return;
	}
	if (c->front->is_finishing) {
		line_client_quit(c);
	} else if (was_paused) {
		conn_resume(c->conn);
		line_client_idle(c);
	}
}

static enum line_progress
held_step(struct line_client *c)
{
	(void)c;
	return LINE_AGAIN;
}

static void
held_end_cb(struct line_client *c)
{
	free(c->task->text);
}

void
line_client_hold(struct line_client *c, struct str line)
{
	struct line_task *t = line_client_begin(c, held_step, held_end_cb);

	t->needs_current = true;
	t->text = mem_copy_str(line);
	line_client_start(c);
	c->task->is_held = true;
}

/* The time of a held line has come. The connection is paused until what it asks for is done. */
static void
execute_held(struct line_client *c)
{
	char *text = c->task->text;

	drop_task(c);
	line_execute(c, str_of(text), true);
	free(text);
	if (!c->task && c->conn) {
		conn_resume(c->conn);
		line_client_idle(c);
	}
}

void
line_client_step(struct line_client *c)
{
	enum line_progress progress;

	if (c->task->is_held) {
		execute_held(c);
		return;
	}
	progress = c->task->step(c);

	switch (progress) {
	case LINE_DONE:
		line_client_end(c);
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
	if (c->task->progress == LINE_DONE && c->conn)
		conn_pause(c->conn);
	c->task->progress = progress;
}

void
line_client_start(struct line_client *c)
{
	c->task->progress = LINE_DONE; /* not paused yet */
	line_client_step(c);
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

	if (c->task) {
		c->task->has_timed_out = c->task->has_timeout;
		if (c->task->has_timeout)
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

static struct loop_event *
timer_of(struct line_client *c)
{
	if (!c->timer)
		c->timer = loop_add_timer(c->front->loop, timer_cb, c);
	return c->timer;
}

void
line_client_idle(struct line_client *c)
{
	int64_t idle = c->front->conf.idle_timeout_ns;

	if ((c->task && c->task->has_timeout) || c->is_refused)
		return;
	if (idle > 0 && !c->is_stdio)
		loop_timer_at(timer_of(c), clock_add(loop_read_clock(c->front->loop), idle));
	else if (c->timer)
		loop_timer_at(c->timer, CLOCK_NEVER);
}

void
line_client_set_timeout(struct line_client *c, int64_t timeout_ns)
{
	c->task->has_timeout = true;
	c->front->n_timers++;
	loop_timer_at(timer_of(c), clock_add(loop_read_clock(c->front->loop), timeout_ns));
}

void
line_client_watch_cb(void *ctx)
{
	struct line_client *c = ctx;

	c->front->sim->has_news = true;
	line_client_wake(c);
}

void
line_client_quit(struct line_client *c)
{
	c->has_ended = true;
	if (c->conn)
		conn_finish(c->conn);
}

void
line_client_drop(struct line_client *c)
{
	conn_close(c->conn);
	c->conn = NULL;
	line_events_stop(c);
	line_client_bury(c);
}
