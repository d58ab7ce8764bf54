#ifndef FRONT_SMTP_REFUSAL_H
#define FRONT_SMTP_REFUSAL_H

/*
 * Why a line of SMTP is not accepted, as it is answered: "501 5.5.4 Syntax error". All there are
 * are constants; none repeats what the peer sent.
 */
struct smtp_refusal {
	unsigned code;    /* RFC 5321 §4.2 */
	const char *dsn;  /* the enhanced status code, RFC 3463 */
	const char *text; /* ASCII, one line */
};

#endif
