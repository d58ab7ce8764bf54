/*
 * Owns the distributions of latency: their text and their quantile functions. A distribution is a
 * row that says which keys it needs and takes; the parser knows none of them by name, but for the
 * one whose numbers are in a file.
 */
#include "core/latency.h"

#include <math.h>

#include "base/decimal.h"
#include "base/text.h"
#include "core/draw.h"
#include "core/empirical.h"

#define BIT(key) (1U << LATENCY_##key)
#define BOUNDS (BIT(MIN) | BIT(MAX))
#define SPREADS (BIT(P90) | BIT(P95) | BIT(P99) | BIT(P999) | BIT(SIGMA))
#define SIGMA_UNIT 1000000 /* sigma is read in millionths */
#define SIGMA_MAX (10 * SIGMA_UNIT)

static const char *const key_names[LATENCY_KEYS] = {
	[LATENCY_MEAN] = "mean",
	[LATENCY_STDDEV] = "stddev",
	[LATENCY_MEDIAN] = "median",
	[LATENCY_P90] = "p90",
	[LATENCY_P95] = "p95",
	[LATENCY_P99] = "p99",
	[LATENCY_P999] = "p999",
	[LATENCY_SIGMA] = "sigma",
	[LATENCY_MIN] = "min",
	[LATENCY_MAX] = "max",
};

/* The quantiles of the standard normal distribution that the percentiles stand for. */
static const double normal_quantiles[LATENCY_KEYS] = {
	[LATENCY_P90] = 1.2815515655446004,
	[LATENCY_P95] = 1.6448536269514722,
	[LATENCY_P99] = 2.3263478740408408,
	[LATENCY_P999] = 3.0902323061678132,
};

struct form {
	const char *name;
	unsigned needs, takes;
	const char *usage; /* what is wrong when a key is missing or too many */
};

static const struct form forms[LATENCY_KINDS] = {
	[LATENCY_FIXED] = { "fixed", BIT(FIRST), BIT(FIRST), "needs a duration behind fixed" },
	[LATENCY_UNIFORM] = { "uniform", BIT(FIRST) | BIT(SECOND), BIT(FIRST) | BIT(SECOND),
	    "needs two durations behind uniform" },
	[LATENCY_NORMAL] = { "normal", BIT(MEAN) | BIT(STDDEV), BIT(MEAN) | BIT(STDDEV),
	    "needs mean= and stddev= behind normal" },
	[LATENCY_EXPONENTIAL] = { "exponential", BIT(MEAN), BIT(MEAN),
	    "needs mean= behind exponential" },
	[LATENCY_LOGNORMAL] = { "lognormal", BIT(MEDIAN), BIT(MEDIAN) | SPREADS,
	    "needs median= and one of p90= p95= p99= p999= sigma= behind lognormal" },
	[LATENCY_EMPIRICAL] = { "empirical", 0, 0,
	    "needs one file behind empirical, in single quotes if its path holds blanks" },
};

static const char *
parse_sigma(struct str s, int64_t *out)
{
	uint64_t millionths = 0;

	if (text_parse_millionths(s, &millionths) || millionths == 0 || millionths > SIGMA_MAX)
		return "has a sigma that is not a number from 0.000001 to 10";
	*out = (int64_t)millionths;
	return NULL;
}

static enum latency_key
find_key(struct str name)
{
	int key;

	for (key = LATENCY_MEAN; key < LATENCY_KEYS; key++)
		if (str_eq(name, str_of(key_names[key])))
			break;
	return (enum latency_key)key;
}

/* One word behind the name: "key=value", or the next of those that have no key. */
static const char *
parse_word(struct str word, const struct form *form, struct latency *l)
{
	size_t n = str_find(word, '=');
	enum latency_key key = LATENCY_FIRST;

	if (n < word.n)
		key = find_key(str_head(word, n));
	else if (l->given & BIT(FIRST))
		key = LATENCY_SECOND;
	if (key == LATENCY_KEYS || !((form->takes | BOUNDS) & (1U << key)))
		return n < word.n ? "has a key that it does not take" : form->usage;
	if (l->given & (1U << key))
		return n < word.n ? "has a key twice" : form->usage;
	l->given |= 1U << key;
	if (n < word.n)
		word = str_from(word, n + 1);
	return key == LATENCY_SIGMA ? parse_sigma(word, &l->value[key])
				    : text_parse_duration(word, &l->value[key]);
}

/* Of the five ways to say how wide a lognormal is, exactly one must be there. */
static const char *
derive_sigma(struct latency *l)
{
	unsigned spread = l->given & SPREADS;
	int key;

	if (spread == 0 || (spread & (spread - 1)) != 0)
		return forms[LATENCY_LOGNORMAL].usage;
	key = __builtin_ctz(spread);
	if (l->value[LATENCY_MEDIAN] == 0)
		return "has a median of 0";
	if (key == LATENCY_SIGMA) {
		l->sigma = (double)l->value[key] / SIGMA_UNIT;
		return NULL;
	}
	if (l->value[key] < l->value[LATENCY_MEDIAN])
		return "has a percentile below its median";
	l->sigma =
	    log((double)l->value[key] / (double)l->value[LATENCY_MEDIAN]) / normal_quantiles[key];
	return NULL;
}

static const char *
check(struct latency *l)
{
	const struct form *form = &forms[l->kind];

	if ((l->given & form->needs) != form->needs)
		return form->usage;
	if (l->kind == LATENCY_UNIFORM && l->value[LATENCY_FIRST] > l->value[LATENCY_SECOND])
		return "has bounds in the wrong order";
	if ((l->given & BOUNDS) == BOUNDS && l->value[LATENCY_MIN] > l->value[LATENCY_MAX])
		return "has a min above its max";
	return l->kind == LATENCY_LOGNORMAL ? derive_sigma(l) : NULL;
}

/* Takes the path behind "empirical"; false when there is none, or text right behind its quote. */
static bool
take_path(struct str *s, struct str *path)
{
	struct str rest = *s;

	*path = str_next_word(s);
	if (!str_has_prefix(*path, STR("'")))
		return path->n > 0;
	rest = str_from(rest, str_find(rest, '\'') + 1);
	*path = str_head(rest, str_find(rest, '\''));
	*s = str_from(rest, path->n + 1);
	return path->n > 0 && path->n < rest.n && (s->n == 0 || s->p[0] == ' ' || s->p[0] == '\t');
}

static const char *
parse_empirical(struct str *rest, latency_read_cb *read_cb, struct latency *l)
{
	struct buf text = { 0 };
	struct str path;
	const char *why;

	if (!read_cb)
		return "is empirical, and only the configuration may name files";
	if (!take_path(rest, &path) || str_find(path, '\0') < path.n)
		return forms[LATENCY_EMPIRICAL].usage;
	why = read_cb(path, &text);
	if (!why)
		why = empirical_parse(buf_str(&text), path, &l->table);
	buf_fini(&text);
	/* what is wrong is a constant text, never that of the file */
	// cppcheck-suppress returnDanglingLifetime
	return why;
}

const char *
latency_parse(struct str s, latency_read_cb *read_cb, struct latency *out)
{
	struct latency l = { .kind = LATENCY_FIXED };
	struct str rest = s, word = str_next_word(&rest);
	const char *why = NULL;
	int kind;

	for (kind = 0; kind < LATENCY_KINDS; kind++)
		if (str_eq(word, str_of(forms[kind].name)))
			break;
	if (kind < LATENCY_KINDS)
		l.kind = (enum latency_kind)kind;
	else if (word.n > 0 && word.p[0] >= 'a' && word.p[0] <= 'z')
		return read_cb ? "is neither a duration nor fixed, uniform, normal, exponential, "
				 "lognormal, empirical"
			       : "is neither a duration nor fixed, uniform, normal, exponential, "
				 "lognormal";
	else
		rest = s;
	if (l.kind == LATENCY_EMPIRICAL)
		why = parse_empirical(&rest, read_cb, &l);
	while (!why && (word = str_next_word(&rest)).n > 0)
		why = parse_word(word, &forms[l.kind], &l);
	if (!why && s.n > 0)
		why = check(&l);
	else if (!why)
		why = text_parse_duration(s, &l.value[LATENCY_FIRST]);
	if (!why)
		*out = l;
	else
		latency_fini(&l);
	return why;
}

struct latency
latency_copy(const struct latency *l)
{
	struct latency copy = *l;

	if (copy.table)
		empirical_ref(copy.table);
	return copy;
}

bool
latency_equals(const struct latency *a, const struct latency *b)
{
	return a->kind == b->kind && a->given == b->given && a->table == b->table &&
	    memcmp(a->value, b->value, sizeof a->value) == 0;
}

void
latency_fini(struct latency *l)
{
	empirical_unref(l->table);
	*l = latency_fixed(0);
}

static void
format_path(struct buf *b, struct str path)
{
	bool has_blank = str_find(path, ' ') < path.n || str_find(path, '\t') < path.n;

	buf_add_str(b, has_blank ? STR(" '") : STR(" "));
	buf_add_str(b, path);
	if (has_blank)
		buf_add_char(b, '\'');
}

void
latency_format(struct buf *b, const struct latency *l)
{
	int key;

	buf_add_str(b, str_of(forms[l->kind].name));
	if (l->table)
		format_path(b, empirical_path(l->table));
	for (key = 0; key < LATENCY_KEYS; key++) {
		if (!(l->given & (1U << key)))
			continue;
		buf_add_char(b, ' ');
		if (key_names[key]) {
			buf_add_str(b, str_of(key_names[key]));
			buf_add_char(b, '=');
		}
		if (key == LATENCY_SIGMA)
			decimal_format(b, l->value[key]);
		else
			text_format_duration(b, l->value[key]);
	}
}

struct latency
latency_fixed(int64_t ns)
{
	return (struct latency){
		.kind = LATENCY_FIXED,
		.given = BIT(FIRST),
		.value[LATENCY_FIRST] = ns,
	};
}

/* In ns, unbounded. */
static double
quantile(const struct latency *l, double u)
{
	double first = (double)l->value[LATENCY_FIRST], mean = (double)l->value[LATENCY_MEAN];

	switch (l->kind) {
	case LATENCY_UNIFORM:
		return first + ((double)l->value[LATENCY_SECOND] - first) * u;
	case LATENCY_NORMAL:
		return mean + (double)l->value[LATENCY_STDDEV] * draw_normal(u);
	case LATENCY_EXPONENTIAL:
		return -mean * log1p(-u);
	default:
		return (double)l->value[LATENCY_MEDIAN] * exp(l->sigma * draw_normal(u));
	}
}

/* To the nearest microsecond, from 0 to the longest duration there is. */
static int64_t
to_duration(double ns)
{
	if (!(ns > 0))
		return 0;
	if (ns >= (double)TEXT_DURATION_MAX_NS)
		return TEXT_DURATION_MAX_NS;
	return llround(ns / (double)TEXT_NS_PER_US) * TEXT_NS_PER_US;
}

int64_t
latency_draw(const struct latency *l, uint64_t bits)
{
	int64_t ns = l->value[LATENCY_FIRST];

	if (l->kind == LATENCY_EMPIRICAL)
		ns = empirical_quantile(l->table, draw_unit(bits));
	else if (l->kind != LATENCY_FIXED)
		ns = to_duration(quantile(l, draw_unit(bits)));
	if (l->given & BIT(MIN) && ns < l->value[LATENCY_MIN])
		ns = l->value[LATENCY_MIN];
	if (l->given & BIT(MAX) && ns > l->value[LATENCY_MAX])
		ns = l->value[LATENCY_MAX];
	return ns;
}
