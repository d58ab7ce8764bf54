/*
 * Owns the way from a line of a log to what it says. Only what the daemon writes is understood:
 * a flat object with no blanks, names that are not part of any value.
 */
#include "logged.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct line {
	const char *p;
	size_t n;
};

/* What stands behind "key": in that line; NULL when it has none. */
static const char *
value_of(struct line line, const char *key)
{
	char name[24];
	int n = snprintf(name, sizeof name, "\"%s\":", key);
	const char *at = memmem(line.p, line.n, name, (size_t)n);

	return at ? at + n : NULL;
}

static long long
number_of(struct line line, const char *key)
{
	const char *at = value_of(line, key);

	return at ? strtoll(at, NULL, 10) : -1;
}

static void
text_of(struct line line, const char *key, char *out, size_t cap)
{
	const char *at = value_of(line, key), *end;

	out[0] = '\0';
	if (!at)
		return;
	at++;
	end = memchr(at, '"', (size_t)(line.p + line.n - at));
	expect(end != NULL && (size_t)(end - at) < cap);
	memcpy(out, at, (size_t)(end - at));
	out[end - at] = '\0';
}

/* "1.250000" */
static int64_t
seconds_of(struct line line, const char *key)
{
	const char *at = value_of(line, key);
	char *point;
	int64_t s;

	if (!at)
		return -1;
	s = strtoll(at, &point, 10);
	expect(*point == '.');
	return s * 1000000 + strtoll(point + 1, NULL, 10);
}

static int
digits(const char *p, int n)
{
	int value = 0;

	while (n-- > 0)
		value = value * 10 + (*p++ - '0');
	return value;
}

/* "2026-01-01T00:00:00.000000Z" */
static int64_t
time_of(struct line line, const char *key)
{
	const char *p = value_of(line, key);
	struct tm tm = { 0 };

	if (!p)
		return -1;
	p++;
	expect(p[26] == 'Z');
	tm.tm_year = digits(p, 4) - 1900;
	tm.tm_mon = digits(p + 5, 2) - 1;
	tm.tm_mday = digits(p + 8, 2);
	tm.tm_hour = digits(p + 11, 2);
	tm.tm_min = digits(p + 14, 2);
	tm.tm_sec = digits(p + 17, 2);
	return (int64_t)timegm(&tm) * 1000000 + digits(p + 20, 6);
}

bool
logged_next(const char **at, struct logged *e)
{
	struct line line = { *at, strcspn(*at, "\n") };

	if (line.p[0] == '\0')
		return false;
	expect(line.p[0] == '{' && line.p[line.n] == '\n');
	*at = line.p + line.n + 1;
	text_of(line, "event", e->event, sizeof e->event);
	text_of(line, "id", e->id, sizeof e->id);
	text_of(line, "to", e->to, sizeof e->to);
	text_of(line, "outcome", e->outcome, sizeof e->outcome);
	e->time_us = time_of(line, "time");
	e->next_us = time_of(line, "next");
	e->delay_us = seconds_of(line, "delay");
	e->seq = number_of(line, "seq");
	e->batch = number_of(line, "batch");
	e->attempt = number_of(line, "attempt");
	return true;
}

bool
logged_is(const struct logged *e, const char *event)
{
	return strcmp(e->event, event) == 0;
}

bool
logged_is_result(const struct logged *e)
{
	return !logged_is(e, "queued") && !logged_is(e, "dispatched") && !logged_is(e, "finished");
}
