#ifndef IO_PEER_H
#define IO_PEER_H

/*
 * Who is at the other end of a socket.
 */

#include <stdbool.h>

/* Whether the peer is on this machine: a Unix socket, or a loopback address (127.0.0.0/8, ::1, the
 * former written as the latter). */
bool peer_is_local(int fd);

#endif
