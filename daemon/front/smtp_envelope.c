/*
 * Owns the envelope of a mail. How much a client may put into it is for the grammar to say, and for
 * smtp.max_recipients.
 */
#include "front/smtp_envelope.h"

#include <stdlib.h>

#include "base/mem.h"

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

void
smtp_envelope_init(struct smtp_envelope *e, const struct smtp_mail *mail)
{
	*e = (struct smtp_envelope){
		.from = mem_copy_str(mail->from.address),
		.ret = mail->params.ret,
		.has_utf8 = mail->params.has_utf8,
	};
	if (mail->params.envid.p)
		e->envid = mem_copy_str(mail->params.envid);
	e->has_notification = e->envid || e->ret != SMTP_RET_NONE;
}

void
smtp_envelope_fini(struct smtp_envelope *e)
{
	while (e->n > 0)
		smtp_envelope_drop_last(e);
	free(e->to);
	free(e->from);
	free(e->envid);
}

/* "rfc822;ann@example.org", which the grammar gives in two pieces. */
static char *
copy_orcpt(const struct smtp_rcpt_params *params)
{
	char *copy = mem_alloc(params->orcpt_type.n + 1 + params->orcpt.n + 1);

	memcpy(copy, params->orcpt_type.p, params->orcpt_type.n);
	copy[params->orcpt_type.n] = ';';
	memcpy(copy + params->orcpt_type.n + 1, params->orcpt.p, params->orcpt.n);
	return copy;
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
	r->address = mem_copy_str(rcpt->to.address);
	r->notify = rcpt->params.notify;
	r->orcpt = rcpt->params.orcpt.p ? copy_orcpt(&rcpt->params) : NULL;
	e->has_notification |= r->notify > 0 || r->orcpt;
}

void
smtp_envelope_drop_last(struct smtp_envelope *e)
{
	struct smtp_recipient *r = &e->to[--e->n];

	free(r->address);
	free(r->orcpt);
}

struct event_notification
smtp_envelope_notification(const struct smtp_envelope *e, uint32_t i)
{
	return (struct event_notification){
		.notify = str_of(notify_names[e->to[i].notify]),
		.ret = str_of(ret_names[e->ret]),
		.orcpt = str_of(e->to[i].orcpt),
		.envid = str_of(e->envid),
	};
}
