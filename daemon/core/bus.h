#ifndef CORE_BUS_H
#define CORE_BUS_H

/*
 * The back door: every event goes over the bus, once, to all who subscribed, in the order they
 * did. A subscriber may leave at any time, also while an event is on its way.
 */

#include <stdbool.h>

#include "base/list.h"
#include "core/event.h"

struct bus {
	struct list subscribers;
	unsigned depth;    /* emits under way: the dead are freed when it is back at 0 */
	bool is_congested; /* a subscriber that must not lose anything is full */
	struct event_memo memo;
	struct buf text, json; /* the line of the event under way, written at most once */
	bool has_text, has_json;
	bool has_left; /* somebody unsubscribed during an emit */
};

struct bus_subscription;

/* Called for each event of the mask. The event is valid during the call only. */
typedef void bus_event_cb(void *ctx, struct bus *bus, const struct event *ev);

void bus_init(struct bus *bus);
void bus_fini(struct bus *bus);

/* Owned by the bus; ends with bus_unsubscribe(). */
struct bus_subscription *bus_subscribe(
    struct bus *bus, unsigned mask, bus_event_cb *event_cb, void *ctx);
void bus_unsubscribe(struct bus *bus, struct bus_subscription *s);

/* Tells everybody. Does nothing costly when nobody listens. */
void bus_emit(struct bus *bus, const struct event *ev);

/* The event under way as a line without its end; formatted once however many ask. */
struct str bus_text(struct bus *bus, const struct event *ev);
struct str bus_json(struct bus *bus, const struct event *ev);

/* The same, added to b: for one subscriber alone it is written right there. */
void bus_add_text(struct bus *bus, const struct event *ev, struct buf *b);
void bus_add_json(struct bus *bus, const struct event *ev, struct buf *b);

/* What is remembered of lines may be true no more: numbers begin anew, or outcomes are others. */
void bus_forget(struct bus *bus);

/*
 * A subscriber that loses nothing (the log) says here that it is full, or has room again. While
 * one is, intake and schedule make no events: they wait.
 */
void bus_set_congested(struct bus *bus, bool is_congested);

static inline bool
bus_is_congested(const struct bus *bus)
{
	return bus->is_congested;
}

#endif
