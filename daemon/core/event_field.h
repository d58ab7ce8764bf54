#ifndef CORE_EVENT_FIELD_H
#define CORE_EVENT_FIELD_H

/*
 * The fields of events, for those who write events down. One row per field in event.c: its name,
 * what kind of value it is, and how to get it from an event.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/event.h"

enum field_kind {
	FIELD_WORD,  /* never quoted in text: one of ours, or checked when it was defined */
	FIELD_TEXT,  /* quoted in text only where it must be */
	FIELD_PROSE, /* always quoted in text */
	FIELD_NUMBER,
	FIELD_SECONDS, /* ns: "1.000s" in text, 1.000000 in JSON */
	FIELD_TIME,    /* ns since 1970 */
};

struct field_value {
	struct str text;
	uint64_t number;
	int64_t ns;
};

/* What stands in front of a value. Of one size, so that it is copied as two words. */
#define LABEL_OCTETS 16

struct label {
	char text[LABEL_OCTETS];
	size_t n;
};

struct field {
	const char *name;
	struct label in_text; /* " name=" */
	struct label in_json; /* ",\"name\":" */
	enum field_kind kind;
	/* False when the event has no such value. Text may be in scratch or belong to the event. */
	bool (*get)(const struct event *ev, struct buf *scratch, struct field_value *v);
};

/* What the values of a stretch depend on and nothing else: it is written the same whenever that is
 * the same. */
enum field_source {
	OF_EVENT,
	OF_MESSAGE, /* its envelope and numbers */
	OF_OUTCOME, /* and, of what was given up, the last outcome */
};

/* Fields that stand together in a line; NULL at the end. */
struct stretch {
	enum field_source source;
	const struct field *fields[];
};

/* The stretches of that event, in order, NULL at the end. */
const struct stretch *const *event_line(const struct event *ev);

/* The last outcome of a message that was given up; else NULL. */
const struct outcome *event_last_outcome(const struct event *ev);

/* Those of a status line. */
const struct stretch *const *event_status_line(void);

/* The value as a line of text has it, but never in quotes and with nothing escaped. */
void event_format_value(struct buf *b, const struct field *f, const struct field_value *v);

/* When it happened, as a line of text has it. */
void event_format_time(struct buf *b, const struct event *ev);

/* A field that a template for that kind of event may name; NULL when it may not. */
const struct field *event_template_field(enum event_kind kind, struct str name);

/* Whether the event says that its message is final. */
bool event_is_final(const struct event *ev);

#endif
