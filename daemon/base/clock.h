#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/*
 * Simulated time against real time. Real time is a monotonic reading in nanoseconds that the
 * caller passes in; simulated time is nanoseconds since 1970. Nothing here reads a clock.
 *
 * A clock of scale N runs N simulated seconds per real one. One of scale 0 stands still, one of
 * scale max does not run by itself either: both move by clock_jump() only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define CLOCK_SCALE_ONE 1000000LL /* scale 1: millionths of a simulated second per real one */

/* No moment is later than this one. */
#define CLOCK_NEVER INT64_MAX

/* The last moment that something can be due at: a whole microsecond before CLOCK_NEVER. */
#define CLOCK_LAST ((CLOCK_NEVER - 1) / 1000 * 1000)

struct clock_conf {
	int64_t scale;     /* in millionths; 0 stands still */
	bool is_max;       /* jumps, whatever scale says */
	bool is_epoch_now; /* starts at the wall clock's time; else at epoch_ns */
	int64_t epoch_ns;
};

struct clock {
	int64_t scale;
	bool is_max;
	int64_t real_base;
	int64_t simulated_base;
};

void clock_start(struct clock *c, const struct clock_conf *conf, int64_t real_ns, int64_t wall_ns);

/* Simulated time at that real time, in whole microseconds; saturates instead of overflowing. */
int64_t clock_now(const struct clock *c, int64_t real_ns);

/* The first real time at which clock_now() is at least that; CLOCK_NEVER when it never is. */
int64_t clock_real_at(const struct clock *c, int64_t simulated_ns);

/* Moves simulated time to that moment, never backwards; from there it runs on as before. */
void clock_jump(struct clock *c, int64_t real_ns, int64_t simulated_ns);

/* From now on it runs so fast, or jumps. */
void clock_set_scale(struct clock *c, int64_t real_ns, int64_t scale, bool is_max);

/* Whether it moves without clock_jump(). */
bool clock_is_running(const struct clock *c);

/* "1", "0.5", "1000", "max": at most 1000000, at most six decimals. NULL or what is wrong. */
const char *clock_parse_scale(struct str s, int64_t *scale, bool *is_max);
void clock_format_scale(struct buf *b, int64_t scale, bool is_max);

/* a + b, or the end of time. Both not negative. */
static inline int64_t
clock_add(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? CLOCK_NEVER : sum;
}

/* When something is due that takes so long from then on: at the last moment at the latest. */
static inline int64_t
clock_after(int64_t from_ns, int64_t delay_ns)
{
	int64_t at = clock_add(from_ns, delay_ns);

	return at < CLOCK_LAST ? at : CLOCK_LAST;
}

#endif
