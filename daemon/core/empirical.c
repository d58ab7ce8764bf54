/*
 * Owns the tables of measured distributions: their file format and their quantile function. Values
 * are kept in microseconds, which a double holds exactly up to the longest duration, so that a
 * quantile rises with u to the last bit. Opens no file.
 */
#include "core/empirical.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

#define POINTS_AT_FIRST 64
#define PERCENT 1000000 /* percentiles are read in millionths */

struct point {
	double u; /* from 0 to 1, each more than the one before */
	double us;
};

struct empirical {
	uint64_t refs;
	char *path;
	size_t n; /* at least 1 */
	struct point *points;
};

/* A file being read. */
struct reading {
	struct point *points;
	size_t n, room;
	bool has_percentiles;
};

/* "99.9", "p99.9" or "99.9%". */
static const char *
parse_percentile(struct str s, double *u)
{
	uint64_t millionths;

	if (str_has_prefix(s, STR("p")))
		s = str_from(s, 1);
	else if (str_has_suffix(s, STR("%")))
		s.n--;
	if (text_parse_millionths(s, &millionths) || millionths > 100 * PERCENT)
		return "names a file with a percentile that is not a number from 0 to 100";
	*u = (double)millionths / (100.0 * PERCENT);
	return NULL;
}

static const char *
parse_line(struct str line, struct point *p, bool *has_percentile)
{
	struct str first = str_next_word(&line), second = str_next_word(&line);
	int64_t ns = 0, us;

	*has_percentile = second.n > 0;
	if (str_next_word(&line).n > 0 ||
	    text_parse_duration(*has_percentile ? second : first, &ns))
		return "names a file with a line that is neither a duration nor a percentile and a "
		       "duration";
	us = ns / TEXT_NS_PER_US;
	p->us = (double)us;
	return *has_percentile ? parse_percentile(first, &p->u) : NULL;
}

static const char *
add_point(struct reading *r, struct point p, bool has_percentile)
{
	const struct point *last = r->n > 0 ? &r->points[r->n - 1] : NULL;

	if (last && has_percentile != r->has_percentiles)
		return "names a file in which only some lines have a percentile";
	if (last && has_percentile && p.u <= last->u)
		return "names a file whose percentiles do not ascend";
	if (last && p.us < last->us)
		return "names a file whose durations do not ascend";
	if (r->n == EMPIRICAL_POINTS_MAX)
		return "names a file of more than 1000000 durations";
	if (r->n == r->room) {
		r->room = r->room > 0 ? 2 * r->room : POINTS_AT_FIRST;
		r->points = mem_resize_array(r->points, r->room, sizeof *r->points);
	}
	r->has_percentiles = has_percentile;
	r->points[r->n++] = p;
	return NULL;
}

static const char *
read_lines(struct reading *r, struct str text)
{
	const char *why = NULL;

	while (text.n > 0 && !why) {
		size_t n = str_find(text, '\n');
		struct str line = str_head(text, n), rest;
		struct point p = { 0 };
		bool has_percentile;

		text = str_from(text, n + 1);
		if (str_has_suffix(line, STR("\r")))
			line.n--;
		rest = line;
		rest = str_next_word(&rest);
		if (rest.n == 0 || rest.p[0] == '#' || rest.p[0] == ';')
			continue;
		why = parse_line(line, &p, &has_percentile);
		if (!why)
			why = add_point(r, p, has_percentile);
	}
	return why || r->n > 0 ? why : "names a file without a duration in it";
}

const char *
empirical_parse(struct str text, struct str path, struct empirical **out)
{
	struct reading r = { 0 };
	const char *why = read_lines(&r, text);
	struct empirical *e;
	size_t i;

	if (why) {
		free(r.points);
		return why;
	}
	for (i = 0; i < r.n && !r.has_percentiles; i++)
		r.points[i].u = r.n > 1 ? (double)i / (double)(r.n - 1) : 0;
	e = mem_alloc(sizeof *e);
	e->refs = 1;
	e->path = mem_copy_str(path);
	e->n = r.n;
	e->points = mem_resize_array(r.points, r.n, sizeof *r.points);
	*out = e;
	return NULL;
}

struct empirical *
empirical_ref(struct empirical *e)
{
	e->refs++;
	return e;
}

void
empirical_unref(struct empirical *e)
{
	if (!e || --e->refs > 0)
		return;
	free(e->points);
	free(e->path);
	free(e);
}

struct str
empirical_path(const struct empirical *e)
{
	return str_of(e->path);
}

static int64_t
to_ns(double us)
{
	return llround(us) * TEXT_NS_PER_US;
}

int64_t
empirical_quantile(const struct empirical *e, double u)
{
	const struct point *a = e->points, *b = a + e->n - 1;

	if (u <= a->u)
		return to_ns(a->us);
	if (u >= b->u)
		return to_ns(b->us);
	while (b - a > 1) {
		const struct point *middle = a + (b - a) / 2;

		if (middle->u <= u)
			a = middle;
		else
			b = middle;
	}
	return to_ns(a->us + (b->us - a->us) * ((u - a->u) / (b->u - a->u)));
}
