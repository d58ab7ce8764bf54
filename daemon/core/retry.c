/*
 * Owns retry schedules: their text and the delay after each attempt.
 */
#include "core/retry.h"

#include <math.h>

#include "base/decimal.h"
#include "base/text.h"

#define FACTOR_MAX (1000 * DECIMAL_ONE)

static const char *
parse_delay(struct str word, int64_t *ns)
{
	const char *why = text_parse_duration(word, ns);

	return !why && *ns < RETRY_DELAY_MIN_NS ? "has a delay shorter than 1ms" : why;
}

/* "*2", behind the delays */
static const char *
parse_factor(struct str word, struct retry *r)
{
	if (r->n == 0)
		return "has a factor without a delay before it";
	if (decimal_parse(str_from(word, 1), &r->factor) || r->factor < DECIMAL_ONE ||
	    r->factor > FACTOR_MAX)
		return "has a factor that is not a number from 1 to 1000, such as *2 or *1.5";
	return NULL;
}

/* "max 4000s", behind the factor */
static const char *
parse_max(struct str *rest, struct retry *r)
{
	struct str word = str_next_word(rest);
	const char *why;

	if (r->factor == 0)
		return "has a max without a factor before it, such as *2";
	why = word.n > 0 ? parse_delay(word, &r->max_ns) : "has no duration behind max";
	if (!why && r->max_ns < r->delay_ns[r->n - 1])
		why = "has a max below the delay that grows";
	return why;
}

const char *
retry_parse(struct str s, struct retry *out)
{
	struct retry r = { 0 };
	const char *why = NULL;
	struct str rest = s, word;

	while (!why && (word = str_next_word(&rest)).n > 0) {
		if (r.max_ns > 0)
			why = "has something behind its max";
		else if (str_eq(word, STR("max")))
			why = parse_max(&rest, &r);
		else if (r.factor > 0)
			why = "has something else than max behind its factor";
		else if (word.p[0] == '*')
			why = parse_factor(word, &r);
		else if (r.n == RETRY_DELAYS_MAX)
			why = "lists more than 32 delays";
		else
			why = parse_delay(word, &r.delay_ns[r.n++]);
	}
	if (!why && r.n == 0)
		why = "lists no delay";
	if (!why)
		*out = r;
	return why;
}

void
retry_format(struct buf *b, const struct retry *r)
{
	unsigned i;

	for (i = 0; i < r->n; i++) {
		if (i > 0)
			buf_add_char(b, ' ');
		text_format_duration(b, r->delay_ns[i]);
	}
	if (r->factor > 0) {
		buf_add_lit(b, " *");
		decimal_format(b, r->factor);
	}
	if (r->max_ns > 0) {
		buf_add_lit(b, " max ");
		text_format_duration(b, r->max_ns);
	}
}

/* delay * factor, or max if that is less. 128 bits only where 64 are too few: dividing them was a
 * twelfth of all that an attempt costs. */
static int64_t
grow(int64_t delay, int64_t factor, int64_t max)
{
	int64_t product;
	__int128 next;

	if (__builtin_mul_overflow(delay, factor, &product))
		next = (__int128)delay * factor / DECIMAL_ONE;
	else
		next = product / DECIMAL_ONE;
	return next < max ? (int64_t)next : max;
}

/* What the last delay of the list has grown to, after so many steps. */
static int64_t
grown(const struct retry *r, uint32_t steps)
{
	int64_t delay = r->delay_ns[r->n - 1];
	int64_t max = r->max_ns > 0 ? r->max_ns : TEXT_DURATION_MAX_NS;

	if (r->factor <= DECIMAL_ONE)
		return delay;
	for (; steps > 0 && delay < max; steps--)
		delay = grow(delay, r->factor, max);
	return delay < max ? delay : max;
}

bool
retry_equals(const struct retry *a, const struct retry *b)
{
	return a->n == b->n && a->factor == b->factor && a->max_ns == b->max_ns &&
	    memcmp(a->delay_ns, b->delay_ns, a->n * sizeof a->delay_ns[0]) == 0;
}

int64_t
retry_delay(const struct retry *r, uint32_t attempt, int64_t jitter, double unit)
{
	int64_t delay = attempt <= r->n ? r->delay_ns[attempt - 1] : grown(r, attempt - r->n);

	if (jitter > 0)
		delay += llround(
		    (double)delay * ((double)jitter / (double)DECIMAL_ONE) * (2.0 * unit - 1.0));
	if (delay < RETRY_DELAY_MIN_NS)
		delay = RETRY_DELAY_MIN_NS;
	return (delay + TEXT_NS_PER_US / 2) / TEXT_NS_PER_US * TEXT_NS_PER_US;
}
