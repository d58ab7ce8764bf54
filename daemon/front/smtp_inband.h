#ifndef FRONT_SMTP_INBAND_H
#define FRONT_SMTP_INBAND_H

/*
 * smtp.mode = inband: what a pair of sender and recipient gets next, and the memory of pairs that
 * it takes, so that a client that was greylisted and comes back passes.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "core/verdict.h"
#include "front/smtp_fault.h"

struct simulator;
struct smtp_inband;

/* Remembers the last so many pairs. hash_seed: any number that clients cannot know. */
struct smtp_inband *smtp_inband_new(struct simulator *sim, uint64_t pairs, uint64_t hash_seed);
void smtp_inband_free(struct smtp_inband *inband);

/* Settings are others: scripts that pairs are in begin anew; how old they are is kept. */
void smtp_inband_configure(struct smtp_inband *inband, uint64_t pairs);

/* How many pairs are known. */
uint64_t smtp_inband_pairs(const struct smtp_inband *inband);

/*
 * Who is asked for. A stage before RCPT is asked for what [delivery] says for all, without
 * recipient; what a rule, an address or the section of a domain says is known at RCPT only.
 */
struct smtp_pair {
	struct str from, to;           /* to.p is NULL before RCPT */
	enum smtp_stage stage;         /* at which it is asked */
	struct fate *fate;             /* that the header chooses; or NULL */
	const struct latency *latency; /* likewise */
	struct str choice;             /* what the header says of its fate; or empty */
	bool is_peek;                  /* an attempt that is delivered is not counted yet */
};

enum smtp_verdict_kind {
	SMTP_PASSES,     /* nothing to say at this stage; at the end of data: delivered */
	SMTP_IS_REFUSED, /* with the outcome's reply */
	SMTP_IS_CLOSED,  /* the outcome has no reply: the connection is closed */
	SMTP_IS_SILENT,  /* …or never answered */
	SMTP_IS_MISTAKE, /* the outcome is none that a server could give */
};

struct smtp_verdict {
	enum smtp_verdict_kind kind;
	const struct outcome *outcome;
	uint32_t attempt;
	int64_t delay_ns; /* simulated, until the answer */
};

/* What the pair gets at that stage. An attempt that is over with it is counted. */
void smtp_inband_ask(
    struct smtp_inband *inband, const struct smtp_pair *pair, struct smtp_verdict *out);

/* What a peek said of the pair, that it is delivered, was answered: its round is over. */
void smtp_inband_deliver(struct smtp_inband *inband, const struct smtp_pair *pair);

/* The stage at which an outcome is given: that of its row, RCPT where that says none. Before it is
 * SMTP_STAGE_CONNECT for what the sender finds by itself. */
enum smtp_stage smtp_inband_stage(const struct outcome *outcome);

/* Whether no server could give that outcome: one of stage dns, or one that drops. */
bool smtp_inband_is_mistake(const struct outcome *outcome);

#endif
