#ifndef IO_LISTENER_H
#define IO_LISTENER_H

/*
 * Sockets that accept: TCP over IPv4 and IPv6, Unix sockets, and sockets that were handed in. A
 * listener that runs out of descriptors does not spin: it turns newcomers away with the one
 * descriptor it keeps in reserve, or rests.
 */

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "io/loop.h"

struct listener_conf {
	const char *addresses;  /* spaces between them, or "none" */
	unsigned unix_mode;     /* of the socket files */
	const char *unix_group; /* name or number; "" or NULL: as created */
};

struct listener_set;

/* A newcomer: fd is non-blocking and the callee's from now on. */
typedef void listener_accept_cb(void *ctx, int fd);

/*
 * Parses "host:port", "[v6]:port", "unix:PATH" with spaces between them, or "none". Names nothing
 * and opens nothing. NULL, or what is wrong.
 */
const char *listener_check_addresses(struct str addresses);

/*
 * Binds and listens, all or nothing. "localhost" is both loopbacks where they exist, with one port
 * for both. kind names the listeners in the ready line ("line"). refusal is what a newcomer is
 * told who cannot be let in for want of descriptors. NULL with a text in why when it fails.
 */
struct listener_set *listener_open(struct loop *loop, const struct listener_conf *conf,
    const char *kind, struct str refusal, struct buf *why);

/* The same with sockets that were handed in, already listening. */
struct listener_set *listener_adopt(struct loop *loop, const int *fds, unsigned n, const char *kind,
    struct str refusal, struct buf *why);

/* From now on newcomers are accepted. */
void listener_start(struct listener_set *set, listener_accept_cb *accept_cb, void *ctx);

/* " line=127.0.0.1:4025 line=unix:/run/x.sock": where they really listen. */
void listener_format(const struct listener_set *set, struct buf *b);

/* Closes; a socket file that is still ours is removed. NULL is allowed. */
void listener_free(struct listener_set *set);

#endif
