#ifndef FRONT_SMTP_PARAM_H
#define FRONT_SMTP_PARAM_H

/*
 * The parameters of MAIL and RCPT (RFC 5321 §4.1.2), pure: SIZE (RFC 1870), BODY (RFC 6152),
 * SMTPUTF8 (RFC 6531), AUTH (RFC 4954), RET, ENVID, NOTIFY, ORCPT (RFC 3461).
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "front/smtp_refusal.h"

#define SMTP_ENVID_MAX 100      /* octets as sent (RFC 3461 §4.4); decoded it is no longer */
#define SMTP_ORCPT_MAX 500      /* octets as sent (RFC 3461 §4.2) */
#define SMTP_AUTH_PARAM_MAX 500 /* octets as sent (RFC 4954 §5) */

enum smtp_body { SMTP_BODY_NONE, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };

#define SMTP_NOTIFY_NEVER 1U
#define SMTP_NOTIFY_SUCCESS 2U
#define SMTP_NOTIFY_FAILURE 4U
#define SMTP_NOTIFY_DELAY 8U

/* Views into what was read or into scratch; p is NULL where it was not given. xtext is decoded. */
struct smtp_mail_params {
	bool has_size;
	uint64_t size; /* octets; UINT64_MAX is that or more */
	enum smtp_body body;
	bool has_utf8; /* SMTPUTF8 */
	enum smtp_ret ret;
	struct str envid; /* 1 to 100 octets, UTF-8 without NUL, but may hold control characters */
	struct str auth;  /* a mailbox, not looked into, or "<>"; UTF-8, no control characters */
};

struct smtp_rcpt_params {
	unsigned notify;       /* mask of SMTP_NOTIFY_...; 0: not given */
	struct str orcpt_type; /* "rfc822"; letters, digits and hyphens */
	struct str orcpt; /* as envid, up to 500 octets; of type utf-8 also raw (RFC 6533 §3) */
};

/*
 * Reads what stands behind the path: nothing, or blanks and parameters with blanks between them.
 * scratch has room for s.n octets. NULL, or the refusal: 555 5.5.4 for an unknown parameter, 501
 * 5.5.4 for one that is malformed or is there twice. Keywords are without regard to case.
 */
const struct smtp_refusal *smtp_param_parse_mail(
    struct str s, char *scratch, struct smtp_mail_params *params);
const struct smtp_refusal *smtp_param_parse_rcpt(
    struct str s, char *scratch, struct smtp_rcpt_params *params);

/* xtext (RFC 3461 §4) to octets: out has room for s.n, and may be where s is. False when it is
 * malformed. Hexadecimal digits in either case. */
bool smtp_param_decode_xtext(struct str s, char *out, size_t *out_n);

#endif
