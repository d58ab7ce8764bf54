/*
 * Owns the keys of the line protocol: one row each, with the commands that take it. Values that
 * the configuration has, too, are read by the same functions.
 */
#include "base/mem.h"
#include "base/text.h"
#include "core/event.h"
#include "core/intake.h"
#include "front/line_client.h"

#define LIST_LIMIT_DEFAULT 100
#define LIST_LIMIT_MAX 1000000
#define SHOWN_MAX 64 /* octets of a client's word that an error repeats */

struct option {
	const char *name;
	unsigned keys; /* the commands that take it */
	/* NULL, or what is wrong */
	const char *(*parse)(struct line_options *o, struct str value, const struct option *self);
	int index; /* for those that are many alike */
};

#define PARSER(name) \
	static const char *parse_##name(struct line_options *o, struct str value, \
	    __attribute__((unused)) const struct option *self)

static const char *
check_address(struct str value)
{
	return value.n > INTAKE_ADDRESS_MAX ? "is longer than 320 octets" : NULL;
}

PARSER(id)
{
	if (value.n == 0)
		return "is empty";
	if (value.n > INTAKE_ID_MAX)
		return "is longer than 255 octets";
	o->id = value;
	return NULL;
}

PARSER(to)
{
	o->to = value;
	return value.n == 0 ? "is empty" : check_address(value);
}

PARSER(from)
{
	o->from = value;
	return check_address(value);
}

PARSER(size)
{
	return text_parse_size(value, &o->size);
}

PARSER(latency)
{
	o->has_latency = true;
	return latency_parse(value, NULL, &o->latency);
}

PARSER(connect)
{
	o->has_connect = true;
	return latency_parse(value, NULL, &o->connect);
}

/* What is wrong says line_options.why, since it names the part. */
static const char is_in_why[] = "";

PARSER(outcome)
{
	o->fate_status = fate_parse(o->outcomes, value, &o->fate, &o->why);
	return o->fate_status == FATE_OK ? NULL : is_in_why;
}

PARSER(retry)
{
	o->has_retry = true;
	return retry_parse(value, &o->retry);
}

PARSER(expire)
{
	return text_parse_duration(value, &o->expire_ns);
}

PARSER(max_attempts)
{
	const char *why = text_parse_u63(value, &o->max_attempts);

	return !why && o->max_attempts > DELIVERY_ATTEMPTS_MAX ? "is not 0 to 1000000000" : why;
}

PARSER(rate)
{
	return rate_parse(value, &o->rate);
}

PARSER(count)
{
	o->has_count = true;
	if (text_parse_u63(value, &o->count) || o->count == 0)
		return "is not a number from 1 up";
	return NULL;
}

PARSER(off)
{
	o->off = value;
	return NULL;
}

PARSER(for)
{
	o->has_for = true;
	return text_parse_duration(value, &o->for_ns);
}

PARSER(concurrency)
{
	if (str_eq(value, STR("unlimited")))
		return NULL;
	if (text_parse_u63(value, &o->concurrency) || o->concurrency == 0)
		return "is not unlimited or a number from 1 up";
	return NULL;
}

PARSER(full)
{
	o->is_full_error = str_eq(value, STR("error"));
	return o->is_full_error || str_eq(value, STR("wait")) ? NULL : "is not error or wait";
}

PARSER(seq)
{
	o->has_seq = true;
	return text_parse_u63(value, &o->seq);
}

PARSER(batch)
{
	o->has_batch = true;
	return text_parse_u63(value, &o->batch);
}

/* Names with commas between them, each added to *mask by add(). */
static const char *
parse_names(struct str s, unsigned *mask, unsigned (*bit)(struct str name), const char *why)
{
	*mask = 0;
	for (;;) {
		size_t n = str_find(s, ',');
		unsigned found = bit(str_head(s, n));

		if (found == 0)
			return why;
		*mask |= found;
		if (n == s.n)
			return NULL;
		s = str_from(s, n + 1);
	}
}

static unsigned
state_bit(struct str name)
{
	enum message_state state = message_state_find(name);

	return state == STATE_COUNT ? 0 : 1U << state;
}

static unsigned
type_bit(struct str name)
{
	enum event_kind kind = event_find(name);

	return kind == EVENT_KINDS ? 0 : 1U << kind;
}

PARSER(state)
{
	return parse_names(value, &o->states, state_bit, "names something that is no state");
}

PARSER(type)
{
	return parse_names(value, &o->types, type_bit, "names something that is no event");
}

PARSER(limit)
{
	const char *why = text_parse_u63(value, &o->limit);

	return !why && (o->limit == 0 || o->limit > LIST_LIMIT_MAX) ? "is not 1 to 1000000" : why;
}

PARSER(timeout)
{
	o->has_timeout = true;
	return text_parse_duration(value, &o->timeout_ns);
}

PARSER(goal)
{
	o->goals |= 1U << self->index;
	return text_parse_u63(value, &o->goal[self->index]);
}

static const struct option options[] = {
	{ "id", KEYS_SEND | KEYS_SELECTOR, parse_id, 0 },
	{ "to", KEYS_SEND | KEYS_SELECTOR | KEYS_RULE, parse_to, 0 },
	{ "from", KEYS_SEND | KEYS_RULE, parse_from, 0 },
	{ "size", KEYS_SEND, parse_size, 0 },
	{ "latency", KEYS_SEND | KEYS_RULE, parse_latency, 0 },
	{ "connect", KEYS_SEND, parse_connect, 0 },
	{ "outcome", KEYS_SEND | KEYS_RULE, parse_outcome, 0 },
	{ "retry", KEYS_SEND, parse_retry, 0 },
	{ "expire", KEYS_SEND, parse_expire, 0 },
	{ "max_attempts", KEYS_SEND, parse_max_attempts, 0 },
	{ "concurrency", KEYS_SEND, parse_concurrency, 0 },
	{ "rate", KEYS_SEND, parse_rate, 0 },
	{ "full", KEYS_SEND, parse_full, 0 },
	{ "seq", KEYS_SELECTOR, parse_seq, 0 },
	{ "batch", KEYS_SELECTOR, parse_batch, 0 },
	{ "state", KEYS_LIST, parse_state, 0 },
	{ "limit", KEYS_LIST, parse_limit, 0 },
	{ "type", KEYS_EVENTS, parse_type, 0 },
	{ "count", KEYS_RULE, parse_count, 0 },
	{ "off", KEYS_RULE, parse_off, 0 },
	{ "for", KEYS_DOWN, parse_for, 0 },
	{ "timeout", KEYS_WAIT, parse_timeout, 0 },
	{ "accepted", KEYS_WAIT, parse_goal, GOAL_ACCEPTED },
	{ "deferred", KEYS_WAIT, parse_goal, GOAL_DEFERRED },
	{ "delivered", KEYS_WAIT, parse_goal, GOAL_DELIVERED },
	{ "bounced", KEYS_WAIT, parse_goal, GOAL_BOUNCED },
	{ "expired", KEYS_WAIT, parse_goal, GOAL_EXPIRED },
	{ "dropped", KEYS_WAIT, parse_goal, GOAL_DROPPED },
	{ "cancelled", KEYS_WAIT, parse_goal, GOAL_CANCELLED },
	{ "final", KEYS_WAIT, parse_goal, GOAL_FINAL },
};

#define OPTIONS_N (sizeof options / sizeof options[0])

/* "key: why", with as much of the client's own text as is bearable. */
static bool
refuse(struct line_client *c, enum line_code code, struct str what, const char *why)
{
	struct buf shown = { 0 };

	text_add_value(&shown, str_head(what, SHOWN_MAX));
	line_error(c, code, "%.*s %s", (int)shown.len, shown.data, why);
	buf_fini(&shown);
	return false;
}

static bool
parse_pair(struct line_client *c, const struct line_arg *arg, unsigned keys, uint64_t *seen,
    struct line_options *o)
{
	const char *why;
	size_t i;

	for (i = 0; i < OPTIONS_N; i++)
		if (options[i].keys & keys && str_eq(arg->key, str_of(options[i].name)))
			break;
	if (i == OPTIONS_N)
		return refuse(c, LINE_BAD_ARGUMENT, arg->key, "is no key of this command");
	if (*seen & (1ULL << i))
		return refuse(c, LINE_BAD_ARGUMENT, arg->key, "is given twice");
	*seen |= 1ULL << i;
	why = options[i].parse(o, arg->value, &options[i]);
	if (why == is_in_why) {
		line_error(c,
		    o->fate_status == FATE_UNKNOWN_OUTCOME ? LINE_UNKNOWN_OUTCOME
							   : LINE_BAD_ARGUMENT,
		    "%s: %.*s", options[i].name, STR_ARG(buf_str(&o->why)));
		return false;
	}
	return why ? refuse(c, LINE_BAD_ARGUMENT, arg->key, why) : true;
}

static bool
take_word(struct line_client *c, const struct line_arg *arg, enum line_words words,
    struct line_options *o)
{
	if (arg->kind == LINE_RANGE) {
		if (words != WORDS_ID || o->word.p || o->has_range) {
			line_error(c, LINE_BAD_ARGUMENT, "a range does not belong here");
			return false;
		}
		o->has_range = true;
		o->first = arg->first;
		o->last = arg->last;
		return true;
	}
	if (words != WORDS_NONE && !o->word.p && !o->has_range)
		o->word = arg->value;
	else if (words == WORDS_TWO && !o->second.p)
		o->second = arg->value;
	else
		return refuse(c, LINE_BAD_ARGUMENT, arg->value, "is one word too many");
	return true;
}

bool
line_options_parse(struct line_client *c, const struct line_request *r, unsigned keys,
    enum line_words words, struct line_options *o)
{
	uint64_t seen = 0;
	unsigned i;

	memset(o, 0, offsetof(struct line_options, latency));
	o->outcomes = c->front->sim->plan->conf->outcomes;
	o->expire_ns = -1;
	o->max_attempts = PLAN_UNSAID;
	o->concurrency = DELIVERY_UNLIMITED;
	o->limit = LIST_LIMIT_DEFAULT;
	for (i = 0; i < r->n; i++) {
		const struct line_arg *arg = &r->args[i];

		if (arg->kind == LINE_PAIR ? !parse_pair(c, arg, keys, &seen, o)
					   : !take_word(c, arg, words, o))
			return false;
	}
	return true;
}

void
line_options_fini(struct line_options *o)
{
	fate_unref(o->fate);
	buf_fini(&o->why);
}

bool
line_options_selector(struct line_client *c, const struct line_options *o, struct str word,
    struct selector *s, bool *is_given)
{
	int given =
	    (word.p != NULL) + (o->id.p != NULL) + (o->to.p != NULL) + o->has_seq + o->has_batch;

	*is_given = given > 0;
	if (given > 1) {
		line_error(c, LINE_BAD_ARGUMENT, "there is more than one selector");
		return false;
	}
	if (word.p && word.n > INTAKE_ID_MAX) {
		line_error(c, LINE_BAD_ARGUMENT, "the id is longer than 255 octets");
		return false;
	}
	if (word.p && str_eq(word, STR("all")))
		*s = (struct selector){ .kind = SELECT_ALL };
	else if (word.p || o->id.p)
		*s = (struct selector){ .kind = SELECT_ID, .text = word.p ? word : o->id };
	else if (o->to.p)
		*s = (struct selector){ .kind = SELECT_TO, .text = o->to };
	else if (o->has_seq)
		*s = (struct selector){ .kind = SELECT_SEQ, .number = o->seq };
	else if (o->has_batch)
		*s = (struct selector){ .kind = SELECT_BATCH, .number = o->batch };
	return true;
}

char *
line_keep_selector(struct selector *s)
{
	char *text = s->text.p ? mem_copy_str(s->text) : NULL;

	s->text.p = text;
	return text;
}
