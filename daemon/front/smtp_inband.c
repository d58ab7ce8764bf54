/*
 * Owns the memory of pairs: a table of those that were asked for last, the one that was not asked
 * for longest goes first. A pair is in it while it has a round of attempts that is not over. A
 * reset of the simulator forgets them all.
 */
#include "front/smtp_inband.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "core/draw.h"
#include "core/sequel.h"
#include "core/simulator.h"

#define BUCKETS_MIN 64

struct pair {
	struct list link;  /* by when it was asked for, oldest first */
	struct pair *next; /* in its bucket */
	uint64_t hash;
	struct verdict_round round;
	size_t key_n;
	char key[];
};

struct smtp_inband {
	struct simulator *sim;
	uint64_t max, n, hash_seed, era;
	struct pair **buckets;
	size_t n_buckets; /* a power of two */
	struct list pairs;
	struct sequels sequels; /* how many rounds each has had */
	struct buf key;
};

struct smtp_inband *
smtp_inband_new(struct simulator *sim, uint64_t pairs, uint64_t hash_seed)
{
	struct smtp_inband *inband = mem_alloc(sizeof *inband);

	inband->sim = sim;
	inband->max = pairs;
	inband->hash_seed = hash_seed;
	inband->era = sim->era;
	inband->n_buckets = BUCKETS_MIN;
	inband->buckets = mem_alloc_array(inband->n_buckets, sizeof(struct pair *));
	list_init(&inband->pairs);
	sequel_init(&inband->sequels);
	return inband;
}

static struct pair **
place_of(const struct smtp_inband *inband, uint64_t hash)
{
	return &inband->buckets[hash & (inband->n_buckets - 1)];
}

static void
forget(struct smtp_inband *inband, struct pair *p)
{
	struct pair **at = place_of(inband, p->hash);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	list_remove(&p->link);
	inband->n--;
	/* after a reset there are no rules that it could hold */
	if (inband->era == inband->sim->era)
		verdict_end_round(inband->sim, &p->round);
	free(p);
}

static void
trim(struct smtp_inband *inband, uint64_t max)
{
	while (inband->n > max)
		forget(inband, list_entry(inband->pairs.next, struct pair, link));
}

void
smtp_inband_free(struct smtp_inband *inband)
{
	trim(inband, 0);
	sequel_fini(&inband->sequels);
	buf_fini(&inband->key);
	free(inband->buckets);
	free(inband);
}

/* A reset forgets. */
static void
follow_era(struct smtp_inband *inband)
{
	if (inband->era == inband->sim->era)
		return;
	trim(inband, 0);
	sequel_fini(&inband->sequels);
	sequel_init(&inband->sequels);
	inband->era = inband->sim->era;
}

void
smtp_inband_configure(struct smtp_inband *inband, uint64_t pairs)
{
	struct list *l;

	follow_era(inband);
	inband->max = pairs;
	trim(inband, pairs);
	list_foreach (l, &inband->pairs) {
		struct pair *p = list_entry(l, struct pair, link);

		verdict_end_round(inband->sim, &p->round);
		p->round.has_asked_rules = false;
		p->round.place = (struct fate_place){ 0 };
	}
}

uint64_t
smtp_inband_pairs(const struct smtp_inband *inband)
{
	return inband->n;
}

static void
double_buckets(struct smtp_inband *inband)
{
	struct list *l;

	free(inband->buckets);
	inband->n_buckets *= 2;
	inband->buckets = mem_alloc_array(inband->n_buckets, sizeof(struct pair *));
	list_foreach (l, &inband->pairs) {
		struct pair *p = list_entry(l, struct pair, link), **at = place_of(inband, p->hash);

		p->next = *at;
		*at = p;
	}
}

/* Addresses hold no LF. Mails that choose for themselves have rounds of their own for each choice,
 * and so has each stage that is asked without a recipient. */
static struct str
key_of(struct smtp_inband *inband, const struct smtp_pair *pair)
{
	struct buf *b = &inband->key;

	b->len = 0;
	buf_add_char(b, (char)('a' + (pair->to.p ? SMTP_STAGES : pair->stage)));
	buf_add_str(b, pair->from);
	buf_add_char(b, '\n');
	if (pair->to.p)
		buf_add_str(b, pair->to);
	buf_add_char(b, '\n');
	buf_add_str(b, pair->choice);
	return buf_str(b);
}

/* NULL when it is not known. */
static struct pair *
find(const struct smtp_inband *inband, struct str key, uint64_t hash)
{
	struct pair *p = *place_of(inband, hash);

	while (p && !(p->hash == hash && str_eq((struct str){ p->key, p->key_n }, key)))
		p = p->next;
	return p;
}

static struct pair *
find_or_add(struct smtp_inband *inband, const struct smtp_pair *pair)
{
	struct str key = key_of(inband, pair);
	uint64_t hash = draw_key(inband->hash_seed, key, key);
	struct pair *p = find(inband, key, hash), **at;

	if (p) {
		list_remove(&p->link);
		list_add_tail(&inband->pairs, &p->link);
		return p;
	}
	trim(inband, inband->max > 0 ? inband->max - 1 : 0);
	if (inband->n >= inband->n_buckets)
		double_buckets(inband);
	p = mem_alloc(sizeof *p + key.n);
	p->hash = hash;
	p->key_n = key.n;
	memcpy(p->key, key.p, key.n);
	p->round.key = draw_key_nth(inband->sim->seed, key, sequel_next(&inband->sequels, key));
	at = place_of(inband, hash);
	p->next = *at;
	*at = p;
	list_add_tail(&inband->pairs, &p->link);
	inband->n++;
	return p;
}

enum smtp_stage
smtp_inband_stage(const struct outcome *outcome)
{
	struct str stage = str_of(outcome->stage);
	enum smtp_stage found;

	if (str_has_prefix(stage, STR("connect")) || str_eq(stage, STR("dns")))
		return SMTP_STAGE_CONNECT;
	found = smtp_stage_find(stage);
	return found == SMTP_STAGE_NONE ? SMTP_STAGE_RCPT : found;
}

bool
smtp_inband_is_mistake(const struct outcome *outcome)
{
	return outcome->class == OUTCOME_DROP || str_eq(str_of(outcome->stage), STR("dns"));
}

/* What [delivery] says for all was asked before there was a recipient. */
static bool
is_past(const struct outcome *outcome)
{
	return outcome->class != OUTCOME_SUCCESS && smtp_inband_stage(outcome) < SMTP_STAGE_RCPT;
}

static enum smtp_verdict_kind
kind_of(const struct outcome *outcome)
{
	if (outcome->class == OUTCOME_SUCCESS)
		return SMTP_PASSES;
	if (smtp_inband_is_mistake(outcome))
		return SMTP_IS_MISTAKE;
	if (outcome->code > 0)
		return SMTP_IS_REFUSED;
	return str_eq(str_of(outcome->name), STR("connect_timeout")) ? SMTP_IS_SILENT
								     : SMTP_IS_CLOSED;
}

/* Whether the answer is given at that stage. What an earlier one would have said of a recipient is
 * said as soon as he is known. */
static bool
is_given(const struct smtp_pair *pair, const struct outcome *outcome)
{
	enum smtp_stage at = smtp_inband_stage(outcome);

	if (pair->stage == SMTP_STAGE_EOM)
		return true;
	if (outcome->class == OUTCOME_SUCCESS)
		return false;
	return pair->to.p && pair->stage == SMTP_STAGE_RCPT ? at <= pair->stage : at == pair->stage;
}

void
smtp_inband_ask(struct smtp_inband *inband, const struct smtp_pair *pair, struct smtp_verdict *out)
{
	const struct verdict_request r = {
		.from = pair->from,
		.to = pair->to,
		.fate = pair->fate,
		.latency = pair->latency,
		.is_dispatch = pair->stage == SMTP_STAGE_RCPT,
		.is_past = pair->to.p ? is_past : NULL,
	};
	struct verdict v;
	struct pair *p;

	follow_era(inband);
	p = find_or_add(inband, pair);
	verdict_of(inband->sim, &p->round, &r, &v);
	*out = (struct smtp_verdict){ SMTP_PASSES, v.outcome, p->round.attempts + 1, v.delay_ns };
	if (is_given(pair, v.outcome)) {
		out->kind = kind_of(v.outcome);
		if (!(pair->is_peek && out->kind == SMTP_PASSES) &&
		    verdict_take(inband->sim, &p->round, &v))
			forget(inband, p);
	} else if (!pair->to.p) {
		/* it has passed, and the next one is asked anew */
		forget(inband, p);
	}
	trim(inband, inband->max);
}

void
smtp_inband_deliver(struct smtp_inband *inband, const struct smtp_pair *pair)
{
	struct str key = key_of(inband, pair);
	struct pair *p;

	follow_era(inband);
	p = find(inband, key, draw_key(inband->hash_seed, key, key));
	if (p)
		forget(inband, p);
}
