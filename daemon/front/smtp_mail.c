/*
 * Owns the mail transaction: envelope, data, and the answer at their end. With smtp.mode = queue
 * that comes when every recipient is accepted as a message, with its events on the way to the log.
 * Invariant: a transaction is there exactly from an accepted MAIL until its answer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/address.h"
#include "core/intake.h"
#include "core/magic.h"
#include "front/smtp_session.h"

#define FEW 8 /* recipients, as most mails have */

/* What is not accepted of it will not be. */
static void
close_batch(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;

	if (t->batch) {
		intake_close(s->front->sim, t->batch);
		intake_release(s->front->sim, t->batch);
	}
	t->batch = NULL;
	free(t->notifications);
	t->notifications = NULL;
}

/* With the memory of an earlier one, if there is one to spare. */
static struct smtp_transaction *
new_transaction(struct smtp_front *front)
{
	struct smtp_transaction *t;

	if (front->n_spares == 0)
		return mem_alloc(sizeof *t);
	t = front->spares[--front->n_spares];
	*t = (struct smtp_transaction){ .envelope = t->envelope, .data = t->data };
	return t;
}

void
smtp_transaction_free(struct smtp_transaction *t)
{
	smtp_envelope_fini(&t->envelope);
	free(t->data);
	free(t);
}

void
smtp_mail_drop(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;

	s->input = SMTP_INPUT_COMMANDS;
	if (s->phase & (SMTP_PHASE_SENDER | SMTP_PHASE_RECIPIENTS))
		s->phase = SMTP_PHASE_READY;
	if (!t)
		return;
	close_batch(s);
	s->mail = NULL;
	free(t->verdicts.of);
	fate_unref(t->wishes.fate);
	smtp_envelope_end(&t->envelope);
	if (s->front->n_spares < SMTP_SPARES)
		s->front->spares[s->front->n_spares++] = t;
	else
		smtp_transaction_free(t);
}

bool
smtp_mail_is_under_way(const struct smtp_session *s)
{
	const struct smtp_transaction *t = s->mail;

	return s->step && t && t->batch && t->batch->accepted < t->until;
}

static void
refuse_while_draining(struct smtp_session *s)
{
	smtp_reply(s, "421 4.3.2 %s The daemon stops", s->front->hostname);
	smtp_session_quit(s);
}

void
smtp_mail_from(struct smtp_session *s, struct str argument)
{
	struct smtp_mail mail;
	const struct smtp_refusal *refusal;

	if (s->front->sim->is_draining) {
		refuse_while_draining(s);
		return;
	}
	refusal = smtp_parse_mail(argument, s->front->scratch, &mail);
	if (refusal) {
		smtp_reply_refusal(s, refusal);
		return;
	}
	if (mail.params.has_size && mail.params.size > s->front->conf.max_size) {
		smtp_reply(
		    s, "552 5.3.4 A message has at most %lu octets here", s->front->conf.max_size);
		return;
	}
	s->mail = new_transaction(s->front);
	smtp_envelope_begin(&s->mail->envelope, &mail);
	if (!smtp_verdict_passes(s, SMTP_STAGE_MAIL))
		return;
	s->phase = SMTP_PHASE_SENDER;
	smtp_say(s, STR("250 2.1.0 Ok"));
}

/* Whether what the address says of its outcome can be understood. False when it was refused. */
static bool
check_magic(struct smtp_session *s, struct str to)
{
	const struct delivery_conf *conf = s->front->sim->plan->conf;
	struct fate_step step;
	bool is_good = !magic_may_have_tag(to) ||
	    !delivery_conf_is_magic(conf, address_domain(to)) ||
	    magic_read(conf->outcomes, to, &step, NULL) != MAGIC_MALFORMED;

	if (!is_good)
		smtp_reply(s, "501 5.1.3 The tag of the address names an outcome, but not when");
	return is_good;
}

void
smtp_mail_to(struct smtp_session *s, struct str argument)
{
	struct smtp_envelope *envelope = &s->mail->envelope;
	struct smtp_rcpt rcpt;
	const struct smtp_refusal *refusal =
	    smtp_parse_rcpt(argument, envelope->has_utf8, s->front->scratch, &rcpt);

	if (refusal) {
		smtp_reply_refusal(s, refusal);
		return;
	}
	if (envelope->n >= s->front->conf.max_recipients) {
		smtp_reply(s, "452 4.5.3 A mail has at most %lu recipients here",
		    s->front->conf.max_recipients);
		return;
	}
	if (!check_magic(s, rcpt.to.address))
		return;
	smtp_envelope_add(envelope, &rcpt);
	if (!smtp_verdict_passes(s, SMTP_STAGE_RCPT))
		return;
	s->phase = SMTP_PHASE_RECIPIENTS;
	smtp_say(s, STR("250 2.1.5 Ok"));
}

void
smtp_mail_data(struct smtp_session *s, struct str argument)
{
	const struct smtp_refusal *refusal = smtp_parse_nothing(argument);

	if (refusal) {
		smtp_reply_refusal(s, refusal);
		return;
	}
	if (!smtp_verdict_passes(s, SMTP_STAGE_DATA))
		return;
	if (!s->mail->data)
		s->mail->data = mem_alloc(sizeof *s->mail->data);
	smtp_data_init(s->mail->data, s->front->conf.bare_newline, s->front->conf.max_size);
	s->input = SMTP_INPUT_DATA;
	smtp_say(s, STR("354 End data with <CR><LF>.<CR><LF>"));
}

/* At the end of data. */
static uint32_t
replies_wanted(const struct smtp_session *s)
{
	return s->dialect->answers_each ? s->mail->envelope.n : 1;
}

/* The same reply for the transaction, or, in LMTP, for each of its recipients. Then it is over. */
static void
answer(struct smtp_session *s, struct str reply)
{
	uint32_t n = replies_wanted(s);

	while (n-- > 0)
		smtp_answer(s, reply);
	smtp_mail_drop(s);
}

/* False when it cannot be understood, and *why is the reply. */
static bool
read_wishes(struct smtp_session *s, struct buf *why)
{
	struct smtp_wishes *w = &s->mail->wishes;
	const struct smtp_header *h = &s->mail->data->header;
	struct outcome_set *outcomes = s->front->sim->plan->conf->outcomes;
	struct str outcome = smtp_header_value(h, SMTP_FIELD_OUTCOME);
	struct str latency = smtp_header_value(h, SMTP_FIELD_LATENCY);
	const char *wrong = NULL;
	struct buf part = { 0 };

	if (outcome.p && smtp_header_is_cut(h, SMTP_FIELD_OUTCOME))
		buf_add_lit(&part, "is too long");
	else if (outcome.p && fate_parse(outcomes, outcome, &w->fate, &part) != FATE_OK)
		w->fate = NULL;
	else if (w->fate && s->front->conf.mode == SMTP_INBAND &&
	    fate_has(w->fate, outcomes, smtp_inband_is_mistake))
		buf_add_lit(&part, "names an outcome that a server cannot give");
	if (part.len > 0) {
		buf_printf(why, "554 5.6.0 X-Mailsim-Outcome: %.*s", STR_ARG(buf_str(&part)));
	} else if (latency.p) {
		wrong = smtp_header_is_cut(h, SMTP_FIELD_LATENCY)
		    ? "is too long"
		    : latency_parse(latency, NULL, &w->latency);
		w->has_latency = !wrong;
		if (wrong)
			buf_printf(why, "554 5.6.0 X-Mailsim-Latency: %s", wrong);
	}
	buf_fini(&part);
	return why->len == 0;
}

/* The id: what keys the draws comes first, and a Message-ID, which clients make up, does not. */
static void
set_id(const struct smtp_transaction *t, struct batch_request *r, struct batch_mail *mail)
{
	const struct smtp_header *h = &t->data->header;

	mail->message_id = smtp_header_value(h, SMTP_FIELD_MESSAGE_ID);
	r->id = smtp_header_value(h, SMTP_FIELD_ID);
	if (!r->id.p)
		r->id = smtp_envelope_envid(&t->envelope);
	mail->is_id_unkeyed = !r->id.p;
	if (!r->id.p)
		r->id = mail->message_id;
}

/* With inband what is accepted was delivered in that moment; else it goes as the header has it. */
static void
set_plan(const struct smtp_session *s, struct batch_request *r, struct latency *none)
{
	struct smtp_transaction *t = s->mail;
	struct outcome_set *outcomes = s->front->sim->plan->conf->outcomes;
	struct buf why = { 0 };

	r->plan = PLAN_UNCHANGED;
	if (t->verdicts.of) {
		fate_unref(t->wishes.fate);
		if (fate_parse(outcomes, STR("delivered"), &t->wishes.fate, &why) != FATE_OK)
			abort();
		*none = latency_fixed(0);
		r->plan.latency = r->plan.connect = none;
	} else if (t->wishes.has_latency) {
		r->plan.latency = &t->wishes.latency;
	}
	r->plan.fate = t->wishes.fate;
	buf_fini(&why);
}

/* The batch, of all who are not answered yet and are to have the mail. NULL when the daemon drains.
 */
static struct batch *
open_batch(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;
	const struct smtp_envelope *e = &t->envelope;
	struct str few[FEW], *to = e->n <= FEW ? few : mem_alloc_array(e->n, sizeof *to);
	struct batch_request r = {
		.from = smtp_envelope_from(e),
		.size = t->data->size,
		.concurrency = DELIVERY_UNLIMITED,
	};
	struct batch_mail mail = { .recipients = to };
	struct latency none;
	uint32_t i, n = t->verdicts.of ? t->verdicts.n : e->n;

	if (e->has_notification)
		t->notifications = mem_alloc_array(e->n, sizeof *t->notifications);
	for (i = t->verdicts.given; i < n; i++) {
		if (t->verdicts.of && t->verdicts.of[i].kind != SMTP_PASSES)
			continue;
		if (t->notifications)
			t->notifications[mail.n] = smtp_envelope_notification(e, i);
		to[mail.n++] = smtp_envelope_to(e, i);
	}
	/* those of LMTP may come long after each other */
	r.is_reserved = !smtp_verdict_is_each(s) && intake_room(s->front->sim) >= mail.n;
	set_id(t, &r, &mail);
	set_plan(s, &r, &none);
	t->batch = intake_open_mail(s->front->sim, smtp_session_owner(s), &r, &mail, &t->first);
	t->end = t->first + mail.n;
	if (to != few)
		free(to);
	return t->batch;
}

static void
answer_queued(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;
	struct buf *reply = &s->front->reply;

	reply->len = 0;
	buf_add_lit(reply, "250 2.0.0 Ok: queued as ");
	buf_add_u64(reply, batch_number_at(t->batch, t->first));
	if (smtp_verdict_is_each(s)) {
		/* a run may be others' from now on */
		if (t->until == t->end)
			close_batch(s);
		smtp_verdict_accepted(s, buf_str(reply));
	} else if (smtp_stage_drops_after(s, SMTP_STAGE_EOM)) {
		smtp_session_drop(s);
		smtp_mail_drop(s);
	} else {
		answer(s, buf_str(reply));
		smtp_verdict_drop(s);
	}
}

static enum intake_status
accept_slice(struct smtp_session *s)
{
	const struct smtp_transaction *t = s->mail;
	uint32_t left = t->until - t->batch->accepted;

	return intake_accept_mail(s->front->sim, t->batch, left < SMTP_SLICE ? left : SMTP_SLICE,
	    t->notifications ? t->notifications + (t->batch->accepted - t->first) : NULL);
}

static void
accept_step(struct smtp_session *s)
{
	if (!s->front->sim->is_draining &&
	    (s->front->sim->is_resetting || !present_is_reached(s->front->present))) {
		smtp_session_wait(s, SMTP_WAIT_PRESENT, accept_step);
		return;
	}
	switch (accept_slice(s)) {
	case INTAKE_MORE:
		if (s->mail->batch->accepted < s->mail->until)
			smtp_session_wait(s, SMTP_WAIT_TURN, accept_step);
		else
			answer_queued(s);
		break;
	case INTAKE_NO_ROOM:
		smtp_session_wait(s, SMTP_WAIT_ROOM, accept_step);
		break;
	case INTAKE_CONGESTED:
		smtp_session_wait(s, SMTP_WAIT_LOG, accept_step);
		break;
	case INTAKE_DRAINING:
		refuse_while_draining(s);
		smtp_mail_drop(s);
		break;
	case INTAKE_DONE:
		answer_queued(s);
		break;
	}
}

/* A batch that somebody else has closed, by a reset or a cancel, is followed by another. */
static struct batch *
batch_to_accept(struct smtp_session *s)
{
	if (s->mail->batch && s->mail->batch->is_open)
		return s->mail->batch;
	close_batch(s);
	return open_batch(s);
}

void
smtp_mail_accept(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;
	struct batch *b;

	if (s->front->sim->is_resetting) {
		smtp_session_wait(s, SMTP_WAIT_PRESENT, smtp_mail_accept);
		return;
	}
	b = batch_to_accept(s);
	if (!b) {
		refuse_while_draining(s);
		smtp_mail_drop(s);
	} else {
		t->until = smtp_verdict_is_each(s) ? b->accepted + t->verdicts.passing : t->end;
		accept_step(s);
	}
}

/* What the header asks for is read in the turn in which it is used: a reload may change what there
 * is to ask for. */
static void
take_step(struct smtp_session *s)
{
	const struct smtp_refusal *refusal = smtp_data_refusal(s->mail->data);
	struct buf why = { 0 };

	if (s->front->sim->is_resetting) {
		smtp_session_wait(s, SMTP_WAIT_PRESENT, take_step);
		return;
	}
	if (refusal)
		buf_printf(&why, "%u %s %s", refusal->code, refusal->dsn, refusal->text);
	if (refusal || !read_wishes(s, &why)) {
		answer(s, buf_str(&why));
	} else if (s->front->conf.mode == SMTP_INBAND) {
		smtp_verdict_eom(s);
	} else {
		smtp_mail_accept(s);
	}
	buf_fini(&why);
}

/* The end of data has come, and the delay of its stage is over. */
static void
eom_step(struct smtp_session *s)
{
	if (smtp_stage_passes(s, SMTP_STAGE_EOM, replies_wanted(s)))
		take_step(s);
	else
		smtp_mail_drop(s);
}

size_t
smtp_mail_feed(struct smtp_session *s, struct str octets)
{
	struct smtp_data *data = s->mail->data;
	size_t used = smtp_data_feed(data, octets);

	if (data->is_over) {
		s->input = SMTP_INPUT_COMMANDS;
		smtp_stage_begin(s, SMTP_STAGE_EOM, eom_step);
	}
	return used;
}
