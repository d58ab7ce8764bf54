/*
 * Owns the tables of events and their fields. A new field is a row here and a getter; nothing else
 * knows what an event says.
 */
#include "core/event.h"

#include "base/text.h"
#include "core/batch.h"
#include "core/event_field.h"
#include "core/message.h"
#include "core/outcome.h"

static bool
has_number(struct field_value *v, uint64_t number)
{
	v->number = number;
	return true;
}

static bool
has_text(struct field_value *v, struct str text)
{
	v->text = text;
	return text.p != NULL;
}

static bool
has_ns(struct field_value *v, int64_t ns)
{
	v->ns = ns;
	return true;
}

#define GETTER(name) \
	static bool get_##name(const struct event *ev, \
	    __attribute__((unused)) struct buf *scratch, struct field_value *v)

GETTER(time)
{
	return has_ns(v, ev->time_ns);
}

GETTER(id)
{
	return has_text(v, message_id(ev->message, scratch));
}

GETTER(seq)
{
	return has_number(v, message_seq(ev->message));
}

GETTER(batch)
{
	return has_number(v, ev->message ? message_number(ev->message) : ev->batch->number);
}

GETTER(from)
{
	return has_text(v, ev->message ? message_from(ev->message) : ev->rejection->from);
}

GETTER(to)
{
	return has_text(v, ev->message ? message_to(ev->message, scratch) : ev->rejection->to);
}

GETTER(size)
{
	return has_number(v, message_size(ev->message)) && v->number > 0;
}

GETTER(dup_of)
{
	const struct message *m = ev->message;

	return has_number(v, batch_dup_of_at(message_batch(m), message_index(m))) && v->number > 0;
}

GETTER(notify)
{
	return ev->notification && has_text(v, ev->notification->notify);
}

GETTER(ret)
{
	return ev->notification && has_text(v, ev->notification->ret);
}

GETTER(orcpt)
{
	return ev->notification && has_text(v, ev->notification->orcpt);
}

GETTER(envid)
{
	return ev->notification && has_text(v, ev->notification->envid);
}

GETTER(attempt)
{
	return has_number(v, ev->message ? ev->message->attempt : ev->rejection->attempt) &&
	    v->number > 0;
}

GETTER(outcome)
{
	const struct outcome *o = ev->outcome;

	return o && has_text(v, str_of(o->name));
}

GETTER(stage)
{
	const struct outcome *o = ev->outcome;

	return o && has_text(v, str_of(o->stage));
}

GETTER(code)
{
	const struct outcome *o = ev->outcome;

	return o && has_number(v, o->code) && v->number > 0;
}

const struct outcome *
event_last_outcome(const struct event *ev)
{
	return ev->message && ev->message->state == STATE_EXPIRED
	    ? message_last_outcome(ev->message)
	    : NULL;
}

GETTER(dsn)
{
	const struct outcome *o = ev->outcome;

	return o && has_text(v, str_of(o->dsn));
}

/* What a server said last: of an expired message that of its last attempt. */
GETTER(text)
{
	const struct outcome *last = event_last_outcome(ev), *o = last ? last : ev->outcome;

	return o && has_text(v, str_of(o->text));
}

GETTER(last)
{
	const struct outcome *o = event_last_outcome(ev);

	return o && has_text(v, str_of(o->name));
}

/* Acceptance to this event. */
GETTER(delay)
{
	return ev->outcome && has_ns(v, ev->time_ns - ev->message->accepted_ns);
}

GETTER(state)
{
	return has_text(v, str_of(message_state_names[ev->message->state]));
}

GETTER(next)
{
	const struct message *m = ev->message;

	return m->state == STATE_DEFERRED && !m->is_last && has_ns(v, m->due_ns);
}

static const struct counts *
counts_of(const struct event *ev)
{
	return &ev->batch->group->tally.counts;
}

GETTER(n)
{
	return has_number(v, counts_of(ev)->accepted);
}

GETTER(delivered)
{
	return has_number(v, counts_of(ev)->state[STATE_DELIVERED]);
}

GETTER(bounced)
{
	return has_number(v, counts_of(ev)->state[STATE_BOUNCED]);
}

GETTER(expired)
{
	return has_number(v, counts_of(ev)->state[STATE_EXPIRED]);
}

GETTER(dropped)
{
	return has_number(v, counts_of(ev)->state[STATE_DROPPED]);
}

GETTER(cancelled)
{
	return has_number(v, counts_of(ev)->state[STATE_CANCELLED]);
}

GETTER(attempts)
{
	return has_number(v, counts_of(ev)->attempts);
}

/* Where time jumps, real time says nothing about a batch and would make every run's events differ;
 * there the simulated time stands for it. */
GETTER(elapsed)
{
	return has_ns(v,
	    ev->is_time_jumping ? counts_simulated(counts_of(ev)) : counts_elapsed(counts_of(ev)));
}

GETTER(simulated)
{
	return has_ns(v, counts_simulated(counts_of(ev)));
}

#define FIELD(field_name, field_kind) \
	static const struct field field_##field_name = { #field_name, \
		{ " " #field_name "=", sizeof #field_name + 1 }, \
		{ ",\"" #field_name "\":", sizeof #field_name + 3 }, field_kind, \
		get_##field_name }

FIELD(time, FIELD_TIME);
FIELD(id, FIELD_TEXT);
FIELD(seq, FIELD_NUMBER);
FIELD(batch, FIELD_NUMBER);
FIELD(from, FIELD_TEXT);
FIELD(to, FIELD_TEXT);
FIELD(size, FIELD_NUMBER);
FIELD(dup_of, FIELD_NUMBER);
FIELD(notify, FIELD_WORD);
FIELD(ret, FIELD_WORD);
FIELD(orcpt, FIELD_TEXT);
FIELD(envid, FIELD_TEXT);
FIELD(attempt, FIELD_NUMBER);
FIELD(outcome, FIELD_WORD);
FIELD(last, FIELD_WORD);
FIELD(stage, FIELD_TEXT);
FIELD(code, FIELD_NUMBER);
FIELD(dsn, FIELD_WORD);
FIELD(text, FIELD_PROSE);
FIELD(delay, FIELD_SECONDS);
FIELD(state, FIELD_WORD);
FIELD(next, FIELD_TIME);
FIELD(n, FIELD_NUMBER);
FIELD(delivered, FIELD_NUMBER);
FIELD(bounced, FIELD_NUMBER);
FIELD(expired, FIELD_NUMBER);
FIELD(dropped, FIELD_NUMBER);
FIELD(cancelled, FIELD_NUMBER);
FIELD(attempts, FIELD_NUMBER);
FIELD(elapsed, FIELD_SECONDS);
FIELD(simulated, FIELD_SECONDS);

#define STRETCH(name, source, ...) \
	static const struct stretch name##_stretch = { source, { __VA_ARGS__, NULL } }

STRETCH(envelope, OF_MESSAGE, &field_id, &field_seq, &field_batch, &field_from, &field_to);
STRETCH(size, OF_EVENT, &field_size, &field_dup_of);
STRETCH(notification, OF_EVENT, &field_notify, &field_ret, &field_orcpt, &field_envid);
STRETCH(state, OF_EVENT, &field_size, &field_state, &field_attempt, &field_next);
STRETCH(attempt, OF_EVENT, &field_attempt);
STRETCH(outcome, OF_OUTCOME, &field_outcome, &field_stage, &field_code, &field_dsn, &field_text);
STRETCH(given_up, OF_OUTCOME, &field_outcome, &field_last, &field_code, &field_dsn, &field_text);
STRETCH(result, OF_OUTCOME, &field_outcome, &field_last, &field_stage, &field_code, &field_dsn,
    &field_text);
STRETCH(delay, OF_EVENT, &field_delay);
STRETCH(delay_next, OF_EVENT, &field_delay, &field_next);
STRETCH(finished, OF_EVENT, &field_batch, &field_n, &field_delivered, &field_bounced,
    &field_expired, &field_dropped, &field_cancelled, &field_attempts, &field_elapsed,
    &field_simulated);

STRETCH(refused, OF_EVENT, &field_from, &field_to, &field_attempt);

#define LINE(name, ...) static const struct stretch *const name##_line[] = { __VA_ARGS__, NULL }

LINE(queued, &envelope_stretch, &size_stretch, &notification_stretch);
LINE(queued_plainly, &envelope_stretch, &size_stretch);
LINE(dispatched, &envelope_stretch, &attempt_stretch);
LINE(result, &envelope_stretch, &attempt_stretch, &outcome_stretch, &delay_stretch);
LINE(deferred, &envelope_stretch, &attempt_stretch, &outcome_stretch, &delay_next_stretch);
LINE(expired, &envelope_stretch, &attempt_stretch, &given_up_stretch, &delay_stretch);
LINE(finished, &finished_stretch);
LINE(rejected, &refused_stretch, &outcome_stretch);
LINE(status, &envelope_stretch, &state_stretch, &result_stretch, &delay_stretch);

struct event_row {
	struct str name;
	const struct stretch *const *line;
};

static const struct event_row events[EVENT_KINDS] = {
	[EVENT_QUEUED] = { STR_INIT("queued"), queued_line },
	[EVENT_DISPATCHED] = { STR_INIT("dispatched"), dispatched_line },
	[EVENT_DELIVERED] = { STR_INIT("delivered"), result_line },
	[EVENT_BOUNCED] = { STR_INIT("bounced"), result_line },
	[EVENT_DROPPED] = { STR_INIT("dropped"), result_line },
	[EVENT_CANCELLED] = { STR_INIT("cancelled"), result_line },
	[EVENT_DEFERRED] = { STR_INIT("deferred"), deferred_line },
	[EVENT_EXPIRED] = { STR_INIT("expired"), expired_line },
	[EVENT_FINISHED] = { STR_INIT("finished"), finished_line },
	[EVENT_REJECTED] = { STR_INIT("rejected"), rejected_line },
};

struct str
event_name(enum event_kind kind)
{
	return events[kind].name;
}

enum event_kind
event_find(struct str name)
{
	int kind;

	for (kind = 0; kind < EVENT_KINDS; kind++)
		if (str_eq(name, events[kind].name))
			break;
	return (enum event_kind)kind;
}

const char *
event_parse_mask(struct str s, unsigned *mask)
{
	unsigned found = 0;
	size_t n;

	if (str_eq(s, STR("all"))) {
		*mask = EVENT_MASK_ALL;
		return NULL;
	}
	for (; s.n > 0; s = str_from(s, n + 1)) {
		enum event_kind kind;

		for (n = 0; n < s.n && s.p[n] != ',' && s.p[n] != ' '; n++)
			;
		if (n == 0)
			continue;
		kind = event_find(str_head(s, n));
		if (kind == EVENT_KINDS)
			return "has a name that is no event (queued dispatched delivered bounced "
			       "dropped cancelled deferred expired finished rejected, or all)";
		found |= 1U << kind;
	}
	if (found == 0)
		return "names no event";
	*mask = found;
	return NULL;
}

void
event_format_mask(struct buf *b, unsigned mask)
{
	const char *separator = "";
	int kind;

	if (mask == EVENT_MASK_ALL) {
		buf_add_lit(b, "all");
		return;
	}
	for (kind = 0; kind < EVENT_KINDS; kind++) {
		if (!(mask & (1U << kind)))
			continue;
		buf_add_str(b, str_of(separator));
		buf_add_str(b, events[kind].name);
		separator = " ";
	}
}

const struct stretch *const *
event_line(const struct event *ev)
{
	/* most have asked for nothing, and need not be looked through for it */
	if (ev->kind == EVENT_QUEUED && !ev->notification)
		return queued_plainly_line;
	return events[ev->kind].line;
}

const struct stretch *const *
event_status_line(void)
{
	return status_line;
}

static const struct field *
find_field(const struct stretch *const *line, struct str name)
{
	const struct field *const *f;

	for (; *line; line++)
		for (f = (*line)->fields; *f; f++)
			if (str_eq(name, str_of((*f)->name)))
				return *f;
	return NULL;
}

const struct field *
event_template_field(enum event_kind kind, struct str name)
{
	const struct field *found = find_field(events[kind].line, name);

	if (found)
		return found;
	if (str_eq(name, str_of(field_time.name)))
		return &field_time;
	/* those of a result may be named for any event of a message, whether it has them or not */
	return kind == EVENT_FINISHED || kind == EVENT_REJECTED ? NULL
								: find_field(result_line, name);
}

bool
event_is_final(const struct event *ev)
{
	return ev->message && message_is_final(ev->message);
}
