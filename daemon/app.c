/*
 * Owns all the parts and is the only file that knows them all. Invariant: at the end of each turn
 * commands go on first, then the log is handed what happened, and only then do replies leave; what
 * the log gathers for a moment, the gate holds back.
 */
#include "app.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "back/work.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/terms.h"
#include "fronts.h"
#include "service.h"

#define LAST_CALL_NS (500 * TEXT_NS_PER_MS)
#define FAREWELL_NS TEXT_NS_PER_S /* for the last replies to leave */
/* What gathering may cost a reply, and how many callbacks a turn must bring so that replies gather:
 * ten SMTP sessions bring about that many, and with fewer the turns cost what the log saves. */
#define GATHER_NS (200 * TEXT_NS_PER_US)
#define GATHER_CALLBACKS 3
#define SPARE_NS (5 * TEXT_NS_PER_S)
#define HASTE_NS (200 * TEXT_NS_PER_MS) /* for the log, when the end is to be at once */

enum phase {
	PHASE_RUNNING,
	PHASE_LAST_CALL, /* nobody new; who came just before is heard */
	PHASE_DRAINING,  /* nothing new; what falls due goes on */
	PHASE_LEAVING,   /* the last replies leave */
};

struct app {
	const struct app_options *options;
	struct settings *settings;
	struct loop *loop;
	struct simulator *sim;
	struct gate gate;
	struct eventlog *log;
	struct work *work;
	struct fronts fronts;
	struct service *service;
	struct loop_event *schedule_timer; /* the one timer of all deliveries, and of the gate */
	struct loop_event *phase_timer;    /* ends the drain, then the leaving */
	struct loop_event *signals[5];
	enum phase phase;
	int64_t wanted_ns;       /* when the simulator next wants to run by itself */
	int64_t gather_until_ns; /* replies wait for others till then; 0: none does */
	int64_t drain_until_ns;
	bool is_over;  /* the phase's time is up */
	bool is_hasty; /* a second signal: end at once */
	bool is_stuck; /* nothing can happen any more */
	bool is_misconfigured;
};

static uint64_t
random_number(void)
{
	uint64_t n;

	if (getrandom(&n, sizeof n, 0) != sizeof n)
		abort();
	return n;
}

/* Whether simulated time may jump now: in a program with one client, only while that one waits or
 * asks nothing more, so that a run does not depend on how fast its input comes. */
static bool
may_jump(const struct app *app)
{
	if (!app->sim->clock.is_max)
		return false;
	return !app->options->is_stdio || app->phase != PHASE_RUNNING ||
	    line_front_is_waiting(app->fronts.line) || line_front_is_ended(app->fronts.line);
}

/* Whether there is somewhere to jump to. */
static bool
can_jump(const struct app *app)
{
	return may_jump(app) && simulator_has_next(app->sim) && !bus_is_congested(&app->sim->bus);
}

static void
run_simulator(struct app *app)
{
	struct simulator *sim = app->sim;
	int64_t now = loop_read_clock(app->loop);

	/* in turns that others made nothing is fired that has still time to be fired with more */
	if (now < app->wanted_ns && clock_is_running(&sim->clock))
		return;
	if (!simulator_run(sim, now, SIMULATOR_SLICE)) {
		if (!bus_is_congested(&sim->bus))
			loop_want_turn(app->loop);
		return;
	}
	/* only when nothing else is to be done */
	if (can_jump(app) && loop_was_idle(app->loop) && !fronts_has_work(&app->fronts))
		simulator_jump(sim, now, SIMULATOR_SLICE, fronts_wants_room(&app->fronts));
}

static void
arm_schedule_timer(struct app *app)
{
	int64_t at = gate_deadline(&app->gate);

	app->wanted_ns = simulator_deadline(app->sim);
	if (app->wanted_ns < at && !bus_is_congested(&app->sim->bus))
		at = app->wanted_ns;
	loop_timer_at(app->schedule_timer, at);
}

/* The turn's end does what is to be done; the timer only sees to it that there is one. */
static void
turn_cb(void *ctx)
{
	(void)ctx;
}

static uint64_t
pending(const struct app *app)
{
	return counts_pending(&app->sim->tally.counts);
}

/* The last replies may take what is left of the drain's time, but a moment in any case. */
static void
leave(struct app *app)
{
	int64_t until = clock_add(loop_read_clock(app->loop), FAREWELL_NS);

	app->phase = PHASE_LEAVING;
	app->is_over = false;
	fronts_finish(&app->fronts);
	if (app->drain_until_ns > until)
		until = app->drain_until_ns;
	loop_timer_at(app->phase_timer, until);
}

/* The drain, the last replies, the log's rest, and a little for what else there is. */
static int64_t
longest_end(const struct app *app)
{
	return clock_add(app->settings->drain_timeout_ns,
	    clock_add(app->settings->line.stall_timeout_ns, FAREWELL_NS + SPARE_NS));
}

static void
drain(struct app *app)
{
	diag_info("draining %lu messages", pending(app));
	app->sim->is_draining = true;
	app->phase = PHASE_DRAINING;
	app->is_over = false;
	app->drain_until_ns =
	    clock_add(loop_read_clock(app->loop), app->settings->drain_timeout_ns);
	loop_timer_at(app->phase_timer, app->drain_until_ns);
	service_stopping(app->service, longest_end(app));
}

/* Whether nothing more can fall due before the drain's time is up. */
static bool
is_drained(struct app *app, int64_t until)
{
	struct simulator *sim = app->sim;

	if (app->is_over || (pending(app) == 0 && alarms_next(&sim->alarms) == CLOCK_NEVER))
		return true;
	if (bus_is_congested(&sim->bus))
		return false;
	return !simulator_has_by(sim, until);
}

/* With --stdio: all is asked, answered and final. */
static bool
is_stdio_done(const struct app *app)
{
	return app->options->is_stdio && app->fronts.quota.n == 0 && pending(app) == 0 &&
	    pump_is_done(app->fronts.pump);
}

/* With --stdio: whoever waits, waits for ever, since time does not run and nobody else can come. */
static bool
is_stuck(struct app *app)
{
	struct simulator *sim = app->sim;

	if (!app->options->is_stdio || line_front_is_busy(app->fronts.line) || sim->needs_refill ||
	    bus_is_congested(&sim->bus))
		return false;
	if (!line_front_is_waiting(app->fronts.line) &&
	    !(line_front_is_ended(app->fronts.line) && pending(app) > 0))
		return false;
	return sim->clock.is_max ? !simulator_has_next(sim)
				 : simulator_deadline(sim) == CLOCK_NEVER;
}

static void
check_phase(struct app *app)
{
	switch (app->phase) {
	case PHASE_RUNNING:
		if (is_stdio_done(app)) {
			loop_stop(app->loop);
		} else if (is_stuck(app)) {
			diag_error("nothing can happen any more: %lu messages are pending and %s",
			    pending(app),
			    app->sim->schedule.n > 0 ? "the clock stands still"
						     : "nothing is scheduled");
			app->is_stuck = true;
			leave(app);
			loop_want_turn(app->loop);
		}
		break;
	case PHASE_LAST_CALL:
		if (app->is_over || !fronts_has_silent(&app->fronts)) {
			drain(app);
			loop_want_turn(app->loop);
		}
		break;
	case PHASE_DRAINING:
		if (is_drained(app, app->drain_until_ns)) {
			leave(app);
			loop_want_turn(app->loop);
		}
		break;
	case PHASE_LEAVING:
		if (app->is_over || fronts_have_left(&app->fronts))
			loop_stop(app->loop);
		break;
	}
}

/* Who could only be alone is not kept waiting, nor anybody once turns bring but a few: to look for
 * one more costs as much as it saves. */
static bool
may_gather(const struct app *app)
{
	return app->phase == PHASE_RUNNING && !may_jump(app) &&
	    loop_callbacks(app->loop) >= GATHER_CALLBACKS &&
	    !gate_is_passable(&app->gate, app->gate.promised) && fronts_may_gather(&app->fronts);
}

/* Replies wait another turn for others, if that is worth it; whether they do. So the log's thread
 * is woken, which is as dear as a request, once for all who have something to say just now. */
static bool
gather_replies(struct app *app)
{
	int64_t now;

	if (may_gather(app)) {
		now = loop_read_clock(app->loop);
		if (app->gather_until_ns == 0)
			app->gather_until_ns = clock_add(now, GATHER_NS);
		if (now < app->gather_until_ns)
			return true;
	}
	app->gather_until_ns = 0;
	return false;
}

static void
turn_end_cb(void *ctx)
{
	struct app *app = ctx;

	run_simulator(app);
	fronts_work(&app->fronts);
	if (gather_replies(app)) {
		loop_want_turn(app->loop);
	} else {
		eventlog_flush(app->log, fronts_awaits_log(&app->fronts));
		gate_check(&app->gate, loop_now(app->loop));
	}
	fronts_flush(&app->fronts);
	check_phase(app);
	service_update(app->service);
	arm_schedule_timer(app);
	/* the next turn jumps if it finds nothing else to do, so it must not wait for anything */
	if (can_jump(app))
		loop_want_turn(app->loop);
}

static void
phase_over_cb(void *ctx)
{
	struct app *app = ctx;

	app->is_over = true;
}

static void
stop_cb(void *ctx, int signo)
{
	struct app *app = ctx;

	if (app->phase != PHASE_RUNNING) {
		diag_warning("%s again: ending at once", strsignal(signo));
		app->is_hasty = true;
		loop_stop(app->loop);
		return;
	}
	diag_info("%s: no more connections", strsignal(signo));
	fronts_close_listeners(&app->fronts);
	app->phase = PHASE_LAST_CALL;
	loop_timer_at(app->phase_timer, clock_add(loop_read_clock(app->loop), LAST_CALL_NS));
}

/* All of the new settings, or, with every problem said, none of them. NULL in the latter case. */
static struct settings *
load_again(struct app *app, struct eventlog_target **target, struct conf_problems *problems)
{
	struct settings *fresh =
	    settings_load(&app->options->sources, app->options->is_stdio, problems);
	const char *why;

	if (fresh && !conf_check_fixed(&settings_table, app->settings, fresh, problems)) {
		settings_free(fresh);
		fresh = NULL;
	}
	if (fresh && strcmp(fresh->log.target, app->settings->log.target) != 0) {
		*target = eventlog_target_open(fresh->log.target, &why);
		if (!*target) {
			conf_problem(problems, "log.target: %s: %s", fresh->log.target, why);
			settings_free(fresh);
			fresh = NULL;
		}
	}
	if (!fresh) {
		conf_problems_tell(problems, diag_error);
		diag_error("reload failed, nothing has changed: %u problem%s", problems->count,
		    problems->count == 1 ? "" : "s");
	}
	return fresh;
}

static void
change_settings(struct app *app, struct settings *fresh, struct eventlog_target *target)
{
	size_t gone;

	diag_configure(&fresh->diag);
	fronts_configure(&app->fronts, fresh);
	eventlog_reconfigure(app->log, &fresh->log, target);
	simulator_run(app->sim, loop_read_clock(app->loop), SIMULATOR_SLICE);
	gone = simulator_configure(app->sim, &fresh->simulator);
	if (gone > 0)
		diag_warning("%zu rules are off: their outcomes are gone", gone);
	work_set_enabled(app->work, delivery_conf_has_work(fresh->simulator.delivery));
	settings_free(app->settings);
	app->settings = fresh;
	diag_info("reloaded");
}

static void
reload_cb(void *ctx, int signo)
{
	struct app *app = ctx;
	struct eventlog_target *target = NULL;
	struct conf_problems problems = { 0 };
	struct settings *fresh;

	(void)signo;
	if (app->phase != PHASE_RUNNING) {
		diag_warning("not reloaded: the daemon stops");
		return;
	}
	service_reloading(app->service);
	fresh = load_again(app, &target, &problems);
	if (fresh)
		change_settings(app, fresh, target);
	service_reloaded(app->service, buf_str(&problems.lines));
	conf_problems_fini(&problems);
}

static void
reopen_cb(void *ctx, int signo)
{
	struct app *app = ctx;

	(void)signo;
	diag_info("reopening the log");
	eventlog_reopen(app->log);
}

/* For the status text that systemd shows. */
static void
look_cb(void *ctx, struct service_view *out)
{
	static const char *const doing[] = {
		[PHASE_RUNNING] = "accepting",
		[PHASE_LAST_CALL] = "stopping",
		[PHASE_DRAINING] = "draining",
		[PHASE_LEAVING] = "stopping",
	};
	const struct app *app = ctx;

	out->doing = doing[app->phase];
	out->counts = &app->sim->tally.counts;
	out->connections = app->fronts.quota.n;
}

static void
add_stats(void *ctx, struct buf *b)
{
	const struct app *app = ctx;

	buf_printf(b, " log_lost=%lu", eventlog_lost(app->log));
	work_add_stats(app->work, b);
	loop_add_stats(app->loop, b);
}

/* What a dispatch costs. */
static int64_t
amount_of(const struct event *ev)
{
	return terms_work(ev->message);
}

static struct work *
start_work(struct app *app)
{
	const struct settings *s = app->settings;
	struct buf why = { 0 };
	struct work *work = work_start(&app->sim->bus, (unsigned)s->work_threads, amount_of, &why);

	if (work)
		work_set_enabled(work, delivery_conf_has_work(s->simulator.delivery));
	else
		diag_error("%.*s", STR_ARG(buf_str(&why)));
	buf_fini(&why);
	return work;
}

static void
add_signals(struct app *app)
{
	app->signals[0] = loop_add_signal(app->loop, SIGTERM, stop_cb, app);
	app->signals[1] = loop_add_signal(app->loop, SIGINT, stop_cb, app);
	app->signals[2] = loop_add_signal(app->loop, SIGHUP, reload_cb, app);
	app->signals[3] = loop_add_signal(app->loop, SIGUSR1, reopen_cb, app);
	/* a reader that is gone and a file-size limit are errors of one write, not our end */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static void
add_timers(struct app *app)
{
	app->schedule_timer = loop_add_timer(app->loop, turn_cb, app);
	app->phase_timer = loop_add_timer(app->loop, phase_over_cb, app);
	app->service = service_new(app->loop, look_cb, app);
}

static void
tell_ready(struct app *app)
{
	struct buf b = { 0 };

	fronts_format(&app->fronts, &b);
	diag_info("ready%.*s pid=%d seed=%lu", (int)b.len, b.data ? b.data : "", (int)getpid(),
	    app->sim->seed);
	buf_fini(&b);
	service_ready(app->service);
}

/* What only start-up may fail at. */
static bool
start(struct app *app)
{
	const struct settings *s = app->settings;
	const struct line_env env = { MAILSIMD_VERSION, add_stats, app };
	struct eventlog_target *target;
	const char *why;

	app->loop = loop_new();
	if (!app->loop) {
		diag_error("the event loop cannot start: %s", strerror(errno));
		return false;
	}
	if (!fronts_open(&app->fronts, app->loop, s, app->options->is_stdio))
		return false;
	target = eventlog_target_open(s->log.target, &why);
	if (!target) {
		diag_error("log.target: %s: %s", s->log.target, why);
		/* a path may be there the next time */
		app->is_misconfigured = strcmp(s->log.target, "journal") == 0;
		return false;
	}
	add_signals(app);
	add_timers(app);
	app->sim = simulator_new(&s->simulator, &s->clock,
	    s->is_seed_random ? random_number() >> 1 : s->seed, random_number(),
	    loop_read_clock(app->loop), loop_wall_clock());
	app->work = start_work(app);
	if (!app->work)
		return false;
	app->log = eventlog_start(&app->sim->bus, app->loop, &app->gate, &s->log, target);
	loop_set_turn_end(app->loop, turn_end_cb, app);
	return fronts_start(&app->fronts, app->sim, &app->gate, s, &env, app->options->is_stdio);
}

static enum app_status
status_of(const struct app *app)
{
	if (app->sim->tally.counts.state[STATE_SENDING] > 0 || app->is_stuck)
		return APP_CUT_OFF;
	return app->options->is_stdio && line_front_errors(app->fronts.line) > 0 ? APP_REFUSED
										 : APP_OK;
}

static void
tell_ledger(const struct app *app, uint64_t log_lost)
{
	const struct counts *counts = &app->sim->tally.counts;
	uint64_t cut_off = counts->state[STATE_SENDING];

	if (cut_off > 0)
		diag_warning("%lu attempts in flight were cut off", cut_off);
	diag_info("stopped accepted=%lu delivered=%lu bounced=%lu expired=%lu dropped=%lu "
		  "cancelled=%lu unfinished=%lu cut_off=%lu log_lost=%lu",
	    counts->accepted, counts->state[STATE_DELIVERED], counts->state[STATE_BOUNCED],
	    counts->state[STATE_EXPIRED], counts->state[STATE_DROPPED],
	    counts->state[STATE_CANCELLED], counts_pending(counts), cut_off, log_lost);
}

static void
free_parts(struct app *app)
{
	size_t i;

	fronts_free(&app->fronts);
	for (i = 0; i < sizeof app->signals / sizeof app->signals[0]; i++)
		loop_remove(app->signals[i]);
	loop_remove(app->schedule_timer);
	loop_remove(app->phase_timer);
	service_free(app->service);
	work_stop(app->work);
	if (app->sim)
		simulator_free(app->sim);
	if (app->loop)
		loop_free(app->loop);
	settings_free(app->settings);
}

/* The last words: replies, events, the ledger. */
static enum app_status
finish(struct app *app)
{
	uint64_t lost = eventlog_stop(
	    app->log, app->is_hasty ? HASTE_NS : app->settings->line.stall_timeout_ns);
	enum app_status status = status_of(app);

	fronts_stop(&app->fronts);
	if (app->fronts.pump && !pump_stop(app->fronts.pump) && status != APP_CUT_OFF)
		status = APP_FAILED;
	tell_ledger(app, lost);
	return status;
}

enum app_status
app_run(const struct app_options *options, struct settings *settings)
{
	struct app app = { .options = options, .settings = settings };
	enum app_status status = APP_FAILED;

	diag_configure(&settings->diag);
	if (start(&app)) {
		tell_ready(&app);
		loop_run(app.loop);
		status = finish(&app);
	} else if (app.is_misconfigured) {
		status = APP_CONFIG;
	}
	free_parts(&app);
	return status;
}
