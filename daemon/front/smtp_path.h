#ifndef FRONT_SMTP_PATH_H
#define FRONT_SMTP_PATH_H

/*
 * The path of an envelope (RFC 5321 §4.1.2), pure:
 *
 *     path    = "<" [ route ":" ] mailbox ">" | mailbox
 *     route   = "@" domain *( "," "@" domain )                     ; accepted and ignored
 *     mailbox = ( dot-string | quoted-string ) "@" ( domain | "[" literal "]" )
 *
 * Strict in what can do harm: no control character anywhere, C1 (U+0080 to U+009F) included; one
 * '@'; literals are IPv4 or IPv6 addresses. Lenient where mail servers are, since a program that
 * gets away with it elsewhere should here: a path without angle brackets, dots at any place of the
 * local part, '_' and '-' at any place of a domain. An address needs a domain; only Postmaster,
 * written in any case, has none.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "front/smtp_refusal.h"

#define SMTP_LOCAL_MAX 64   /* octets, quotes included (RFC 5321 §4.5.3.1.1) */
#define SMTP_DOMAIN_MAX 255 /* octets, brackets included (RFC 5321 §4.5.3.1.2) */

enum smtp_side { SMTP_SENDER, SMTP_RECIPIENT };

/* Views into what was read. */
struct smtp_path {
	struct str address; /* local@domain as it was written, without the route; for <> empty */
	struct str local;   /* a quoted one with its quotes */
	struct str domain;  /* a literal with its brackets; p is NULL for <> and Postmaster */
	bool has_utf8;      /* it is for SMTPUTF8 only (RFC 6531) */
};

/*
 * Reads the path that s starts with, up to its '>', or up to a blank where it has no brackets; sets
 * *used to its octets. NULL, or the refusal: 501 5.1.7 for a sender, 501 5.1.3 for a recipient,
 * longer local parts and domains included. <> is for a sender only.
 */
const struct smtp_refusal *smtp_path_parse(
    struct str s, enum smtp_side side, struct smtp_path *path, size_t *used);

#endif
