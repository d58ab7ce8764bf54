/*
 * Owns the language of outcome=: mixes and scripts. Shares are whole millionths and compared with
 * whole numbers, so that a share means the same on every machine.
 */
#include "core/fate.h"

#include <stdlib.h>

#include "base/decimal.h"
#include "base/mem.h"
#include "base/text.h"

#define SHOWN_MAX 64 /* octets of a user's text that an error repeats */

struct script {
	int64_t end; /* of its share, added up: millionths */
	size_t n;
	struct fate_step *steps;
};

struct fate {
	uint64_t refs;
	char *text;
	size_t n;
	struct script *scripts;
};

static enum fate_status
refuse(struct buf *why, struct str part, const char *what)
{
	text_add_quoted(why, str_head(part, SHOWN_MAX));
	buf_add_char(why, ' ');
	buf_add_str(why, str_of(what));
	return FATE_MALFORMED;
}

enum fate_status
fate_parse_step(const struct outcome_set *set, struct str name, struct str until,
    struct fate_step *out, struct buf *why)
{
	const char *wrong;

	out->outcome = outcome_find(set, name);
	if (out->outcome == OUTCOME_NONE) {
		refuse(why, name, "is no outcome");
		return FATE_UNKNOWN_OUTCOME;
	}
	out->until = outcome_get(set, out->outcome)->until;
	wrong = until.p ? outcome_parse_until(until, &out->until) : NULL;
	return wrong ? refuse(why, until, wrong) : FATE_OK;
}

/* Whether nothing can come after that step. */
static bool
is_last(const struct outcome_set *set, const struct fate_step *step)
{
	return outcome_get(set, step->outcome)->class != OUTCOME_TRANSIENT ||
	    step->until.kind == UNTIL_FOREVER;
}

static enum fate_status
add_step(const struct outcome_set *set, struct str word, struct fate_step *step, bool is_first,
    struct buf *why)
{
	size_t colon = str_find(word, ':');
	struct str until = colon < word.n ? str_from(word, colon + 1) : (struct str){ NULL, 0 };
	enum fate_status status = fate_parse_step(set, str_head(word, colon), until, step, why);

	if (status == FATE_OK && !is_first &&
	    outcome_get(set, step->outcome)->class == OUTCOME_DROP)
		return refuse(
		    why, word, "cannot come later: it drops a message before any dispatch");
	return status;
}

/* One alternative of a mix, with so many steps before it. *share is -1 where none is given. */
static enum fate_status
parse_script(const struct outcome_set *set, struct str s, struct script *script, size_t before,
    int64_t *share, struct buf *why)
{
	struct fate_step steps[FATE_STEPS_MAX];
	struct str rest = s, word;
	enum fate_status status;

	*share = -1;
	while ((word = str_next_word(&rest)).n > 0) {
		if (*share >= 0)
			return refuse(why, word, "stands behind the share; a comma is missing");
		if (word.p[word.n - 1] == '%') {
			const char *wrong = decimal_parse_percent(word, share);

			if (wrong)
				return refuse(why, word, wrong);
			continue;
		}
		if (script->n + before == FATE_STEPS_MAX)
			return refuse(why, word, "is more than there may be: at most 64 steps");
		if (script->n > 0 && is_last(set, &steps[script->n - 1]))
			return refuse(why, word, "can never come: the step before it is the last");
		status = add_step(set, word, &steps[script->n], script->n == 0, why);
		if (status != FATE_OK)
			return status;
		script->n++;
	}
	if (script->n == 0)
		return refuse(why, s, "names no outcome");
	script->steps = mem_alloc_array(script->n, sizeof steps[0]);
	memcpy(script->steps, steps, script->n * sizeof steps[0]);
	return FATE_OK;
}

/* The shares one after the other. The first may leave its own out: it takes what is left. */
static enum fate_status
add_shares(struct fate *f, const int64_t *shares, struct buf *why)
{
	int64_t sum = 0, end = 0;
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (shares[i] < 0 && i > 0)
			return refuse(why, fate_text(f), "has an alternative without a share");
		sum += shares[i] < 0 ? 0 : shares[i];
	}
	if (sum > DECIMAL_ONE)
		return refuse(why, fate_text(f), "adds up to more than 100%");
	for (i = 0; i < f->n; i++) {
		end += shares[i] < 0 ? DECIMAL_ONE - sum : shares[i];
		f->scripts[i].end = end;
	}
	return FATE_OK;
}

static enum fate_status
parse_mix(const struct outcome_set *set, struct str s, struct fate *f, struct buf *why)
{
	int64_t shares[FATE_STEPS_MAX];
	enum fate_status status;
	size_t steps = 0;

	for (;;) {
		size_t n = str_find(s, ',');

		if (steps == FATE_STEPS_MAX)
			return refuse(why, s, "is more than there may be: at most 64 steps");
		f->scripts = mem_resize_array(f->scripts, f->n + 1, sizeof f->scripts[0]);
		f->scripts[f->n] = (struct script){ 0 };
		status =
		    parse_script(set, str_head(s, n), &f->scripts[f->n], steps, &shares[f->n], why);
		steps += f->scripts[f->n++].n;
		if (status != FATE_OK)
			return status;
		if (n == s.n)
			return add_shares(f, shares, why);
		s = str_from(s, n + 1);
	}
}

enum fate_status
fate_parse(const struct outcome_set *set, struct str s, struct fate **out, struct buf *why)
{
	struct fate *f = mem_alloc(sizeof *f);
	enum fate_status status;

	f->refs = 1;
	f->text = mem_copy_str(s);
	status = parse_mix(set, s, f, why);
	if (status == FATE_OK)
		*out = f;
	else
		fate_unref(f);
	return status;
}

struct fate *
fate_ref(struct fate *f)
{
	f->refs++;
	return f;
}

void
fate_unref(struct fate *f)
{
	size_t i;

	if (!f || --f->refs > 0)
		return;
	for (i = 0; i < f->n; i++)
		free(f->scripts[i].steps);
	free(f->scripts);
	free(f->text);
	free(f);
}

struct str
fate_text(const struct fate *f)
{
	return str_of(f->text);
}

bool
fate_is_random(const struct fate *f)
{
	return f->n > 1 || f->scripts[0].end < DECIMAL_ONE;
}

bool
fate_has(const struct fate *f, const struct outcome_set *set,
    bool (*is_meant)(const struct outcome *outcome))
{
	size_t i, k;

	for (i = 0; i < f->n; i++)
		for (k = 0; k < f->scripts[i].n; k++)
			if (is_meant(outcome_get(set, f->scripts[i].steps[k].outcome)))
				return true;
	return false;
}

struct fate_script
fate_choose(const struct fate *f, uint64_t bits)
{
	int64_t at = (int64_t)((unsigned __int128)bits * DECIMAL_ONE >> 64);
	size_t i;

	for (i = 0; i < f->n; i++)
		if (at < f->scripts[i].end)
			return (struct fate_script){ f->scripts[i].steps, f->scripts[i].n };
	return (struct fate_script){ NULL, 0 };
}

static bool
is_over(const struct fate_step *step, int64_t age_ns, const struct fate_place *at)
{
	switch (step->until.kind) {
	case UNTIL_ATTEMPTS:
		return at->used >= step->until.n;
	case UNTIL_AGE:
		return age_ns >= step->until.n;
	default:
		return false;
	}
}

uint16_t
fate_next(const struct fate_script *script, int64_t age_ns, struct fate_place *at)
{
	while (at->step < script->n && is_over(&script->steps[at->step], age_ns, at))
		*at = (struct fate_place){ .step = (at->step + 1U) & 0xffU };
	if (at->step >= script->n)
		return OUTCOME_DELIVERED;
	if (script->steps[at->step].until.kind == UNTIL_ATTEMPTS)
		at->used = (at->used + 1U) & 0xffffffU;
	return script->steps[at->step].outcome;
}
