#ifndef FRONT_SMTP_HEADER_H
#define FRONT_SMTP_HEADER_H

/*
 * The few fields of a message's header that are read (RFC 5322 §2.2), pure: lines come in pieces,
 * unfolded values are kept up to a cap, nothing is allocated.
 *
 * Of several fields of a name the first counts. Names are without regard to case, and blanks may
 * stand before the colon (RFC 5322 §4.5). A line that is no field is skipped; the header ends with
 * the first empty line. Tabs in values become spaces. An id with another control character (C1
 * included), a NUL or what is no UTF-8 is as if it were not there, as is an empty value; in other
 * values with such octets, they and all that is not ASCII become '?'.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum smtp_field {
	SMTP_FIELD_MESSAGE_ID, /* between the angle brackets, if it has them; cut at 255 octets */
	SMTP_FIELD_SUBJECT,    /* cut at 255 octets; encoded words stay as they are */
	SMTP_FIELD_ID,         /* X-Mailsim-Id, cut at 255 octets */
	SMTP_FIELD_OUTCOME,    /* X-Mailsim-Outcome, up to 500 octets */
	SMTP_FIELD_LATENCY,    /* X-Mailsim-Latency, up to 500 octets */
	SMTP_FIELDS
};

#define SMTP_FIELD_ID_MAX 255    /* octets of the first three; cut where a character ends */
#define SMTP_FIELD_VALUE_MAX 500 /* octets of the others */

#define SMTP_HEADER_NAME_MAX 24
#define SMTP_HEADER_TEXT_MAX 512

/* Some 3 kB: for a mail under way, not for each connection. */
struct smtp_header {
	bool is_over;  /* the empty line has come */
	unsigned hops; /* Received: fields (RFC 5321 §6.3) */

	/* the rest is its own */
	enum { SMTP_HEADER_START, SMTP_HEADER_NAME, SMTP_HEADER_VALUE, SMTP_HEADER_SKIP } state;
	bool has_blank; /* after the name */
	int current;    /* whose value it is; -1: nobody's */
	uint8_t name_n;
	char name[SMTP_HEADER_NAME_MAX];
	struct {
		bool is_there; /* has begun */
		bool is_cut;
		uint16_t n;
		char text[SMTP_HEADER_TEXT_MAX];
	} values[SMTP_FIELDS];
};

void smtp_header_init(struct smtp_header *h);

/* Part of a line, without its end. */
void smtp_header_add(struct smtp_header *h, struct str s);

/* The line ends. */
void smtp_header_end_line(struct smtp_header *h);

/* No more comes: makes the values fit to be looked at. Call it once. */
void smtp_header_finish(struct smtp_header *h);

/* After smtp_header_finish(): the value; p is NULL where there is none. A view into h. */
struct str smtp_header_value(const struct smtp_header *h, enum smtp_field field);

/* Whether there was more of it than is kept: for the last two, whose beginning is not what was
 * meant. */
bool smtp_header_is_cut(const struct smtp_header *h, enum smtp_field field);

#endif
