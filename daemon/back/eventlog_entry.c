/*
 * Owns what an event looks like in systemd's journal. An entry is written down as it is sent later:
 * one datagram of the journal's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/),
 * "NAME=value" lines. A value with control characters is sent in the protocol's other form, with
 * its length instead of the "=". So entries, unlike lines, may hold any octet, and in a chunk each
 * has its length in front.
 */
#include "back/eventlog_entry.h"

#include <endian.h>

#include "base/str.h"
#include "core/event_field.h"

/* What is the same in all entries, behind the line. */
#define CONSTANT_FIELDS \
	"\nSYSLOG_IDENTIFIER=mailsimd\nMESSAGE_ID=45e749925f60477c894ba489e0ac8da7\nPRIORITY="
#define FIELD_PREFIX "MAILSIMD_"

/* For values that are put together; kept from entry to entry. */
static _Thread_local struct buf scratch;

/* syslog(3) priorities */
static const char priorities[EVENT_KINDS] = {
	[EVENT_QUEUED] = '6',
	[EVENT_DISPATCHED] = '6',
	[EVENT_DELIVERED] = '6',
	[EVENT_BOUNCED] = '4',
	[EVENT_DROPPED] = '5',
	[EVENT_CANCELLED] = '6',
	[EVENT_DEFERRED] = '5',
	[EVENT_EXPIRED] = '4',
	[EVENT_FINISHED] = '6',
	[EVENT_REJECTED] = '5',
};

static bool
has_control(struct str s)
{
	size_t i;

	for (i = 0; i < s.n && (unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f; i++)
		;
	return i < s.n;
}

static void
add_name(struct buf *b, const char *name)
{
	buf_add_lit(b, FIELD_PREFIX);
	for (; *name != '\0'; name++)
		buf_add_char(b, *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
}

/* Of a client's own text, which may hold anything. */
static void
add_binary(struct buf *b, struct str value)
{
	uint64_t n = htole64(value.n);

	buf_add_char(b, '\n');
	buf_add(b, &n, sizeof n);
	buf_add_str(b, value);
}

static void
add_field(struct buf *b, const struct field *f, const struct field_value *v)
{
	bool is_text = f->kind == FIELD_TEXT || f->kind == FIELD_PROSE;

	add_name(b, f->name);
	if (is_text && has_control(v->text)) {
		add_binary(b, v->text);
	} else {
		buf_add_char(b, '=');
		event_format_value(b, f, v);
	}
	buf_add_char(b, '\n');
}

static void
add_fields(struct buf *b, const struct field *const *fields, const struct event *ev)
{
	struct field_value v;

	for (; *fields; fields++)
		if ((*fields)->get(ev, &scratch, &v))
			add_field(b, *fields, &v);
}

size_t
eventlog_entry_begin(struct buf *b)
{
	size_t begin = b->len;

	buf_reserve(b, EVENTLOG_ENTRY_HEAD);
	b->len += EVENTLOG_ENTRY_HEAD;
	buf_add_lit(b, "MESSAGE=");
	return begin;
}

void
eventlog_entry_end(struct buf *b, size_t begin, const struct event *ev)
{
	const struct stretch *const *line;
	uint32_t size;

	buf_add_lit(b, CONSTANT_FIELDS);
	buf_add_char(b, priorities[ev->kind]);
	buf_add_lit(b, "\n" FIELD_PREFIX "EVENT=");
	buf_add_str(b, event_name(ev->kind));
	buf_add_lit(b, "\n" FIELD_PREFIX "TIME=");
	event_format_time(b, ev);
	buf_add_char(b, '\n');
	for (line = event_line(ev); *line; line++)
		add_fields(b, (*line)->fields, ev);
	size = (uint32_t)(b->len - begin - EVENTLOG_ENTRY_HEAD);
	memcpy(b->data + begin, &size, sizeof size);
}

struct str
eventlog_entry_first(struct str entries)
{
	uint32_t size;

	memcpy(&size, entries.p, sizeof size);
	return str_head(str_from(entries, EVENTLOG_ENTRY_HEAD), size);
}

uint64_t
eventlog_entry_count(struct str entries)
{
	uint64_t n = 0;

	for (; entries.n > 0; n++)
		entries = str_from(entries, EVENTLOG_ENTRY_HEAD + eventlog_entry_first(entries).n);
	return n;
}
