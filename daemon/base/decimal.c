/*
 * Owns decimal numbers: read and written digit by digit, never by way of a double.
 */
#include "base/decimal.h"

#include "base/text.h"

#define WHOLE_MAX 1000000

const char *
decimal_parse(struct str s, int64_t *out)
{
	uint64_t millionths;
	const char *why = text_parse_millionths(s, &millionths);

	if (!why && millionths > WHOLE_MAX * (uint64_t)DECIMAL_ONE)
		why = "is more than 1000000";
	if (!why)
		*out = (int64_t)millionths;
	return why;
}

void
decimal_format(struct buf *b, int64_t millionths)
{
	int64_t rest = millionths % DECIMAL_ONE, unit;

	buf_add_u64(b, (uint64_t)(millionths / DECIMAL_ONE));
	if (rest > 0)
		buf_add_char(b, '.');
	for (unit = DECIMAL_ONE / 10; rest > 0; rest %= unit, unit /= 10)
		buf_add_char(b, (char)('0' + rest / unit));
}

const char *
decimal_parse_percent(struct str s, int64_t *out)
{
	int64_t hundredths;

	if (s.n == 0 || s.p[s.n - 1] != '%' || decimal_parse(str_head(s, s.n - 1), &hundredths))
		return "is not a percentage such as 5% or 0.25%";
	if (hundredths > 100 * DECIMAL_ONE)
		return "is more than 100%";
	if (hundredths % 100 != 0)
		return "has more than four decimals";
	*out = hundredths / 100;
	return NULL;
}

void
decimal_format_percent(struct buf *b, int64_t millionths)
{
	decimal_format(b, millionths * 100);
	buf_add_char(b, '%');
}
