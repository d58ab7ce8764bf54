#ifndef CORE_PLAN_H
#define CORE_PLAN_H

/*
 * How the messages of a batch are delivered: the configuration as it was when they were accepted,
 * with what the request said itself. Batches that say nothing share one plan.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/delivery_conf.h"

struct plan {
	uint64_t refs;
	uint64_t seed; /* of all draws */
	struct latency latency;
	struct latency connect;
	enum outcome_id outcome;
};

/* What a request may say; what it leaves NULL (or OUTCOME_COUNT) is as in `base`. */
struct plan_change {
	const struct latency *latency;
	const struct latency *connect;
	enum outcome_id outcome;
};

struct plan *plan_new(const struct delivery_conf *conf, uint64_t seed);

/* Whether any draw of it depends on chance. */
bool plan_is_random(const struct plan *p);

/* A reference to base itself when nothing changes. */
struct plan *plan_derive(struct plan *base, const struct plan_change *change);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p);

#endif
