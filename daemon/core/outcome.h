#ifndef CORE_OUTCOME_H
#define CORE_OUTCOME_H

/*
 * The named results of an attempt: what a receiving server would have answered (RFC 5321 codes,
 * RFC 3463 enhanced status codes), what the sender found by itself (no server, so no code), or
 * what became of the message here. The built-in ones are a table, one row each; the configuration
 * changes rows and adds some. An id is a row's number in its set.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum outcome_class {
	OUTCOME_SUCCESS,    /* ends in delivered */
	OUTCOME_TRANSIENT,  /* is tried again */
	OUTCOME_PERMANENT,  /* ends in bounced */
	OUTCOME_DROP,       /* ends in dropped, before any dispatch */
	OUTCOME_GIVEN_UP,   /* expired: nobody can choose it */
	OUTCOME_TAKEN_BACK, /* cancelled: nobody can choose it */
};

/* How long a transient outcome lasts; then the message is delivered. */
enum outcome_until_kind { UNTIL_ATTEMPTS, UNTIL_AGE, UNTIL_FOREVER };

struct outcome_until {
	enum outcome_until_kind kind;
	int64_t n; /* attempts, or the age in ns */
};

struct outcome {
	const char *name;
	uint16_t code;     /* SMTP reply code; 0 where no server said one */
	const char *dsn;   /* enhanced status code; NULL where there is none */
	const char *stage; /* of the SMTP dialogue; NULL where there is none */
	const char *text;  /* NULL where there is none */
	enum outcome_class class;
	struct outcome_until until;
};

/* The built-in ones that the simulator itself speaks of; there are more. */
enum outcome_id {
	OUTCOME_DELIVERED,
	OUTCOME_EXPIRED,
	OUTCOME_CANCELLED,
	OUTCOME_SUPPRESSED,
	OUTCOME_RATE_LIMITED,
	OUTCOME_CONNECT_TIMEOUT,
	OUTCOME_NAMED, /* the first of the others */
	OUTCOME_NONE = UINT16_MAX
};

#define OUTCOME_SET_MAX 1000 /* rows that the configuration may add */

struct outcome_set;

/* The built-in ones. Counted: outcome_set_unref(). */
struct outcome_set *outcome_set_new(void);
struct outcome_set *outcome_set_ref(struct outcome_set *set);
void outcome_set_unref(struct outcome_set *set);

/* A new row, or what differs in one that is there: what is 0, or NULL, is not said. */
struct outcome_change {
	uint16_t code;
	const char *dsn, *stage, *text;
	const struct outcome_until *until;
};

/* NULL, or what is wrong. Only before anybody keeps an id of the set. */
const char *outcome_define(
    struct outcome_set *set, struct str name, const struct outcome_change *change);

const struct outcome *outcome_get(const struct outcome_set *set, uint16_t id);

/* The outcome of that name that may be chosen, compared without case and without '-' and '_';
 * OUTCOME_NONE when there is none. */
uint16_t outcome_find(const struct outcome_set *set, struct str name);

/* What stands for an SMTP code of 200 to 599 that an address asks for ("450-anything@"). */
uint16_t outcome_find_code(const struct outcome_set *set, unsigned code);

/* "3" attempts, "30m" of age, "forever". NULL, or what is wrong. */
const char *outcome_parse_until(struct str s, struct outcome_until *out);
void outcome_format_until(struct buf *b, const struct outcome_until *until);

/* NULL, or what is wrong with a name, an enhanced status code, a stage. */
const char *outcome_check_name(struct str s);
const char *outcome_check_dsn(struct str s);
const char *outcome_check_stage(struct str s);

#endif
