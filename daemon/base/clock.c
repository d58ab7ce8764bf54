/*
 * Owns the mapping between real and simulated time: a straight line through one known point.
 * Simulated readings are whole microseconds, as all times that users see are.
 */
#include "base/clock.h"

#include "base/decimal.h"
#include "base/text.h"

#define SCALE_MAX (1000000LL * CLOCK_SCALE_ONE)

static int64_t
to_microsecond(int64_t ns)
{
	return ns - ns % TEXT_NS_PER_US;
}

/* The first whole microsecond that is not before ns; the end of time is what it is. */
static int64_t
up_to_microsecond(int64_t ns)
{
	int64_t past = ns % TEXT_NS_PER_US;

	return past == 0 || ns > CLOCK_LAST ? ns : ns - past + TEXT_NS_PER_US;
}

void
clock_start(struct clock *c, const struct clock_conf *conf, int64_t real_ns, int64_t wall_ns)
{
	*c = (struct clock){
		.scale = conf->scale,
		.is_max = conf->is_max,
		.real_base = real_ns,
		.simulated_base = to_microsecond(conf->is_epoch_now ? wall_ns : conf->epoch_ns),
	};
}

bool
clock_is_running(const struct clock *c)
{
	return !c->is_max && c->scale > 0;
}

int64_t
clock_now(const struct clock *c, int64_t real_ns)
{
	__int128 passed;

	if (!clock_is_running(c) || real_ns <= c->real_base || c->simulated_base > CLOCK_LAST)
		return c->simulated_base;
	passed = (__int128)(real_ns - c->real_base) * c->scale / CLOCK_SCALE_ONE;
	if (passed > CLOCK_LAST - c->simulated_base)
		return CLOCK_LAST;
	return to_microsecond(c->simulated_base + (int64_t)passed);
}

int64_t
clock_real_at(const struct clock *c, int64_t simulated_ns)
{
	__int128 real;

	if (simulated_ns <= c->simulated_base)
		return c->real_base;
	if (!clock_is_running(c) || simulated_ns > CLOCK_LAST)
		return CLOCK_NEVER;
	/* readings are cut to the microsecond: one between two is reached with the second */
	real = (__int128)(up_to_microsecond(simulated_ns) - c->simulated_base) * CLOCK_SCALE_ONE;
	real = (real + c->scale - 1) / c->scale + c->real_base;
	return real >= CLOCK_NEVER ? CLOCK_NEVER : (int64_t)real;
}

void
clock_jump(struct clock *c, int64_t real_ns, int64_t simulated_ns)
{
	int64_t now = clock_now(c, real_ns), to = up_to_microsecond(simulated_ns);

	c->real_base = real_ns;
	c->simulated_base = to > now ? to : now;
}

void
clock_set_scale(struct clock *c, int64_t real_ns, int64_t scale, bool is_max)
{
	c->simulated_base = clock_now(c, real_ns);
	c->real_base = real_ns;
	c->scale = scale;
	c->is_max = is_max;
}

const char *
clock_parse_scale(struct str s, int64_t *scale, bool *is_max)
{
	int64_t value = 0, unit = CLOCK_SCALE_ONE;
	size_t i = 0;

	if (str_eq_nocase(s, STR("max"))) {
		*is_max = true;
		*scale = 0;
		return NULL;
	}
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
		value = value * 10 + (s.p[i] - '0') * CLOCK_SCALE_ONE;
		if (value > SCALE_MAX)
			return "is more than 1000000";
	}
	if (i == 0)
		return "is not a number of simulated seconds per real one, 0 or max";
	if (i < s.n && s.p[i] == '.') {
		size_t first = ++i;

		for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
			unit /= 10;
			if (unit == 0)
				return "has more than six decimals";
			value += (s.p[i] - '0') * unit;
		}
		if (i == first)
			return "has no digit behind the point";
	}
	if (i < s.n)
		return "is not a number of simulated seconds per real one, 0 or max";
	if (value > SCALE_MAX)
		return "is more than 1000000";
	*is_max = false;
	*scale = value;
	return NULL;
}

void
clock_format_scale(struct buf *b, int64_t scale, bool is_max)
{
	if (is_max)
		buf_add_lit(b, "max");
	else
		decimal_format(b, scale);
}
