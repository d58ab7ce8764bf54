#ifndef BACK_NOTIFY_H
#define BACK_NOTIFY_H

/*
 * What systemd is told and what it hands in. Without libsystemd, or when started by something
 * else, all of this does nothing.
 */

#include <stdbool.h>
#include <stdint.h>

/* Whether anybody listens. */
bool notify_is_wanted(void);

void notify_ready(void);
void notify_reloading(void);

/* The end begins; it may take that long, whatever the unit's TimeoutStopSec says. */
void notify_stopping(int64_t at_most_ns);

void notify_status(const char *text);
void notify_watchdog(void);

/* How often notify_watchdog() must be called, in ns; 0: never. */
int64_t notify_watchdog_interval(void);

/*
 * The sockets that were handed in: each in *fds, and in *kinds which of the names it has, n_names
 * for none of them. Both are the caller's, to be freed. Gives how many there are, or an errno below
 * zero. Asked once: the environment forgets them.
 */
int notify_sockets(const char *const *names, unsigned n_names, int **fds, unsigned **kinds);

#endif
