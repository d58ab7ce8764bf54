#ifndef IO_TIMERS_H
#define IO_TIMERS_H

/*
 * All timers of a loop on one descriptor of the kernel's, which becomes readable when it is time.
 * Telling the kernel a time is dear: on a virtual machine as dear as reading and answering a
 * request. So it is told one only when the loop is about to sleep and the first timer is earlier
 * than what it knows; that a timer was moved to later it finds out by waking the loop once for
 * nothing. A loop that does not sleep looks at the clock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"

struct timers {
	struct heap heap; /* by CLOCK_MONOTONIC in ns */
	int fd;
	int64_t armed_ns;  /* what the kernel was told; CLOCK_NEVER: nothing since it fired */
	int64_t passed_ns; /* the present up to which timers were taken last */
};

/* False, with errno, when the kernel has no descriptor to spare; there is nothing to free then. */
bool timers_init(struct timers *t);
void timers_fini(struct timers *t);

/* Puts the timer at that time, or at once when it is past; CLOCK_NEVER: takes it out. One that is
 * put into the past while timers are taken is not among them: its time comes in the next turn. */
void timers_set(struct timers *t, struct heap_node *timer, int64_t at_ns);

/* Before the loop sleeps: whether the kernel knows what it needs to know; and telling it, which
 * aborts if that fails, as it would never wake. */
bool timers_are_told(const struct timers *t);
void timers_tell(struct timers *t);

/* The descriptor was readable. */
void timers_note_wake(struct timers *t);

/* The present for timers_take(), which gives the next timer that is due, the earliest first, taken
 * out; NULL: no more. */
void timers_begin(struct timers *t, int64_t now_ns);
struct heap_node *timers_take(struct timers *t);

#endif
