#ifndef CORE_RULE_H
#define CORE_RULE_H

/*
 * Rules: what is to become of messages accepted from now on that match, so many of them: "the next
 * three to bob bounce". The newest that matches speaks. A message keeps the rule that chose for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"
#include "core/fate.h"
#include "core/latency.h"

#define RULES_MAX 1000            /* at once */
#define RULE_HANDLE_MAX 0xffffffU /* and so many that messages still refer to */

struct rule {
	struct list link; /* on rules.active while it may still match */
	uint64_t number;
	uint64_t refs;       /* messages, and being active */
	uint32_t handle;     /* what messages know it by; not 0 */
	struct str to, from; /* patterns; p is NULL: any */
	struct fate *fate;
	struct outcome_set *outcomes; /* which the fate speaks of */
	struct rule *other;           /* the same for another set, or NULL */
	bool has_latency;
	struct latency latency;
	bool is_counted;
	uint64_t left; /* messages it may still choose for, if it is counted */
	char text[];
};

struct rules {
	struct list active; /* newest first */
	size_t n;
	uint64_t next; /* number */
	struct rule **handles;
	size_t n_handles, cap_handles;
	uint32_t *spare; /* handles that are free */
	size_t n_spare;
};

struct rule_request {
	struct str to, from;
	struct fate *fate;
	struct outcome_set *outcomes;  /* which that speaks of */
	const struct latency *latency; /* or NULL */
	bool is_counted;
	uint64_t count;
};

void rules_init(struct rules *r);

/* All of them, whoever still refers to them. */
void rules_fini(struct rules *r);

/* Its number; 0 when there are too many. The fate and the outcomes are counted for it. */
uint64_t rules_add(struct rules *r, const struct rule_request *request);

/* False when there is no such rule. */
bool rules_remove(struct rules *r, uint64_t number);

/* How many there were. */
size_t rules_remove_all(struct rules *r);

/*
 * The handle of the rule that chooses for a message, one less of its count, one reference more:
 * rule_release(). 0 when there is none. outcomes are those that the message was accepted with: a
 * rule whose outcome is not among them passes it over.
 */
uint32_t rules_choose(
    struct rules *r, struct outcome_set *outcomes, struct str to, struct str from);
const struct rule *rules_get(const struct rules *r, uint32_t handle);
void rules_release(struct rules *r, uint32_t handle);

/* The outcomes have other rows now: each rule is read again. One whose outcome is gone goes, too;
 * gives how many did. */
size_t rules_reload(struct rules *r, struct outcome_set *outcomes);

/* "rule=1 to=… outcome=… left=2" */
void rule_format(struct buf *b, const struct rule *rule);

#endif
