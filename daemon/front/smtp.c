/*
 * Owns the set of sessions and what their connections call back for, who of them waits for what,
 * and the order in which they go on at the end of a turn.
 */
#include "front/smtp.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/intake.h"
#include "front/smtp_session.h"

#define CHECK_NS (10 * TEXT_NS_PER_S)
#define REFUSED_MAX 32 /* newcomers at once that are told why in peace */
#define HOSTNAME_OCTETS 256

const char *const smtp_mode_names[SMTP_MODES] = { "queue", "inband" };
const char *const smtp_tls_names[SMTP_TLS_KINDS] = { "off", "optional", "required" };
const char *const smtp_bare_newline_names[2] = { "normalize", "reject" };

const struct smtp_dialect smtp_dialect_smtp = { "ESMTP", SMTP_IN_SMTP, false };
const struct smtp_dialect smtp_dialect_lmtp = { "LMTP", SMTP_IN_LMTP, true };

/* What was due before is fired before anything new is accepted. */
static bool
ready_cb(void *ctx)
{
	const struct smtp_session *s = ctx;

	present_is_reached(s->front->present);
	return true;
}

static size_t
octets_cb(void *ctx, struct str octets)
{
	return smtp_session_octets(ctx, octets);
}

static void
ended_cb(void *ctx)
{
	smtp_session_ended(ctx);
}

static void
drained_cb(void *ctx)
{
	/* replies are short: nobody waits for them to leave */
	(void)ctx;
}

static void
secured_cb(void *ctx, bool is_good)
{
	smtp_session_secured(ctx, is_good);
}

static void
closed_cb(void *ctx)
{
	smtp_session_closed(ctx);
}

static const struct conn_handler handler = {
	.ready = ready_cb,
	.octets = octets_cb,
	.ended = ended_cb,
	.drained = drained_cb,
	.secured = secured_cb,
	.closed = closed_cb,
};

static void
check_cb(void *ctx)
{
	struct smtp_front *front = ctx;

	conn_set_check(front->conns);
	loop_timer_at(front->check, clock_add(loop_read_clock(front->loop), CHECK_NS));
}

static char *
find_hostname(const char *wanted)
{
	char name[HOSTNAME_OCTETS] = "";

	if (wanted[0] != '\0')
		return mem_copy_str(str_of(wanted));
	if (gethostname(name, sizeof name - 1) == -1 || name[0] == '\0')
		return mem_copy_str(STR("localhost"));
	return mem_copy_str(str_of(name));
}

/* A line may be as long as SMTP_LINE_MAX; one that is longer is skipped by the session itself. */
static struct conn_limits
conn_limits_of(const struct smtp_conf *conf)
{
	return (struct conn_limits){ SMTP_LINE_MAX, conf->stall_timeout_ns };
}

struct smtp_front *
smtp_front_new(struct loop *loop, struct simulator *sim, const struct gate *gate,
    struct quota *quota, struct present *present, const struct smtp_conf *conf)
{
	struct smtp_front *front = mem_alloc(sizeof *front);
	struct conn_limits limits = conn_limits_of(conf);
	int i;

	front->loop = loop;
	front->sim = sim;
	front->quota = quota;
	front->present = present;
	front->conf = *conf;
	front->hostname = find_hostname(conf->hostname);
	front->inband = smtp_inband_new(sim, conf->pairs, sim->destinations.hash_seed);
	front->conns = conn_set_new(loop, gate, &handler, &limits);
	list_init(&front->sessions);
	for (i = 0; i < SMTP_WAITS; i++)
		list_init(&front->waiting[i]);
	front->check = loop_add_timer(loop, check_cb, front);
	check_cb(front);
	return front;
}

void
smtp_front_configure(struct smtp_front *front, const struct smtp_conf *conf)
{
	struct conn_limits limits = conn_limits_of(conf);

	front->conf = *conf;
	free(front->hostname);
	front->hostname = find_hostname(conf->hostname);
	conn_set_configure(front->conns, &limits);
	smtp_inband_configure(front->inband, conf->pairs);
}

/* One too many. A few at a time are told so in peace, the others at once. */
static void
refuse(struct smtp_front *front, const struct smtp_dialect *dialect, int fd)
{
	struct smtp_session *s;

	if (front->n_refused >= REFUSED_MAX) {
		/* best effort: it is being turned away */
		if (write(fd, SMTP_REFUSAL, sizeof SMTP_REFUSAL - 1) == -1)
			diag_debug("a newcomer could not be told that there are too many");
		close(fd);
		return;
	}
	s = smtp_session_new(front, dialect, fd);
	s->is_refused = true;
	front->n_refused++;
	conn_write_early(s->conn, SMTP_REFUSAL, sizeof SMTP_REFUSAL - 1);
	smtp_session_quit(s);
}

void
smtp_front_follow(struct smtp_front *front)
{
	if (front->era == front->sim->era)
		return;
	front->era = front->sim->era;
	front->n_sessions = 0;
	memset(front->totals, 0, sizeof front->totals);
	memset(front->totals_passed, 0, sizeof front->totals_passed);
}

static void
accept_one(struct smtp_front *front, const struct smtp_dialect *dialect, int fd)
{
	struct smtp_session *s;

	if (front->quota->n >= front->quota->max) {
		refuse(front, dialect, fd);
		return;
	}
	smtp_front_follow(front);
	s = smtp_session_new(front, dialect, fd);
	s->number = ++front->n_sessions;
	front->quota->n++;
	smtp_session_greet(s);
}

void
smtp_front_accept(void *ctx, int fd)
{
	accept_one(ctx, &smtp_dialect_smtp, fd);
}

void
smtp_front_accept_lmtp(void *ctx, int fd)
{
	accept_one(ctx, &smtp_dialect_lmtp, fd);
}

/* Who waits for what has come goes on in this turn. */
static void
release(struct smtp_front *front)
{
	const struct simulator *sim = front->sim;
	struct list *now = &front->waiting[SMTP_WAIT_TURN];

	if (sim->is_draining || intake_room(sim) > 0)
		list_splice(now, &front->waiting[SMTP_WAIT_ROOM]);
	if (sim->is_draining || !bus_is_congested(&sim->bus))
		list_splice(now, &front->waiting[SMTP_WAIT_LOG]);
	if (!list_is_empty(&front->waiting[SMTP_WAIT_PRESENT]) && !sim->is_resetting &&
	    present_is_reached(front->present))
		list_splice(now, &front->waiting[SMTP_WAIT_PRESENT]);
}

void
smtp_front_work(struct smtp_front *front)
{
	struct list now, *l;

	release(front);
	list_init(&now);
	list_splice(&now, &front->waiting[SMTP_WAIT_TURN]);
	while ((l = list_pop(&now)) != NULL)
		smtp_session_run(list_entry(l, struct smtp_session, wait_link));
	conn_set_give(front->conns);
	if (present_is_missed(front->present))
		loop_want_turn(front->loop);
}

void
smtp_front_flush(struct smtp_front *front)
{
	conn_set_flush(front->conns);
}

bool
smtp_front_has_work(const struct smtp_front *front)
{
	return !list_is_empty(&front->waiting[SMTP_WAIT_TURN]) ||
	    !list_is_empty(&front->waiting[SMTP_WAIT_PRESENT]);
}

bool
smtp_front_has_output(const struct smtp_front *front)
{
	return conn_set_has_output(front->conns);
}

bool
smtp_front_awaits_log(const struct smtp_front *front)
{
	return conn_set_awaits_log(front->conns);
}

bool
smtp_front_may_gather(const struct smtp_front *front)
{
	return conn_set_may_gather(front->conns);
}

bool
smtp_front_wants_room(const struct smtp_front *front)
{
	return !list_is_empty(&front->waiting[SMTP_WAIT_ROOM]);
}

bool
smtp_front_has_silent(const struct smtp_front *front)
{
	struct list *l;

	list_foreach (l, &front->sessions) {
		const struct smtp_session *s = list_entry(l, struct smtp_session, link);

		if (!s->has_spoken && !s->has_ended && !s->is_refused)
			return true;
	}
	return false;
}

void
smtp_front_finish(struct smtp_front *front)
{
	struct list *l, *after;

	front->is_finishing = true;
	list_foreach_safe (l, after, &front->sessions)
		smtp_session_finish(list_entry(l, struct smtp_session, link));
}

void
smtp_front_free(struct smtp_front *front)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &front->sessions) {
		struct smtp_session *s = list_entry(l, struct smtp_session, link);

		s->conn = NULL;
		smtp_session_bury(s);
	}
	conn_set_free(front->conns);
	smtp_inband_free(front->inband);
	loop_remove(front->check);
	buf_fini(&front->reply);
	while (front->n_spares > 0)
		smtp_transaction_free(front->spares[--front->n_spares]);
	free(front->hostname);
	free(front);
}
