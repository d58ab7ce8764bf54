/*
 * Owns what is known of destinations that cannot be reached. What was said of a name counts more
 * than what was said of a wildcard, and what was said later more than what was said before.
 */
#include "core/outage.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/address.h"

struct outage {
	struct list link;
	bool is_down;
	int64_t until_ns;
	struct str pattern;
	char text[];
};

static const char *
parse_window(struct str word, struct window *w)
{
	const char *dots = memmem(word.p, word.n, "..", 2);
	size_t n = dots ? (size_t)(dots - word.p) : word.n;

	if (!dots || text_parse_duration(str_head(word, n), &w->from_ns) ||
	    text_parse_duration(str_from(word, n + 2), &w->to_ns))
		return "is no window such as 10m..40m";
	return w->from_ns >= w->to_ns ? "has a window that ends before it begins" : NULL;
}

const char *
windows_parse(struct str s, struct windows *out)
{
	struct windows w = { 0 };
	struct str part, word;

	for (; s.n > 0; s = str_from(s, part.n + 1)) {
		part = str_head(s, str_find(s, ','));
		while ((word = str_next_word(&part)).n > 0) {
			const char *why;

			if (w.n == WINDOWS_MAX)
				return "has more than 16 windows";
			why = parse_window(word, &w.at[w.n++]);
			if (why)
				return why;
		}
		part = str_head(s, str_find(s, ','));
	}
	*out = w;
	return NULL;
}

void
windows_format(struct buf *b, const struct windows *w)
{
	unsigned i;

	for (i = 0; i < w->n; i++) {
		if (i > 0)
			buf_add_char(b, ' ');
		text_format_duration(b, w->at[i].from_ns);
		buf_add_lit(b, "..");
		text_format_duration(b, w->at[i].to_ns);
	}
}

int64_t
windows_end(const struct windows *w, int64_t since_start_ns)
{
	int64_t end = -1;
	unsigned i;

	for (i = 0; i < w->n; i++)
		if (since_start_ns >= w->at[i].from_ns && since_start_ns < w->at[i].to_ns &&
		    w->at[i].to_ns > end)
			end = w->at[i].to_ns;
	return end;
}

void
outages_init(struct outages *o)
{
	list_init(&o->said);
	o->n = 0;
}

static void
drop(struct outages *o, struct outage *outage)
{
	list_remove(&outage->link);
	free(outage);
	o->n--;
}

void
outages_fini(struct outages *o)
{
	while (!list_is_empty(&o->said))
		drop(o, list_entry(o->said.next, struct outage, link));
}

bool
outages_say(struct outages *o, struct str pattern, bool is_down, int64_t now_ns, int64_t until_ns)
{
	struct outage *outage;
	struct list *l, *after;

	list_foreach_safe (l, after, &o->said) {
		outage = list_entry(l, struct outage, link);
		if (outage->until_ns <= now_ns || str_eq_nocase(outage->pattern, pattern) ||
		    (is_down && !outage->is_down &&
			address_domain_matches(pattern, outage->pattern)))
			drop(o, outage);
	}
	if (o->n == OUTAGES_MAX)
		return false;
	outage = mem_alloc(sizeof *outage + pattern.n);
	memcpy(outage->text, pattern.p, pattern.n);
	outage->pattern = (struct str){ outage->text, pattern.n };
	outage->is_down = is_down;
	outage->until_ns = until_ns;
	list_add_tail(&o->said, &outage->link);
	o->n++;
	return true;
}

void
outages_forget(struct outages *o, struct str pattern)
{
	struct list *l, *after;

	list_foreach_safe (l, after, &o->said) {
		struct outage *outage = list_entry(l, struct outage, link);

		if (str_eq_nocase(outage->pattern, pattern) ||
		    address_domain_matches(pattern, outage->pattern))
			drop(o, outage);
	}
}

/* A name is nearer than any wildcard, of these the longer one. */
static size_t
nearness(const struct outage *outage)
{
	return str_has_prefix(outage->pattern, STR("*")) ? outage->pattern.n : SIZE_MAX;
}

/* What was said last of the nearest pattern; NULL when nothing holds. */
static const struct outage *
find(const struct outages *o, struct str domain, int64_t now_ns)
{
	const struct outage *best = NULL;
	struct list *l;

	list_foreach (l, &o->said) {
		const struct outage *outage = list_entry(l, struct outage, link);

		if (outage->until_ns > now_ns && address_domain_matches(outage->pattern, domain) &&
		    (!best || nearness(outage) >= nearness(best)))
			best = outage;
	}
	return best;
}

bool
outages_is_down(const struct outages *o, const struct windows *windows, int64_t start_ns,
    struct str domain, int64_t now_ns, int64_t *until_ns)
{
	const struct outage *said = o->n > 0 ? find(o, domain, now_ns) : NULL;
	int64_t end = windows->n > 0 ? windows_end(windows, now_ns - start_ns) : -1;

	if (said) {
		*until_ns = said->until_ns;
		return said->is_down;
	}
	*until_ns = end < 0 ? now_ns : clock_add(start_ns, end);
	return end >= 0;
}
