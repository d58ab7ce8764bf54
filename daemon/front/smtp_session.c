/*
 * Owns a session: how its octets become commands, what it waits for, its faults, its deadline and
 * its end. Invariants: a session that waits for something has its connection paused, and a step to
 * go on with; it is freed once, after the turn, when its connection is gone and nothing of it is
 * being accepted.
 */
#include "front/smtp_session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

#define REPLY_OCTETS 512 /* with its CRLF (RFC 5321 §4.5.3.1.5) */

/* A deadline is moved on by so many octets of data, so that who trickles them has it pass. */
#define PROGRESS_OCTETS 4096

/* write_cb: conn_write() or conn_write_early() */
static void
send_line(struct smtp_session *s, struct str line,
    void (*write_cb)(struct conn *c, const void *data, size_t n))
{
	char reply[REPLY_OCTETS];

	line = str_head(line, sizeof reply - 2);
	memcpy(reply, line.p, line.n);
	memcpy(reply + line.n, "\r\n", 2);
	if (s->conn)
		write_cb(s->conn, reply, line.n + 2);
}

void
smtp_reply(struct smtp_session *s, const char *format, ...)
{
	char line[REPLY_OCTETS];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	if (n < 0)
		abort();
	send_line(s, (struct str){ line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1 },
	    conn_write_early);
}

void
smtp_say(struct smtp_session *s, struct str line)
{
	send_line(s, line, conn_write_early);
}

void
smtp_answer(struct smtp_session *s, struct str line)
{
	send_line(s, line, conn_write);
}

void
smtp_reply_refusal(struct smtp_session *s, const struct smtp_refusal *refusal)
{
	smtp_reply(s, "%u %s %s", refusal->code, refusal->dsn, refusal->text);
}

struct owner *
smtp_session_owner(struct smtp_session *s)
{
	if (!s->owner)
		s->owner = owner_new(&s->front->sim->owners);
	return s->owner;
}

static void
end_auth(struct smtp_session *s)
{
	if (!s->auth)
		return;
	smtp_auth_fini(s->auth);
	free(s->auth);
	s->auth = NULL;
}

void
smtp_session_bury(struct smtp_session *s)
{
	if (s->is_buried)
		return;
	s->is_buried = true;
	s->step = NULL;
	alarm_stop(s->front->sim, &s->alarm);
	smtp_mail_drop(s);
	smtp_verdict_drop(s);
	end_auth(s);
	free(s->held);
	s->held = NULL;
	list_remove(&s->link);
	list_remove(&s->wait_link);
	if (s->is_refused)
		s->front->n_refused--;
	else
		s->front->quota->n--;
	loop_remove(s->timer);
	if (s->owner)
		owner_unref(s->owner);
	loop_bury(s->front->loop, free, s);
}

void
smtp_session_quit(struct smtp_session *s)
{
	s->has_ended = true;
	s->deadline_ns = CLOCK_NEVER;
	if (s->conn)
		conn_finish(s->conn);
}

/* What was answered before leaves first, as it would have if the client had waited for it. */
void
smtp_session_drop(struct smtp_session *s)
{
	if (s->conn && conn_backlog(s->conn) > 0) {
		smtp_session_quit(s);
		return;
	}
	s->has_ended = true;
	if (s->conn)
		conn_close(s->conn);
	s->conn = NULL;
	smtp_session_bury(s);
}

/* What the client owes is due one timeout from now. */
static void
expect(struct smtp_session *s)
{
	s->progress = 0;
	s->deadline_ns = clock_add(loop_now(s->front->loop), s->front->conf.timeout_ns);
}

/* The timer looks at the deadline when it fires, which is cheaper than to move it with each
 * command. */
static void
timer_cb(void *ctx)
{
	struct smtp_session *s = ctx;
	int64_t now = loop_read_clock(s->front->loop), at = s->deadline_ns;

	if (at <= now) {
		smtp_reply(s, "421 4.4.2 %s Timeout", s->front->hostname);
		smtp_session_quit(s);
		return;
	}
	/* nothing is owed now: looked at again when something may be overdue */
	if (at == CLOCK_NEVER)
		at = clock_add(now, s->front->conf.timeout_ns);
	loop_timer_at(s->timer, at);
}

static void
alarm_cb(void *ctx)
{
	struct smtp_session *s = ctx;

	list_remove(&s->wait_link);
	list_add_tail(&s->front->waiting[SMTP_WAIT_TURN], &s->wait_link);
	loop_want_turn(s->front->loop);
}

struct smtp_session *
smtp_session_new(struct smtp_front *front, const struct smtp_dialect *dialect, int fd)
{
	struct smtp_session *s = mem_alloc(sizeof *s);

	s->front = front;
	s->dialect = dialect;
	s->phase = SMTP_PHASE_NEW;
	s->alarm.ring_cb = alarm_cb;
	s->alarm.ctx = s;
	s->deadline_ns = CLOCK_NEVER;
	list_init(&s->wait_link);
	list_add_tail(&front->sessions, &s->link);
	s->conn = conn_new(front->conns, fd, s);
	return s;
}

static void
pause_input(struct smtp_session *s)
{
	s->deadline_ns = CLOCK_NEVER;
	if (s->is_paused || !s->conn)
		return;
	s->is_paused = true;
	conn_pause(s->conn);
}

void
smtp_session_wait(struct smtp_session *s, enum smtp_wait what, smtp_step *step)
{
	s->step = step;
	pause_input(s);
	list_remove(&s->wait_link);
	list_add_tail(&s->front->waiting[what], &s->wait_link);
	if (what == SMTP_WAIT_TURN || what == SMTP_WAIT_PRESENT)
		loop_want_turn(s->front->loop);
}

void
smtp_session_hang(struct smtp_session *s, smtp_step *step)
{
	s->step = step;
	s->is_silent = true;
	s->deadline_ns = CLOCK_NEVER;
	/* read on, so that the end of the client is seen */
	if (s->is_paused && s->conn)
		conn_resume(s->conn);
	s->is_paused = false;
}

void
smtp_session_sleep(struct smtp_session *s, int64_t delay_ns, smtp_step *step)
{
	if (delay_ns <= 0) {
		step(s);
		return;
	}
	s->step = step;
	pause_input(s);
	alarm_set(s->front->sim, &s->alarm, delay_ns);
	/* the timer of the schedule is armed at the end of a turn */
	loop_want_turn(s->front->loop);
}

/* It waits for nothing any more: commands go on, or it is over. */
static void
settle(struct smtp_session *s)
{
	if (s->step || s->is_buried)
		return;
	free(s->held);
	s->held = NULL;
	s->argument = (struct str){ NULL, 0 };
	if (!s->conn) {
		smtp_session_bury(s);
		return;
	}
	if (s->front->is_finishing && !s->has_ended)
		smtp_session_finish(s);
	if (s->has_ended)
		return;
	expect(s);
	if (s->is_paused)
		conn_resume(s->conn);
	s->is_paused = false;
}

void
smtp_session_run(struct smtp_session *s)
{
	smtp_step *step = s->step;

	s->step = NULL;
	if (step)
		step(s);
	settle(s);
}

/* total: counts how many there were of all sessions */
static struct smtp_fault_place
next_place(struct smtp_session *s, enum smtp_stage stage, uint64_t *total)
{
	smtp_front_follow(s->front);
	return (struct smtp_fault_place){
		.seed = s->front->sim->seed,
		.session = s->number,
		.stage = stage,
		.count = s->counts[stage],
		.total = ++*total,
	};
}

void
smtp_stage_begin(struct smtp_session *s, enum smtp_stage stage, smtp_step *step)
{
	struct smtp_front *front = s->front;
	struct smtp_fault_place at;

	s->counts[stage]++;
	at = next_place(s, stage, &front->totals[stage]);
	smtp_fault_draw(&front->conf.faults[stage], &at, &s->fault);
	if (s->fault.delay_ns > 0 && s->argument.p && !s->held) {
		s->held = mem_copy_str(s->argument);
		s->argument = (struct str){ s->held, s->argument.n };
	}
	smtp_session_sleep(s, s->fault.delay_ns, step);
}

bool
smtp_stage_passes(struct smtp_session *s, enum smtp_stage stage, uint32_t replies)
{
	const char *reply = s->front->conf.faults[stage].fail.reply;

	if (s->fault.is_dropped) {
		smtp_session_drop(s);
		return false;
	}
	if (!s->fault.is_failed || !reply)
		return true;
	while (replies-- > 0)
		smtp_reply(s, "%s", reply);
	if (strncmp(reply, "421", 3) == 0)
		smtp_session_quit(s);
	return false;
}

bool
smtp_stage_drops_after(struct smtp_session *s, enum smtp_stage stage)
{
	struct smtp_fault_place at = next_place(s, stage, &s->front->totals_passed[stage]);

	return smtp_fault_drops_after(&s->front->conf.faults[stage], &at);
}

static void
greet_step(struct smtp_session *s)
{
	if (!smtp_stage_passes(s, SMTP_STAGE_CONNECT, 1))
		s->is_unwelcome = true;
	else if (smtp_verdict_passes(s, SMTP_STAGE_CONNECT))
		smtp_reply(s, "220 %s %s mailsimd", s->front->hostname, s->dialect->name);
}

void
smtp_session_greet(struct smtp_session *s)
{
	s->timer = loop_add_timer(s->front->loop, timer_cb, s);
	loop_timer_at(
	    s->timer, clock_add(loop_read_clock(s->front->loop), s->front->conf.timeout_ns));
	s->argument = (struct str){ NULL, 0 };
	smtp_stage_begin(s, SMTP_STAGE_CONNECT, greet_step);
	settle(s);
}

/* A line that is too long is skipped to its end and answered then. */
static size_t
take_overlong(struct smtp_session *s, struct str octets)
{
	size_t n = str_find(octets, '\n');

	if (!s->is_skipping && smtp_parse_is_http(octets)) {
		smtp_session_drop(s);
		return octets.n;
	}
	s->is_skipping = true;
	if (n == octets.n)
		return n;
	s->is_skipping = false;
	smtp_reply(s, "500 5.5.2 A line has at most %d octets with its end", SMTP_LINE_MAX);
	end_auth(s);
	s->input = SMTP_INPUT_COMMANDS;
	return n + 1;
}

static size_t
take_line(struct smtp_session *s, struct str octets)
{
	size_t n = str_find(octets, '\n'), used = n + 1;
	struct str line = str_head(octets, n);

	if (s->is_skipping || (n == octets.n ? n : used) >= SMTP_LINE_MAX + (n < octets.n))
		return take_overlong(s, octets);
	if (n == octets.n)
		return 0;
	if (n > 0 && line.p[n - 1] == '\r')
		line.n--;
	s->has_spoken = true;
	if (s->input == SMTP_INPUT_AUTH)
		smtp_auth_line(s, line);
	else
		smtp_execute(s, line);
	return used;
}

static size_t
take_data(struct smtp_session *s, struct str octets)
{
	size_t used = smtp_mail_feed(s, octets);

	s->progress += used;
	if (s->progress >= PROGRESS_OCTETS && s->input == SMTP_INPUT_DATA)
		expect(s);
	return used;
}

size_t
smtp_session_octets(struct smtp_session *s, struct str octets)
{
	enum smtp_input before = s->input;
	size_t used;

	if (s->has_ended || s->is_silent)
		return octets.n;
	used = s->input == SMTP_INPUT_DATA ? take_data(s, octets) : take_line(s, octets);
	/* a command or the data are over: the next one has its own time */
	if (used > 0 && !s->is_skipping && (before != SMTP_INPUT_DATA || s->input != before))
		settle(s);
	return used;
}

void
smtp_session_ended(struct smtp_session *s)
{
	smtp_session_quit(s);
}

void
smtp_session_secured(struct smtp_session *s, bool is_good)
{
	if (!is_good)
		return; /* closed comes next */
	/* what was said before is forgotten (RFC 3207 §4.2) */
	smtp_mail_drop(s);
	s->phase = SMTP_PHASE_NEW;
	s->is_authenticated = false;
	expect(s);
}

void
smtp_session_closed(struct smtp_session *s)
{
	s->conn = NULL;
	s->has_ended = true;
	if (!smtp_mail_is_under_way(s))
		smtp_session_bury(s);
}

void
smtp_session_finish(struct smtp_session *s)
{
	if (s->has_ended)
		return;
	smtp_reply(s, "421 4.3.2 %s The daemon stops", s->front->hostname);
	s->step = NULL;
	alarm_stop(s->front->sim, &s->alarm);
	list_remove(&s->wait_link);
	smtp_mail_drop(s);
	smtp_session_quit(s);
}
