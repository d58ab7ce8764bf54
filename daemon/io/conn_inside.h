#ifndef IO_CONN_INSIDE_H
#define IO_CONN_INSIDE_H

/*
 * A connection from the inside: what its parts share. Seen by io/conn*.c only.
 */

#include <sys/types.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/conn.h"
#include "io/tls.h"

#define CONN_READ_SIZE (64U * 1024)
#define CONN_SPARES_MAX 128 /* buffers kept for the next output, as many as a turn may need */
#define CONN_EDGE 32        /* octets kept of the head and of the tail of a line that is too long */

/* The line being skipped. */
struct conn_skipped {
	char head[CONN_EDGE], tail[CONN_EDGE];
	size_t n_head, n_tail;
};

/* What few connections have, so that the idle ones stay small. */
struct conn_rare {
	struct loop_event *linger; /* closes it when the peer does not; or NULL */
	struct tls_session *tls;   /* or NULL */
	size_t n_clear;            /* octets of the output that leave before TLS begins */
	bool is_in_handshake;
	bool read_wants_write; /* what TLS waits for, where that is not what one would think */
	bool write_wants_read;
};

struct conn {
	struct list link;      /* in the set */
	struct list work_link; /* in the set's work list, or its gated list */
	struct conn_set *set;
	struct loop_event *event;
	struct conn_rare *rare; /* or NULL */
	void *ctx;
	int fd;
	uint32_t yielded; /* the turn, its low bits, in which no more lines are given */
	struct buf in;    /* what was read and not given yet, or not used */
	struct buf out;   /* what is to be sent… */
	size_t sent;      /* …from here on */
	uint64_t barrier; /* the gate's position that the output must wait for */
	int64_t last_input_ns;
	struct conn_skipped *skipped; /* or NULL */
	bool is_gated;
	bool is_paused;
	bool wants_lines; /* may be given some that were read before */
	bool is_full;     /* the queue went above high and has not been below low since */
	bool is_at_end;   /* the peer's end of input was read */
	bool is_ended;    /* …and told */
	bool is_finishing;
	bool is_lingering;
	bool is_dead;
	bool awaits_log;      /* some of the output does, or did when it was queued */
	bool has_new_output;  /* that does, since the barrier was set */
	bool is_starting_tls; /* input is thrown away, then there is a handshake */
};

struct conn_set {
	struct loop *loop;
	const struct gate *gate;
	const struct conn_handler *handler;
	struct conn_limits limits;
	struct list all;
	struct list work;
	struct list gated;
	size_t n_lasting;                 /* connections that do not end */
	size_t with_output, awaiting_log; /* connections */
	struct buf spares[CONN_SPARES_MAX];
	size_t n_spares;
	char read_buffer[CONN_READ_SIZE];
};

/* conn.c */

struct conn_rare *conn_rare(struct conn *c);

/* Something is to be done for it at the end of this turn. */
void conn_want_work(struct conn *c);

/* Closes it, and says so. */
void conn_die_and_tell(struct conn *c);

static inline bool
conn_has_output(const struct conn *c)
{
	return c->out.len > c->sent;
}

/* conn_input.c */

static inline bool
conn_may_give(const struct conn *c)
{
	return !c->is_dead && !c->is_paused && !c->is_full && !c->is_finishing &&
	    !c->is_starting_tls && c->yielded != (uint32_t)loop_turn(c->set->loop);
}

/* Lines, or octets, that were read before are given at the end of this turn or in the next. */
void conn_want_lines(struct conn *c);

/* Gives them, then the end if it has come. */
void conn_give_saved(struct conn *c);

/* Gives what was read just now and keeps what is not wanted yet. */
void conn_take_input(struct conn *c, struct str s);

/* conn_tls.c */

static inline bool
conn_has_tls(const struct conn *c)
{
	return c->rare && c->rare->tls && !c->is_starting_tls;
}

/* As read() and send() do, with EAGAIN for whatever must be waited for, through a session that
 * stands. */
ssize_t conn_tls_receive(struct conn *c, char *p, size_t n);
ssize_t conn_tls_send(struct conn *c, const char *p, size_t n);

/* While TLS is started: throws away what comes in clear, or goes on with the handshake. */
void conn_tls_step(struct conn *c);

/* What came in clear before this moment. */
void conn_tls_discard(struct conn *c);

#endif
