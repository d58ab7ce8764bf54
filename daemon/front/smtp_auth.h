#ifndef FRONT_SMTP_AUTH_H
#define FRONT_SMTP_AUTH_H

/*
 * An AUTH exchange (RFC 4954) by PLAIN (RFC 4616) or LOGIN, pure: lines in, challenges and at last
 * credentials out. Whether those are right is smtp_users' part.
 */

#include <stdbool.h>

#include "base/str.h"
#include "front/smtp_parse.h"
#include "front/smtp_refusal.h"

#define SMTP_AUTH_NAMES "PLAIN LOGIN" /* what EHLO offers */
#define SMTP_AUTH_TEXT_MAX 255        /* octets of each of the three (RFC 4616 §2) */

enum smtp_auth_status {
	SMTP_AUTH_CONTINUE, /* answer 334 and the challenge; give the next line to smtp_auth_step()
			     */
	SMTP_AUTH_DONE,     /* the credentials are there */
	SMTP_AUTH_REFUSED,  /* answer the refusal; the exchange is over */
};

/* Holds secrets: smtp_auth_fini(). Some 2 kB, for the time of an exchange. */
struct smtp_auth {
	struct str challenge; /* base64, behind "334 "; may be empty */
	const struct smtp_refusal *refusal;
	/* Views into this struct: authzid is empty where it was not given; user is UTF-8, neither
	 * is empty nor has control characters; password is what it is. None holds a NUL. */
	struct str authzid, user, password;

	/* the rest is its own */
	const struct smtp_auth_mechanism *mechanism;
	unsigned step;
	size_t used;
	char text[4 * SMTP_AUTH_TEXT_MAX];
};

/* Begins with what smtp_parse_auth() gave. Refuses 504 5.5.4 an unknown mechanism, 501 5.5.2 what
 * is no base64 or not as the mechanism wants it. */
enum smtp_auth_status smtp_auth_start(struct smtp_auth *a, const struct smtp_auth_command *command);

/* The next line, without its end. "*" cancels: 501 5.7.0. */
enum smtp_auth_status smtp_auth_step(struct smtp_auth *a, struct str line);

/* Overwrites what it knows. */
void smtp_auth_fini(struct smtp_auth *a);

/* For the caller to answer once it has asked smtp_users: 535 5.7.8. */
extern const struct smtp_refusal smtp_auth_refusal_wrong;

#endif
