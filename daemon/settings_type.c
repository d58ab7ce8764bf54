/*
 * Owns the kinds of configuration values that belong to one module: each is read and written
 * through that module's own parser.
 */
#include "settings_type.h"

#include <errno.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "io/listener.h"
#include "settings.h"

#define UNUSED __attribute__((unused))

#define SAMPLES_OCTETS_MAX (16U << 20)

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
fini_latency(UNUSED const struct conf_key *key, void *field)
{
	latency_fini(field);
}

static void
format_latency(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	latency_format(b, field);
}

/* The outcomes there are may still grow: the text is read once they are all known. */
static const char *
parse_fate(UNUSED const struct conf_key *key, struct str value, void *field)
{
	struct fate_setting *f = field;

	free(f->text);
	f->text = mem_copy_str(value);
	return NULL;
}

static void
format_fate(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	const struct fate_setting *f = field;

	buf_add_str(b, str_of(f->text));
}

static void
fini_fate(UNUSED const struct conf_key *key, void *field)
{
	struct fate_setting *f = field;

	free(f->text);
	fate_unref(f->fate);
	*f = (struct fate_setting){ 0 };
}

static bool
resolve_fate(UNUSED const struct conf_key *key, void *settings, void *field, struct buf *why)
{
	struct fate_setting *f = field;

	fate_unref(f->fate);
	f->fate = NULL;
	return fate_parse(settings_outcomes(settings), str_of(f->text), &f->fate, why) == FATE_OK;
}

static const char *
parse_rate(UNUSED const struct conf_key *key, struct str value, void *field)
{
	return rate_parse(value, field);
}

static void
format_rate(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	rate_format(b, field);
}

static const char *
parse_retry(UNUSED const struct conf_key *key, struct str value, void *field)
{
	return retry_parse(value, field);
}

static void
format_retry(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	retry_format(b, field);
}

static const char *
parse_percent(UNUSED const struct conf_key *key, struct str value, void *field)
{
	return decimal_parse_percent(value, field);
}

static void
format_percent(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	decimal_format_percent(b, *(const int64_t *)field);
}

static const char *
parse_windows(UNUSED const struct conf_key *key, struct str value, void *field)
{
	return windows_parse(value, field);
}

static void
format_windows(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	windows_format(b, field);
}

static const char *
parse_until(UNUSED const struct conf_key *key, struct str value, void *field)
{
	return outcome_parse_until(value, field);
}

static void
format_until(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	outcome_format_until(b, field);
}

static const char *
parse_dsn(const struct conf_key *key, struct str value, void *field)
{
	const char *wrong = outcome_check_dsn(value);

	return wrong ? wrong : conf_type_text.parse(key, value, field);
}

static const char *
parse_stage(const struct conf_key *key, struct str value, void *field)
{
	const char *wrong = outcome_check_stage(value);

	return wrong ? wrong : conf_type_text.parse(key, value, field);
}

static const char *
parse_magic(const struct conf_key *key, struct str value, void *field)
{
	const char *wrong = delivery_conf_check_magic(value);

	return wrong ? wrong : conf_type_text.parse(key, value, field);
}

static const char *
parse_admin(UNUSED const struct conf_key *key, struct str value, void *field)
{
	size_t i = find_name(line_admin_names, LINE_ADMINS, value);

	if (i == LINE_ADMINS)
		return "is not one of local all none";
	*(enum line_admin *)field = (enum line_admin)i;
	return NULL;
}

static void
format_admin(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	buf_add_str(b, str_of(line_admin_names[*(const enum line_admin *)field]));
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
	if (value.n == 0)
		return "is empty: there are stdout, stderr, journal, none and paths";
	return conf_type_text.parse(key, value, field);
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

const struct conf_type type_addresses = { parse_addresses, format_text, fini_text, NULL };
const struct conf_type type_latency = { parse_latency, format_latency, fini_latency, NULL };
const struct conf_type type_fate = { parse_fate, format_fate, fini_fate, resolve_fate };
const struct conf_type type_rate = { parse_rate, format_rate, NULL, NULL };
const struct conf_type type_retry = { parse_retry, format_retry, NULL, NULL };
const struct conf_type type_percent = { parse_percent, format_percent, NULL, NULL };
const struct conf_type type_windows = { parse_windows, format_windows, NULL, NULL };
const struct conf_type type_until = { parse_until, format_until, NULL, NULL };
const struct conf_type type_dsn = { parse_dsn, format_text, fini_text, NULL };
const struct conf_type type_stage = { parse_stage, format_text, fini_text, NULL };
const struct conf_type type_magic = { parse_magic, format_text, fini_text, NULL };
const struct conf_type type_admin = { parse_admin, format_admin, NULL, NULL };
const struct conf_type type_concurrency = { parse_concurrency, format_concurrency, NULL, NULL };
const struct conf_type type_scale = { parse_scale, format_scale, NULL, NULL };
const struct conf_type type_epoch = { parse_epoch, format_epoch, NULL, NULL };
const struct conf_type type_seed = { parse_seed, format_seed, NULL, NULL };
const struct conf_type type_target = { parse_target, format_text, fini_text, NULL };
const struct conf_type type_style = { parse_style, format_style, NULL, NULL };
const struct conf_type type_events = { parse_events, format_events, NULL, NULL };
const struct conf_type type_level = { parse_level, format_level, NULL, NULL };
const struct conf_type type_timestamp = { parse_timestamp, format_timestamp, NULL, NULL };
const struct conf_type type_template = { parse_template, format_template, fini_template, NULL };
