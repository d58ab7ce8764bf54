#ifndef IO_PUMP_H
#define IO_PUMP_H

/*
 * Standard input and output as a socket: two threads copy between them and one end of a socket
 * pair, so that the loop sees a connection like any other, whatever they are: pipes, terminals,
 * or regular files, which cannot be waited for. The descriptors themselves are shared with whoever
 * started the program and are left as they are.
 */

#include <stdbool.h>

#include "io/loop.h"

struct pump;

/* Starts copying. *fd is the loop's end, non-blocking, the caller's. NULL and errno on failure. */
struct pump *pump_start(struct loop *loop, int in_fd, int out_fd, int *fd);

/* Whether everything is written, or nothing can be written any more. The loop is woken when it
 * becomes true. */
bool pump_is_done(const struct pump *p);

/*
 * Ends both threads, whatever they wait for; if it is not done, what is not written is lost. False
 * when anything went wrong but that nobody read any more; what that was is said on standard error.
 */
bool pump_stop(struct pump *p);

#endif
