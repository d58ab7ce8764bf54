#ifndef CORE_OUTCOME_H
#define CORE_OUTCOME_H

/*
 * The named results of an attempt: what a receiving server would have answered (RFC 5321 codes,
 * RFC 3463 enhanced status codes) or what became of the message here. One row each, in outcome.c.
 */

#include <stdint.h>

#include "base/str.h"

enum outcome_id { OUTCOME_DELIVERED, OUTCOME_CANCELLED, OUTCOME_COUNT };

struct outcome {
	const char *name;
	uint16_t code;     /* SMTP reply code; 0 where no server said one */
	const char *dsn;   /* enhanced status code; NULL where there is none */
	const char *stage; /* of the SMTP dialogue; NULL where there is none */
	const char *text;  /* NULL where there is none */
	bool is_choosable; /* may stand behind outcome= */
};

const struct outcome *outcome_get(enum outcome_id id);

/* The choosable outcome of that name, compared without case and without '-' and '_';
 * OUTCOME_COUNT when there is none. */
enum outcome_id outcome_find(struct str name);

#endif
