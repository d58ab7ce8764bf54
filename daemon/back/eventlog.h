#ifndef BACK_EVENTLOG_H
#define BACK_EVENTLOG_H

/*
 * The event log: one line per event to a file, standard output or standard error, or one entry with
 * fields to systemd's journal. A subscriber of
 * the bus formats lines into chunks; a thread of its own writes them, many lines a system call,
 * so a disk or reader that stalls never stalls the loop.
 *
 * Nothing is lost while the target moves: when the buffer is full the bus is congested until
 * there is room. A target that has not moved for stall_timeout_ns although there was something
 * to write is reported, and from then on lines are dropped and counted until it moves again; what
 * was queued before is kept and written then. Lines are whole or not there, in order, never torn.
 *
 * The gate's positions are octets of lines, so the log must be the only one that promises.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/bus.h"
#include "core/event.h"
#include "io/gate.h"
#include "io/loop.h"

struct eventlog_conf {
	char *target; /* "stdout" "stderr" "journal" "none" or a path */
	enum event_style style;
	unsigned events;                               /* mask of kinds */
	struct event_template *templates[EVENT_KINDS]; /* for EVENT_TEMPLATE; NULL: no line */
	int64_t stall_timeout_ns;                      /* real time; more than 0 */
};

struct eventlog;
struct eventlog_target;

/*
 * Opens a target (a path: for appending, created with mode 0640, never replaced, never waiting:
 * a FIFO needs its reader; "journal" where that is ours). "none" is a target, too: with it nothing
 * is subscribed to. NULL and *why (static text) when it cannot be.
 */
struct eventlog_target *eventlog_target_open(const char *name, const char **why);
void eventlog_target_free(struct eventlog_target *t);

/*
 * Starts logging to target (which it owns from now on; NULL is as good as "none"). The gate is
 * promised what is queued, line by line, and told what is written. conf must live, with its target
 * and templates, until eventlog_reconfigure() or eventlog_stop().
 */
struct eventlog *eventlog_start(struct bus *bus, struct loop *loop, struct gate *gate,
    const struct eventlog_conf *conf, struct eventlog_target *target);

/* After a reload: lines so far go to the old target, lines from now on to the new one (NULL:
 * stay). The old target is closed when its lines are written, the new one is not used before. */
void eventlog_reconfigure(
    struct eventlog *log, const struct eventlog_conf *conf, struct eventlog_target *target);

/* Opens the path again, for log rotation: in the writer's thread, once the lines so far are
 * written. When that fails it is reported and the old one kept. What is no path stays. */
void eventlog_reopen(struct eventlog *log);

/* How long lines that nobody waits for may lie before the writer gets them. */
#define EVENTLOG_LINGER_NS 10000000LL

/* At the end of each turn of the loop: hands what is formatted to the writer; at once if somebody
 * waits for it, else when there is enough of it or it has lain for EVENTLOG_LINGER_NS. */
void eventlog_flush(struct eventlog *log, bool is_awaited);

/* Lines lost since the start; in stats and in the ledger as log_lost. */
uint64_t eventlog_lost(const struct eventlog *log);

/*
 * Writes the rest, for at most patience_ns of real time (and a fifth of a second), ends the thread
 * and frees all. What could not be written is counted and counts as reached. Gives the final
 * number of lost lines.
 */
uint64_t eventlog_stop(struct eventlog *log, int64_t patience_ns);

#endif
