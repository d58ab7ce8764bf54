#ifndef TESTS_CONN_WORLD_H
#define TESTS_CONN_WORLD_H

/*
 * A connection for unit tests: one end of a pair of sockets is a conn whose front takes octets, the
 * other is the test's. Nothing waits: the test runs turns of the loop one by one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "io/conn_inside.h"

#define CONN_WORLD_LINE 100 /* limits.line_octets */

struct conn_world {
	struct loop *loop;
	struct gate gate;
	struct conn_set *set;
	struct conn *c; /* NULL: it is closed */
	int peer;       /* -1: closed */
	/* What the front does. */
	enum { CONN_WORLD_LINES, CONN_WORLD_ALL, CONN_WORLD_NONE } takes;
	bool is_ready;
	bool pauses, yields;    /* after each call */
	const char *answer;     /* to each line, or NULL */
	const char *reply;      /* the same, and it need not wait for the log */
	bool keeps_output;      /* nothing is sent at the end of a turn */
	struct tls_server *tls; /* for "STARTTLS", or NULL */
	const char *early;      /* written when TLS was started, or NULL */
	/* What it saw. */
	struct buf given; /* all that it used */
	struct buf calls; /* all it was given, each call in brackets, if it is short */
	size_t n_calls, longest;
	bool is_shared; /* all of it lay in the shared buffer */
	unsigned n_ended, n_drained, n_closed, n_good, n_bad;
	struct buf why; /* of the last secured */
};

struct conn_world *conn_world_new(void);
void conn_world_free(struct conn_world *w);

/* So many turns. */
void conn_world_turn(struct conn_world *w, int n);

/* As the peer. */
void conn_world_send(struct conn_world *w, const char *text);
void conn_world_expect(struct conn_world *w, const char *text);
void conn_world_hang_up(struct conn_world *w);

#define conn_world_expect_given(w, text) \
	do { \
		assert_int_equal((w)->given.len, strlen(text)); \
		assert_memory_equal(buf_str(&(w)->given).p, text, strlen(text)); \
	} while (0)

#endif
