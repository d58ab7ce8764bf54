#ifndef IO_LOOP_H
#define IO_LOOP_H

/*
 * The one event loop. It hides the event library: a loop_event is a descriptor, a timer or
 * a signal with a callback. At the end of every turn, after all callbacks, the turn-end hook runs
 * once: that is where replies leave, the dead are freed and the schedule's timer is armed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct loop;
struct loop_event;

typedef void loop_cb(void *ctx);

/* NULL, with errno, when the kernel or the event library has not what it needs. */
struct loop *loop_new(void);
void loop_free(struct loop *l);

/* Called at the end of each turn. */
void loop_set_turn_end(struct loop *l, loop_cb *turn_end_cb, void *ctx);

/* Runs turns until loop_stop(), after which only that turn's end is still called. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* There is work left for the next turn: it will not wait for anything. Holds for one turn. */
void loop_want_turn(struct loop *l);

/* Whether the turn that ends had nothing to do: no callback ran. For work that is done only when
 * nothing else is. */
bool loop_was_idle(const struct loop *l);

/* How many callbacks ran in the turn that ends. */
unsigned loop_callbacks(const struct loop *l);

/* Counts the turns: equal numbers mean the same turn. */
uint64_t loop_turn(const struct loop *l);

/*
 * How long a turn kept everybody else waiting: from the moment the loop comes back from waiting
 * until it has done all callbacks and the turn-end hook, so that it can look at descriptors again.
 * Over all turns that ended since the start or the reset; sleep does not count.
 */
struct loop_lag {
	int64_t p99_ns; /* at most 1/32 too high */
	int64_t max_ns;
};
void loop_lag(const struct loop *l, struct loop_lag *out);
void loop_lag_reset(struct loop *l);

/* Adds " loop_lag_p99=0.000120s loop_lag_max=0.513000s". */
void loop_add_stats(const struct loop *l, struct buf *b);

/* Calls free_cb(p) at the very end of this turn: nothing is freed inside its own callback. */
void loop_bury(struct loop *l, loop_cb *free_cb, void *p);

/* Real (monotonic) time in ns, read now; and as it was last read. */
int64_t loop_read_clock(struct loop *l);
int64_t loop_now(const struct loop *l);

/* The wall clock in ns since 1970. */
int64_t loop_wall_clock(void);

/*
 * Callbacks when fd can be read or written, each on or off as loop_fd_want() says last. Nothing
 * is on at first. stall_timeout_ns > 0: LOOP_STALLED when writing was wanted for that long and
 * the descriptor never became writable.
 */
enum loop_fd_event { LOOP_READABLE, LOOP_WRITABLE, LOOP_STALLED };
typedef void loop_fd_cb(void *ctx, enum loop_fd_event what);

struct loop_event *loop_add_fd(struct loop *l, int fd, loop_fd_cb *fd_cb, void *ctx);
void loop_fd_want(struct loop_event *e, bool read, bool write, int64_t stall_timeout_ns);

/* A timer that is not armed yet. */
struct loop_event *loop_add_timer(struct loop *l, loop_cb *timer_cb, void *ctx);

/* Fires once at that real time (at once when it is past); CLOCK_NEVER disarms. Arming for the
 * time it is armed for already costs nothing. */
void loop_timer_at(struct loop_event *e, int64_t real_ns);

typedef void loop_signal_cb(void *ctx, int signo);
struct loop_event *loop_add_signal(struct loop *l, int signo, loop_signal_cb *signal_cb, void *ctx);

/*
 * A wake-up from another thread: loop_wake() may be called from any thread, and the callback runs
 * in the loop soon after, once for any number of calls.
 */
struct loop_waker;
struct loop_waker *loop_add_waker(struct loop *l, loop_cb *wake_cb, void *ctx);
void loop_wake(struct loop_waker *w);
void loop_waker_free(struct loop_waker *w);

/* Ends the callbacks; may be called from its own callback. NULL is allowed. */
void loop_remove(struct loop_event *e);

#endif
