#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

/*
 * What the receiving side says to an attempt that somebody else makes: who speaks first is as in
 * core/terms.h, but there is no message that it could be kept with. The caller keeps a round: the
 * attempts for one mail, until it is delivered or refused for good.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "core/fate.h"
#include "core/latency.h"

struct simulator;

struct verdict_round {
	uint64_t key;      /* of its draws: draw_key_nth() */
	uint32_t attempts; /* that it has had */
	int64_t first_ns;  /* when the first was made; 0: none yet */
	struct fate_place place;
	uint32_t rule; /* the handle of the rule that chose for it; 0: none */
	bool has_asked_rules;
};

struct verdict_request {
	struct str from, to;           /* to.p is NULL: not known yet, and only [delivery] speaks */
	struct fate *fate;             /* that the mail itself asks for; or NULL */
	const struct latency *latency; /* likewise */
	bool is_dispatch;              /* limits and outages of the receiving side are asked, too */
	/* Whether the outcome would have come at an earlier stage, where [delivery] was asked for
	 * all; such steps of its script are over. Or NULL. */
	bool (*is_past)(const struct outcome *outcome);
};

struct verdict {
	const struct outcome *outcome;
	int64_t delay_ns;        /* connect and latency */
	struct fate_place place; /* of the round once the attempt is made */
};

/* What the round's next attempt gets, at sim->now_ns. Chooses the round's rule, but leaves the rest
 * of it as it is: verdict_take() for that. */
void verdict_of(struct simulator *sim, struct verdict_round *round, const struct verdict_request *r,
    struct verdict *out);

/* The attempt was made. True when the round is over with it: delivered, dropped, or refused for
 * good. */
bool verdict_take(
    const struct simulator *sim, struct verdict_round *round, const struct verdict *v);

/* The round is not needed any more. Not after a reset that came in between. */
void verdict_end_round(struct simulator *sim, struct verdict_round *round);

#endif
