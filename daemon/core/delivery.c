/*
 * Owns the life of a message. Every function here leaves the simulator consistent: state moved,
 * event said, batch finished if that was its last. Slots that become free are given to others when
 * all that is due at the same moment has happened, so that a retry that falls due with them goes
 * first.
 */
#include "core/delivery.h"

#include <stdlib.h>

#include "core/address.h"
#include "core/batch.h"
#include "core/draw.h"
#include "core/simulator.h"
#include "core/terms.h"
#include "core/watch.h"

/* The event that says that a message got to this state. */
static const enum event_kind event_of[STATE_COUNT] = {
	[STATE_WAITING] = EVENT_QUEUED,
	[STATE_SENDING] = EVENT_DISPATCHED,
	[STATE_DEFERRED] = EVENT_DEFERRED,
	[STATE_DELIVERED] = EVENT_DELIVERED,
	[STATE_BOUNCED] = EVENT_BOUNCED,
	[STATE_EXPIRED] = EVENT_EXPIRED,
	[STATE_DROPPED] = EVENT_DROPPED,
	[STATE_CANCELLED] = EVENT_CANCELLED,
};

static void
move_and_tell_asked(struct simulator *sim, struct message *m, enum message_state to,
    const struct event_notification *notification)
{
	struct event ev = {
		.kind = event_of[to],
		.time_ns = sim->now_ns,
		.batch = message_batch(m),
		.message = m,
		.notification = notification,
	};

	message_set_state(sim, m, to);
	ev.outcome = message_outcome(m);
	sim->n_fired += to != STATE_WAITING;
	bus_emit(&sim->bus, &ev);
}

static void
move_and_tell(struct simulator *sim, struct message *m, enum message_state to)
{
	move_and_tell_asked(sim, m, to, NULL);
}

static void
finish_batch(struct simulator *sim, struct batch *b)
{
	/* a run is remembered as long as one of its messages is */
	if (b->is_run || b->is_remembered || !batch_is_done(b))
		return;
	if (b->count > 1) {
		sim->n_fired++;
		bus_emit(&sim->bus,
		    &(struct event){
			.kind = EVENT_FINISHED,
			.time_ns = sim->now_ns,
			.batch = b,
			.is_time_jumping = !clock_is_running(&sim->clock),
		    });
	}
	history_add_batch(&sim->history, b);
}

static void
finish(struct simulator *sim, struct message *m, enum message_state state)
{
	m->due_ns = sim->now_ns;
	if (m->rule > 0)
		rules_release(&sim->rules, m->rule);
	m->rule = 0;
	move_and_tell(sim, m, state);
	finish_batch(sim, message_batch(m));
}

/* Chance is asked only where it makes a difference: its key costs more than all the rest. */
static uint64_t
bits_for(struct simulator *sim, const struct message *m, bool is_random, enum draw_purpose purpose)
{
	return is_random ? draw_bits(message_draw_key(sim, m), m->attempt, purpose) : 0;
}

static int64_t
draw_latency(struct simulator *sim, const struct message *m, const struct latency *l,
    enum draw_purpose purpose)
{
	return latency_draw(l, bits_for(sim, m, l->kind != LATENCY_FIXED, purpose));
}

uint16_t
delivery_receiver_outcome(struct simulator *sim, struct str to)
{
	const struct delivery_conf *conf = sim->plan->conf;
	struct str domain = address_domain(to);
	const struct domain_conf *d;
	struct destination *dest;
	int64_t until_ns;

	if (!domain.p || (conf->n == 0 && sim->outages.n == 0))
		return OUTCOME_NONE;
	d = delivery_conf_find(conf, domain);
	if (outages_is_down(&sim->outages, &d->down, sim->start_ns, domain, sim->now_ns, &until_ns))
		return OUTCOME_CONNECT_TIMEOUT;
	if (!domain_conf_is_watched(d))
		return OUTCOME_NONE;
	dest = destinations_get(&sim->destinations, &sim->lanes, domain, d, sim->now_ns);
	/* as many at once as it takes in its unit of time, unless it says otherwise */
	if (!rate_is_open(&d->receiver_rate, &dest->receiver, d->receiver_rate.n, sim->now_ns))
		return OUTCOME_RATE_LIMITED;
	rate_take(&d->receiver_rate, &dest->receiver, sim->now_ns);
	return OUTCOME_NONE;
}

static uint16_t
next_outcome(struct simulator *sim, struct message *m, struct terms *t)
{
	uint16_t outcome = OUTCOME_NONE;

	if (!message_plan(m)->said.fate)
		outcome = delivery_receiver_outcome(sim, t->to);
	if (outcome != OUTCOME_NONE)
		return outcome;
	return fate_next(terms_script(sim, m, t), sim->now_ns - m->accepted_ns, &m->script);
}

static void
dispatch(struct simulator *sim, struct message *m, struct terms *t)
{
	int64_t connect, latency;

	m->attempt++;
	m->outcome = next_outcome(sim, m, t);
	connect = draw_latency(sim, m, t->connect, DRAW_CONNECT);
	latency = draw_latency(sim, m, t->latency, DRAW_LATENCY);
	m->due_ns = clock_after(clock_after(sim->now_ns, connect), latency);
	move_and_tell(sim, m, STATE_SENDING);
}

/* Waits for its turn, until it expires. */
static void
dispatch_or_hold(struct simulator *sim, struct message *m, struct terms *t, enum lane_kind kind)
{
	if (!sim->needs_refill && message_may_pass(sim, m)) {
		dispatch(sim, m, t);
		return;
	}
	m->due_ns = t->expires_ns;
	message_hold(sim, m, kind);
}

/* The next of a lane that still waits. What was cancelled or has expired is left in the queue and
 * passed over here. */
static struct message *
pop_waiting(struct simulator *sim, struct lane *lane)
{
	uint64_t seq;

	while (seq_queue_pop(&lane->queue, &seq)) {
		struct message *m = message_waiting(&sim->registry, seq);

		if (m)
			return m;
	}
	abort();
}

void
delivery_refill(struct simulator *sim)
{
	struct lane *lane = lanes_next(&sim->lanes, sim->now_ns);
	struct message *m;
	struct terms t;

	if (!lane) {
		sim->needs_refill = false;
		return;
	}
	m = pop_waiting(sim, lane);
	terms_of(sim, m, &t);
	dispatch(sim, m, &t);
}

void
delivery_accept(
    struct simulator *sim, struct message *m, const struct event_notification *notification)
{
	const struct fate_script *script;
	struct terms t;

	m->accepted_ns = sim->now_ns;
	if (sim->rules.n > 0 && !message_plan(m)->said.fate)
		m->rule = rules_choose(&sim->rules, message_plan(m)->conf->outcomes,
			      message_to(m, &sim->scratch_to), message_from(m)) &
		    RULE_HANDLE_MAX;
	move_and_tell_asked(sim, m, STATE_WAITING, notification);
	terms_of(sim, m, &t);
	script = terms_script(sim, m, &t);
	if (script->n > 0 && script->steps[0].outcome == OUTCOME_SUPPRESSED) {
		m->outcome = OUTCOME_SUPPRESSED;
		finish(sim, m, STATE_DROPPED);
		return;
	}
	dispatch_or_hold(sim, m, &t, LANE_FIRST);
}

/* A transient outcome: another try, or the end of patience. What expires before its retry is
 * deferred until then. */
static void
defer(struct simulator *sim, struct message *m)
{
	struct terms t;
	int64_t jitter, delay;

	terms_of(sim, m, &t);
	if ((t.max_attempts > 0 && m->attempt >= t.max_attempts) || sim->now_ns >= t.expires_ns) {
		finish(sim, m, STATE_EXPIRED);
		return;
	}
	jitter = t.domain->jitter;
	delay = retry_delay(
	    t.retry, m->attempt, jitter, draw_unit(bits_for(sim, m, jitter > 0, DRAW_JITTER)));
	m->due_ns = clock_after(sim->now_ns, delay);
	m->is_last = m->due_ns >= t.expires_ns;
	if (m->is_last)
		m->due_ns = t.expires_ns;
	move_and_tell(sim, m, STATE_DEFERRED);
}

static void
end_attempt(struct simulator *sim, struct message *m)
{
	switch (outcome_get(message_plan(m)->conf->outcomes, m->outcome)->class) {
	case OUTCOME_SUCCESS:
		finish(sim, m, STATE_DELIVERED);
		break;
	case OUTCOME_PERMANENT:
		finish(sim, m, STATE_BOUNCED);
		break;
	case OUTCOME_TRANSIENT:
		defer(sim, m);
		break;
	default:
		abort();
	}
}

/* Tried again: back to those who wait, in front of the ones that were never tried. Nothing is said
 * of it, since a retry that may go at once was never waiting. */
static void
retry(struct simulator *sim, struct message *m)
{
	struct terms t;

	m->is_last = 0;
	message_set_state(sim, m, STATE_WAITING);
	terms_of(sim, m, &t);
	dispatch_or_hold(sim, m, &t, LANE_RETRY);
}

void
delivery_fire(struct simulator *sim, struct message *m)
{
	if (m->state == STATE_SENDING)
		end_attempt(sim, m);
	else if (m->state == STATE_WAITING || m->is_last)
		finish(sim, m, STATE_EXPIRED);
	else
		retry(sim, m);
}

void
delivery_flush(struct simulator *sim, struct message *m)
{
	retry(sim, m);
}

void
delivery_cancel(struct simulator *sim, struct message *m)
{
	finish(sim, m, STATE_CANCELLED);
}

void
delivery_requeue(struct simulator *sim)
{
	const struct registry *r = &sim->registry;
	struct message *m;
	uint32_t index;
	size_t i;

	if (sim->lanes.n_waiting == 0 && sim->conf.delivery->n == 0)
		return;
	lanes_clear(&sim->lanes);
	for (i = 0; i < r->n; i++)
		for (index = 0; r->entries[i].batch && index < r->entries[i].batch->accepted;
		     index++)
			if ((m = batch_message(r->entries[i].batch, index)) != NULL)
				message_rejoin(sim, m);
	sim->needs_refill = true;
}

bool
delivery_set_down(struct simulator *sim, struct str pattern, int64_t until_ns)
{
	return outages_say(&sim->outages, pattern, true, sim->now_ns, until_ns);
}

/* Domains that cannot be reached now, because of their section, can be until its window is over. */
static bool
say_up(struct simulator *sim, struct str pattern, const struct domain_conf *d)
{
	int64_t end_ns = windows_end(&d->down, sim->now_ns - sim->start_ns);

	return end_ns < 0 ||
	    outages_say(
		&sim->outages, pattern, false, sim->now_ns, clock_add(sim->start_ns, end_ns));
}

bool
delivery_set_up(struct simulator *sim, struct str pattern)
{
	const struct delivery_conf *conf = sim->plan->conf;
	const struct domain_conf *own = delivery_conf_find(conf, pattern);
	bool is_done = true;
	int64_t until_ns;
	size_t i;

	outages_forget(&sim->outages, pattern);
	/* a wider pattern that was said to be down goes on to hold for the others */
	if (pattern.p[0] != '*' &&
	    outages_is_down(
		&sim->outages, &own->down, sim->start_ns, pattern, sim->now_ns, &until_ns))
		return outages_say(&sim->outages, pattern, false, sim->now_ns, until_ns);
	for (i = 0; pattern.p[0] == '*' && i < conf->n; i++)
		if (&conf->domains[i] != own &&
		    address_domain_matches(pattern, conf->domains[i].name))
			is_done &= say_up(sim, conf->domains[i].name, &conf->domains[i]);
	return is_done && (pattern.p[0] != '*' || say_up(sim, pattern, own));
}

static void
recheck(struct simulator *sim, struct tally *t)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &t->watches)
		watch_recheck(list_entry(l, struct watch, link), sim);
}

void
delivery_close_batch(struct simulator *sim, struct batch *b)
{
	struct owner *owner = owner_ref(batch_owner_at(b, b->accepted));

	batch_cut(b);
	b->is_open = false;
	list_remove(&b->open_link);
	finish_batch(sim, b);
	recheck(sim, &sim->tally);
	recheck(sim, &owner->tally);
	if (b->group)
		recheck(sim, &b->group->tally);
	owner_unref(owner);
}
