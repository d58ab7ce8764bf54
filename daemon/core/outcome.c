/*
 * Owns the table of outcomes, one row each, and the sets made from it. A set holds the built-in
 * rows first, so their ids are the same everywhere; then one row for each SMTP code, for addresses
 * that name one; then what the configuration adds.
 */
#include "core/outcome.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

#define NAME_MAX_OCTETS 40
#define TEXT_MAX_OCTETS 400
#define ATTEMPTS_MAX 1000000

/* What stands between dns and the end of the data, as events say it. */
static const char *const stages[] = { "dns", "connect", "connect reply", "ehlo", "mail", "rcpt",
	"data", "eom" };

#define ATTEMPTS(count) \
	{ \
		UNTIL_ATTEMPTS, count \
	}
#define AGE(minutes) \
	{ \
		UNTIL_AGE, (minutes)*60 * TEXT_NS_PER_S \
	}
#define FOREVER \
	{ \
		UNTIL_FOREVER, 0 \
	}
#define SUCCESS OUTCOME_SUCCESS, ATTEMPTS(1)
#define PERMANENT OUTCOME_PERMANENT, ATTEMPTS(1)
#define TRANSIENT(until) OUTCOME_TRANSIENT, until

static const struct outcome builtin[] = {
	[OUTCOME_DELIVERED] = { "delivered", 250, "2.0.0", NULL, "OK", SUCCESS },
	[OUTCOME_EXPIRED] = { "expired", 554, "5.4.7", NULL,
	    "given up: it could not be delivered "
	    "in the time there was",
	    OUTCOME_GIVEN_UP, ATTEMPTS(1) },
	[OUTCOME_CANCELLED] = { "cancelled", 0, NULL, NULL, NULL, OUTCOME_TAKEN_BACK, ATTEMPTS(1) },
	[OUTCOME_SUPPRESSED] = { "suppressed", 0, NULL, NULL,
	    "the recipient is on the suppression list", OUTCOME_DROP, ATTEMPTS(1) },
	[OUTCOME_RATE_LIMITED] = { "rate_limited", 421, "4.7.0", "mail",
	    "too many messages in a short time, slow down", TRANSIENT(ATTEMPTS(1)) },
	[OUTCOME_CONNECT_TIMEOUT] = { "connect_timeout", 0, "4.4.1", "connect",
	    "the connection timed out", TRANSIENT(ATTEMPTS(2)) },
	[OUTCOME_NAMED] = { "mailbox_full", 452, "4.2.2", "rcpt", "the mailbox is full",
	    TRANSIENT(FOREVER) },
	{ "greylisted", 451, "4.7.1", "rcpt", "greylisted, come back later", TRANSIENT(AGE(5)) },
	{ "system_error", 451, "4.3.0", "eom", "a local error while the message was taken",
	    TRANSIENT(ATTEMPTS(1)) },
	{ "service_unavailable", 421, "4.3.2", "connect reply", "the service is not available now",
	    TRANSIENT(ATTEMPTS(1)) },
	{ "dns_failure", 0, "4.4.3", "dns", "the domain could not be looked up",
	    TRANSIENT(ATTEMPTS(2)) },
	{ "connect_refused", 0, "4.4.1", "connect", "the connection was refused",
	    TRANSIENT(ATTEMPTS(2)) },
	{ "connection_lost", 0, "4.4.2", "eom", "the connection broke before the last reply",
	    TRANSIENT(ATTEMPTS(1)) },
	{ "user_unknown", 550, "5.1.1", "rcpt", "no such user here", PERMANENT },
	{ "mailbox_disabled", 550, "5.2.1", "rcpt", "the mailbox is disabled", PERMANENT },
	{ "quota_exceeded", 552, "5.2.2", "rcpt", "the mailbox is over its quota", PERMANENT },
	{ "message_too_big", 552, "5.3.4", "mail", "the message is larger than allowed",
	    PERMANENT },
	{ "spam_blocked", 550, "5.7.1", "eom", "refused as spam", PERMANENT },
	{ "dmarc_reject", 550, "5.7.26", "eom", "not authenticated as the sender's policy asks",
	    PERMANENT },
	{ "ip_blocked", 554, "5.7.1", "connect reply", "this address is blocked", PERMANENT },
	{ "tls_required", 530, "5.7.0", "mail", "encryption is required", PERMANENT },
	{ "host_unknown", 0, "5.1.2", "dns", "there is no such domain", PERMANENT },
	{ "null_mx", 556, "5.1.10", "dns", "the domain takes no mail", PERMANENT },
};

#define BUILTIN_N (sizeof builtin / sizeof builtin[0])

#define CODE_FIRST 200U
#define CODE_LAST 599U
#define CODES_N (CODE_LAST - CODE_FIRST + 1)
#define BUCKETS 4096U /* of the index by name: more than twice the rows there can be */

struct outcome_set {
	uint64_t refs;
	struct outcome *rows;
	size_t n;
	char **texts; /* that rows point to */
	size_t n_texts;
	char code_names[CODES_N][sizeof "smtp_450"];
	uint16_t index[BUCKETS]; /* rows by name; OUTCOME_NONE: free */
};

/* "smtp_450": the row of a code, of which nothing more is known. */
static struct outcome
code_row(unsigned code, char *name)
{
	static const char *const dsn[] = { "2.0.0", NULL, "4.0.0", "5.0.0" };
	static const char *const texts[] = { "OK", NULL, "not now", "no" };
	static const enum outcome_class classes[] = { OUTCOME_SUCCESS, OUTCOME_PERMANENT,
		OUTCOME_TRANSIENT, OUTCOME_PERMANENT };
	unsigned kind = code / 100 - 2;

	memcpy(name, "smtp_", 5);
	name[5] = (char)('0' + code / 100);
	name[6] = (char)('0' + code / 10 % 10);
	name[7] = (char)('0' + code % 10);
	return (struct outcome){ name, (uint16_t)code, dsn[kind], "rcpt", texts[kind],
		classes[kind], ATTEMPTS(1) };
}

struct outcome_set *
outcome_set_ref(struct outcome_set *set)
{
	set->refs++;
	return set;
}

void
outcome_set_unref(struct outcome_set *set)
{
	size_t i;

	if (!set || --set->refs > 0)
		return;
	for (i = 0; i < set->n_texts; i++)
		free(set->texts[i]);
	free(set->texts);
	free(set->rows);
	free(set);
}

const struct outcome *
outcome_get(const struct outcome_set *set, uint16_t id)
{
	return &set->rows[id];
}

/* Codes of 3xx are no results of anything. */
static bool
is_hole(const struct outcome_set *set, size_t id)
{
	return id >= BUILTIN_N && id < BUILTIN_N + CODES_N && set->rows[id].dsn == NULL;
}

/* Without case, and as if there were no '-' and '_'. */
static bool
is_same_name(struct str a, const char *b)
{
	size_t i = 0;

	for (;;) {
		while (i < a.n && (a.p[i] == '-' || a.p[i] == '_'))
			i++;
		while (*b == '-' || *b == '_')
			b++;
		if (i == a.n || *b == '\0')
			return i == a.n && *b == '\0';
		if (str_small(a.p[i++]) != str_small(*b++))
			return false;
	}
}

/* FNV-1a over what is_same_name() compares. */
static size_t
bucket_of(struct str name)
{
	uint32_t h = 2166136261U;
	size_t i;

	for (i = 0; i < name.n; i++)
		if (name.p[i] != '-' && name.p[i] != '_')
			h = (h ^ (unsigned char)str_small(name.p[i])) * 16777619U;
	return (h ^ (h >> 15)) & (BUCKETS - 1);
}

static void
add_to_index(struct outcome_set *set, uint16_t id)
{
	size_t at = bucket_of(str_of(set->rows[id].name));

	while (set->index[at] != OUTCOME_NONE)
		at = (at + 1) & (BUCKETS - 1);
	set->index[at] = id;
}

struct outcome_set *
outcome_set_new(void)
{
	struct outcome_set *set = mem_alloc(sizeof *set);
	unsigned code;
	size_t i;

	set->refs = 1;
	set->n = BUILTIN_N + CODES_N;
	set->rows = mem_alloc_array(set->n, sizeof set->rows[0]);
	memcpy(set->rows, builtin, sizeof builtin);
	for (code = CODE_FIRST; code <= CODE_LAST; code++)
		set->rows[BUILTIN_N + code - CODE_FIRST] =
		    code_row(code, set->code_names[code - CODE_FIRST]);
	for (i = 0; i < BUCKETS; i++)
		set->index[i] = OUTCOME_NONE;
	for (i = 0; i < set->n; i++)
		if (!is_hole(set, i))
			add_to_index(set, (uint16_t)i);
	return set;
}

static uint16_t
find_row(const struct outcome_set *set, struct str name)
{
	size_t at;

	if (name.n > NAME_MAX_OCTETS)
		return OUTCOME_NONE;
	for (at = bucket_of(name); set->index[at] != OUTCOME_NONE; at = (at + 1) & (BUCKETS - 1))
		if (is_same_name(name, set->rows[set->index[at]].name))
			return set->index[at];
	return OUTCOME_NONE;
}

uint16_t
outcome_find(const struct outcome_set *set, struct str name)
{
	uint16_t id = find_row(set, name);

	if (id == OUTCOME_NONE || set->rows[id].class >= OUTCOME_GIVEN_UP)
		return OUTCOME_NONE;
	return id;
}

uint16_t
outcome_find_code(const struct outcome_set *set, unsigned code)
{
	size_t id = BUILTIN_N + code - CODE_FIRST;

	if (code < CODE_FIRST || code > CODE_LAST || is_hole(set, id))
		return OUTCOME_NONE;
	return (uint16_t)id;
}

const char *
outcome_check_name(struct str s)
{
	size_t i, letters = 0;

	for (i = 0; i < s.n; i++) {
		char c = str_small(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return "is no name of letters, digits, - and _";
		letters += c >= 'a' && c <= 'z';
	}
	if (letters == 0)
		return "is no name of letters, digits, - and _";
	return s.n > NAME_MAX_OCTETS ? "is longer than 40 octets" : NULL;
}

/* class "." subject "." detail: 2, 4 or 5, then two numbers of up to three digits. */
const char *
outcome_check_dsn(struct str s)
{
	static const char wrong[] = "is no enhanced status code such as 4.7.1";
	struct str rest = str_from(s, 1);
	uint64_t subject, detail;
	size_t dot;

	if (s.n < 5 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5') || s.p[1] != '.')
		return wrong;
	rest = str_from(rest, 1);
	dot = str_find(rest, '.');
	if (dot > 3 || text_parse_u63(str_head(rest, dot), &subject))
		return wrong;
	rest = str_from(rest, dot + 1);
	return rest.n > 3 || text_parse_u63(rest, &detail) ? wrong : NULL;
}

const char *
outcome_check_stage(struct str s)
{
	size_t i;

	for (i = 0; i < sizeof stages / sizeof stages[0]; i++)
		if (str_eq(s, str_of(stages[i])))
			return NULL;
	return "is none of dns, connect, connect reply, ehlo, mail, rcpt, data, eom";
}

const char *
outcome_parse_until(struct str s, struct outcome_until *out)
{
	struct outcome_until until = { .kind = UNTIL_FOREVER };
	uint64_t attempts;

	if (!text_parse_u63(s, &attempts)) {
		until = (struct outcome_until)ATTEMPTS((int64_t)attempts);
		if (attempts == 0 || attempts > ATTEMPTS_MAX)
			return "lasts for a number of attempts outside of 1 to 1000000";
	} else if (!str_eq(s, STR("forever"))) {
		until.kind = UNTIL_AGE;
		if (text_parse_duration(s, &until.n) || until.n == 0)
			return "lasts for something else than attempts, an age such as 30m, or "
			       "forever";
	}
	*out = until;
	return NULL;
}

void
outcome_format_until(struct buf *b, const struct outcome_until *until)
{
	switch (until->kind) {
	case UNTIL_ATTEMPTS:
		buf_add_u64(b, (uint64_t)until->n);
		break;
	case UNTIL_AGE:
		text_format_duration(b, until->n);
		break;
	case UNTIL_FOREVER:
		buf_add_lit(b, "forever");
		break;
	}
}

/* A text that lives as long as the set; NULL stays what it is. */
static const char *
keep(struct outcome_set *set, const char *text)
{
	if (!text)
		return NULL;
	set->texts = mem_resize_array(set->texts, set->n_texts + 1, sizeof set->texts[0]);
	return set->texts[set->n_texts++] = mem_copy_str(str_of(text));
}

/* What its code, or where there is none its enhanced code, makes of an outcome. */
static const char *
classify(struct outcome *o)
{
	char digit = o->code > 0 ? (char)('0' + o->code / 100) : o->dsn ? o->dsn[0] : '\0';

	if (digit == '\0')
		return "needs a code or a dsn";
	if (digit != '2' && digit != '4' && digit != '5')
		return "has a code that is not 2xx, 4xx or 5xx";
	if (o->dsn && o->dsn[0] != digit)
		return "has a code and a dsn of different classes";
	o->class = digit == '2' ? OUTCOME_SUCCESS
	    : digit == '4'      ? OUTCOME_TRANSIENT
				: OUTCOME_PERMANENT;
	return NULL;
}

/* A new row, with what is most likely meant where nothing is said. */
static struct outcome
fresh_row(const struct outcome_change *change)
{
	return (
	    struct outcome){ .stage = change->code > 0 ? "rcpt" : "connect", .until = ATTEMPTS(1) };
}

static void
apply(struct outcome *o, const struct outcome_change *change)
{
	if (change->code > 0)
		o->code = change->code;
	if (change->dsn)
		o->dsn = change->dsn;
	if (change->stage)
		o->stage = change->stage;
	if (change->text)
		o->text = change->text;
	if (change->until)
		o->until = *change->until;
}

const char *
outcome_define(struct outcome_set *set, struct str name, const struct outcome_change *change)
{
	uint16_t id = find_row(set, name);
	struct outcome o = id == OUTCOME_NONE ? fresh_row(change) : set->rows[id];
	bool is_special = id != OUTCOME_NONE && o.class >= OUTCOME_DROP;
	const char *why = NULL;

	if (is_special && (change->code || change->dsn || change->stage || change->until))
		return "can only have its text changed";
	apply(&o, change);
	if (!is_special)
		why = classify(&o);
	if (!why && id == OUTCOME_DELIVERED && o.class != OUTCOME_SUCCESS)
		why = "must be a success";
	if (!why && change->until && o.class != OUTCOME_TRANSIENT)
		why = "has an until, which only a transient outcome (4xx) has";
	if (!why && o.text && strlen(o.text) > TEXT_MAX_OCTETS)
		why = "has a text of more than 400 octets";
	if (!why && id == OUTCOME_NONE && set->n >= BUILTIN_N + CODES_N + OUTCOME_SET_MAX)
		why = "is one outcome too many";
	if (why)
		return why;
	o.dsn = change->dsn ? keep(set, o.dsn) : o.dsn;
	o.stage = change->stage ? keep(set, o.stage) : o.stage;
	o.text = change->text ? keep(set, o.text) : o.text;
	if (id == OUTCOME_NONE) {
		char *copy = mem_copy_str(name);

		o.name = keep(set, copy);
		free(copy);
		id = (uint16_t)set->n++;
		set->rows = mem_resize_array(set->rows, set->n, sizeof set->rows[0]);
		set->rows[id] = o;
		add_to_index(set, id);
	}
	set->rows[id] = o;
	return NULL;
}
