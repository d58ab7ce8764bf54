#ifndef FRONT_SMTP_ENVELOPE_H
#define FRONT_SMTP_ENVELOPE_H

/*
 * Whom a mail is from and to, and what its sender asked to be told of it (RFC 3461): a copy of what
 * MAIL and RCPT said.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "front/smtp_parse.h"

struct smtp_recipient {
	char *address;
	char *orcpt; /* with its type, decoded; or NULL */
	unsigned notify;
};

struct smtp_envelope {
	char *from;
	char *envid; /* decoded; or NULL */
	enum smtp_ret ret;
	bool has_utf8;
	bool has_notification; /* something was asked, for somebody */
	struct smtp_recipient *to;
	uint32_t n, cap;
};

void smtp_envelope_init(struct smtp_envelope *e, const struct smtp_mail *mail);
void smtp_envelope_fini(struct smtp_envelope *e);

/* One recipient more, behind the others; the last one is taken back. */
void smtp_envelope_add(struct smtp_envelope *e, const struct smtp_rcpt *rcpt);
void smtp_envelope_drop_last(struct smtp_envelope *e);

/* What was asked for that recipient; it points into the envelope. */
struct event_notification smtp_envelope_notification(const struct smtp_envelope *e, uint32_t i);

#endif
