#ifndef CORE_PLAN_H
#define CORE_PLAN_H

/*
 * How the messages of a batch are delivered: the configuration as it was when they were accepted,
 * with what the request said itself. Requests that say nothing share one plan, and so do those
 * that say the same, if not too many others came between them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/delivery_conf.h"

/* What a request may say of its messages; NULL, -1 or PLAN_UNSAID where it says nothing. */
#define PLAN_UNSAID UINT64_MAX

struct plan_change {
	const struct latency *latency;
	const struct latency *connect;
	struct fate *fate;
	const struct retry *retry;
	int64_t expire_ns;
	uint64_t max_attempts;
};

#define PLAN_UNCHANGED \
	(struct plan_change) \
	{ \
		.expire_ns = -1, .max_attempts = PLAN_UNSAID \
	}

struct plan {
	uint64_t refs;
	struct plan *base;   /* that it was derived from; or NULL */
	struct list derived; /* from it, the newest first; and its own place there */
	struct list sibling;
	uint64_t seed; /* of all draws */
	struct delivery_conf *conf;
	struct plan_change said; /* which points to what it owns: */
	struct latency *latency, *connect;
	struct retry *retry;
};

struct plan *plan_new(struct delivery_conf *conf, uint64_t seed);

/* A reference to base itself when nothing changes, or to one that was derived with that change. */
struct plan *plan_derive(struct plan *base, const struct plan_change *change);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p);

#endif
