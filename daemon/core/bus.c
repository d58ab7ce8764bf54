/*
 * Owns the list of subscribers. One that leaves while an event is on its way is only marked; the
 * marked are freed when no event is under way any more.
 */
#include "core/bus.h"

#include <stdlib.h>

#include "base/mem.h"

struct bus_subscription {
	struct list link;
	unsigned mask; /* 0: has left */
	bus_event_cb *event_cb;
	void *ctx;
};

void
bus_init(struct bus *bus)
{
	*bus = (struct bus){ 0 };
	list_init(&bus->subscribers);
}

void
bus_fini(struct bus *bus)
{
	struct list *l;

	while ((l = list_pop(&bus->subscribers)) != NULL)
		free(list_entry(l, struct bus_subscription, link));
	event_memo_fini(&bus->memo);
	buf_fini(&bus->text);
	buf_fini(&bus->json);
}

struct bus_subscription *
bus_subscribe(struct bus *bus, unsigned mask, bus_event_cb *event_cb, void *ctx)
{
	struct bus_subscription *s = mem_alloc(sizeof *s);

	s->mask = mask;
	s->event_cb = event_cb;
	s->ctx = ctx;
	list_add_tail(&bus->subscribers, &s->link);
	return s;
}

static void
free_subscription(struct bus_subscription *s)
{
	list_remove(&s->link);
	free(s);
}

void
bus_unsubscribe(struct bus *bus, struct bus_subscription *s)
{
	s->mask = 0;
	s->event_cb = NULL;
	if (bus->depth == 0)
		free_subscription(s);
	else
		bus->has_left = true;
}

static void
free_the_left(struct bus *bus)
{
	struct list *l, *after;

	bus->has_left = false;
	list_foreach_safe (l, after, &bus->subscribers) {
		struct bus_subscription *s = list_entry(l, struct bus_subscription, link);

		if (!s->event_cb)
			free_subscription(s);
	}
}

void
bus_emit(struct bus *bus, const struct event *ev)
{
	struct list *l;

	bus->depth++;
	bus->has_text = bus->has_json = false;
	list_foreach (l, &bus->subscribers) {
		struct bus_subscription *s = list_entry(l, struct bus_subscription, link);

		if (s->mask & (1U << ev->kind))
			s->event_cb(s->ctx, bus, ev);
	}
	if (--bus->depth == 0 && bus->has_left)
		free_the_left(bus);
}

struct str
bus_text(struct bus *bus, const struct event *ev)
{
	if (!bus->has_text) {
		bus->text.len = 0;
		event_format_text(&bus->text, ev, &bus->memo);
		bus->has_text = true;
	}
	return buf_str(&bus->text);
}

struct str
bus_json(struct bus *bus, const struct event *ev)
{
	if (!bus->has_json) {
		bus->json.len = 0;
		event_format_json(&bus->json, ev, &bus->memo);
		bus->has_json = true;
	}
	return buf_str(&bus->json);
}

static bool
has_one_subscriber(const struct bus *bus)
{
	return bus->subscribers.next == bus->subscribers.prev;
}

void
bus_add_text(struct bus *bus, const struct event *ev, struct buf *b)
{
	if (has_one_subscriber(bus))
		event_format_text(b, ev, &bus->memo);
	else
		buf_add_str(b, bus_text(bus, ev));
}

void
bus_add_json(struct bus *bus, const struct event *ev, struct buf *b)
{
	if (has_one_subscriber(bus))
		event_format_json(b, ev, &bus->memo);
	else
		buf_add_str(b, bus_json(bus, ev));
}

void
bus_forget(struct bus *bus)
{
	event_memo_forget(&bus->memo);
}

void
bus_set_congested(struct bus *bus, bool is_congested)
{
	bus->is_congested = is_congested;
}
