/*
 * Owns the distributions of latency: their text and their draws.
 */
#include "core/latency.h"

#include "base/text.h"

#define FIXED STR("fixed")

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = str_from(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

const char *
latency_parse(struct str s, struct latency *out)
{
	struct str value = trim(s);
	const char *why;
	int64_t ns;

	if (str_eq(value, FIXED))
		return "needs a duration behind fixed";
	if (str_has_prefix(value, FIXED) && is_blank(value.p[FIXED.n]))
		value = trim(str_from(value, FIXED.n));
	why = text_parse_duration(value, &ns);
	if (!why)
		*out = (struct latency){ .kind = LATENCY_FIXED, .fixed_ns = ns };
	return why;
}

void
latency_format(struct buf *b, const struct latency *l)
{
	buf_add_lit(b, "fixed ");
	text_format_duration(b, l->fixed_ns);
}

int64_t
latency_draw(const struct latency *l)
{
	return l->fixed_ns;
}
