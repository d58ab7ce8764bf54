/*
 * Owns the envelope of a mail. How much a client may put into it is for the grammar to say, and for
 * smtp.max_recipients.
 */
#include "front/smtp_envelope.h"

#include <stdlib.h>

#include "base/mem.h"

#define KEPT_BYTES 4096
#define KEPT_RECIPIENTS 16

static const char *const ret_names[] = {
	[SMTP_RET_NONE] = NULL,
	[SMTP_RET_FULL] = "FULL",
	[SMTP_RET_HDRS] = "HDRS",
};

/* As they are written down, whatever their order was. Together with others NEVER is refused. */
static const char *const notify_names[] = {
	[0] = NULL,
	[SMTP_NOTIFY_NEVER] = "NEVER",
	[SMTP_NOTIFY_SUCCESS] = "SUCCESS",
	[SMTP_NOTIFY_FAILURE] = "FAILURE",
	[SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE] = "SUCCESS,FAILURE",
	[SMTP_NOTIFY_DELAY] = "DELAY",
	[SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY] = "SUCCESS,DELAY",
	[SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY] = "FAILURE,DELAY",
	[SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY] = "SUCCESS,FAILURE,DELAY",
};

static uint32_t
keep(struct smtp_envelope *e, struct str s)
{
	uint32_t at = (uint32_t)e->text.len;

	buf_add_str(&e->text, s);
	buf_add_char(&e->text, '\0');
	return at;
}

static struct str
text_at(const struct smtp_envelope *e, uint32_t at)
{
	return str_of(at > 0 ? e->text.data + at : NULL);
}

void
smtp_envelope_begin(struct smtp_envelope *e, const struct smtp_mail *mail)
{
	buf_add_char(&e->text, '\0');
	e->from = keep(e, mail->from.address);
	e->ret = mail->params.ret;
	e->has_utf8 = mail->params.has_utf8;
	if (mail->params.envid.p)
		e->envid = keep(e, mail->params.envid);
	e->has_notification = e->envid > 0 || e->ret != SMTP_RET_NONE;
}

/* What one large mail took is not kept for those that come after it, or never come. */
void
smtp_envelope_end(struct smtp_envelope *e)
{
	struct buf text = e->text;
	struct smtp_recipient *to = e->to;
	uint32_t cap = e->cap;

	if (text.cap > KEPT_BYTES || cap > KEPT_RECIPIENTS) {
		smtp_envelope_fini(e);
		return;
	}
	text.len = 0;
	*e = (struct smtp_envelope){ .text = text, .to = to, .cap = cap };
}

void
smtp_envelope_fini(struct smtp_envelope *e)
{
	free(e->to);
	buf_fini(&e->text);
	*e = (struct smtp_envelope){ 0 };
}

struct str
smtp_envelope_from(const struct smtp_envelope *e)
{
	return text_at(e, e->from);
}

struct str
smtp_envelope_to(const struct smtp_envelope *e, uint32_t i)
{
	return text_at(e, e->to[i].address);
}

struct str
smtp_envelope_envid(const struct smtp_envelope *e)
{
	return text_at(e, e->envid);
}

/* "rfc822;ann@example.org", which the grammar gives in two pieces. */
static uint32_t
keep_orcpt(struct smtp_envelope *e, const struct smtp_rcpt_params *params)
{
	uint32_t at = (uint32_t)e->text.len;

	buf_add_str(&e->text, params->orcpt_type);
	buf_add_char(&e->text, ';');
	keep(e, params->orcpt);
	return at;
}

void
smtp_envelope_add(struct smtp_envelope *e, const struct smtp_rcpt *rcpt)
{
	struct smtp_recipient *r;

	if (e->n == e->cap) {
		e->cap = e->cap ? e->cap * 2 : 1;
		e->to = mem_resize_array(e->to, e->cap, sizeof *e->to);
	}
	r = &e->to[e->n++];
	r->address = keep(e, rcpt->to.address);
	r->notify = rcpt->params.notify;
	r->orcpt = rcpt->params.orcpt.p ? keep_orcpt(e, &rcpt->params) : 0;
	e->has_notification |= r->notify > 0 || r->orcpt > 0;
}

void
smtp_envelope_drop_last(struct smtp_envelope *e)
{
	e->text.len = e->to[--e->n].address;
}

struct event_notification
smtp_envelope_notification(const struct smtp_envelope *e, uint32_t i)
{
	return (struct event_notification){
		.notify = str_of(notify_names[e->to[i].notify]),
		.ret = str_of(ret_names[e->ret]),
		.orcpt = text_at(e, e->to[i].orcpt),
		.envid = text_at(e, e->envid),
	};
}
