#ifndef BACK_WORK_H
#define BACK_WORK_H

/*
 * Real processor work: each dispatch costs so much processor time as if a real mailer had signed,
 * compressed or encrypted something. With 0 threads the loop itself works and keeps everybody
 * waiting, which is the purpose; else a pool of threads does, and the loop only counts.
 * Simulated time knows nothing of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/bus.h"
#include "core/event.h"

#define WORK_THREADS_MAX 64

struct work;

/* Real nanoseconds of processor time that this EVENT_DISPATCHED costs; 0: none. In the loop. */
typedef int64_t work_amount(const struct event *ev);

/*
 * At most WORK_THREADS_MAX threads, with all signals blocked. Nothing is subscribed to until
 * work_set_enabled(). NULL when there cannot be so many threads; why says so.
 */
struct work *work_start(struct bus *bus, unsigned threads, work_amount *amount, struct buf *why);

/* Whether dispatches are looked at; while they are not they cost nothing. What is still to be
 * done goes on. */
void work_set_enabled(struct work *w, bool is_enabled);

/* Ends the threads within about a millisecond and frees all; what is still to be done is left
 * undone. NULL is allowed. */
void work_stop(struct work *w);

/* Adds " work_pending=N": dispatches whose work is not done yet. */
void work_add_stats(const struct work *w, struct buf *b);

#endif
