#ifndef FRONTS_H
#define FRONTS_H

/*
 * All ways in together: their listeners, standard input with --stdio, and the connections that
 * they may have between them. app.c asks here for what it wants of all of them, and the fronts
 * themselves for what only one can have.
 */

#include <stdbool.h>
#include <stdint.h>

#include "front/line.h"
#include "front/smtp.h"
#include "io/listener.h"
#include "io/pump.h"
#include "io/quota.h"
#include "settings.h"

enum front_kind { FRONT_LINE, FRONT_SMTP, FRONT_LMTP, FRONT_KINDS };

struct fronts {
	struct loop *loop;
	struct quota quota;
	struct present present;
	struct line_front *line;
	struct smtp_front *smtp; /* LMTP, too */
	struct listener_set
	    *listeners[FRONT_KINDS]; /* NULL with --stdio, and once they are closed */
	struct pump *pump;           /* of --stdio; else NULL */
};

/* Listens, unless it is for --stdio. False, and what is wrong is said, when that fails; then
 * fronts_free(). */
bool fronts_open(
    struct fronts *f, struct loop *loop, const struct settings *settings, bool is_stdio);

/* Makes the fronts, and lets clients come. False, and said, when that fails. */
bool fronts_start(struct fronts *f, struct simulator *sim, const struct gate *gate,
    const struct settings *settings, const struct line_env *env, bool is_stdio);
void fronts_configure(struct fronts *f, const struct settings *settings);

/* Nobody new comes any more. */
void fronts_close_listeners(struct fronts *f);

/* At the end of each turn: goes on with what takes more than one, then, after the log was flushed,
 * sends what may leave. */
void fronts_work(struct fronts *f);
void fronts_flush(struct fronts *f);

/* As line_front_has_work() and those beside it, of any front. */
bool fronts_has_work(const struct fronts *f);
bool fronts_has_output(const struct fronts *f);
bool fronts_awaits_log(const struct fronts *f);
bool fronts_may_gather(const struct fronts *f);
bool fronts_wants_room(const struct fronts *f);
bool fronts_has_silent(const struct fronts *f);

/* The daemon ends: what waits is cut short, and connections close when their output is sent. */
void fronts_finish(struct fronts *f);

/* Whether all replies are out. */
bool fronts_have_left(const struct fronts *f);

/* " line=127.0.0.1:4025": where they really listen. */
void fronts_format(const struct fronts *f, struct buf *b);

/* Closes all connections; then, the rest. */
void fronts_stop(struct fronts *f);
void fronts_free(struct fronts *f);

#endif
