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
reply_refusal(struct smtp_session *s, const struct smtp_verdict *v, uint32_t times)
{
	const struct outcome *o = v->outcome;

	while (times-- > 0) {
		if (v->kind == SMTP_IS_MISTAKE)
			smtp_reply(
			    s, "451 4.3.5 The outcome %s is none that a server gives", o->name);
		else
			smtp_reply(s, "%u %s%s%s", o->code, o->dsn ? o->dsn : "", o->dsn ? " " : "",
			    o->text ? o->text : o->name);
	}
	if (v->kind == SMTP_IS_REFUSED && o->code == 421)
		smtp_session_quit(s);
}

static void
tell_rejected(struct smtp_session *s, const char *to, const struct smtp_verdict *v)
{
	const struct event_rejection rejection = { str_of(s->mail->from), str_of(to), v->attempt };

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
		free(s->mail->to[--s->mail->n]);
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
		tell_rejected(s, t->to[t->n - 1], &v);
	for (i = 0; s->verdict_stage >= SMTP_STAGE_DATA && i < t->n; i++)
		tell_rejected(s, t->to[i], &v);
	if (v.kind == SMTP_IS_CLOSED) {
		smtp_session_drop(s);
		return;
	}
	if (v.kind == SMTP_IS_SILENT) {
		silent_step(s);
		return;
	}
	reply_refusal(s, &v, 1);
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
pair_of(const struct smtp_session *s, enum smtp_stage stage, const char *to)
{
	return (struct smtp_pair){
		.from = s->mail ? str_of(s->mail->from) : STR(""),
		.to = str_of(to),
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
		pair = pair_of(s, stage, t->to[t->n - 1]);
		smtp_inband_ask(s->front->inband, &pair, &s->verdict);
	} else if (stage == SMTP_STAGE_DATA) {
		/* the first who is refused here answers for all */
		for (i = 0; i < t->n && s->verdict.kind == SMTP_PASSES; i++) {
			pair = pair_of(s, stage, t->to[i]);
			smtp_inband_ask(s->front->inband, &pair, &s->verdict);
		}
	} else {
		pair = pair_of(s, stage, NULL);
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
	struct smtp_pair pair = pair_of(s, SMTP_STAGE_EOM, t->to[i]);

	pair.fate = t->wishes.fate;
	pair.latency = t->wishes.has_latency ? &t->wishes.latency : NULL;
	return pair;
}

/* What each gets; with is_peek, without being counted for those who are delivered. */
static void
ask_for_each(struct smtp_session *s, bool is_peek)
{
	struct smtp_transaction *t = s->mail;
	struct smtp_pair pair;
	uint32_t i;

	t->verdicts = mem_alloc_array(t->n, sizeof *t->verdicts);
	for (i = 0; i < t->n; i++) {
		pair = pair_at(s, i);
		pair.is_peek = is_peek;
		smtp_inband_ask(s->front->inband, &pair, &t->verdicts[i]);
	}
}

/* SMTP has one answer: the first recipient who is not delivered gives it. The attempt counts for
 * all who are not, and for nobody who would have been. Nobody is asked twice: one who is named
 * twice, or whose pair was forgotten meanwhile, might get something else the second time. */
static bool
is_refused_for_all(struct smtp_session *s)
{
	const struct smtp_transaction *t = s->mail;
	struct smtp_pair pair;
	uint32_t i;

	ask_for_each(s, true);
	for (i = 0; i < t->n; i++)
		if (t->verdicts[i].kind != SMTP_PASSES) {
			s->verdict = t->verdicts[i];
			return true;
		}
	for (i = 0; i < t->n; i++) {
		pair = pair_at(s, i);
		smtp_inband_deliver(s->front->inband, &pair);
	}
	return false;
}

/* The refused ones of a mail of which others may be delivered; then those. */
static void
tell_step(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;
	uint32_t i, passing = 0;

	if (bus_is_congested(&s->front->sim->bus)) {
		smtp_session_wait(s, SMTP_WAIT_LOG, tell_step);
		return;
	}
	for (i = 0; i < t->n; i++) {
		if (t->verdicts[i].kind == SMTP_PASSES)
			passing++;
		else
			tell_rejected(s, t->to[i], &t->verdicts[i]);
	}
	if (passing > 0)
		smtp_mail_open(s);
	else
		smtp_verdict_answer(s, "");
}

void
smtp_verdict_eom(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;
	int64_t delay_ns = 0;
	uint32_t i;

	if (s->dialect->answers_each) {
		ask_for_each(s, false);
	} else if (is_refused_for_all(s)) {
		give_later(s, SMTP_STAGE_EOM);
		return;
	}
	keep_outcomes(s);
	for (i = 0; i < t->n; i++)
		if (t->verdicts[i].delay_ns > delay_ns)
			delay_ns = t->verdicts[i].delay_ns;
	smtp_session_sleep(s, delay_ns, tell_step);
}

void
smtp_verdict_answer(struct smtp_session *s, const char *queued)
{
	const struct smtp_transaction *t = s->mail;
	uint32_t i, n = s->dialect->answers_each ? t->n : 1;

	for (i = 0; i < n; i++) {
		const struct smtp_verdict *v = &t->verdicts[i];

		if (v->kind == SMTP_PASSES) {
			smtp_reply(s, "%s", queued);
		} else if (v->kind == SMTP_IS_SILENT) {
			silent_step(s);
			return;
		} else if (v->kind == SMTP_IS_CLOSED) {
			/* those before him have their answers */
			smtp_session_quit(s);
			break;
		} else {
			reply_refusal(s, v, 1);
		}
	}
	smtp_mail_drop(s);
	smtp_verdict_drop(s);
}
