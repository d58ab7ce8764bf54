#ifndef CORE_FATE_H
#define CORE_FATE_H

/*
 * What is to become of messages, as outcome= says it:
 *
 *     STEP… [P%] [, STEP… P%]…        STEP = NAME [":" (ATTEMPTS | AGE | "forever")]
 *
 * "greylisted:2 user_unknown" is a script over attempts; "user_unknown 5%, greylisted 2%" a mix, of
 * which the rest is delivered. One script is chosen a message, by one draw; where it is at is the
 * message's own.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/outcome.h"

#define FATE_STEPS_MAX 64 /* of all alternatives together */

struct fate_step {
	uint16_t outcome;
	struct outcome_until until;
};

struct fate_script {
	const struct fate_step *steps;
	size_t n; /* 0: delivered at once */
};

/* Where a message is in its script. */
struct fate_place {
	uint32_t step : 8;
	uint32_t used : 24; /* attempts that this step has had */
};

struct fate;

enum fate_status { FATE_OK, FATE_MALFORMED, FATE_UNKNOWN_OUTCOME };

/* *out is counted: fate_unref(). What is wrong, with the part that is, is added to *why. */
enum fate_status fate_parse(
    const struct outcome_set *set, struct str s, struct fate **out, struct buf *why);
struct fate *fate_ref(struct fate *f);
void fate_unref(struct fate *f); /* NULL is allowed */

/* The text it was made from. */
struct str fate_text(const struct fate *f);

/* Whether the draw makes a difference. */
bool fate_is_random(const struct fate *f);

/* Whether any step of it is an outcome that is meant. */
bool fate_has(const struct fate *f, const struct outcome_set *set,
    bool (*is_meant)(const struct outcome *outcome));

/* The script for these bits of draw_bits(). */
struct fate_script fate_choose(const struct fate *f, uint64_t bits);

/* The outcome of an attempt that begins at that age; *at moves on. */
uint16_t fate_next(const struct fate_script *script, int64_t age_ns, struct fate_place *at);

/* One step as a script: "NAME" or "NAME:UNTIL", cut in two. */
enum fate_status fate_parse_step(const struct outcome_set *set, struct str name, struct str until,
    struct fate_step *out, struct buf *why);

#endif
