/*
 * Owns the three ways to write an event: text, JSON, and a user's template. All go by the tables
 * of event_field.h; the values of clients are escaped, so an event is one line whatever they are.
 */
#include "core/event.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/batch.h"
#include "core/event_field.h"

const char *const event_style_names[EVENT_STYLES] = { "text", "json", "template" };

/* For values that are put together; kept from line to line. */
static _Thread_local struct buf scratch;

#define TEXT_DIGITS 3
#define JSON_DIGITS 6

/* One stretch of a template: a field, or text as it is. */
struct piece {
	const struct field *field; /* or NULL */
	struct str text;
};

struct event_template {
	char *text; /* what the pieces point into */
	size_t n;
	struct piece pieces[];
};

/* Room for a label and any number or time behind it, so that it is asked for once. */
#define FIELD_OCTETS (LABEL_OCTETS + 40)

static void
add_label(struct buf *b, const struct label *label)
{
	memcpy(buf_reserve(b, FIELD_OCTETS), label->text, LABEL_OCTETS);
	b->len += label->n;
}

/* A value as a line of text has it. */
static void
add_text(struct buf *b, enum field_kind kind, const struct field_value *v)
{
	switch (kind) {
	case FIELD_WORD:
		buf_add_str(b, v->text);
		break;
	case FIELD_TEXT:
		text_add_value(b, v->text);
		break;
	case FIELD_PROSE:
		text_add_quoted(b, v->text);
		break;
	case FIELD_NUMBER:
		buf_add_u64(b, v->number);
		break;
	case FIELD_SECONDS:
		text_format_seconds(b, v->ns, TEXT_DIGITS);
		buf_add_char(b, 's');
		break;
	case FIELD_TIME:
		text_format_time(b, v->ns, TEXT_DIGITS);
		break;
	}
}

static void
add_json(struct buf *b, enum field_kind kind, const struct field_value *v)
{
	switch (kind) {
	case FIELD_WORD:
	case FIELD_TEXT:
	case FIELD_PROSE:
		text_add_json(b, v->text);
		break;
	case FIELD_NUMBER:
		buf_add_u64(b, v->number);
		break;
	case FIELD_SECONDS:
		text_format_seconds(b, v->ns, JSON_DIGITS);
		break;
	case FIELD_TIME:
		buf_add_char(b, '"');
		text_format_time(b, v->ns, JSON_DIGITS);
		buf_add_char(b, '"');
		break;
	}
}

static void
add_field(struct buf *b, const struct field *f, const struct event *ev, enum event_style style)
{
	struct field_value v;

	if (!f->get(ev, &scratch, &v))
		return;
	add_label(b, style == EVENT_TEXT ? &f->in_text : &f->in_json);
	if (style == EVENT_TEXT)
		add_text(b, f->kind, &v);
	else
		add_json(b, f->kind, &v);
}

/* Where that stretch is remembered; *is_known says that it is the event's already. NULL when it
 * cannot be remembered. */
static struct buf *
recall(struct event_memo *memo, enum event_style style, const struct stretch *s,
    const struct event *ev, bool *is_known)
{
	struct event_stretch *o;
	uint64_t seq;

	if (!memo || s->source == OF_EVENT)
		return NULL;
	if (s->source == OF_MESSAGE) {
		seq = message_seq(ev->message);
		*is_known = memo->style[style].seq == seq;
		memo->style[style].seq = seq;
		return &memo->style[style].message;
	}
	if (!ev->outcome)
		return NULL;
	o = &memo->style[style]
		 .outcomes[(uintptr_t)ev->outcome / sizeof *ev->outcome % EVENT_OUTCOMES];
	*is_known =
	    o->stretch == s && o->outcome == ev->outcome && o->last == event_last_outcome(ev);
	o->stretch = s;
	o->outcome = ev->outcome;
	o->last = event_last_outcome(ev);
	return &o->text;
}

static void
add_stretch(struct buf *b, const struct stretch *s, const struct event *ev, enum event_style style)
{
	const struct field *const *f;

	for (f = s->fields; *f; f++)
		add_field(b, *f, ev, style);
}

static void
add_line(struct buf *b, const struct stretch *const *line, const struct event *ev,
    enum event_style style, struct event_memo *memo)
{
	for (; *line; line++) {
		bool is_known;
		struct buf *kept = recall(memo, style, *line, ev, &is_known);

		if (!kept) {
			add_stretch(b, *line, ev, style);
			continue;
		}
		if (!is_known) {
			kept->len = 0;
			add_stretch(kept, *line, ev, style);
		}
		buf_add_str(b, buf_str(kept));
	}
}

void
event_format_value(struct buf *b, const struct field *f, const struct field_value *v)
{
	if (f->kind == FIELD_TEXT || f->kind == FIELD_PROSE)
		buf_add_str(b, v->text);
	else
		add_text(b, f->kind, v);
}

void
event_format_time(struct buf *b, const struct event *ev)
{
	text_format_time(b, ev->time_ns, TEXT_DIGITS);
}

void
event_memo_forget(struct event_memo *memo)
{
	size_t style, i;

	for (style = 0; style < 2; style++) {
		memo->style[style].seq = 0;
		for (i = 0; i < EVENT_OUTCOMES; i++)
			memo->style[style].outcomes[i].stretch = NULL;
	}
}

void
event_memo_fini(struct event_memo *memo)
{
	size_t style, i;

	for (style = 0; style < 2; style++) {
		buf_fini(&memo->style[style].message);
		for (i = 0; i < EVENT_OUTCOMES; i++)
			buf_fini(&memo->style[style].outcomes[i].text);
	}
}

void
event_format_text(struct buf *b, const struct event *ev, struct event_memo *memo)
{
	text_format_time(b, ev->time_ns, TEXT_DIGITS);
	buf_add_char(b, ' ');
	buf_add_str(b, event_name(ev->kind));
	add_line(b, event_line(ev), ev, EVENT_TEXT, memo);
}

void
event_format_status(struct buf *b, const struct message *m, int64_t now_ns)
{
	struct event ev = {
		.time_ns = message_is_final(m) ? m->due_ns : now_ns,
		.batch = message_batch(m),
		.message = m,
		.outcome = message_outcome(m),
	};

	add_line(b, event_status_line(), &ev, EVENT_TEXT, NULL);
}

void
event_format_json(struct buf *b, const struct event *ev, struct event_memo *memo)
{
	buf_add_lit(b, "{\"event\":\"");
	buf_add_str(b, event_name(ev->kind));
	buf_add_lit(b, "\",\"time\":\"");
	text_format_time(b, ev->time_ns, JSON_DIGITS);
	buf_add_char(b, '"');
	add_line(b, event_line(ev), ev, EVENT_JSON, memo);
	if (event_is_final(ev))
		buf_add_lit(b, ",\"final\":true}");
	else
		buf_add_lit(b, ",\"final\":false}");
}

static const char *
add_piece(struct event_template **t, const struct field *field, struct str text)
{
	struct event_template *grown =
	    mem_resize_array(*t, 1, sizeof **t + ((*t)->n + 1) * sizeof(struct piece));

	grown->pieces[grown->n++] = (struct piece){ field, text };
	*t = grown;
	return NULL;
}

/* One field, one doubled brace or one stretch of text from the front of *rest. */
static const char *
parse_piece(struct str *rest, enum event_kind kind, struct event_template **t)
{
	struct str s = *rest;
	size_t n = 0;

	if (s.n >= 2 && (s.p[0] == '{' || s.p[0] == '}') && s.p[1] == s.p[0]) {
		*rest = str_from(s, 2);
		return add_piece(t, NULL, str_head(s, 1));
	}
	if (s.p[0] == '}')
		return "has a } without its {; }} stands for a brace";
	if (s.p[0] == '{') {
		size_t end = str_find(s, '}');
		const struct field *f;

		if (end == s.n)
			return "has a { without its }; {{ stands for a brace";
		f = event_template_field(kind, str_head(str_from(s, 1), end - 1));
		if (!f)
			return "names a field that this event does not have";
		*rest = str_from(s, end + 1);
		return add_piece(t, f, (struct str){ NULL, 0 });
	}
	while (n < s.n && s.p[n] != '{' && s.p[n] != '}')
		n++;
	*rest = str_from(s, n);
	return add_piece(t, NULL, str_head(s, n));
}

const char *
event_template_parse(struct str s, enum event_kind kind, struct event_template **out)
{
	struct event_template *t;
	const char *why = NULL;
	struct str rest;

	if (s.n == 0) {
		*out = NULL;
		return NULL;
	}
	t = mem_alloc(sizeof *t);
	t->text = mem_copy_str(s);
	for (rest = (struct str){ t->text, s.n }; rest.n > 0 && !why;)
		why = parse_piece(&rest, kind, &t);
	if (why)
		event_template_free(t);
	else
		*out = t;
	return why;
}

void
event_template_free(struct event_template *t)
{
	if (!t)
		return;
	free(t->text);
	free(t);
}

void
event_format_template(struct buf *b, const struct event_template *t, const struct event *ev)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		const struct field *f = t->pieces[i].field;
		struct field_value v;

		if (!f) {
			buf_add_str(b, t->pieces[i].text);
			continue;
		}
		if (!f->get(ev, &scratch, &v))
			continue;
		if (f->kind == FIELD_TEXT || f->kind == FIELD_PROSE)
			text_add_escaped(b, v.text);
		else if (f->kind == FIELD_SECONDS && ev->kind == EVENT_FINISHED)
			text_format_seconds(b, v.ns, TEXT_DIGITS);
		else
			add_text(b, f->kind, &v);
	}
}
