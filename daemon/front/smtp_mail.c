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

void
smtp_mail_drop(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;
	uint32_t i;

	s->input = SMTP_INPUT_COMMANDS;
	if (s->phase & (SMTP_PHASE_SENDER | SMTP_PHASE_RECIPIENTS))
		s->phase = SMTP_PHASE_READY;
	if (!t)
		return;
	s->mail = NULL;
	if (t->batch) {
		intake_close(s->front->sim, t->batch);
		intake_release(s->front->sim, t->batch);
	}
	for (i = 0; i < t->n; i++)
		free(t->to[i]);
	free(t->to);
	free(t->from);
	free(t->envid);
	if (s->front->spare_data)
		free(t->data);
	else
		s->front->spare_data = t->data;
	free(t->verdicts);
	fate_unref(t->wishes.fate);
	free(t);
}

bool
smtp_mail_is_under_way(const struct smtp_session *s)
{
	return s->step && s->mail && s->mail->batch;
}

static void
refuse_while_draining(struct smtp_session *s)
{
	smtp_reply(s, "421 4.3.2 %s The daemon stops", s->front->hostname);
	smtp_session_quit(s);
}

void
smtp_mail_from(struct smtp_session *s, const struct smtp_command *command)
{
	struct smtp_mail mail;
	const struct smtp_refusal *refusal;

	if (s->front->sim->is_draining) {
		refuse_while_draining(s);
		return;
	}
	refusal = smtp_parse_mail(command->rest, s->front->scratch, &mail);
	if (refusal) {
		smtp_reply_refusal(s, refusal);
		return;
	}
	if (mail.params.has_size && mail.params.size > s->front->conf.max_size) {
		smtp_reply(
		    s, "552 5.3.4 A message has at most %lu octets here", s->front->conf.max_size);
		return;
	}
	s->mail = mem_alloc(sizeof *s->mail);
	s->mail->from = mem_copy_str(mail.from.address);
	s->mail->has_utf8 = mail.params.has_utf8;
	if (mail.params.envid.n > 0)
		s->mail->envid = mem_copy_str(mail.params.envid);
	if (!smtp_verdict_passes(s, SMTP_STAGE_MAIL))
		return;
	s->phase = SMTP_PHASE_SENDER;
	smtp_reply(s, "250 2.1.0 Ok");
}

static void
add_recipient(struct smtp_transaction *t, struct str address)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 1;
		t->to = mem_resize_array(t->to, t->cap, sizeof *t->to);
	}
	t->to[t->n++] = mem_copy_str(address);
}

/* Whether what the address says of its outcome can be understood. False when it was refused. */
static bool
check_magic(struct smtp_session *s, struct str to)
{
	const struct delivery_conf *conf = s->front->sim->plan->conf;
	struct fate_step step;
	bool is_good = !delivery_conf_is_magic(conf, address_domain(to)) ||
	    magic_read(conf->outcomes, to, &step, NULL) != MAGIC_MALFORMED;

	if (!is_good)
		smtp_reply(s, "501 5.1.3 The tag of the address names an outcome, but not when");
	return is_good;
}

void
smtp_mail_to(struct smtp_session *s, const struct smtp_command *command)
{
	struct smtp_transaction *t = s->mail;
	struct smtp_rcpt rcpt;
	const struct smtp_refusal *refusal =
	    smtp_parse_rcpt(command->rest, t->has_utf8, s->front->scratch, &rcpt);

	if (refusal) {
		smtp_reply_refusal(s, refusal);
		return;
	}
	if (t->n >= s->front->conf.max_recipients) {
		smtp_reply(s, "452 4.5.3 A mail has at most %lu recipients here",
		    s->front->conf.max_recipients);
		return;
	}
	if (!check_magic(s, rcpt.to.address))
		return;
	add_recipient(t, rcpt.to.address);
	if (!smtp_verdict_passes(s, SMTP_STAGE_RCPT))
		return;
	s->phase = SMTP_PHASE_RECIPIENTS;
	smtp_reply(s, "250 2.1.5 Ok");
}

void
smtp_mail_data(struct smtp_session *s, const struct smtp_command *command)
{
	const struct smtp_refusal *refusal = smtp_parse_nothing(command->rest);

	if (refusal) {
		smtp_reply_refusal(s, refusal);
		return;
	}
	if (!smtp_verdict_passes(s, SMTP_STAGE_DATA))
		return;
	s->mail->data =
	    s->front->spare_data ? s->front->spare_data : mem_alloc(sizeof *s->mail->data);
	s->front->spare_data = NULL;
	smtp_data_init(s->mail->data, s->front->conf.bare_newline, s->front->conf.max_size);
	s->input = SMTP_INPUT_DATA;
	smtp_reply(s, "354 End data with <CR><LF>.<CR><LF>");
}

/* At the end of data. */
static uint32_t
replies_wanted(const struct smtp_session *s)
{
	return s->dialect->answers_each ? s->mail->n : 1;
}

/* The same reply for the transaction, or, in LMTP, for each of its recipients. Then it is over. */
static void
answer(struct smtp_session *s, const char *reply)
{
	uint32_t n = replies_wanted(s);

	while (n-- > 0)
		smtp_reply(s, "%s", reply);
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
		r->id = str_of(t->envid);
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
	if (t->verdicts) {
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

/* Opens the batch. False when the daemon drains. */
static bool
open_batch(struct smtp_session *s)
{
	struct smtp_transaction *t = s->mail;
	struct str *to = mem_alloc_array(t->n, sizeof *to);
	struct batch_request r = {
		.from = str_of(t->from),
		.size = t->data->size,
		.concurrency = DELIVERY_UNLIMITED,
	};
	struct batch_mail mail = { .recipients = to };
	struct latency none;
	uint32_t i;

	for (i = 0; i < t->n; i++)
		if (!t->verdicts || t->verdicts[i].kind == SMTP_PASSES)
			to[mail.n++] = str_of(t->to[i]);
	r.is_reserved = intake_room(s->front->sim) >= mail.n;
	set_id(t, &r, &mail);
	set_plan(s, &r, &none);
	t->batch = intake_open_mail(s->front->sim, smtp_session_owner(s), &r, &mail, &t->first);
	free(to);
	return t->batch != NULL;
}

static void
answer_queued(struct smtp_session *s)
{
	char reply[64];

	snprintf(reply, sizeof reply, "250 2.0.0 Ok: queued as %lu",
	    batch_number_at(s->mail->batch, s->mail->first));
	if (s->fault.is_dropped_after) {
		smtp_session_drop(s);
		smtp_mail_drop(s);
	} else if (s->mail->verdicts) {
		smtp_verdict_answer(s, reply);
	} else {
		answer(s, reply);
	}
}

static void
accept_step(struct smtp_session *s)
{
	if (!s->front->sim->is_draining &&
	    (s->front->sim->is_resetting || !present_is_reached(s->front->present))) {
		smtp_session_wait(s, SMTP_WAIT_PRESENT, accept_step);
		return;
	}
	switch (intake_accept(s->front->sim, s->mail->batch, SMTP_SLICE)) {
	case INTAKE_MORE:
		smtp_session_wait(s, SMTP_WAIT_TURN, accept_step);
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

void
smtp_mail_open(struct smtp_session *s)
{
	if (s->front->sim->is_resetting) {
		smtp_session_wait(s, SMTP_WAIT_PRESENT, smtp_mail_open);
	} else if (!open_batch(s)) {
		refuse_while_draining(s);
		smtp_mail_drop(s);
	} else {
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
		buf_add_char(&why, '\0');
		answer(s, why.data);
	} else if (s->front->conf.mode == SMTP_INBAND) {
		smtp_verdict_eom(s);
	} else {
		smtp_mail_open(s);
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
