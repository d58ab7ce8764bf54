/*
 * Owns the grammar. Takes lengths, trusts no terminator, allocates nothing.
 */
#include "front/line_parse.h"

#include "base/text.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct str
skip_space(struct str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = str_from(s, 1);
	return s;
}

/* Octets up to the next white space or, if it comes first, stop. */
static size_t
span(struct str s, char stop)
{
	size_t n = 0;

	while (n < s.n && !is_space(s.p[n]) && s.p[n] != stop)
		n++;
	return n;
}

static bool
is_key(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') ||
			(s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_' || s.p[i] == '-'))
			return false;
	return s.n > 0;
}

/* Where ".." stands in s; s.n when it does not. */
static size_t
find_dots(struct str s)
{
	size_t i;

	for (i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '.' && s.p[i + 1] == '.')
			return i;
	return s.n;
}

static const char *
parse_word(struct str s, struct line_arg *arg)
{
	size_t dots = find_dots(s);

	if (str_find(s, '"') < s.n)
		return "a quote stands in the middle of a word; write id=\"...\"";
	if (dots == s.n) {
		*arg = (struct line_arg){ .kind = LINE_WORD, .value = s };
		return NULL;
	}
	*arg = (struct line_arg){ .kind = LINE_RANGE };
	if (text_parse_u63(str_head(s, dots), &arg->first) ||
	    text_parse_u63(str_from(s, dots + 2), &arg->last))
		return "a range is NUMBER..NUMBER without leading zeros; another id with .. is "
		       "written id=\"...\"";
	if (arg->first > arg->last)
		return "the range descends";
	return NULL;
}

/* The value of a pair, at the front of *s, quoted or not. */
static const char *
parse_value(struct str *s, char **scratch, struct line_arg *arg)
{
	const char *why;
	size_t used;

	if (s->n == 0 || s->p[0] != '"') {
		used = span(*s, ' ');
		if (used == 0)
			return "a key has no value; an empty one is \"\"";
		arg->value = str_head(*s, used);
	} else {
		arg->value.p = *scratch;
		why = text_parse_quoted(*s, *scratch, &arg->value.n, &used);
		if (why)
			return why;
		*scratch += arg->value.n;
		if (used < s->n && !is_space(s->p[used]))
			return "text stands behind the closing quote";
	}
	*s = str_from(*s, used);
	return NULL;
}

static const char *
parse_argument(struct str *s, char **scratch, struct line_arg *arg)
{
	size_t n = span(*s, '=');
	struct str word = str_head(*s, n);

	if (n == s->n || s->p[n] != '=') {
		*s = str_from(*s, n);
		return parse_word(word, arg);
	}
	*arg = (struct line_arg){ .kind = LINE_PAIR, .key = word };
	if (!is_key(word))
		return "what stands before = is no key";
	*s = str_from(*s, n + 1);
	return parse_value(s, scratch, arg);
}

const char *
line_parse(struct str line, char *scratch, struct line_request *r)
{
	struct str s = skip_space(line);
	const char *why;
	size_t n = span(s, ' ');

	r->n = 0;
	r->verb = str_head(s, n);
	s = skip_space(str_from(s, n));
	while (s.n > 0) {
		if (r->n == LINE_ARGS_MAX)
			return "there are more than 64 arguments";
		why = parse_argument(&s, &scratch, &r->args[r->n]);
		if (why)
			return why;
		r->n++;
		s = skip_space(s);
	}
	return NULL;
}
