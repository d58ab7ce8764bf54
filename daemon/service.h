#ifndef SERVICE_H
#define SERVICE_H

/*
 * The daemon as a service of systemd: its sockets, status text, watchdog, reloads and end. Where
 * nobody listens (notify_is_wanted()), nobody is told anything.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/tally.h"
#include "io/listener.h"
#include "io/loop.h"

/* The sockets that systemd handed in. */
struct service_sockets {
	int *fds;
	unsigned *kinds; /* which of the names each has */
	unsigned n;
};

/* Asked once. False with a text in why when that fails, or one has none of the names.
 * service_sockets_fini() in any case; the descriptors stay. */
bool service_take_sockets(
    struct service_sockets *out, const char *const *names, unsigned n_names, struct buf *why);
void service_sockets_fini(struct service_sockets *sockets);

/* The sockets of that kind that were handed in, else those of the configuration; with the name,
 * refusal and why as listener_open() has them. */
struct listener_set *service_listen(struct loop *loop, const struct listener_conf *conf,
    const struct service_sockets *sockets, unsigned kind, const char *name, struct str refusal,
    struct buf *why);

/* What the status text is made of. */
struct service_view {
	const char *doing; /* "accepting" */
	const struct counts *counts;
	uint64_t connections;
};

struct service;

/* Says how things are. */
typedef void service_look(void *ctx, struct service_view *out);

struct service *service_new(struct loop *loop, service_look *look_cb, void *ctx);
void service_free(struct service *s);

/* From now on the watchdog is kept quiet and the status text is told. */
void service_ready(struct service *s);

/* At the end of each turn of the loop: the status text is told when it has changed, at most once a
 * second. Nothing wakes the loop for it while nothing happens. */
void service_update(struct service *s);

/* A reload begins; has ended. problems: what was wrong, a line each, the first of which stands in
 * the status text until the next reload; empty when nothing was. */
void service_reloading(struct service *s);
void service_reloaded(struct service *s, struct str problems);

/* The end begins, and may take that long. */
void service_stopping(struct service *s, int64_t at_most_ns);

/* "accepting; pending=12 delivered=30 bounced=0 expired=0 dropped=0 cancelled=0 connections=2";
 * after a reload that failed, begins with that and the first of the problems. */
void service_format_status(struct buf *b, const struct service_view *view, struct str problems);

#endif
