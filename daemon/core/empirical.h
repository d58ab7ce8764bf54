#ifndef CORE_EMPIRICAL_H
#define CORE_EMPIRICAL_H

/*
 * A distribution that somebody measured: a table of its quantiles, read from the text of a file. It
 * is shared and counted, and never changes.
 *
 * The file holds durations in rising order, one a line, or lines of a percentile and a duration,
 * both rising: "50 80ms", "p99 1.5s", "99.9% 2s". Blank lines, and lines that start with '#' or
 * ';', say nothing. Of n durations the i-th, from 0, is the quantile i/(n-1). What is between two
 * lines is interpolated; what is beyond the first or the last is as they are.
 */

#include <stdint.h>

#include "base/str.h"

#define EMPIRICAL_POINTS_MAX 1000000

struct empirical;

/* NULL, or what is wrong with the file of which that is the text, to stand behind "key: "; *out
 * changes only when it is accepted, and is then the caller's reference. */
const char *empirical_parse(struct str text, struct str path, struct empirical **out);

struct empirical *empirical_ref(struct empirical *e);
void empirical_unref(struct empirical *e); /* takes NULL, too */

/* As it was given to empirical_parse(). */
struct str empirical_path(const struct empirical *e);

/* In ns, whole microseconds; rises with u, which is from 0 to 1. */
int64_t empirical_quantile(const struct empirical *e, double u);

#endif
