/*
 * Owns the loop's side of the event log: which events become lines, or entries of the journal, the
 * chunk they are put into,
 * and what is done when the writer (eventlog_writer.c) does not keep up. It makes no system call
 * for a line. The gate's two positions are the account of what is queued: promised less reached.
 *
 * Measured with a million messages of a lognormal latency, a hundred lines each millisecond: handed
 * over at each turn, the two threads woke each other 17,000 times; with lines that nobody waits for
 * left lying for 10 ms, 9,000 times, which is once a millisecond for what falls due.
 */
#include "back/eventlog.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "back/eventlog_entry.h"
#include "back/eventlog_target.h"
#include "back/eventlog_writer.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"

/* a chunk is handed on when there may be no room in it for one more line of usual length */
#define CHUNK_FULL_BYTES (EVENTLOG_CHUNK_BYTES - 4096)
/* so much is worth waking the writer for */
#define CHUNK_WORTH_BYTES (EVENTLOG_CHUNK_BYTES / 4)
/* so many chunks are worth it within a turn */
#define CHUNKS_WORTH 4
/* with so much queued nobody shall make events; with half of it they may again */
#define CONGESTED_BYTES (16U << 20)
/* what is emitted by somebody who does not ask for congestion ends here: memory is not for them */
#define QUEUED_MAX_BYTES (32U << 20)
/* how long a target that seems to be stuck may still take: the whole process may have been stopped,
 * and then its writer has not had a chance yet */
#define DOUBT_NS 100000000LL

struct eventlog {
	struct bus *bus;
	struct loop *loop;
	struct gate *gate;
	const struct eventlog_conf *conf;
	struct bus_subscription *subscription; /* NULL while the target is none */
	/* these are NULL until there is a target */
	struct eventlog_writer *writer;
	struct loop_waker *waker;
	struct loop_event *timer;
	struct loop_event *linger;      /* hands over what nobody waits for */
	struct eventlog_chunk *current; /* what is formatted and not handed on; or NULL */
	unsigned n_handed;              /* chunks since the writer was woken */
	uint64_t base;                  /* the gate's position when the writer started */
	int64_t moved_ns;    /* the writer moved, or got something to write after a rest */
	uint64_t lost, told; /* lines, ever; and of those the ones that were reported */
	int error;           /* what keeps the writer, as it said last */
	bool is_journal;     /* the current chunk, and those to come, are of entries */
	bool is_timed;       /* the timer is armed */
	bool is_lingering;   /* …and linger */
	bool is_doubted;     /* seems not to move: a last look is due */
	bool is_stalled;
	bool is_congested;
};

static uint64_t
queued_bytes(const struct eventlog *log)
{
	return log->gate->promised - log->gate->reached;
}

static void
update_congestion(struct eventlog *log)
{
	uint64_t bound = log->is_congested ? CONGESTED_BYTES / 2 : CONGESTED_BYTES;
	bool is_congested = !log->is_stalled && queued_bytes(log) > bound;

	if (is_congested == log->is_congested)
		return;
	log->is_congested = is_congested;
	bus_set_congested(log->bus, is_congested);
}

static void
tell_lost(struct eventlog *log)
{
	if (log->lost == log->told)
		return;
	diag_warning(
	    "log target %s: %" PRIu64 " lines were lost", log->conf->target, log->lost - log->told);
	log->told = log->lost;
}

/* Takes over what the writer has done since. */
static void
collect(struct eventlog *log)
{
	struct eventlog_report r;

	eventlog_writer_collect(log->writer, &r);
	if (r.moved_ns > log->moved_ns)
		log->moved_ns = r.moved_ns;
	if (log->is_stalled && log->base + r.reached > log->gate->reached) {
		log->is_stalled = false;
		eventlog_writer_watch(log->writer, false);
		diag_info("log target %s moves again", log->conf->target);
		tell_lost(log);
	}
	gate_reach(log->gate, log->base + r.reached, loop_read_clock(log->loop));
	log->error = r.error;
	if (r.error != 0)
		gate_give_up(log->gate);
	if (r.reopen_errors > 0)
		diag_error("log target %s cannot be opened again (%s); the old one is kept",
		    log->conf->target, r.reopen_why);
	update_congestion(log);
	/* what was beyond all bounds is told when that is over, not bit by bit */
	if (!log->is_stalled && !log->is_congested)
		tell_lost(log);
}

/* In the writer's thread. */
static void
writer_wake_cb(void *ctx)
{
	struct eventlog *log = ctx;

	loop_wake(log->waker);
}

static void
declare_stalled(struct eventlog *log)
{
	const char *reason = log->error ? strerrordesc_np(log->error) : "a write does not return";

	diag_error("log target %s does not move (%s); events are dropped and counted until it does",
	    log->conf->target, reason ? reason : "unknown error");
	log->is_stalled = true;
	eventlog_writer_watch(log->writer, true);
	update_congestion(log);
}

/*
 * Armed once when something is queued, not moved at every turn: when it fires, what is left of the
 * timeout since the last movement is seen, and with nothing queued it rests.
 */
static void
set_timer(struct eventlog *log)
{
	if (log->is_timed || log->is_stalled || queued_bytes(log) == 0)
		return;
	log->is_timed = true;
	loop_timer_at(log->timer, clock_add(log->moved_ns, log->conf->stall_timeout_ns));
}

static void
wake_cb(void *ctx)
{
	struct eventlog *log = ctx;

	collect(log);
	set_timer(log);
}

static void
timer_cb(void *ctx)
{
	struct eventlog *log = ctx;
	bool is_late;

	log->is_timed = false;
	collect(log);
	is_late = queued_bytes(log) > 0 && !log->is_stalled &&
	    loop_now(log->loop) >= clock_add(log->moved_ns, log->conf->stall_timeout_ns);
	if (is_late && log->is_doubted)
		declare_stalled(log);
	log->is_doubted = is_late && !log->is_doubted;
	if (log->is_doubted) {
		log->is_timed = true;
		loop_timer_at(log->timer, clock_add(loop_now(log->loop), DOUBT_NS));
	}
	set_timer(log);
}

/* The writer begins now: all that it gets is older than the chunk that is being filled. */
static void
note_handed(struct eventlog *log)
{
	uint64_t kept = log->current ? log->current->lines.len : 0;

	gate_hand_over(log->gate, log->gate->promised - kept, loop_read_clock(log->loop));
	log->n_handed = 0;
}

static void
wake_writer(struct eventlog *log)
{
	note_handed(log);
	eventlog_writer_go(log->writer);
}

static void
hand_over(struct eventlog *log)
{
	eventlog_writer_put(log->writer, log->current);
	log->current = NULL;
	if (++log->n_handed >= CHUNKS_WORTH)
		wake_writer(log);
	set_timer(log);
}

static void
linger_cb(void *ctx)
{
	struct eventlog *log = ctx;

	log->is_lingering = false;
	if (log->current) {
		hand_over(log);
		wake_writer(log);
	}
}

static struct eventlog_chunk *
new_chunk(struct eventlog *log)
{
	struct eventlog_chunk *c = eventlog_writer_chunk(log->writer);

	c->is_entries = log->is_journal;
	return c;
}

static struct eventlog_chunk *
open_chunk(struct eventlog *log)
{
	if (!log->current)
		log->current = eventlog_writer_reclaim(log->writer);
	if (log->current && log->current->lines.len >= CHUNK_FULL_BYTES)
		hand_over(log);
	if (!log->current)
		log->current = new_chunk(log);
	return log->current;
}

static void
format_line(const struct eventlog *log, struct buf *b, const struct event *ev)
{
	switch (log->conf->style) {
	case EVENT_TEXT:
		bus_add_text(log->bus, ev, b);
		break;
	case EVENT_JSON:
		bus_add_json(log->bus, ev, b);
		break;
	case EVENT_TEMPLATE:
		event_format_template(b, log->conf->templates[ev->kind], ev);
		break;
	case EVENT_STYLES:
		abort();
	}
}

static void
add_event(const struct eventlog *log, struct buf *b, const struct event *ev)
{
	size_t begin;

	if (log->is_journal) {
		begin = eventlog_entry_begin(b);
		format_line(log, b, ev);
		eventlog_entry_end(b, begin, ev);
	} else {
		format_line(log, b, ev);
		buf_add_char(b, '\n');
	}
}

static bool
is_logged(const struct eventlog_conf *conf, enum event_kind kind)
{
	return (conf->events & 1U << kind) &&
	    (conf->style != EVENT_TEMPLATE || conf->templates[kind]);
}

static void
event_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	struct eventlog *log = ctx;
	struct eventlog_chunk *c;
	size_t before;

	(void)bus;
	if (!is_logged(log->conf, ev->kind))
		return;
	if (log->is_stalled || queued_bytes(log) > QUEUED_MAX_BYTES) {
		log->lost++;
		return;
	}
	c = open_chunk(log);
	before = c->lines.len;
	add_event(log, &c->lines, ev);
	if (queued_bytes(log) == 0)
		log->moved_ns = loop_read_clock(log->loop);
	gate_promise(log->gate, c->lines.len - before, loop_now(log->loop));
	if (c->lines.len >= CHUNK_FULL_BYTES)
		hand_over(log);
	update_congestion(log);
}

/* Puts a command into the stream: for it a chunk begins. One that is there already without any
 * line is replaced, so commands do not pile up before a target that does not move. */
static void
put_command(struct eventlog *log, enum eventlog_command command, struct eventlog_target *target)
{
	struct eventlog_chunk *c = open_chunk(log);
	/* what is to be switched to was opened before, and may have been moved away since */
	bool is_after_switch = command == EVENTLOG_REOPEN && c->command == EVENTLOG_SWITCH;

	if (c->lines.len > 0 || is_after_switch) {
		hand_over(log);
		log->current = c = new_chunk(log);
	}
	eventlog_target_free(c->target);
	c->command = command;
	c->target = target;
	if (target)
		c->is_entries = log->is_journal = target->is_journal;
}

static void
switch_target(struct eventlog *log, struct eventlog_target *target)
{
	if (target->fd == -1 && !log->writer) {
		eventlog_target_free(target);
		return;
	}
	if (!log->writer) {
		log->waker = loop_add_waker(log->loop, wake_cb, log);
		log->timer = loop_add_timer(log->loop, timer_cb, log);
		log->linger = loop_add_timer(log->loop, linger_cb, log);
		log->base = log->gate->promised;
		log->writer = eventlog_writer_start(writer_wake_cb, log);
	}
	if (log->subscription && target->fd == -1) {
		bus_unsubscribe(log->bus, log->subscription);
		log->subscription = NULL;
	} else if (!log->subscription && target->fd != -1) {
		/* to all kinds: a new mask must not cost us our place among the subscribers */
		log->subscription = bus_subscribe(log->bus, EVENT_MASK_ALL, event_cb, log);
	}
	put_command(log, EVENTLOG_SWITCH, target);
}

struct eventlog *
eventlog_start(struct bus *bus, struct loop *loop, struct gate *gate,
    const struct eventlog_conf *conf, struct eventlog_target *target)
{
	struct eventlog *log = mem_alloc(sizeof *log);

	log->bus = bus;
	log->loop = loop;
	log->gate = gate;
	eventlog_reconfigure(log, conf, target);
	return log;
}

void
eventlog_reconfigure(
    struct eventlog *log, const struct eventlog_conf *conf, struct eventlog_target *target)
{
	log->conf = conf;
	if (target)
		switch_target(log, target);
}

void
eventlog_reopen(struct eventlog *log)
{
	if (log->subscription)
		put_command(log, EVENTLOG_REOPEN, NULL);
}

/* What is written by now need not wait for the next turn. */
static void
wake_and_look(struct eventlog *log)
{
	bool was_congested = log->is_congested;

	note_handed(log);
	if (!eventlog_writer_go_and_look(log->writer))
		return;
	collect(log);
	/* who waited for room goes on in a turn */
	if (was_congested && !log->is_congested)
		loop_want_turn(log->loop);
}

void
eventlog_flush(struct eventlog *log, bool is_awaited)
{
	bool is_worth =
	    log->current && (is_awaited || log->current->lines.len >= CHUNK_WORTH_BYTES);

	if (is_worth)
		hand_over(log);
	if (log->n_handed > 0)
		wake_and_look(log);
	if (log->current && !log->is_lingering) {
		log->is_lingering = true;
		loop_timer_at(
		    log->linger, clock_add(loop_read_clock(log->loop), EVENTLOG_LINGER_NS));
	}
}

uint64_t
eventlog_lost(const struct eventlog *log)
{
	return log->lost;
}

uint64_t
eventlog_stop(struct eventlog *log, int64_t patience_ns)
{
	uint64_t lost;
	bool is_torn = false;

	if (log->subscription)
		bus_unsubscribe(log->bus, log->subscription);
	if (log->writer) {
		eventlog_flush(log, true);
		log->lost += eventlog_writer_stop(log->writer, patience_ns, &is_torn);
		loop_remove(log->timer);
		loop_remove(log->linger);
		loop_waker_free(log->waker);
		gate_reach(log->gate, log->gate->promised, loop_now(log->loop));
	}
	if (is_torn)
		diag_warning("log target %s: the last line is cut off", log->conf->target);
	if (log->is_congested)
		bus_set_congested(log->bus, false);
	lost = log->lost;
	free(log);
	return lost;
}
