/*
 * Every parser that reads what a user or a peer wrote. The first octet says which; the rest is in
 * memory of exactly its size, so that a sanitizer sees one octet too many. What is accepted must
 * also survive being written out again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/http.h"
#include "base/text.h"
#include "core/empirical.h"
#include "core/event.h"
#include "core/latency.h"
#include "base/decimal.h"
#include "core/address.h"
#include "core/fate.h"
#include "core/magic.h"
#include "core/outage.h"
#include "core/outcome.h"
#include "core/rate.h"
#include "core/retry.h"
#include "core/selector.h"
#include "front/line_parse.h"
#include "io/listener.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
line(struct str s)
{
	char *scratch = malloc(s.n ? s.n : 1);
	struct line_request r;

	http_is_request(s);
	line_parse(s, scratch, &r);
	free(scratch);
}

static const char *
read_cb(struct str path, struct buf *text)
{
	if (path.n == 0)
		abort();
	buf_add_lit(text, "1s\n2s\n");
	return NULL;
}

static void
latency(struct str s)
{
	struct latency l, again;
	struct buf b = { 0 };

	if (!latency_parse(s, read_cb, &l)) {
		latency_format(&b, &l);
		if (latency_parse(buf_str(&b), read_cb, &again) ||
		    latency_draw(&l, 0x123456789abcdefULL) !=
			latency_draw(&again, 0x123456789abcdefULL))
			abort();
		latency_fini(&again);
		latency_fini(&l);
	}
	if (!latency_parse(s, NULL, &l) && l.table)
		abort();
	buf_fini(&b);
}

static void
empirical(struct str s)
{
	struct empirical *e;
	int64_t last = 0;
	int i;

	if (empirical_parse(s, STR("file"), &e))
		return;
	for (i = 0; i <= 100; i++) {
		int64_t ns = empirical_quantile(e, i / 100.0);

		if (ns < last || ns > TEXT_DURATION_MAX_NS)
			abort();
		last = ns;
	}
	empirical_unref(e);
}

static void template(struct str s)
{
	struct event_template *t;

	if (!event_template_parse(s, EVENT_DELIVERED, &t))
		event_template_free(t);
}

/* Whatever says what is to become of messages. */
static void
outcomes(struct str s)
{
	struct outcome_set *set = outcome_set_new();
	struct outcome_until until;
	struct fate *fate = NULL;
	struct fate_step step;
	struct windows windows;
	struct buf why = { 0 };
	struct retry retry;
	struct rate rate;
	int64_t share;

	fate_parse(set, s, &fate, &why);
	fate_unref(fate);
	magic_read(set, s, &step, &why);
	outcome_parse_until(s, &until);
	windows_parse(s, &windows);
	retry_parse(s, &retry);
	rate_parse(s, &rate);
	decimal_parse_percent(s, &share);
	address_matches(s, STR("someone@example.org"));
	buf_fini(&why);
	outcome_set_unref(set);
}

static void
values(struct str s)
{
	struct buf b = { 0 };
	int64_t ns, scale, again;
	uint64_t number;
	unsigned mask;
	bool is_max;

	text_parse_u63(s, &number);
	text_parse_millionths(s, &number);
	text_parse_size(s, &number);
	text_parse_time(s, &ns);
	event_parse_mask(s, &mask);
	clock_parse_scale(s, &scale, &is_max);
	outcomes(s);
	if (!text_parse_duration(s, &ns)) {
		text_format_duration(&b, ns);
		if (text_parse_duration(buf_str(&b), &again) || again != ns)
			abort();
	}
	buf_fini(&b);
}

static void
quoting(struct str s)
{
	struct buf b = { 0 };
	size_t n, used;
	char *out = malloc(s.n ? s.n : 1);

	if (s.n > 0 && s.p[0] == '"')
		text_parse_quoted(s, out, &n, &used);
	text_is_utf8(s);
	text_add_value(&b, s);
	text_add_json(&b, s);
	if (b.len > 0 && memchr(b.data, '\n', b.len))
		abort();
	free(out);
	buf_fini(&b);
}

static void
addresses(struct str s)
{
	size_t half = s.n / 2;

	listener_check_addresses(s);
	selector_match_address(str_head(s, half), str_from(s, half));
}

static void (*const parsers[])(
    struct str s) = { line, latency, template, values, quoting, addresses, empirical };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	parsers[data[0] % (sizeof parsers / sizeof parsers[0])]((struct str){ copy, size - 1 });
	free(copy);
	return 0;
}
