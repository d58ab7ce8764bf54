/*
 * Owns how a session says what became of a recipient with smtp.mode = inband: at its stage, after
 * its time. Invariant: the outcomes that a session is about to say are kept alive by a reference.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/intake.h"
#include "front/smtp_inband.h"
#include "front/smtp_session.h"

static void
keep_outcomes(struct smtp_session *s)
{
	smtp_verdict_drop(s);
	s->outcomes = outcome_set_ref(s->front->sim->plan->conf->outcomes);
}

void
smtp_verdict_drop(struct smtp_session *s)
{
	if (s->outcomes)
		outcome_set_unref(s->outcomes);
	s->outcomes = NULL;
}

/* Never goes on: it is the client who goes. */
static void
silent_step(struct smtp_session *s)
{
	smtp_session_hang(s, silent_step);
}

static void
reply_refusal(struct smtp_session *s, const struct smtp_verdict *v)
{
	const struct outcome *o = v->outcome;
	struct buf *reply = &s->front->reply;

	reply->len = 0;
	if (v->kind == SMTP_IS_MISTAKE)
		buf_printf(reply, "451 4.3.5 The outcome %s is none that a server gives", o->name);
	else
		buf_printf(reply, "%u %s%s%s", o->code, o->dsn ? o->dsn : "", o->dsn ? " " : "",
		    o->text ? o->text : o->name);
	smtp_answer(s, buf_str(reply));
	if (v->kind == SMTP_IS_REFUSED && o->code == 421)
		smtp_session_quit(s);
}

static void
tell_rejected(struct smtp_session *s, struct str to, const struct smtp_verdict *v)
{
	const struct event_rejection rejection = { smtp_envelope_from(&s->mail->envelope), to,
		v->attempt };

	intake_reject(s->front->sim, &rejection, v->outcome);
}

/* What the stage had begun is taken back. */
static void
take_back(struct smtp_session *s)
{
	switch (s->verdict_stage) {
	case SMTP_STAGE_CONNECT:
		s->is_unwelcome = true;
		break;
	case SMTP_STAGE_RCPT:
		smtp_envelope_drop_last(&s->mail->envelope);
		break;
	default:
		smtp_mail_drop(s);
		break;
	}
}

static void
give_step(struct smtp_session *s)
{
	struct smtp_verdict v = s->verdict;
	struct smtp_transaction *t = s->mail;
	uint32_t i;

	if (bus_is_congested(&s->front->sim->bus)) {
		smtp_session_wait(s, SMTP_WAIT_LOG, give_step);
		return;
	}
	if (s->verdict_stage == SMTP_STAGE_RCPT)
		tell_rejected(s, smtp_envelope_to(&t->envelope, t->envelope.n - 1), &v);
	for (i = 0; s->verdict_stage >= SMTP_STAGE_DATA && i < t->envelope.n; i++)
		tell_rejected(s, smtp_envelope_to(&t->envelope, i), &v);
	if (v.kind == SMTP_IS_CLOSED) {
		smtp_session_drop(s);
		return;
	}
	if (v.kind == SMTP_IS_SILENT) {
		silent_step(s);
		return;
	}
	reply_refusal(s, &v);
	take_back(s);
	smtp_verdict_drop(s);
}

/* The verdict is said once its time has come. */
static void
give_later(struct smtp_session *s, enum smtp_stage stage)
{
	s->verdict_stage = stage;
	keep_outcomes(s);
	smtp_session_sleep(s, s->verdict.delay_ns, give_step);
}

static struct smtp_pair
pair_of(const struct smtp_session *s, enum smtp_stage stage, struct str to)
{
	return (struct smtp_pair){
		.from = s->mail ? smtp_envelope_from(&s->mail->envelope) : STR(""),
		.to = to,
		.stage = stage,
	};
}

bool
smtp_verdict_passes(struct smtp_session *s, enum smtp_stage stage)
{
	const struct smtp_transaction *t = s->mail;
	struct smtp_pair pair;
	uint32_t i;

	s->verdict.kind = SMTP_PASSES;
	if (s->front->conf.mode != SMTP_INBAND)
		return true;
	if (stage == SMTP_STAGE_RCPT) {
		pair = pair_of(s, stage, smtp_envelope_to(&t->envelope, t->envelope.n - 1));
		smtp_inband_ask(s->front->inband, &pair, &s->verdict);
	} else if (stage == SMTP_STAGE_DATA) {
		/* the first who is refused here answers for all */
		for (i = 0; i < t->envelope.n && s->verdict.kind == SMTP_PASSES; i++) {
			pair = pair_of(s, stage, smtp_envelope_to(&t->envelope, i));
			smtp_inband_ask(s->front->inband, &pair, &s->verdict);
		}
	} else {
		pair = pair_of(s, stage, (struct str){ NULL, 0 });
		smtp_inband_ask(s->front->inband, &pair, &s->verdict);
	}
	if (s->verdict.kind == SMTP_PASSES)
		return true;
	give_later(s, stage);
	return false;
}

static struct smtp_pair
pair_at(const struct smtp_session *s, uint32_t i)
{
	const struct smtp_transaction *t = s->mail;
	struct smtp_pair pair = pair_of(s, SMTP_STAGE_EOM, smtp_envelope_to(&t->envelope, i));

	pair.fate = t->wishes.fate;
	pair.choice = smtp_header_value(&t->data->header, SMTP_FIELD_OUTCOME);
	pair.latency = t->wishes.has_latency ? &t->wishes.latency : NULL;
	return pair;
}

/* SMTP has one answer: the first recipient who is not delivered gives it. The attempt counts for
 * all who are not, and for nobody who would have been. Nobody is asked twice: one who is named
 * twice, or whose pair was forgotten meanwhile, might get something else the second time. */
static bool
is_refused_for_all(struct smtp_session *s, int64_t *slowest_ns)
{
	struct smtp_verdicts *vs = &s->mail->verdicts;
	uint32_t n = s->mail->envelope.n, i;
	struct smtp_pair pair;

	*slowest_ns = 0;
	s->verdict.kind = SMTP_PASSES;
	vs->of = mem_alloc_array(n, sizeof *vs->of);
	for (; vs->n < n; vs->n++) {
		struct smtp_verdict *v = &vs->of[vs->n];

		pair = pair_at(s, vs->n);
		pair.is_peek = true;
		smtp_inband_ask(s->front->inband, &pair, v);
		if (v->delay_ns > *slowest_ns)
			*slowest_ns = v->delay_ns;
		if (s->verdict.kind == SMTP_PASSES)
			s->verdict = *v;
	}
	if (s->verdict.kind != SMTP_PASSES)
		return true;
	for (i = 0; i < n; i++) {
		pair = pair_at(s, i);
		smtp_inband_deliver(s->front->inband, &pair);
	}
	return false;
}

/* Whether the session ends with it. */
static bool
is_last(const struct smtp_verdict *v)
{
	return v->kind == SMTP_IS_CLOSED || v->kind == SMTP_IS_SILENT ||
	    (v->kind == SMTP_IS_REFUSED && v->outcome->code == 421);
}

/* LMTP: asks for each; but who comes behind an answer that ends the session has not been tried. */
static void
ask_for_each(struct smtp_session *s)
{
	struct smtp_verdicts *vs = &s->mail->verdicts;
	uint32_t n = s->mail->envelope.n;
	bool is_over = false, has_passing = false;
	struct smtp_pair pair;

	keep_outcomes(s);
	vs->of = mem_alloc_array(n, sizeof *vs->of);
	vs->asked_ns = s->front->sim->now_ns;
	vs->era = s->front->sim->era;
	for (; vs->n < n && !is_over; vs->n++) {
		struct smtp_verdict *v = &vs->of[vs->n];

		pair = pair_at(s, vs->n);
		smtp_inband_ask(s->front->inband, &pair, v);
		is_over = is_last(v);
		has_passing |= v->kind == SMTP_PASSES;
	}
	vs->is_unacknowledged = has_passing && smtp_stage_drops_after(s, SMTP_STAGE_EOM);
}

bool
smtp_verdict_is_each(const struct smtp_session *s)
{
	return s->dialect->answers_each && s->mail->verdicts.of;
}

/* How long it is until the answer of that recipient is due. After a reset all are. */
static int64_t
due_in(const struct smtp_session *s, uint32_t i)
{
	const struct smtp_verdicts *vs = &s->mail->verdicts;

	if (vs->era != s->front->sim->era)
		return 0;
	return clock_after(vs->asked_ns, vs->of[i].delay_ns) - s->front->sim->now_ns;
}

/* How many of the next recipients are delivered by now. */
static uint32_t
count_passing(const struct smtp_session *s)
{
	const struct smtp_verdicts *vs = &s->mail->verdicts;
	uint32_t i = vs->given;

	while (i < vs->n && vs->of[i].kind == SMTP_PASSES && due_in(s, i) <= 0)
		i++;
	return i - vs->given;
}

/* All have their answers, or their client is gone. */
static void
end_answers(struct smtp_session *s)
{
	bool is_unacknowledged = s->mail->verdicts.is_unacknowledged;

	smtp_mail_drop(s);
	smtp_verdict_drop(s);
	if (is_unacknowledged)
		smtp_session_drop(s);
}

/* The answer of who is not delivered. False when there is none and never will be. */
static bool
give(struct smtp_session *s, const struct smtp_verdict *v)
{
	if (v->kind == SMTP_IS_SILENT) {
		silent_step(s);
		return false;
	}
	if (v->kind == SMTP_IS_CLOSED)
		/* those before him have their answers */
		smtp_session_quit(s);
	else if (!s->mail->verdicts.is_unacknowledged)
		reply_refusal(s, v);
	return true;
}

/* LMTP: the answers that are due, each when all before it are given. A client that goes does not
 * get the mail for those who would have been answered later. */
static void
next_step(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;
	struct smtp_verdicts *vs = &t->verdicts;
	const struct smtp_verdict *v;

	while (s->conn && vs->given < vs->n) {
		v = &vs->of[vs->given];
		if (due_in(s, vs->given) > 0) {
			smtp_session_sleep(s, due_in(s, vs->given), next_step);
			return;
		}
		if (s->front->sim->is_resetting || bus_is_congested(&s->front->sim->bus)) {
			smtp_session_wait(s,
			    s->front->sim->is_resetting ? SMTP_WAIT_PRESENT : SMTP_WAIT_LOG,
			    next_step);
			return;
		}
		if (v->kind == SMTP_PASSES) {
			vs->passing = count_passing(s);
			smtp_mail_accept(s);
			return;
		}
		tell_rejected(s, smtp_envelope_to(&t->envelope, vs->given++), v);
		if (!give(s, v))
			return;
	}
	end_answers(s);
}

void
smtp_verdict_accepted(struct smtp_session *s, struct str queued)
{
	struct smtp_verdicts *vs = &s->mail->verdicts;

	for (; vs->passing > 0; vs->passing--, vs->given++)
		if (!vs->is_unacknowledged)
			smtp_answer(s, queued);
	/* not from here: who has many recipients would have as many calls within each other */
	if (vs->given < vs->n)
		smtp_session_wait(s, SMTP_WAIT_TURN, next_step);
	else
		end_answers(s);
}

void
smtp_verdict_eom(struct smtp_session *s)
{
	int64_t slowest_ns;

	if (s->dialect->answers_each) {
		ask_for_each(s);
		next_step(s);
	} else if (is_refused_for_all(s, &slowest_ns)) {
		give_later(s, SMTP_STAGE_EOM);
	} else {
		smtp_session_sleep(s, slowest_ns, smtp_mail_accept);
	}
}
