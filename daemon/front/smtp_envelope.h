#ifndef FRONT_SMTP_ENVELOPE_H
#define FRONT_SMTP_ENVELOPE_H

/*
 * Whom a mail is from and to, and what its sender asked to be told of it (RFC 3461): a copy of what
 * MAIL and RCPT said.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/event.h"
#include "front/smtp_parse.h"

/* Texts are places in the envelope's text, whose first octet is nobody's: 0 is nowhere. With the
 * most recipients that a configuration can allow, and the longest that the grammar takes, that is
 * less than a hundred megabytes. */
struct smtp_recipient {
	uint32_t address;
	uint32_t orcpt; /* with its type, decoded */
	unsigned notify;
};

struct smtp_envelope {
	struct buf text; /* all that was copied, each with a NUL behind it */
	uint32_t from;
	uint32_t envid; /* decoded */
	enum smtp_ret ret;
	bool has_utf8;
	bool has_notification; /* something was asked, for somebody */
	struct smtp_recipient *to;
	uint32_t n, cap;
};

/* The envelope is all zero to begin with, and again after fini. After an end, which keeps what a
 * usual mail needs, the next one may begin in the same memory. */
void smtp_envelope_begin(struct smtp_envelope *e, const struct smtp_mail *mail);
void smtp_envelope_end(struct smtp_envelope *e);
void smtp_envelope_fini(struct smtp_envelope *e);

/* Views into the envelope, until a recipient comes or goes or the mail ends; the ENVID's p is NULL
 * if there is none. */
struct str smtp_envelope_from(const struct smtp_envelope *e);
struct str smtp_envelope_to(const struct smtp_envelope *e, uint32_t i);
struct str smtp_envelope_envid(const struct smtp_envelope *e);

/* One recipient more, behind the others; the last one is taken back. */
void smtp_envelope_add(struct smtp_envelope *e, const struct smtp_rcpt *rcpt);
void smtp_envelope_drop_last(struct smtp_envelope *e);

/* What was asked for that recipient: views as those above. */
struct event_notification smtp_envelope_notification(const struct smtp_envelope *e, uint32_t i);

#endif
