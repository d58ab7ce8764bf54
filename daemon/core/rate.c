/*
 * Owns rates and their one stored time. The interval between two is rounded down to 2^-32 ns, which
 * does not show where the moment at which one more may go is rounded up to a microsecond.
 */
#include "core/rate.h"

#include "base/clock.h"
#include "base/text.h"

#define FRACTION_BITS 32
#define RATE_MAX 1000000000ULL
#define BURST_MAX 1000000000ULL

static const struct {
	char name;
	int64_t ns;
} units[] = {
	{ 's', TEXT_NS_PER_S },
	{ 'm', 60 * TEXT_NS_PER_S },
	{ 'h', 3600 * TEXT_NS_PER_S },
};

static const char *
parse_rate(struct str s, struct rate *r)
{
	static const char wrong[] = "is not unlimited or a rate such as 50/s, 100/m, 20/h";
	size_t slash = str_find(s, '/'), i;

	if (slash + 2 != s.n || text_parse_u63(str_head(s, slash), &r->n))
		return wrong;
	if (r->n == 0 || r->n > RATE_MAX)
		return "is a rate outside of 1 to 1000000000";
	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (units[i].name == s.p[slash + 1]) {
			r->per_ns = units[i].ns;
			return NULL;
		}
	return wrong;
}

const char *
rate_parse(struct str s, struct rate *out)
{
	struct rate r = { 0 };
	struct str rest = s, word = str_next_word(&rest);
	const char *why;

	if (str_eq(word, STR("unlimited"))) {
		why = str_next_word(&rest).n > 0 ? "has something behind unlimited" : NULL;
	} else {
		why = parse_rate(word, &r);
		word = str_next_word(&rest);
		if (!why && word.n > 0 &&
		    (!str_has_prefix(word, STR("burst=")) ||
			text_parse_u63(str_from(word, 6), &r.burst) || r.burst == 0 ||
			r.burst > BURST_MAX || str_next_word(&rest).n > 0))
			why = "has something else behind the rate than burst=N, from 1 up";
	}
	if (!why)
		*out = r;
	return why;
}

void
rate_format(struct buf *b, const struct rate *r)
{
	size_t i;

	if (r->n == 0) {
		buf_add_lit(b, "unlimited");
		return;
	}
	for (i = 0; units[i].ns != r->per_ns; i++)
		;
	buf_printf(b, "%lu/%c", r->n, units[i].name);
	if (r->burst > 0)
		buf_printf(b, " burst=%lu", r->burst);
}

static __int128
fixed(int64_t ns)
{
	return (__int128)ns << FRACTION_BITS;
}

static __int128
interval(const struct rate *r)
{
	return fixed(r->per_ns) / (__int128)r->n;
}

/* The earliest moment at which one more conforms. */
static __int128
opens_at(const struct rate *r, const struct pace *p, uint64_t burst)
{
	uint64_t b = r->burst > 0 ? r->burst : burst;

	return p->free_at - (__int128)(b - 1) * interval(r);
}

bool
rate_is_open(const struct rate *r, const struct pace *p, uint64_t burst, int64_t now_ns)
{
	return r->n == 0 || fixed(now_ns) >= opens_at(r, p, burst);
}

void
rate_take(const struct rate *r, struct pace *p, int64_t now_ns)
{
	if (r->n == 0)
		return;
	/* what goes at the first microsecond at which it may is not late: else the next ones would
	 * be, too, and 300000/s were 250000/s */
	if (p->free_at <= fixed(now_ns - TEXT_NS_PER_US))
		p->free_at = fixed(now_ns);
	p->free_at += interval(r);
}

int64_t
rate_opens_at(const struct rate *r, const struct pace *p, uint64_t burst)
{
	__int128 unit = fixed(TEXT_NS_PER_US), at = opens_at(r, p, burst);

	if (at < 0)
		return 0;
	at = (at + unit - 1) / unit * TEXT_NS_PER_US;
	return at >= CLOCK_NEVER ? CLOCK_NEVER : (int64_t)at;
}

bool
rate_is_idle(const struct pace *p, int64_t now_ns)
{
	return p->free_at <= fixed(now_ns);
}
