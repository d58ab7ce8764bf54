/*
 * Owns the rules. One that is used up or taken off matches no more, and is freed when the last
 * message it chose for is over.
 */
#include "core/rule.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/address.h"

void
rules_init(struct rules *r)
{
	*r = (struct rules){ .next = 1 };
	list_init(&r->active);
}

static void
free_rule(struct rules *r, struct rule *rule)
{
	r->handles[rule->handle - 1] = NULL;
	r->spare[r->n_spare++] = rule->handle;
	list_remove(&rule->link);
	fate_unref(rule->fate);
	outcome_set_unref(rule->outcomes);
	if (rule->has_latency)
		latency_fini(&rule->latency);
	free(rule);
}

void
rules_fini(struct rules *r)
{
	size_t i;

	for (i = 0; i < r->n_handles; i++)
		if (r->handles[i])
			free_rule(r, r->handles[i]);
	free(r->handles);
	free(r->spare);
	*r = (struct rules){ 0 };
}

/* A free handle; 0 when there is none. */
static uint32_t
new_handle(struct rules *r)
{
	if (r->n_spare > 0)
		return r->spare[--r->n_spare];
	if (r->n_handles == RULE_HANDLE_MAX)
		return 0;
	if (r->n_handles == r->cap_handles) {
		r->cap_handles = r->cap_handles ? r->cap_handles * 2 : 16;
		r->handles = mem_resize_array(r->handles, r->cap_handles, sizeof(struct rule *));
		r->spare = mem_resize_array(r->spare, r->cap_handles, sizeof r->spare[0]);
	}
	r->handles[r->n_handles++] = NULL;
	return (uint32_t)r->n_handles;
}

static struct str
keep_text(char **at, struct str s)
{
	struct str copy = { s.p ? *at : NULL, s.n };

	if (s.p && s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

/* On no list yet. NULL when there are too many. */
static struct rule *
new_rule(struct rules *r, const struct rule_request *q)
{
	uint32_t handle = new_handle(r);
	struct rule *rule;
	char *text;

	if (handle == 0)
		return NULL;
	rule = mem_alloc(sizeof *rule + q->to.n + q->from.n);
	text = rule->text;
	list_init(&rule->link);
	rule->refs = 1;
	rule->handle = handle;
	rule->to = keep_text(&text, q->to);
	rule->from = keep_text(&text, q->from);
	rule->fate = fate_ref(q->fate);
	rule->outcomes = outcome_set_ref(q->outcomes);
	rule->has_latency = q->latency != NULL;
	if (q->latency)
		rule->latency = latency_copy(q->latency);
	rule->is_counted = q->is_counted;
	rule->left = q->count;
	r->handles[handle - 1] = rule;
	return rule;
}

uint64_t
rules_add(struct rules *r, const struct rule_request *request)
{
	struct rule *rule = r->n < RULES_MAX ? new_rule(r, request) : NULL;

	if (!rule)
		return 0;
	list_add_before(r->active.next, &rule->link);
	r->n++;
	return rule->number = r->next++;
}

static void
release(struct rules *r, struct rule *rule)
{
	if (--rule->refs > 0)
		return;
	if (rule->other)
		release(r, rule->other);
	free_rule(r, rule);
}

static void
deactivate(struct rules *r, struct rule *rule)
{
	list_remove(&rule->link);
	r->n--;
	release(r, rule);
}

/* The same rule, with a fate that speaks of those outcomes. NULL when they lack one of its. */
static struct rule *
translate(struct rules *r, const struct rule *rule, struct outcome_set *outcomes)
{
	struct rule_request q = {
		.to = rule->to,
		.from = rule->from,
		.outcomes = outcomes,
		.latency = rule->has_latency ? &rule->latency : NULL,
		.is_counted = rule->is_counted,
		.count = rule->left,
	};
	struct rule *fresh = NULL;
	struct buf why = { 0 };

	if (fate_parse(outcomes, fate_text(rule->fate), &q.fate, &why) == FATE_OK) {
		fresh = new_rule(r, &q);
		fate_unref(q.fate);
	}
	buf_fini(&why);
	return fresh;
}

bool
rules_remove(struct rules *r, uint64_t number)
{
	struct list *l;

	list_foreach (l, &r->active) {
		struct rule *rule = list_entry(l, struct rule, link);

		if (rule->number == number) {
			deactivate(r, rule);
			return true;
		}
	}
	return false;
}

size_t
rules_remove_all(struct rules *r)
{
	size_t n = r->n;

	while (!list_is_empty(&r->active))
		deactivate(r, list_entry(r->active.next, struct rule, link));
	return n;
}

static bool
is_meant(struct str pattern, struct str address)
{
	return !pattern.p || (address.p && address_matches(pattern, address));
}

/* The rule as it is for messages that were accepted with those outcomes: a range that was opened
 * before a reload has older ones. NULL when they lack one. */
static struct rule *
version_for(struct rules *r, struct rule *rule, struct outcome_set *outcomes)
{
	if (rule->outcomes == outcomes)
		return rule;
	if (rule->other && rule->other->outcomes != outcomes) {
		release(r, rule->other);
		rule->other = NULL;
	}
	if (!rule->other)
		rule->other = translate(r, rule, outcomes);
	if (rule->other)
		rule->other->number = rule->number;
	return rule->other;
}

uint32_t
rules_choose(struct rules *r, struct outcome_set *outcomes, struct str to, struct str from)
{
	struct list *l;

	list_foreach (l, &r->active) {
		struct rule *rule = list_entry(l, struct rule, link), *version;

		if (!is_meant(rule->to, to) || !is_meant(rule->from, from))
			continue;
		version = version_for(r, rule, outcomes);
		if (!version)
			continue;
		version->refs++;
		if (rule->is_counted && --rule->left == 0)
			deactivate(r, rule);
		return version->handle;
	}
	return 0;
}

const struct rule *
rules_get(const struct rules *r, uint32_t handle)
{
	return r->handles[handle - 1];
}

void
rules_release(struct rules *r, uint32_t handle)
{
	release(r, r->handles[handle - 1]);
}

size_t
rules_reload(struct rules *r, struct outcome_set *outcomes)
{
	struct list *l, *after;
	size_t gone = 0;

	list_foreach_safe (l, after, &r->active) {
		struct rule *old = list_entry(l, struct rule, link);
		struct rule *fresh = translate(r, old, outcomes);

		if (fresh) {
			fresh->number = old->number;
			list_add_before(&old->link, &fresh->link);
			r->n++;
		} else {
			gone++;
		}
		deactivate(r, old);
	}
	return gone;
}

static void
add_pattern(struct buf *b, const char *key, struct str pattern)
{
	if (!pattern.p)
		return;
	buf_add_str(b, str_of(key));
	text_add_value(b, pattern);
}

void
rule_format(struct buf *b, const struct rule *rule)
{
	buf_printf(b, "rule=%lu", rule->number);
	add_pattern(b, " to=", rule->to);
	add_pattern(b, " from=", rule->from);
	buf_add_lit(b, " outcome=");
	text_add_value(b, fate_text(rule->fate));
	if (rule->has_latency) {
		struct buf latency = { 0 };

		latency_format(&latency, &rule->latency);
		buf_add_lit(b, " latency=");
		text_add_value(b, buf_str(&latency));
		buf_fini(&latency);
	}
	if (rule->is_counted)
		buf_printf(b, " left=%lu", rule->left);
}
