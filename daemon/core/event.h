#ifndef CORE_EVENT_H
#define CORE_EVENT_H

/*
 * What happens to messages, as values: an event names its kind and the message or batch it
 * happened to, and lives only while it is emitted. The tables in event.c are the only place that
 * knows which fields an event has, in which order; event_format.c is the only one that writes
 * them.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct batch;
struct message;
struct outcome;
struct stretch;

enum event_kind {
	EVENT_QUEUED,
	EVENT_DISPATCHED,
	EVENT_DELIVERED,
	EVENT_BOUNCED,
	EVENT_DROPPED,
	EVENT_CANCELLED,
	EVENT_DEFERRED,
	EVENT_EXPIRED,
	EVENT_FINISHED,
	EVENT_REJECTED,
	EVENT_KINDS
};

#define EVENT_MASK_ALL ((1U << EVENT_KINDS) - 1)

/* A recipient that was refused while a client waited for the answer: never a message. */
struct event_rejection {
	struct str from, to; /* p is NULL: not known yet */
	uint32_t attempt;
};

/* What the sender asked to be told of a message (RFC 3461), as it said that; p is NULL where it
 * said nothing. It is shown when the message is accepted, and not kept. */
struct event_notification {
	struct str notify; /* "NEVER", or some of "SUCCESS,FAILURE,DELAY" in that order */
	struct str ret;    /* "FULL" or "HDRS" */
	struct str orcpt;  /* "rfc822;ann@example.org": the recipient whom it names */
	struct str envid;
};

struct event {
	enum event_kind kind;
	int64_t time_ns; /* simulated */
	const struct batch *batch;
	const struct message *message;           /* NULL for EVENT_FINISHED and EVENT_REJECTED */
	const struct event_rejection *rejection; /* EVENT_REJECTED, which has no batch; else NULL */
	const struct event_notification
	    *notification;             /* EVENT_QUEUED, where it was asked; or NULL */
	const struct outcome *outcome; /* message_outcome() of that; or NULL */
	bool is_time_jumping;          /* the clock does not run with real time */
};

/* How a line is written. */
enum event_style { EVENT_TEXT, EVENT_JSON, EVENT_TEMPLATE, EVENT_STYLES };
extern const char *const event_style_names[EVENT_STYLES];

/* A line of a user's own, parsed: literal pieces and fields in turn. */
struct event_template;

struct str event_name(enum event_kind kind);

/* EVENT_KINDS when there is none of that name. */
enum event_kind event_find(struct str name);

/* "all" or event names with spaces or commas between them, to a mask of 1U << kind. NULL, or what
 * is wrong. */
const char *event_parse_mask(struct str s, unsigned *mask);
void event_format_mask(struct buf *b, unsigned mask);

/*
 * Stretches of lines as they were written last: a message's envelope is the same in all its events,
 * and an outcome's words in those of all messages. All zero: nothing is remembered. For one
 * simulator; to be forgotten when numbers begin anew or outcomes may have been replaced.
 */
#define EVENT_OUTCOMES 16 /* that are remembered at once */

struct event_stretch {
	const struct stretch *stretch; /* NULL: none */
	const struct outcome *outcome, *last;
	struct buf text;
};

struct event_memo {
	struct {
		uint64_t seq; /* 0: none */
		struct buf message;
		struct event_stretch outcomes[EVENT_OUTCOMES];
	} style[2]; /* text, JSON */
};

void event_memo_forget(struct event_memo *memo);
void event_memo_fini(struct event_memo *memo);

/*
 * Adds the event as one line without its end. Text: time, name, key=value…; JSON: one flat
 * object. Both are never more than one line, whatever an id holds. memo may be NULL.
 */
void event_format_text(struct buf *b, const struct event *ev, struct event_memo *memo);
void event_format_json(struct buf *b, const struct event *ev, struct event_memo *memo);

/* The message as a status line has it, as of that time: " key=value" for each. */
void event_format_status(struct buf *b, const struct message *m, int64_t now_ns);

/*
 * Reads a template such as "sent {id}" for events of that kind; {{ stands for a brace, so does
 * }}. A field the event does not have is an error. NULL and *out (owned by the caller; NULL for
 * the empty text, which means no line), or what is wrong.
 */
const char *event_template_parse(struct str s, enum event_kind kind, struct event_template **out);
void event_template_free(struct event_template *t);
void event_format_template(struct buf *b, const struct event_template *t, const struct event *ev);

#endif
