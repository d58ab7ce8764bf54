#ifndef FRONT_SMTP_PARSE_H
#define FRONT_SMTP_PARSE_H

/*
 * A command line of SMTP and LMTP (RFC 5321 §4.1, RFC 2033), pure: a line without its end in, views
 * out. Blanks are spaces and tabs. A refusal is NULL when there is none.
 */

#include <stdbool.h>

#include "base/str.h"
#include "front/smtp_param.h"
#include "front/smtp_path.h"
#include "front/smtp_refusal.h"

/* What a line with its CRLF may have at least: 512 octets (RFC 5321 §4.5.3.1.4) and what each
 * extension adds, or an AUTH exchange (RFC 4954 §4). */
#define SMTP_LINE_MAX 12288

struct smtp_command {
	struct str verb; /* as written; empty for an empty line */
	struct str rest; /* what stands behind the blanks, without those at its end */
};

/* "MAIL FROM:<a@b>" is MAIL and the rest. Blanks before the verb are skipped. */
void smtp_parse_command(struct str line, struct smtp_command *command);

/* Whether it is a line of an HTTP request: GET and its like, anything that ends in HTTP/1.1, or a
 * header such as "Host: x" (a first word that ends in, or holds, a colon; no verb does). */
bool smtp_parse_is_http(struct str line);

struct smtp_mail {
	struct smtp_path from;
	struct smtp_mail_params params;
};

struct smtp_rcpt {
	struct smtp_path to;
	struct smtp_rcpt_params params;
};

/*
 * The rest of MAIL: "FROM:<path> params", and of RCPT: "TO:<path> params". FROM and TO without
 * regard to case, blanks behind the colon are skipped. scratch has room for rest.n octets; the
 * views point into it or into rest. What is refused leaves the struct in any state. An address with
 * UTF-8 without SMTPUTF8 is refused: 553 5.6.7 (RFC 6531 §3.5); for RCPT has_smtputf8 is what
 * params.has_utf8 of MAIL was.
 */
const struct smtp_refusal *smtp_parse_mail(struct str rest, char *scratch, struct smtp_mail *mail);
const struct smtp_refusal *smtp_parse_rcpt(
    struct str rest, bool has_smtputf8, char *scratch, struct smtp_rcpt *rcpt);

/*
 * The rest of HELO, EHLO, LHLO: who the peer says it is. As lenient as mail servers are, since
 * programs say what they like: anything of 1 to 255 octets without control characters. It may be
 * no UTF-8.
 */
const struct smtp_refusal *smtp_parse_helo(struct str rest, struct str *name);

struct smtp_auth_command {
	struct str mechanism; /* 1 to 20 letters, digits, '-' and '_' (RFC 4422 §3.1), any case */
	struct str initial;   /* base64, not looked into; empty for "="; p is NULL without one */
};

/* The rest of AUTH: "PLAIN AHUAcA==" (RFC 4954 §4). */
const struct smtp_refusal *smtp_parse_auth(struct str rest, struct smtp_auth_command *command);

/* For verbs without an argument: DATA, RSET, QUIT, STARTTLS. 501 5.5.4 if there is one. */
const struct smtp_refusal *smtp_parse_nothing(struct str rest);

#endif
