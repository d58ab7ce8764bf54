#ifndef CORE_OUTAGE_H
#define CORE_OUTAGE_H

/*
 * When a destination cannot be reached: windows of the configuration, "10m..40m", counted from the
 * clock's start, and what somebody said since, which beats them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"

#define WINDOWS_MAX 16
#define OUTAGES_MAX 1000

struct window {
	int64_t from_ns, to_ns; /* not in it any more at to_ns */
};

struct windows {
	unsigned n;
	struct window at[WINDOWS_MAX];
};

/* "10m..40m", several with blanks or commas between them; empty: none. NULL, or what is wrong. */
const char *windows_parse(struct str s, struct windows *out);
void windows_format(struct buf *b, const struct windows *w);

/* The end of the window that this moment is in; -1 when it is in none. */
int64_t windows_end(const struct windows *w, int64_t since_start_ns);

/* What was said of destinations. */
struct outages {
	struct list said; /* newest last */
	size_t n;
};

void outages_init(struct outages *o);
void outages_fini(struct outages *o);

/* That those domains cannot be reached, or can, until that moment. False when there are
 * OUTAGES_MAX. */
bool outages_say(
    struct outages *o, struct str pattern, bool is_down, int64_t now_ns, int64_t until_ns);

/* What was said of domains that this pattern means is taken back. */
void outages_forget(struct outages *o, struct str pattern);

/*
 * Whether the domain cannot be reached at that moment; *until_ns is the end of it. windows are
 * those of its section, start_ns is the clock's start.
 */
bool outages_is_down(const struct outages *o, const struct windows *windows, int64_t start_ns,
    struct str domain, int64_t now_ns, int64_t *until_ns);

#endif
