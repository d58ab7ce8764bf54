#ifndef IO_PUMP_H
#define IO_PUMP_H

/*
 * Standard input and output as a socket: two threads copy between them and one end of a socket
 * pair, so that the loop sees a connection like any other, whatever they are: pipes, terminals,
 * or regular files, which cannot be waited for. The descriptors themselves are shared with whoever
 * started the program and are left as they are.
 */

struct pump;

/* Starts copying. *fd is the loop's end, non-blocking, the caller's. NULL and errno on failure. */
struct pump *pump_start(int in_fd, int out_fd, int *fd);

/*
 * After the loop's end is closed: waits until everything is written. Gives 0, or the error that
 * writing ended with.
 */
int pump_stop(struct pump *p);

#endif
