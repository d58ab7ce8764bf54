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
 * The sockets that were handed in under that name: *fds is the caller's, to be freed. False with
 * a text in why when there are some under another name.
 */
bool notify_sockets(const char *name, int **fds, unsigned *n, const char **why);

#endif
