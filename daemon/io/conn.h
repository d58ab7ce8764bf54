#ifndef IO_CONN_H
#define IO_CONN_H

/*
 * Connections that are read line by line, or by octets, and written through a bounded queue, in
 * clear or by TLS. All connections of a front form a set, which shares one read buffer and does its
 * sending at the end of each turn of the loop, when the log has been handed what the replies
 * promise.
 *
 * Input is taken only as fast as it is worked off: a paused connection, or one with more than
 * CONN_BACKLOG_HIGH octets waiting to be sent, is not read from.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "io/gate.h"
#include "io/loop.h"

#define CONN_BACKLOG_HIGH (64U * 1024)
#define CONN_BACKLOG_LOW (16U * 1024)

struct conn;
struct conn_set;
struct tls_server;

struct conn_limits {
	uint64_t line_octets;     /* of one line, its end included; of what may be left unused */
	int64_t stall_timeout_ns; /* for one that reads nothing while its queue is full */
};

/* What a front does with its connections. None of these is called inside another. Who takes octets
 * has no `line` and no `overlong`, who starts no TLS no `secured`. */
struct conn_handler {
	/* Lines are about to come. False: not now, ask again next turn. */
	bool (*ready)(void *ctx);
	/* A line without its end. is_whole is false for a last line whose end never came. */
	void (*line)(void *ctx, struct str line, bool is_whole);
	/* A line that was too long and has been skipped: how it began and how it ended. */
	void (*overlong)(void *ctx, struct str head, struct str tail);
	/*
	 * Octets as they came, to be used from the front on: gives how many of them were. They lie
	 * in a buffer that all share and are gone afterwards. What is not used is kept and given
	 * again, with what follows it; at once if some of it was used, so one line or one stretch
	 * may be taken at each call. Nothing is used for want of more: there must not be more of
	 * it than limits.line_octets, else the connection ends.
	 */
	size_t (*octets)(void *ctx, struct str octets);
	/* The peer will send nothing more, and all it sent has been given. */
	void (*ended)(void *ctx);
	/* The queue is below CONN_BACKLOG_LOW again after it was above CONN_BACKLOG_HIGH. */
	void (*drained)(void *ctx);
	/* The answer to conn_start_tls(). If it is not good, the connection ends after it. */
	void (*secured)(void *ctx, bool is_good);
	/* It is gone, for whatever reason; the connection must not be used any more. */
	void (*closed)(void *ctx);
};

struct conn_set *conn_set_new(struct loop *loop, const struct gate *gate,
    const struct conn_handler *handler, const struct conn_limits *limits);
void conn_set_configure(struct conn_set *set, const struct conn_limits *limits);

/* At the end of each turn: gives resumed connections their lines; then, when what happened is with
 * the log, sends what may leave. */
void conn_set_give(struct conn_set *set);
void conn_set_flush(struct conn_set *set);

/* Finds connections that nobody reads from now and whose peer is gone altogether, and closes them.
 * Every now and then: a client may die while its command waits. */
void conn_set_check(struct conn_set *set);

/* Whether anything is still to be sent; whether any of that waits for the log; and whether there
 * are connections besides, whose replies might wait with it. */
bool conn_set_has_output(const struct conn_set *set);
bool conn_set_awaits_log(const struct conn_set *set);
bool conn_set_may_gather(const struct conn_set *set);

/* Closes all, without a callback. */
void conn_set_free(struct conn_set *set);

/* fd is a non-blocking stream socket, the connection's from now on. Reading begins at once. */
struct conn *conn_new(struct conn_set *set, int fd, void *ctx);

/* Queues octets; they leave at the end of this turn at the earliest, and not before all that has
 * happened until then is in the log. */
void conn_write(struct conn *c, const void *data, size_t n);

/* The same for what says nothing of what has happened: it does not wait for the log, only for what
 * was queued before it, and leaves at once when it answers what was just read. */
void conn_write_early(struct conn *c, const void *data, size_t n);

/* Octets that are queued. */
size_t conn_backlog(const struct conn *c);

/* No further line is given in this turn: the last one was much work. */
void conn_yield(struct conn *c);

/* No further line is given until conn_resume(). */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/*
 * Goes on by TLS, as that server. What is queued leaves in clear first. All input that came before
 * that is thrown away, also what is left of the octets that were just given (RFC 3207 §4.2), and
 * nothing is given until `secured`. What is written meanwhile waits and leaves by TLS; it does not
 * leave at all if the connection is finished before that. A handshake may take as long as the front
 * lets it: it is no input for conn_last_input(). Once in a connection's life. The server may be
 * freed at once.
 */
void conn_start_tls(struct conn *c, struct tls_server *server);

/* Whether it speaks TLS: it said `secured`. */
bool conn_is_secure(const struct conn *c);

/* Adds protocol and cipher, or, from `secured` that is not good until `closed`, why not. Nothing
 * when no TLS was started. */
void conn_describe_tls(const struct conn *c, struct buf *b);

/* Takes no more input and closes when all is sent, so that the peer gets it. */
void conn_finish(struct conn *c);

/* Closes now, without sending and without a callback. */
void conn_close(struct conn *c);

/* Real time when the peer last sent something. */
int64_t conn_last_input(const struct conn *c);

/* The descriptor, to ask who the peer is. */
int conn_fd(const struct conn *c);

#endif
