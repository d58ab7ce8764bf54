#ifndef FRONT_SMTP_DATA_H
#define FRONT_SMTP_DATA_H

/*
 * What comes after DATA (RFC 5321 §4.1.1.4, §4.5.2), pure: octets in pieces of any size in, the end
 * and what was counted out. Nothing of the body is kept.
 *
 * Only <CRLF>.<CRLF> ends the data, or .<CRLF> as its first line, whatever a peer sends and however
 * it is cut into pieces. A CR or LF that is not part of a CRLF ends nothing; the mode says what
 * else becomes of it. Lines may be of any length.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "front/smtp_header.h"
#include "front/smtp_refusal.h"

enum smtp_bare_newline {
	SMTP_BARE_NORMALIZE, /* a bare LF ends a line of the header, and is else an octet like
				others */
	SMTP_BARE_REJECT,    /* the same, and the message is refused at its end */
};

/* As large as its header: for a mail under way, not for each connection. */
struct smtp_data {
	bool is_over;  /* the end has come */
	bool has_bare; /* a bare CR or LF was seen; only looked for with SMTP_BARE_REJECT */
	uint64_t
	    size; /* octets with line ends, without the dots that were stuffed and the last line */
	struct smtp_header header;

	/* the rest is its own */
	enum smtp_bare_newline bare_newline;
	uint64_t size_max;
	enum {
		SMTP_DATA_START,
		SMTP_DATA_DOT,
		SMTP_DATA_DOT_CR,
		SMTP_DATA_TEXT,
		SMTP_DATA_CR
	} state;
};

/* size_max: octets; 0 for no limit. */
void smtp_data_init(struct smtp_data *d, enum smtp_bare_newline bare_newline, uint64_t size_max);

/* Gives how many octets of the piece belong to the data: all of them, or those up to the end with
 * it, and is_over is then set. What follows are commands. Not to be called after the end. */
size_t smtp_data_feed(struct smtp_data *d, struct str piece);

/* After the end: NULL, or why the message is not accepted: 552 5.3.4 for its size, 550 5.5.2 for a
 * bare newline. */
const struct smtp_refusal *smtp_data_refusal(const struct smtp_data *d);

#endif
