#ifndef FRONT_LINE_H
#define FRONT_LINE_H

/*
 * The line protocol: one line in, one reply out. Owns its connections; meets messages only through
 * core/intake.h and learns what became of them through watches and the bus.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/gate.h"
#include "io/loop.h"
#include "io/present.h"
#include "io/quota.h"

struct simulator;
struct line_front;

/* Who may use the commands that act on everybody. */
enum line_admin { LINE_ADMIN_LOCAL, LINE_ADMIN_ALL, LINE_ADMIN_NONE, LINE_ADMINS };
extern const char *const line_admin_names[LINE_ADMINS];

struct line_conf {
	enum line_admin admin;
	uint64_t line_octets;     /* of one line, its end included */
	int64_t idle_timeout_ns;  /* 0: none */
	int64_t stall_timeout_ns; /* for one that does not read */
};

/* What the front knows of its surroundings. */
struct line_env {
	const char *version;
	/* Adds " key=value" pairs to stats that others know (the log's losses). */
	void (*add_stats)(void *ctx, struct buf *b);
	void *ctx;
};

/* What a newcomer is told when there are too many. */
#define LINE_REFUSAL "-ERR busy too many connections\n"

/* The connections that are there are counted in the quota, which outlives the front, as the present
 * does. */
struct line_front *line_front_new(struct loop *loop, struct simulator *sim, const struct gate *gate,
    struct quota *quota, struct present *present, const struct line_conf *conf,
    const struct line_env *env);

/* Closes all connections. */
void line_front_free(struct line_front *front);
void line_front_configure(struct line_front *front, const struct line_conf *conf);

/* A newcomer at a listener: ctx is the front. fd is the front's from now on. */
void line_front_accept(void *ctx, int fd);

/* The connection of --stdio. */
void line_front_adopt(struct line_front *front, int fd);

/* At the end of each turn: goes on with commands that take more than one, then, after the log was
 * flushed, sends what may leave. */
void line_front_work(struct line_front *front);
void line_front_flush(struct line_front *front);

/* Replies that were -ERR so far. */
uint64_t line_front_errors(const struct line_front *front);

/* Whether a command waits for messages or for room. */
bool line_front_is_waiting(const struct line_front *front);

/* Whether a command has something to do in the next turn. */
bool line_front_has_work(const struct line_front *front);

/* Whether anything is still to be sent; whether any of that waits for the log; and whether others
 * have replies that might wait with it. */
bool line_front_has_output(const struct line_front *front);
bool line_front_awaits_log(const struct line_front *front);
bool line_front_may_gather(const struct line_front *front);

/* Whether one of them waits for room. */
bool line_front_wants_room(const struct line_front *front);

/* Whether something will happen whatever simulated time does: a timeout, a slice to go, output to
 * be sent. */
bool line_front_is_busy(const struct line_front *front);

/* Whether all that can be asked has been asked: every connection has ended its input. */
bool line_front_is_ended(const struct line_front *front);

/* Whether a connection has asked nothing yet: it may be that its first line is on its way. */
bool line_front_has_silent(const struct line_front *front);

/* The daemon ends: what still waits for messages is answered -ERR draining, lists are told to their
 * end, no further line is executed, and connections are closed when their output is sent. */
void line_front_finish(struct line_front *front);

#endif
