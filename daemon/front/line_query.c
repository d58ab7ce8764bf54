/*
 * Owns the commands that look at messages: status, list, cancel, events.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/event.h"
#include "core/intake.h"
#include "front/line_client.h"

#define LIST_SLICE 16384 /* messages looked at in one turn */

/* The selector that must be there. */
static bool
need_selector(struct line_client *c, const struct line_options *o, struct selector *s)
{
	bool is_given;

	if (!line_options_selector(c, o, o->word, s, &is_given))
		return false;
	if (!is_given)
		line_error(c, LINE_BAD_ARGUMENT,
		    "a selector is missing: ID, id=, to=, seq=, batch= or all");
	return is_given;
}

static void
add_status(const struct line_client *c, struct buf *b, const struct message *m)
{
	event_format_status(b, m, c->front->sim->now_ns);
}

void
line_status(struct line_client *c, const struct line_options *o)
{
	struct selection walk;
	struct selector s;
	struct message *m;
	struct buf b = { 0 };

	if (!need_selector(c, o, &s))
		return;
	selection_init(&walk, &c->front->sim->registry, &s, true);
	m = selection_next(&walk);
	selection_fini(&walk);
	if (!m) {
		line_error(c, LINE_NOT_FOUND, "no such message is known");
		return;
	}
	buf_add_lit(&b, "+OK");
	add_status(c, &b, m);
	line_reply_buf(c, &b);
	buf_fini(&b);
}

static void
list_end_cb(struct line_client *c)
{
	selection_fini(&c->task->walk);
	free(c->task->text);
	free(c->task->seqs);
}

static void
remember(struct line_task *t, const struct message *m)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->seqs = mem_resize_array(t->seqs, t->cap, sizeof t->seqs[0]);
	}
	t->seqs[t->n++] = message_seq(m);
}

static bool
is_listed(const struct line_task *t, const struct message *m)
{
	return t->states == 0 || t->states & (1U << m->state);
}

/* Lines as the client reads them. What has been forgotten or has moved on since is left out. */
static enum line_progress
tell_list(struct line_client *c)
{
	const struct registry *registry = &c->front->sim->registry;
	struct line_task *t = c->task;

	for (; t->at < t->n; t->at++) {
		uint64_t seq = t->seqs[t->n - 1 - t->at];
		const struct batch *batch = registry_find_seq(registry, seq);
		const struct message *m =
		    batch ? batch_message(batch, (uint32_t)(seq - batch->first_seq)) : NULL;
		struct buf b = { 0 };

		if (line_client_is_full(c))
			return LINE_WAITING;
		if (!m || message_is_forgotten(m) || !is_listed(t, m))
			continue;
		buf_add_lit(&b, "*");
		add_status(c, &b, m);
		line_reply_buf(c, &b);
		buf_fini(&b);
		t->count++;
	}
	line_reply(c, "+OK n=%lu", t->count);
	return LINE_DONE;
}

/* Looks for the newest first, some at a time. */
static enum line_progress
list_step(struct line_client *c)
{
	struct line_task *t = c->task;
	uint32_t slice;

	t->walk.budget = LIST_SLICE;
	for (slice = LIST_SLICE; !t->is_answering; slice--) {
		struct message *m = slice > 0 && t->n < t->limit ? selection_next(&t->walk) : NULL;

		if (m && is_listed(t, m))
			remember(t, m);
		t->is_answering = t->walk.is_over || t->n == t->limit;
		if (!m && !t->is_answering)
			return LINE_AGAIN;
	}
	return tell_list(c);
}

void
line_list(struct line_client *c, const struct line_options *o)
{
	struct selector s = { .kind = SELECT_ALL };
	struct line_task *t;
	bool is_given;

	if (!line_options_selector(c, o, o->word, &s, &is_given))
		return;
	t = line_client_begin(c, list_step, list_end_cb);
	t->is_walking = true;
	t->states = o->states;
	t->limit = o->limit;
	t->text = line_keep_selector(&s);
	t->selector = s;
	selection_init(&t->walk, &c->front->sim->registry, &t->selector, true);
	line_client_start(c);
}

static void
act_end_cb(struct line_client *c)
{
	selection_fini(&c->task->walk);
	free(c->task->text);
}

/* Before anything is touched: who may not act on others must mean none of theirs. LINE_WAITING
 * when that is so. */
static enum line_progress
check_owner(struct line_client *c)
{
	struct line_task *t = c->task;
	struct message *m;
	uint32_t slice;

	t->walk.budget = LIST_SLICE;
	for (slice = LIST_SLICE; slice > 0 && (m = selection_next(&t->walk)) != NULL; slice--)
		if (!message_is_final(m) && message_owner(m) != c->owner) {
			line_error(c, LINE_NOT_PERMITTED,
			    "server.admin = %s does not let you touch messages of others",
			    line_admin_names[c->front->conf.admin]);
			return LINE_DONE;
		}
	if (!t->walk.is_over)
		return LINE_AGAIN;
	selection_fini(&t->walk);
	selection_init(&t->walk, &c->front->sim->registry, &t->selector, false);
	t->is_checked = true;
	return LINE_WAITING;
}

/* Acts on some of what is meant; true when it has on all. */
typedef bool act_on(struct simulator *sim, struct selection *walk, const struct owner *only,
    uint32_t slice, uint64_t *count);

static enum line_progress
act_step(struct line_client *c, act_on *act)
{
	struct line_task *t = c->task;
	bool is_admin = line_client_is_admin(c);
	enum line_progress checked = is_admin || t->is_checked ? LINE_WAITING : check_owner(c);

	if (checked != LINE_WAITING)
		return checked;
	if (!act(c->front->sim, &t->walk, is_admin ? NULL : line_client_owner(c), LINE_SLICE,
		&t->count))
		return bus_is_congested(&c->front->sim->bus) ? LINE_CONGESTED : LINE_AGAIN;
	if (t->count > 0)
		line_reply(c, "+OK %s=%lu", t->counted, t->count);
	else
		line_error(c, LINE_NOT_FOUND, "no such message is %s",
		    act == intake_flush ? "deferred" : "under way");
	return LINE_DONE;
}

static enum line_progress
cancel_step(struct line_client *c)
{
	return act_step(c, intake_cancel);
}

static enum line_progress
flush_step(struct line_client *c)
{
	return act_step(c, intake_flush);
}

static void
start_acting(
    struct line_client *c, const struct line_options *o, line_step *step, const char *counted)
{
	struct selector s;
	struct line_task *t;

	if (!need_selector(c, o, &s))
		return;
	t = line_client_begin(c, step, act_end_cb);
	t->is_walking = true;
	t->needs_current = step == flush_step;
	t->outlives_client = true;
	t->counted = counted;
	t->text = line_keep_selector(&s);
	t->selector = s;
	selection_init(&t->walk, &c->front->sim->registry, &t->selector, false);
	line_client_start(c);
}

void
line_cancel(struct line_client *c, const struct line_options *o)
{
	start_acting(c, o, cancel_step, "cancelled");
}

void
line_flush(struct line_client *c, const struct line_options *o)
{
	start_acting(c, o, flush_step, "flushed");
}

static bool
is_wanted(const struct line_client *c, const struct event *ev)
{
	const struct selector *s = &c->events->selector;
	uint32_t first, last;

	if (ev->message)
		return selector_match(s, ev->message);
	/* one that was refused is no message, and has an address only */
	if (ev->rejection)
		return s->kind == SELECT_ALL ||
		    (s->kind == SELECT_TO && ev->rejection->to.p &&
			selector_match_address(s->text, ev->rejection->to));
	/* an event of a batch concerns those who want all of it */
	return selector_match_batch(s, ev->batch, &first, &last) && first == 0 &&
	    last + 1 == ev->batch->count;
}

void
line_events_tell_lost(struct line_client *c)
{
	if (c->events_lost > 0 && !line_client_is_full(c)) {
		line_reply(c, "* lost n=%lu", c->events_lost);
		c->events_lost = 0;
	}
}

/* The log's "TIME NAME id=..." as "* NAME time=TIME id=...". */
static void
tell_text(struct line_client *c, struct str line, struct str name)
{
	size_t n = str_find(line, ' ');

	conn_write(c->conn, "* ", 2);
	conn_write(c->conn, name.p, name.n);
	conn_write(c->conn, " time=", 6);
	conn_write(c->conn, line.p, n);
	line_detail(c, str_from(line, n + 1 + name.n));
}

static void
event_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	struct line_client *c = ctx;

	if (!is_wanted(c, ev))
		return;
	if (line_client_is_full(c)) {
		c->events_lost++;
		return;
	}
	line_events_tell_lost(c);
	if (c->events->is_json)
		line_detail(c, bus_json(bus, ev));
	else
		tell_text(c, bus_text(bus, ev), event_name(ev->kind));
}

void
line_events_stop(struct line_client *c)
{
	if (!c->events)
		return;
	bus_unsubscribe(&c->front->sim->bus, c->events->subscription);
	free(c->events->text);
	free(c->events);
	c->events = NULL;
}

void
line_events(struct line_client *c, const struct line_options *o)
{
	struct selector s = { .kind = SELECT_ALL };
	bool is_on = str_eq_nocase(o->word, STR("on")), is_given;
	bool is_json = str_eq_nocase(o->word, STR("json"));

	if (!is_on && !is_json && !str_eq_nocase(o->word, STR("off"))) {
		line_error(c, LINE_BAD_ARGUMENT, "events is followed by on, json or off");
		return;
	}
	if (!line_options_selector(c, o, o->second, &s, &is_given))
		return;
	line_events_tell_lost(c);
	line_events_stop(c);
	if (is_on || is_json) {
		c->events = mem_alloc(sizeof *c->events);
		c->events->text = line_keep_selector(&s);
		c->events->selector = s;
		c->events->is_json = is_json;
		c->events->subscription = bus_subscribe(
		    &c->front->sim->bus, o->types ? o->types : EVENT_MASK_ALL, event_cb, c);
	}
	line_reply(c, "+OK events=%s", is_json ? "json" : is_on ? "on" : "off");
}
