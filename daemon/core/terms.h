#ifndef CORE_TERMS_H
#define CORE_TERMS_H

/*
 * The terms that one message is delivered on. Each comes from the first that speaks: the request,
 * the rule that chose it, its address, the section of its domain, the settings for all, as they
 * were when the message was accepted.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "core/fate.h"
#include "core/plan.h"

struct message;
struct simulator;

struct terms {
	struct str to; /* the recipient, valid until the next terms_of(); or not there */
	const struct domain_conf *domain;
	const struct latency *latency, *connect;
	const struct retry *retry;
	int64_t expires_ns;    /* the moment */
	uint64_t max_attempts; /* 0: no limit */
	bool has_script;
	struct fate_script script;
	struct fate_step own; /* what the script is, where the address chose it */
};

void terms_of(struct simulator *sim, const struct message *m, struct terms *t);

/* The script of its attempts, valid as long as *t and the message. */
const struct fate_script *terms_script(
    struct simulator *sim, const struct message *m, struct terms *t);

/* Real processor time that each dispatch of it costs. */
int64_t terms_work(const struct message *m);

#endif
