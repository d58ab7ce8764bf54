/*
 * Owns how values are written: numbers, durations, sizes, times. Works
 * on octets and integers alone; no locale, floating point or C library parser has a say, so the
 * same text means the same everywhere. Keeps no state that shows.
 */
#include "base/text.h"

#define SECONDS_PER_DAY 86400LL
#define SECOND_OCTETS 20 /* of a time, as far as its decimal point */
#define SIZE_MAX_OCTETS (1ULL << 53)
#define FRACTION_DIGITS 18 /* as many as fit an uint64_t, so no digit is dropped unseen */
#define FRACTION_ONE 1000000000000000000U /* 10^FRACTION_DIGITS */

struct unit {
	struct str name;
	int64_t factor;
};

/* From the longest to the shortest, as text_format_duration() wants them. */
static const struct unit durations[] = {
	{ { "d", 1 }, SECONDS_PER_DAY *TEXT_NS_PER_S },
	{ { "h", 1 }, 3600 * TEXT_NS_PER_S },
	{ { "m", 1 }, 60 * TEXT_NS_PER_S },
	{ { "s", 1 }, TEXT_NS_PER_S },
	{ { "ms", 2 }, TEXT_NS_PER_MS },
	{ { "us", 2 }, TEXT_NS_PER_US },
};

static const struct unit sizes[] = {
	{ { "G", 1 }, 1LL << 30 },
	{ { "M", 1 }, 1LL << 20 },
	{ { "k", 1 }, 1LL << 10 },
	{ { "", 0 }, 1 },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct unit *
find_unit(const struct unit *units, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(units[i].name, name))
			return &units[i];
	return NULL;
}

/* The digits s starts with, as a number; gives how many there are. What is too large for an
 * uint64_t becomes UINT64_MAX. */
static size_t
take_digits(struct str s, uint64_t *value)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s.n && is_digit(s.p[i]); i++)
		if (__builtin_mul_overflow(v, 10U, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			v = UINT64_MAX;
	*value = v;
	return i;
}

const char *
text_parse_u63(struct str s, uint64_t *out)
{
	uint64_t v;
	size_t n = take_digits(s, &v);

	if (s.n > 1 && s.p[0] == '-' && take_digits(str_from(s, 1), &v) == s.n - 1)
		return "is negative";
	if (n == 0 || n < s.n)
		return "is not a whole number";
	if (n > 1 && s.p[0] == '0')
		return "has a leading zero";
	if (v > INT64_MAX)
		return "is more than 9223372036854775807";
	*out = v;
	return NULL;
}

/* ".5" of a unit, as that many 10^-18; the number of octets used, or what is wrong. */
static const char *
take_fraction(struct str s, uint64_t *fraction, size_t *used)
{
	uint64_t v;
	size_t n;

	*fraction = 0;
	*used = 0;
	if (s.n == 0 || s.p[0] != '.')
		return NULL;
	n = take_digits(str_from(s, 1), &v);
	if (n == 0)
		return "has no digit behind the point";
	if (n > FRACTION_DIGITS)
		return "has more than 18 decimals";
	*used = n + 1;
	for (; n < FRACTION_DIGITS; n++)
		v *= 10;
	*fraction = v;
	return NULL;
}

const char *
text_parse_millionths(struct str s, uint64_t *out)
{
	static const uint64_t millionth = FRACTION_ONE / 1000000;
	uint64_t whole, fraction, v;
	size_t n = take_digits(s, &whole), used;
	const char *wrong;

	if (n == 0)
		return "is not a number";
	wrong = take_fraction(str_from(s, n), &fraction, &used);
	if (wrong)
		return wrong;
	if (n + used < s.n)
		return "is not a number";
	if (fraction % millionth != 0)
		return "has more than six decimals";
	if (__builtin_mul_overflow(whole, 1000000U, &v) ||
	    __builtin_add_overflow(v, fraction / millionth, &v))
		return "is too large";
	*out = v;
	return NULL;
}

const char *
text_parse_duration(struct str s, int64_t *out_ns)
{
	const struct unit *unit;
	const char *wrong;
	uint64_t whole, fraction;
	unsigned __int128 us;
	size_t n, used;

	if (s.n > 1 && s.p[0] == '-' && is_digit(s.p[1]))
		return "is negative";
	n = take_digits(s, &whole);
	if (n == 0)
		return "is not a number with a unit: us ms s m h d";
	wrong = take_fraction(str_from(s, n), &fraction, &used);
	if (wrong)
		return wrong;
	if (n + used == s.n)
		return "needs a unit: us ms s m h d";
	unit = find_unit(durations, COUNT(durations), str_from(s, n + used));
	if (!unit)
		return "has an unknown unit: there are us ms s m h d";
	us = (unsigned __int128)(uint64_t)(unit->factor / TEXT_NS_PER_US);
	us = us * whole + (us * fraction + FRACTION_ONE / 2) / FRACTION_ONE;
	if (us > TEXT_DURATION_MAX_NS / TEXT_NS_PER_US)
		return "is more than 36500d";
	*out_ns = (int64_t)us * TEXT_NS_PER_US;
	return NULL;
}

/* Adds the sign, gives the rest. */
static uint64_t
add_sign(struct buf *b, int64_t v)
{
	if (v >= 0)
		return (uint64_t)v;
	buf_add_char(b, '-');
	return 0 - (uint64_t)v;
}

void
text_format_duration(struct buf *b, int64_t ns)
{
	uint64_t us = add_sign(b, ns / TEXT_NS_PER_US), factor;
	size_t i;

	if (us == 0) {
		buf_add_lit(b, "0s");
		return;
	}
	for (i = 0; us % (factor = (uint64_t)(durations[i].factor / TEXT_NS_PER_US)) != 0;)
		i++; /* ends: a microsecond divides everything */
	buf_add_u64(b, us / factor);
	buf_add_str(b, durations[i].name);
}

const char *
text_parse_size(struct str s, uint64_t *out)
{
	const struct unit *unit;
	uint64_t v;
	size_t n = take_digits(s, &v);

	if (s.n > 1 && s.p[0] == '-' && is_digit(s.p[1]))
		return "is negative";
	if (n == 0)
		return "is not a number of octets such as 4096, 64k, 32M or 1G";
	unit = find_unit(sizes, COUNT(sizes), str_from(s, n));
	if (!unit)
		return "has an unknown unit: there are k M G, or none";
	if (__builtin_mul_overflow(v, (uint64_t)unit->factor, &v) || v > SIZE_MAX_OCTETS)
		return "is more than 8388608G";
	*out = v;
	return NULL;
}

void
text_format_size(struct buf *b, uint64_t octets)
{
	size_t i = 0;

	/* four digits are read more easily than a unit: 4096 */
	if (octets < 10000)
		i = COUNT(sizes) - 1;
	while (octets % (uint64_t)sizes[i].factor != 0)
		i++;
	buf_add_u64(b, octets / (uint64_t)sizes[i].factor);
	buf_add_str(b, sizes[i].name);
}

/*
 * Days since 1970 of a date of the proleptic Gregorian calendar, and back. Years are counted from
 * March, so that the leap day is the last of its year; 400 years have 146097 days.
 */
static int64_t
days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static void
date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
	int64_t z = days + 719468, era = z / 146097, left = z % 146097;
	int64_t y = (left - left / 1460 + left / 36524 - left / 146096) / 365;
	int64_t in_year = left - (365 * y + y / 4 - y / 100), m = (5 * in_year + 2) / 153;

	*day = in_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = era * 400 + y + (*month <= 2);
}

/* The number that n digits at s write; -1 when they are no digits. */
static int64_t
fixed_digits(const char *s, size_t n)
{
	int64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_digit(s[i]))
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

/* "2026-11-23T06:12:00" to seconds since 1970. */
static const char *
parse_date_time(const char *s, int64_t *seconds)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t year = fixed_digits(s, 4), month = fixed_digits(s + 5, 2);
	int64_t day = fixed_digits(s + 8, 2), hour = fixed_digits(s + 11, 2);
	int64_t minute = fixed_digits(s + 14, 2), second = fixed_digits(s + 17, 2), last;

	if (s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != 't') || s[13] != ':' ||
	    s[16] != ':' || year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 ||
	    second < 0)
		return "is not a date and time such as 2026-11-23T06:12:00Z";
	if (month < 1 || month > 12)
		return "has no such month";
	last =
	    days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
	if (day < 1 || day > last)
		return "has no such day";
	if (hour > 23 || minute > 59 || second > 59)
		return "has no such time of day";
	*seconds =
	    days_from_date(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
	return NULL;
}

/* "Z" or "+02:00", to seconds east of Greenwich. */
static const char *
parse_offset(struct str s, int64_t *seconds)
{
	int64_t hours, minutes;

	if (s.n == 0)
		return "needs a Z or an offset such as +02:00 at its end";
	if (str_eq_nocase(s, STR("Z"))) {
		*seconds = 0;
		return NULL;
	}
	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-') || s.p[3] != ':')
		return "has neither Z nor an offset such as +02:00 at its end";
	hours = fixed_digits(s.p + 1, 2);
	minutes = fixed_digits(s.p + 4, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return "has no such offset";
	*seconds = (hours * 3600 + minutes * 60) * (s.p[0] == '-' ? -1 : 1);
	return NULL;
}

const char *
text_parse_time(struct str s, int64_t *out_ns)
{
	static const size_t head = sizeof "2026-11-23T06:12:00" - 1;
	int64_t seconds = 0, offset = 0;
	uint64_t fraction;
	const char *wrong;
	size_t used;

	if (s.n < head)
		return "is not a date and time such as 2026-11-23T06:12:00Z";
	wrong = parse_date_time(s.p, &seconds);
	if (!wrong)
		wrong = take_fraction(str_from(s, head), &fraction, &used);
	if (!wrong)
		wrong = parse_offset(str_from(s, head + used), &offset);
	if (wrong)
		return wrong;
	if (fraction % TEXT_NS_PER_S != 0)
		return "is finer than a nanosecond";
	seconds -= offset;
	if (seconds < 0 || seconds >= days_from_date(2200, 1, 1) * SECONDS_PER_DAY)
		return "is not in the years 1970 to 2199";
	*out_ns = seconds * TEXT_NS_PER_S + (int64_t)(fraction / TEXT_NS_PER_S);
	return NULL;
}

static void
put_digits(char *at, unsigned n, uint32_t v)
{
	while (n-- > 0) {
		at[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

/* The first `digits` decimals of a second. */
static uint32_t
decimals(uint64_t ns, unsigned digits)
{
	return digits == 3 ? (uint32_t)ns / (uint32_t)TEXT_NS_PER_MS
			   : (uint32_t)ns / (uint32_t)TEXT_NS_PER_US;
}

/* C rounds towards zero; a moment before 1970 belongs to what it lies in. */
static int64_t
floor_div(int64_t n, int64_t divisor)
{
	return n / divisor - (n % divisor < 0);
}

/* "2026-11-23T06:12:00." of that second since 1970. */
static void
format_second(char *text, int64_t seconds)
{
	int64_t days = floor_div(seconds, SECONDS_PER_DAY);
	int64_t of_day = seconds - days * SECONDS_PER_DAY, year, month, day;

	date_from_days(days, &year, &month, &day);
	memcpy(text, "0000-00-00T00:00:00.", SECOND_OCTETS);
	put_digits(text, 4, (uint32_t)year);
	put_digits(text + 5, 2, (uint32_t)month);
	put_digits(text + 8, 2, (uint32_t)day);
	put_digits(text + 11, 2, (uint32_t)(of_day / 3600));
	put_digits(text + 14, 2, (uint32_t)(of_day / 60 % 60));
	put_digits(text + 17, 2, (uint32_t)(of_day % 60));
}

/* A moment since 1970, in the units that its decimals have. */
struct moment {
	bool is_there;
	int64_t n, seconds;
	char text[SECOND_OCTETS + 7];
};

static void
format_moment(struct moment *m, int64_t n, unsigned digits)
{
	int64_t per_second = digits == 3 ? 1000 : 1000000, seconds = floor_div(n, per_second);

	if (!m->is_there || m->seconds != seconds)
		format_second(m->text, seconds);
	put_digits(m->text + SECOND_OCTETS, digits, (uint32_t)(n - seconds * per_second));
	m->text[SECOND_OCTETS + digits] = 'Z';
	m->is_there = true;
	m->n = n;
	m->seconds = seconds;
}

void
text_format_time(struct buf *b, int64_t ns, unsigned digits)
{
	/* what was asked for last: lines of a log come many to the moment */
	static _Thread_local struct moment last_ms, last_us;
	struct moment *m = digits == 3 ? &last_ms : &last_us;
	int64_t n = digits == 3 ? floor_div(ns, TEXT_NS_PER_MS) : floor_div(ns, TEXT_NS_PER_US);

	if (!m->is_there || m->n != n)
		format_moment(m, n, digits);
	memcpy(buf_reserve(b, sizeof m->text), m->text, sizeof m->text);
	b->len += SECOND_OCTETS + digits + 1;
}

void
text_format_seconds(struct buf *b, int64_t ns, unsigned digits)
{
	uint64_t v = add_sign(b, ns);
	char *text;

	buf_add_u64(b, v / TEXT_NS_PER_S);
	text = buf_reserve(b, 1 + digits);
	text[0] = '.';
	put_digits(text + 1, digits, decimals(v % TEXT_NS_PER_S, digits));
	b->len += 1 + digits;
}

const char *
text_parse_bool(struct str s, bool *out)
{
	static const struct {
		const char *name;
		bool value;
	} names[] = {
		{ "yes", true },
		{ "no", false },
		{ "true", true },
		{ "false", false },
		{ "on", true },
		{ "off", false },
		{ "1", true },
		{ "0", false },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq_nocase(s, str_of(names[i].name))) {
			*out = names[i].value;
			return NULL;
		}
	return "is neither yes nor no";
}
