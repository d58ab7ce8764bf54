/*
 * Owns the rules. One that is used up or taken off matches no more, and is freed when the last
 * message it chose for is over.
 */
#include "core/rule.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/address.h"

#define HANDLES_MAX UINT16_MAX

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
	list_remove(&rule->link);
	fate_unref(rule->fate);
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
	*r = (struct rules){ 0 };
}

/* A free handle; 0 when there is none. */
static uint16_t
new_handle(struct rules *r)
{
	size_t i;

	for (i = 0; i < r->n_handles && r->handles[i]; i++)
		;
	if (i == HANDLES_MAX)
		return 0;
	if (i == r->n_handles) {
		r->handles = mem_resize_array(r->handles, i + 1, sizeof r->handles[0]);
		r->handles[r->n_handles++] = NULL;
	}
	return (uint16_t)(i + 1);
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

/* In front of `before`, or as the newest. */
static struct rule *
add(struct rules *r, const struct rule_request *q, struct list *before)
{
	uint16_t handle = new_handle(r);
	struct rule *rule;
	char *text;

	if (handle == 0)
		return NULL;
	rule = mem_alloc(sizeof *rule + q->to.n + q->from.n);
	text = rule->text;
	rule->refs = 1;
	rule->handle = handle;
	rule->to = keep_text(&text, q->to);
	rule->from = keep_text(&text, q->from);
	rule->fate = fate_ref(q->fate);
	rule->has_latency = q->latency != NULL;
	if (q->latency)
		rule->latency = latency_copy(q->latency);
	rule->is_counted = q->is_counted;
	rule->left = q->count;
	r->handles[handle - 1] = rule;
	list_add_before(before, &rule->link);
	r->n++;
	return rule;
}

uint64_t
rules_add(struct rules *r, const struct rule_request *request)
{
	struct rule *rule = r->n < RULES_MAX ? add(r, request, r->active.next) : NULL;

	if (!rule)
		return 0;
	return rule->number = r->next++;
}

static void
release(struct rules *r, struct rule *rule)
{
	if (--rule->refs == 0)
		free_rule(r, rule);
}

static void
deactivate(struct rules *r, struct rule *rule)
{
	list_remove(&rule->link);
	r->n--;
	release(r, rule);
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

uint16_t
rules_choose(struct rules *r, struct str to, struct str from)
{
	struct list *l;

	list_foreach (l, &r->active) {
		struct rule *rule = list_entry(l, struct rule, link);
		uint16_t handle = rule->handle;

		if (!is_meant(rule->to, to) || !is_meant(rule->from, from))
			continue;
		rule->refs++;
		if (rule->is_counted && --rule->left == 0)
			deactivate(r, rule);
		return handle;
	}
	return 0;
}

const struct rule *
rules_get(const struct rules *r, uint16_t handle)
{
	return r->handles[handle - 1];
}

void
rules_release(struct rules *r, uint16_t handle)
{
	release(r, r->handles[handle - 1]);
}

size_t
rules_reload(struct rules *r, const struct outcome_set *outcomes)
{
	struct list *l, *after;
	size_t gone = 0;

	list_foreach_safe (l, after, &r->active) {
		struct rule *old = list_entry(l, struct rule, link), *fresh = NULL;
		struct buf why = { 0 };
		struct rule_request q = {
			.to = old->to,
			.from = old->from,
			.latency = old->has_latency ? &old->latency : NULL,
			.is_counted = old->is_counted,
			.count = old->left,
		};

		if (fate_parse(outcomes, fate_text(old->fate), &q.fate, &why) == FATE_OK) {
			fresh = add(r, &q, &old->link);
			fate_unref(q.fate);
		}
		if (fresh)
			fresh->number = old->number;
		else
			gone++;
		deactivate(r, old);
		buf_fini(&why);
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
