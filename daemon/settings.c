/*
 * Owns the table of configuration keys: the one place that knows their names, defaults, ranges and
 * help, and into which module's struct each goes. Kinds of values that belong to one module are
 * read and written here through that module's own parser.
 */
#include "settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define UNUSED __attribute__((unused))

#define DAY_NS (86400LL * TEXT_NS_PER_S)
#define SAMPLES_OCTETS_MAX (16U << 20)

static const char *
parse_addresses(const struct conf_key *key, struct str value, void *field)
{
	const char *wrong = listener_check_addresses(value);

	return wrong ? wrong : conf_type_text.parse(key, value, field);
}

static void
format_text(const struct conf_key *key, struct buf *b, const void *field)
{
	conf_type_text.format(key, b, field);
}

static void
fini_text(const struct conf_key *key, void *field)
{
	conf_type_text.fini(key, field);
}

/* Only what is a file in truth: a reload waits for nobody. */
static const char *
read_samples_cb(struct str path, struct buf *text)
{
	static const char *const wrong[FILE_RESULTS] = {
		[FILE_FAILED] = "names a file that cannot be read",
		[FILE_IS_DIRECTORY] = "names a directory",
		[FILE_IS_SPECIAL] = "names something that is not a file",
		[FILE_IS_LARGE] = "names a file of more than 16M",
	};
	char *terminated = mem_copy_str(path);
	enum file_result result = file_read(terminated, SAMPLES_OCTETS_MAX, false, text);

	free(terminated);
	if (result == FILE_FAILED && errno == ENOENT)
		return "names a file that is not there";
	if (result == FILE_FAILED && errno == EACCES)
		return "names a file that may not be read";
	return wrong[result];
}

static const char *
parse_latency(UNUSED const struct conf_key *key, struct str value, void *field)
{
	struct latency parsed, *latency = field;
	const char *wrong = latency_parse(value, read_samples_cb, &parsed);

	if (wrong)
		return wrong;
	latency_fini(latency);
	*latency = parsed;
	return NULL;
}

static void
format_latency(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	latency_format(b, field);
}

static void
fini_latency(UNUSED const struct conf_key *key, void *field)
{
	latency_fini(field);
}

static const char *
parse_outcome(UNUSED const struct conf_key *key, struct str value, void *field)
{
	enum outcome_id id = outcome_find(value);

	if (id == OUTCOME_COUNT)
		return "is no outcome";
	*(enum outcome_id *)field = id;
	return NULL;
}

static void
format_outcome(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	buf_add_str(b, str_of(outcome_get(*(const enum outcome_id *)field)->name));
}

static const char *
parse_concurrency(const struct conf_key *key, struct str value, void *field)
{
	const char *wrong = NULL;

	if (str_eq(value, STR("unlimited")))
		*(uint64_t *)field = DELIVERY_UNLIMITED;
	else
		wrong = conf_type_number.parse(key, value, field);
	return !wrong || wrong == conf_out_of_range ? wrong
						    : "is neither a whole number nor unlimited";
}

static void
format_concurrency(const struct conf_key *key, struct buf *b, const void *field)
{
	if (*(const uint64_t *)field == DELIVERY_UNLIMITED)
		buf_add_lit(b, "unlimited");
	else
		conf_type_number.format(key, b, field);
}

static const char *
parse_scale(UNUSED const struct conf_key *key, struct str value, void *field)
{
	struct clock_conf *clock = field;

	return clock_parse_scale(value, &clock->scale, &clock->is_max);
}

static void
format_scale(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	const struct clock_conf *clock = field;

	clock_format_scale(b, clock->scale, clock->is_max);
}

static const char *
parse_epoch(UNUSED const struct conf_key *key, struct str value, void *field)
{
	struct clock_conf *clock = field;
	int64_t ns = 0;
	const char *wrong = NULL;

	if (!str_eq(value, STR("now"))) {
		wrong = text_parse_time(value, &ns);
		if (!wrong && ns % TEXT_NS_PER_US != 0)
			wrong = "is finer than a microsecond";
		if (wrong)
			return wrong;
	}
	clock->is_epoch_now = str_eq(value, STR("now"));
	clock->epoch_ns = ns;
	return NULL;
}

static void
format_epoch(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	const struct clock_conf *clock = field;

	if (clock->is_epoch_now)
		buf_add_lit(b, "now");
	else
		text_format_time(b, clock->epoch_ns, clock->epoch_ns % TEXT_NS_PER_MS == 0 ? 3 : 6);
}

/* field is the whole struct settings: two of its members say what the seed is */
static const char *
parse_seed(UNUSED const struct conf_key *key, struct str value, void *field)
{
	struct settings *s = field;
	bool is_random = str_eq(value, STR("random"));
	uint64_t seed = 0;

	if (!is_random && text_parse_u63(value, &seed) != NULL)
		return "is neither random nor a whole number up to 9223372036854775807";
	s->is_seed_random = is_random;
	s->seed = seed;
	return NULL;
}

static void
format_seed(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	const struct settings *s = field;

	if (s->is_seed_random)
		buf_add_lit(b, "random");
	else
		buf_add_u64(b, s->seed);
}

static const char *
parse_target(const struct conf_key *key, struct str value, void *field)
{
	if (str_eq(value, STR("journal")))
		return "cannot be the journal yet: there are stdout, stderr, none and paths";
	if (value.n == 0)
		return "is empty: there are stdout, stderr, none and paths";
	return conf_type_text.parse(key, value, field);
}

/* The place of value among n names; n when it is none of them. */
static size_t
find_name(const char *const *names, size_t n, struct str value)
{
	size_t i;

	for (i = 0; i < n && !str_eq(value, str_of(names[i])); i++)
		;
	return i;
}

static const char *
parse_style(UNUSED const struct conf_key *key, struct str value, void *field)
{
	size_t i = find_name(event_style_names, EVENT_STYLES, value);

	if (i == EVENT_STYLES)
		return "is not one of text json template";
	*(enum event_style *)field = (enum event_style)i;
	return NULL;
}

static void
format_style(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	buf_add_str(b, str_of(event_style_names[*(const enum event_style *)field]));
}

static const char *
parse_events(UNUSED const struct conf_key *key, struct str value, void *field)
{
	return event_parse_mask(value, field);
}

static void
format_events(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	event_format_mask(b, *(const unsigned *)field);
}

static const char *
parse_level(UNUSED const struct conf_key *key, struct str value, void *field)
{
	size_t i = find_name(diag_level_names, DIAG_LEVELS, value);

	if (i == DIAG_LEVELS)
		return "is not one of error warning info debug";
	*(enum diag_level *)field = (enum diag_level)i;
	return NULL;
}

static void
format_level(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	buf_add_str(b, str_of(diag_level_names[*(const enum diag_level *)field]));
}

/* off, on, auto in the order of diag_conf.timestamp */
static const char *
parse_timestamp(UNUSED const struct conf_key *key, struct str value, void *field)
{
	bool is_on = false;

	if (str_eq(value, STR("auto")))
		*(int *)field = 2;
	else if (text_parse_bool(value, &is_on) == NULL)
		*(int *)field = is_on;
	else
		return "is not one of auto on off";
	return NULL;
}

static void
format_timestamp(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	static const char *const names[] = { "off", "on", "auto" };

	buf_add_str(b, str_of(names[*(const int *)field]));
}

/* field is the whole struct settings: the key's name says which template it is */
static const char *
parse_template(const struct conf_key *key, struct str value, void *field)
{
	struct settings *s = field;
	enum event_kind kind = event_find(str_of(key->name));
	struct event_template *parsed = NULL;
	const char *wrong = NULL;

	for (size_t i = 0; i < value.n && !wrong; i++)
		if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
			wrong = "holds a control character, and an event is one plain line";
	if (!wrong)
		wrong = event_template_parse(value, kind, &parsed);
	if (wrong)
		return wrong;
	key->type->fini(key, field);
	s->template_texts[kind] = mem_copy_str(value);
	s->log.templates[kind] = parsed;
	return NULL;
}

static void
format_template(const struct conf_key *key, struct buf *b, const void *field)
{
	const struct settings *s = field;
	const char *text = s->template_texts[event_find(str_of(key->name))];

	buf_add_str(b, str_of(text ? text : ""));
}

static void
fini_template(const struct conf_key *key, void *field)
{
	struct settings *s = field;
	enum event_kind kind = event_find(str_of(key->name));

	free(s->template_texts[kind]);
	s->template_texts[kind] = NULL;
	event_template_free(s->log.templates[kind]);
	s->log.templates[kind] = NULL;
}

static const struct conf_type type_addresses = { parse_addresses, format_text, fini_text };
static const struct conf_type type_latency = { parse_latency, format_latency, fini_latency };
static const struct conf_type type_outcome = { parse_outcome, format_outcome, NULL };
static const struct conf_type type_concurrency = { parse_concurrency, format_concurrency, NULL };
static const struct conf_type type_scale = { parse_scale, format_scale, NULL };
static const struct conf_type type_epoch = { parse_epoch, format_epoch, NULL };
static const struct conf_type type_seed = { parse_seed, format_seed, NULL };
static const struct conf_type type_target = { parse_target, format_text, fini_text };
static const struct conf_type type_style = { parse_style, format_style, NULL };
static const struct conf_type type_events = { parse_events, format_events, NULL };
static const struct conf_type type_level = { parse_level, format_level, NULL };
static const struct conf_type type_timestamp = { parse_timestamp, format_timestamp, NULL };
static const struct conf_type type_template = { parse_template, format_template, fini_template };

#define AT(member) offsetof(struct settings, member)
#define WHOLE 0 /* the offset of a key whose type takes all of struct settings */
#define ANY 0, 0
#define FIXED true
#define RELOADED false

#define TEMPLATE(event, help) \
	{ \
		"template", event, &type_template, WHOLE, "", ANY, RELOADED, help \
	}

static const struct conf_key keys[] = {
	{ "listen", "line", &type_addresses, AT(listen.line), "localhost:4025", ANY, FIXED,
	    "Where the line protocol is spoken: host:port, [v6]:port and unix:PATH with spaces "
	    "between them, or none. localhost is both loopbacks, port 0 any free port." },
	{ "listen", "unix_mode", &conf_type_mode, AT(listen.unix_mode), "0660", ANY, FIXED,
	    "Mode of Unix sockets, in octal." },
	{ "listen", "unix_group", &conf_type_text, AT(listen.unix_group), "", ANY, FIXED,
	    "Group of Unix sockets, a name or a number. Empty: that of the daemon." },

	{ "limits", "connections", &conf_type_number, AT(line.connections), "10000", 1, 1000000,
	    RELOADED, "Connections at once. One more is told -ERR busy and closed." },
	{ "limits", "pending", &conf_type_number, AT(simulator.pending), "1000000", 1, 100000000,
	    RELOADED,
	    "Messages accepted and not final. When there are that many, those who send have to "
	    "wait." },
	{ "limits", "range", &conf_type_number, AT(simulator.range), "10000000", 1, 1000000000,
	    RELOADED, "Longest range one send or gather may name." },
	{ "limits", "history", &conf_type_number, AT(simulator.history), "10000", 0, 10000000,
	    RELOADED,
	    "Final messages, and batches, that are still known to status, wait and list." },
	{ "limits", "line", &conf_type_size, AT(line.line_octets), "4096", 64, 1048576, RELOADED,
	    "Longest line of the line protocol in octets, its end included." },
	{ "limits", "idle_timeout", &conf_type_duration, AT(line.idle_timeout_ns), "0s", 0,
	    365 * DAY_NS, RELOADED,
	    "A connection that sends nothing for so long is closed, unless a command of it still "
	    "waits. Real time; 0s: never." },
	{ "limits", "stall_timeout", &conf_type_duration, AT(line.stall_timeout_ns), "10s",
	    TEXT_NS_PER_MS, 365 * DAY_NS, RELOADED,
	    "A client that reads nothing for so long with its buffer full is closed; a log that "
	    "takes nothing for so long loses lines, which are counted. Real time." },
	{ "limits", "drain_timeout", &conf_type_duration, AT(drain_timeout_ns), "30s", 0,
	    365 * DAY_NS, RELOADED,
	    "How long deliveries may go on after SIGTERM before they are cut off. Real time." },

	{ "delivery", "latency", &type_latency, AT(simulator.delivery.latency), "fixed 1s", ANY,
	    RELOADED,
	    "How long an attempt takes once it is connected: 80ms, fixed 1s, uniform 500ms 1500ms, "
	    "normal mean=1s stddev=200ms, exponential mean=800ms, lognormal median=80ms p99=2s (or "
	    "p90= p95= p999= sigma=), empirical FILE (rising durations, or lines such as p99 "
	    "1.5s), "
	    "each with min= max= if wanted." },
	{ "delivery", "connect", &type_latency, AT(simulator.delivery.connect), "fixed 0s", ANY,
	    RELOADED, "How long connecting takes, before the latency; the same forms." },
	{ "delivery", "outcome", &type_outcome, AT(simulator.delivery.outcome), "delivered", ANY,
	    RELOADED, "What becomes of a message that asks for nothing else." },
	{ "delivery", "concurrency", &type_concurrency, AT(simulator.delivery.concurrency),
	    "unlimited", 1, 1000000000, RELOADED,
	    "Attempts in flight at once, over all, or unlimited. 1: strictly one after the "
	    "other." },

	{ "clock", "scale", &type_scale, AT(clock), "1", ANY, FIXED,
	    "Simulated seconds per real one. max: time jumps to whatever is due next; 0: it "
	    "stands still until it is told to advance." },
	{ "clock", "epoch", &type_epoch, AT(clock), "now", ANY, FIXED,
	    "Simulated time at the start: now, or a time such as 2026-11-23T06:12:00Z." },

	{ "random", "seed", &type_seed, WHOLE, "random", ANY, FIXED,
	    "A number makes the run repeatable. random: one is drawn and told in the ready line." },

	{ "log", "target", &type_target, AT(log.target), "stdout", ANY, RELOADED,
	    "Where events go: stdout, stderr, none, or a file's path, which is appended to. With "
	    "--stdio the default is none." },
	{ "log", "format", &type_style, AT(log.style), "text", ANY, RELOADED,
	    "How events are written: text, json, or template for the lines of [template]." },
	{ "log", "events", &type_events, AT(log.events), "all", ANY, RELOADED,
	    "Which events are written: all, or some of queued dispatched delivered bounced "
	    "dropped cancelled deferred expired finished." },
	{ "log", "level", &type_level, AT(diag.level), "info", ANY, RELOADED,
	    "Which diagnostics go to standard error: error, warning, info or debug, and what is "
	    "more urgent." },
	{ "log", "timestamp", &type_timestamp, AT(diag.timestamp), "auto", ANY, RELOADED,
	    "Time and level before diagnostics: on, off, or auto for on unless journald adds its "
	    "own." },

	TEMPLATE("queued",
	    "With format = template: the line for each message that is accepted; "
	    "empty means no line, {{ is a brace. Fields of this and the next seven: {id} {seq} "
	    "{batch} {to} {from} {attempt} {outcome} {code} {dsn} {delay} {time}."),
	TEMPLATE("dispatched", "The line for each attempt that begins."),
	TEMPLATE("delivered", "The line for each message that is delivered."),
	TEMPLATE("bounced", "The line for each message that is refused for good."),
	TEMPLATE("dropped", "The line for each message that is dropped before any attempt."),
	TEMPLATE("cancelled", "The line for each message that is cancelled."),
	TEMPLATE(
	    "deferred", "The line for each attempt that failed for now and is repeated later."),
	TEMPLATE("expired", "The line for each message that is given up."),
	TEMPLATE("finished",
	    "The line for each batch of several messages that is done, with {batch} {n} {elapsed} "
	    "{time}. elapsed is in real seconds."),
};

const struct conf_table settings_table = { keys, sizeof keys / sizeof *keys,
	sizeof(struct settings) };

struct settings *
settings_load(const struct conf_sources *from, bool is_stdio, struct conf_problems *problems)
{
	/* there, standard output is the line protocol's */
	static const char *const stdio_presets[] = { "log.target=none", NULL };
	struct conf_sources sources = *from;
	struct settings *s = mem_alloc(sizeof *s);

	if (is_stdio)
		sources.presets = stdio_presets;
	if (!conf_load(&settings_table, &sources, s, problems)) {
		settings_free(s);
		return NULL;
	}
	s->log.stall_timeout_ns = s->line.stall_timeout_ns;
	return s;
}

void
settings_free(struct settings *s)
{
	if (!s)
		return;
	conf_free(&settings_table, s);
	free(s);
}
