/*
 * The daemon's configuration table: its rows, where their values go, what they refuse, and that
 * the files in config/ say the same as the program. They are looked for beside the folder
 * TESTS_SOURCE_DIR, or in the one that the variable MAILSIMD_SOURCE_DIR names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "settings.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KEYS_MAX 64

static const char *
source_path(const char *name)
{
	static char path[4096];
	const char *root = getenv("MAILSIMD_SOURCE_DIR");

	snprintf(path, sizeof path, "%s/%s", root ? root : TESTS_SOURCE_DIR "/..", name);
	return path;
}

/* What is in b, terminated, and valid until the next call. */
static const char *
taken(struct buf *b)
{
	static char text[8192];

	assert_true(b->len < sizeof text);
	snprintf(text, sizeof text, "%.*s", (int)b->len, b->data ? b->data : "");
	buf_fini(b);
	return text;
}

static struct settings *
load(const struct conf_sources *from, bool is_stdio)
{
	struct conf_problems p = { 0 };
	struct settings *s = settings_load(from, is_stdio, &p);

	if (!s)
		fail_msg("%s", taken(&p.lines));
	assert_int_equal(p.count, 0);
	return s;
}

static struct settings *
load_options(const char *const *options)
{
	return load(&(struct conf_sources){ .options = options }, false);
}

static void
format_key(const struct conf_key *key, const struct settings *s, struct buf *b)
{
	key->type->format(key, b, (const char *)s + key->offset);
}

static void
test_every_row_is_whole(void **state)
{
	const struct conf_key *keys = settings_table.keys;
	struct settings *s = load_options(NULL);

	(void)state;
	assert_int_equal(settings_table.size, sizeof(struct settings));
	for (size_t i = 0; i < settings_table.n; i++) {
		struct buf b = { 0 };

		assert_true(strlen(keys[i].help) > 10);
		assert_true(keys[i].min <= keys[i].max);
		/* defaults stand there as they are printed */
		format_key(&keys[i], s, &b);
		assert_string_equal(taken(&b), keys[i].preset);
		for (size_t j = 0; j < i; j++) {
			bool is_same_section = strcmp(keys[i].section, keys[j].section) == 0;

			assert_false(is_same_section && strcmp(keys[i].name, keys[j].name) == 0);
			/* a section's keys stand together */
			assert_false(is_same_section && i > 0 &&
			    strcmp(keys[i - 1].section, keys[i].section) != 0);
		}
	}
	settings_free(s);
}

static void
test_the_keys_there_are(void **state)
{
	static const char expected[] =
	    "listen.line! listen.smtp! listen.lmtp! listen.unix_mode! listen.unix_group! "
	    "server.admin server.magic_domains "
	    "limits.connections limits.pending "
	    "limits.range limits.history limits.line limits.idle_timeout limits.stall_timeout "
	    "limits.drain_timeout smtp.mode smtp.hostname smtp.max_size smtp.max_recipients "
	    "smtp.timeout smtp.bare_newline smtp.tls_cert smtp.tls_key smtp.tls smtp.auth "
	    "delivery.latency delivery.connect delivery.outcome "
	    "delivery.concurrency delivery.rate delivery.retry delivery.jitter delivery.expire "
	    "delivery.max_attempts delivery.work delivery.work_threads! clock.scale! clock.epoch! "
	    "random.seed! log.target log.format "
	    "log.events log.level log.timestamp template.queued template.dispatched "
	    "template.delivered template.bounced template.dropped template.cancelled "
	    "template.deferred template.expired template.finished template.rejected ";
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < settings_table.n; i++)
		buf_printf(&b, "%s.%s%s ", settings_table.keys[i].section,
		    settings_table.keys[i].name, settings_table.keys[i].is_fixed ? "!" : "");
	assert_string_equal(taken(&b), expected);
	for (int kind = 0; kind < EVENT_KINDS; kind++)
		assert_non_null(strstr(expected, event_name((enum event_kind)kind).p));
}

static void
test_defaults(void **state)
{
	struct settings *s = load_options(NULL);

	(void)state;
	assert_string_equal(s->listen.line, "localhost:4025");
	assert_string_equal(s->listen.smtp, "none");
	assert_string_equal(s->listen.lmtp, "none");
	assert_int_equal(s->listen.unix_mode, 0660);
	assert_string_equal(s->listen.unix_group, "");
	assert_int_equal(s->connections, 10000);
	assert_int_equal(s->line.line_octets, 4096);
	assert_int_equal(s->line.idle_timeout_ns, 0);
	assert_int_equal(s->line.stall_timeout_ns, 10 * TEXT_NS_PER_S);
	assert_int_equal(s->log.stall_timeout_ns, 10 * TEXT_NS_PER_S);
	assert_int_equal(s->drain_timeout_ns, 30 * TEXT_NS_PER_S);
	assert_int_equal(s->smtp.conf.mode, SMTP_QUEUE);
	assert_int_equal(s->smtp.conf.max_size, 32U << 20);
	assert_int_equal(s->smtp.conf.max_recipients, 100);
	assert_int_equal(s->smtp.conf.timeout_ns, 300 * TEXT_NS_PER_S);
	assert_int_equal(s->smtp.conf.stall_timeout_ns, 10 * TEXT_NS_PER_S);
	assert_int_equal(s->smtp.conf.bare_newline, SMTP_BARE_NORMALIZE);
	assert_int_equal(s->smtp.conf.tls, SMTP_TLS_OFF);
	assert_null(s->smtp.conf.tls_server);
	assert_false(s->smtp.conf.has_auth);
	for (int stage = 0; stage < SMTP_STAGES; stage++)
		assert_null(s->smtp.conf.faults[stage].fail.reply);
	assert_int_equal(s->simulator.pending, 1000000);
	assert_int_equal(s->simulator.range, 10000000);
	assert_int_equal(s->simulator.history, 10000);
	assert_int_equal(s->simulator.delivery->all.latency.value[LATENCY_FIRST], TEXT_NS_PER_S);
	assert_int_equal(s->simulator.delivery->all.connect.value[LATENCY_FIRST], 0);
	assert_string_equal(fate_text(s->simulator.delivery->all.fate).p, "delivered");
	assert_true(s->simulator.delivery->all.concurrency == DELIVERY_UNLIMITED);
	assert_int_equal(s->clock.scale, CLOCK_SCALE_ONE);
	assert_false(s->clock.is_max);
	assert_true(s->clock.is_epoch_now);
	assert_true(s->is_seed_random);
	assert_string_equal(s->log.target, "stdout");
	assert_int_equal(s->log.style, EVENT_TEXT);
	assert_int_equal(s->log.events, EVENT_MASK_ALL);
	assert_int_equal(s->diag.level, DIAG_INFO);
	assert_int_equal(s->diag.timestamp, 2);
	for (int kind = 0; kind < EVENT_KINDS; kind++)
		assert_null(s->log.templates[kind]);
	settings_free(s);
}

static void
test_where_values_go(void **state)
{
	static const char *const options[] = { "listen.line=127.0.0.1:1 [::1]:2",
		"listen.unix_mode=600", "listen.unix_group=mail", "limits.connections=1",
		"limits.pending=2", "limits.range=3", "limits.history=4", "limits.line=64",
		"limits.idle_timeout=6s", "limits.stall_timeout=7s", "limits.drain_timeout=8s",
		"delivery.latency=9s", "delivery.connect=10s", "delivery.outcome=Delivered",
		"delivery.concurrency=11", "clock.scale=12", "clock.epoch=1970-01-01T00:00:13Z",
		"random.seed=14", "log.target=/var/log/x", "log.format=json", "log.events=queued",
		"log.level=debug", "log.timestamp=on", "template.finished=15 {n}", NULL };
	struct settings *s = load_options(options);

	(void)state;
	assert_string_equal(s->listen.line, "127.0.0.1:1 [::1]:2");
	assert_int_equal(s->listen.unix_mode, 0600);
	assert_string_equal(s->listen.unix_group, "mail");
	assert_int_equal(s->connections, 1);
	assert_int_equal(s->simulator.pending, 2);
	assert_int_equal(s->simulator.range, 3);
	assert_int_equal(s->simulator.history, 4);
	assert_int_equal(s->line.line_octets, 64);
	assert_int_equal(s->line.idle_timeout_ns, 6 * TEXT_NS_PER_S);
	assert_int_equal(s->line.stall_timeout_ns, 7 * TEXT_NS_PER_S);
	assert_int_equal(s->log.stall_timeout_ns, 7 * TEXT_NS_PER_S);
	assert_int_equal(s->drain_timeout_ns, 8 * TEXT_NS_PER_S);
	assert_int_equal(
	    s->simulator.delivery->all.latency.value[LATENCY_FIRST], 9 * TEXT_NS_PER_S);
	assert_int_equal(
	    s->simulator.delivery->all.connect.value[LATENCY_FIRST], 10 * TEXT_NS_PER_S);
	assert_int_equal(s->simulator.delivery->all.concurrency, 11);
	assert_int_equal(s->clock.scale, 12 * CLOCK_SCALE_ONE);
	assert_false(s->clock.is_epoch_now);
	assert_int_equal(s->clock.epoch_ns, 13 * TEXT_NS_PER_S);
	assert_false(s->is_seed_random);
	assert_int_equal(s->seed, 14);
	assert_string_equal(s->log.target, "/var/log/x");
	assert_int_equal(s->log.style, EVENT_JSON);
	assert_int_equal(s->log.events, 1U << EVENT_QUEUED);
	assert_int_equal(s->diag.level, DIAG_DEBUG);
	assert_int_equal(s->diag.timestamp, 1);
	assert_non_null(s->log.templates[EVENT_FINISHED]);
	assert_null(s->log.templates[EVENT_QUEUED]);
	settings_free(s);
}

/* Each is read and printed as what stands beside it. */
static void
test_values_there_are(void **state)
{
	static const struct {
		const char *option, *printed;
	} cases[] = {
		{ "listen.line=none", "none" },
		{ "listen.line=unix:/run/x.sock localhost:0", "unix:/run/x.sock localhost:0" },
		{ "listen.unix_mode=0", "0000" },
		{ "limits.connections=1000000", "1000000" },
		{ "limits.pending=100000000", "100000000" },
		{ "limits.range=1000000000", "1000000000" },
		{ "limits.history=0", "0" },
		{ "limits.history=10000000", "10000000" },
		{ "limits.line=64", "64" },
		{ "limits.line=1M", "1M" },
		{ "limits.idle_timeout=365d", "365d" },
		{ "limits.stall_timeout=1ms", "1ms" },
		{ "limits.drain_timeout=0s", "0s" },
		{ "delivery.latency=80ms", "fixed 80ms" },
		{ "delivery.latency=fixed 1.5s", "fixed 1500ms" },
		{ "delivery.outcome=DELIVERED", "DELIVERED" },
		{ "delivery.outcome=user_unknown 5%, greylisted:2 mailbox_full:1h 2%",
		    "user_unknown 5%, greylisted:2 mailbox_full:1h 2%" },
		{ "delivery.rate=100/s", "100/s" },
		{ "delivery.rate=6/m burst=10", "6/m burst=10" },
		{ "delivery.retry=20m  *2.50", "20m *2.5" },
		{ "delivery.retry=60m 60m *1.5 max 360m", "1h 1h *1.5 max 6h" },
		{ "delivery.jitter=12.5%", "12.5%" },
		{ "delivery.expire=0s", "0s" },
		{ "delivery.max_attempts=3", "3" },
		{ "delivery.work=5ms", "5ms" },
		{ "server.admin=none", "none" },
		{ "server.magic_domains=* *.corp.test reserved", "* *.corp.test reserved" },
		{ "server.magic_domains=", "" },
		{ "delivery.concurrency=1", "1" },
		{ "delivery.concurrency=unlimited", "unlimited" },
		{ "clock.scale=0", "0" },
		{ "clock.scale=0.50", "0.5" },
		{ "clock.scale=max", "max" },
		{ "clock.epoch=2026-11-23T08:12:00+02:00", "2026-11-23T06:12:00.000Z" },
		{ "clock.epoch=2026-11-23T06:12:00.000001Z", "2026-11-23T06:12:00.000001Z" },
		{ "random.seed=0", "0" },
		{ "random.seed=9223372036854775807", "9223372036854775807" },
		{ "log.target=stderr", "stderr" },
		{ "log.target=none", "none" },
		{ "log.target=./file", "./file" },
		{ "log.target=events.log", "events.log" },
		{ "log.format=template", "template" },
		{ "log.events=queued,finished", "queued finished" },
		{ "log.level=error", "error" },
		{ "log.level=warning", "warning" },
		{ "log.timestamp=yes", "on" },
		{ "log.timestamp=no", "off" },
		{ "log.timestamp=auto", "auto" },
		{ "template.queued={{ \"{id}\" ; # {to}", "{{ \"{id}\" ; # {to}" },
		{ "template.deferred={outcome}", "{outcome}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *options[] = { cases[i].option, NULL };
		struct settings *s = load_options(options);
		struct buf b = { 0 };

		for (size_t k = 0; k < settings_table.n; k++) {
			const struct conf_key *key = &settings_table.keys[k];
			struct buf name = { 0 };

			buf_printf(&name, "%s.%s=", key->section, key->name);
			if (str_has_prefix(str_of(cases[i].option), buf_str(&name)))
				format_key(key, s, &b);
			buf_fini(&name);
		}
		assert_string_equal(taken(&b), cases[i].printed);
		settings_free(s);
	}
}

static void
test_values_there_are_not(void **state)
{
	static const char *const cases[] = { "listen.line=", "listen.line=localhost",
		"listen.line=none none", "listen.unix_mode=rw", "listen.unix_mode=1777",
		"limits.connections=0", "limits.connections=1000001", "limits.connections=1k",
		"limits.pending=0", "limits.pending=100000001", "limits.range=0",
		"limits.range=1000000001", "limits.history=10000001", "limits.history=-1",
		"limits.line=63", "limits.line=1048577", "limits.idle_timeout=5",
		"limits.idle_timeout=366d", "limits.stall_timeout=0s", "limits.stall_timeout=999us",
		"limits.drain_timeout=-1s", "delivery.latency=", "delivery.latency=1",
		"delivery.connect=fixed", "delivery.outcome=", "delivery.outcome=cancelled",
		"delivery.outcome=delivred", "delivery.concurrency=0", "delivery.concurrency=-1",
		"delivery.concurrency=many", "delivery.concurrency=18446744073709551615",
		"clock.scale=", "clock.scale=-1", "clock.scale=2x",
		"clock.epoch=", "clock.epoch=yesterday", "clock.epoch=2026-11-23",
		"clock.epoch=2026-11-23T06:12:00.0000001Z", "random.seed=", "random.seed=-1",
		"random.seed=9223372036854775808", "random.seed=Random",
		"log.target=", "log.format=", "log.format=xml", "log.format=postfix",
		"log.events=", "log.events=sent", "log.level=", "log.level=loud",
		"log.timestamp=", "log.timestamp=maybe", "template.queued={",
		"template.queued={unknown}", "template.queued={n}", "template.finished={id}",
		"template.queued=a\tb", "template.queued=a\nb", "template.queued=\x7f",
		/* not built yet, so unknown */
		"listen.http=none", "listen.http=none", "smtp.queue=1", "spool.path=x",
		"limits.queue=1", "template.sent=x", "domain a.test.work_threads=1",
		"domain a.test.rat=5/s", "delivery.receiver_rate=1/s", "delivery.down=1s..2s",
		/* chapter 5 */
		"delivery.outcome=greylisted:0",
		"delivery.outcome=greylisted:", "delivery.outcome=greylisted:x",
		"delivery.outcome=greylisted:-1", "delivery.outcome=greylisted:1.5",
		"delivery.outcome=:3", "delivery.outcome=,", "delivery.outcome=user_unknown 5%,",
		"delivery.outcome=5%", "delivery.outcome=user_unknown 5% greylisted",
		"delivery.outcome=user_unknown 60%, greylisted 40.0001%",
		"delivery.outcome=user_unknown 101%", "delivery.outcome=user_unknown -1%",
		"delivery.outcome=user_unknown 5%, greylisted",
		"delivery.outcome=user_unknown nan%", "delivery.outcome=user_unknown greylisted",
		"delivery.outcome=greylisted suppressed", "delivery.outcome=expired",
		"delivery.outcome=smtp_301", "delivery.outcome=user_unknown 0.00001%",
		"delivery.rate=", "delivery.rate=5", "delivery.rate=0/s", "delivery.rate=-5/s",
		"delivery.rate=5/d", "delivery.rate=5/", "delivery.rate=/s",
		"delivery.rate=5/s burst", "delivery.rate=5/s burst=0", "delivery.rate=5/s burst=x",
		"delivery.rate=5/s 5/s", "delivery.rate=1e3/s", "delivery.rate=inf/s",
		"delivery.rate=unlimited burst=5", "delivery.retry=", "delivery.retry=5",
		"delivery.retry=0s", "delivery.retry=-5m", "delivery.retry=*2",
		"delivery.retry=5m *0.5", "delivery.retry=5m *", "delivery.retry=5m *x",
		"delivery.retry=5m *2 *2", "delivery.retry=5m *2 6m", "delivery.retry=5m max 1h",
		"delivery.retry=5m *2 max", "delivery.retry=5m *2 max 1m",
		"delivery.retry=5m *2 max 1h 5m", "delivery.retry=max 1h", "delivery.retry=5m *inf",
		"delivery.jitter=", "delivery.jitter=5", "delivery.jitter=-5%",
		"delivery.jitter=101%", "delivery.expire=", "delivery.expire=5",
		"delivery.expire=-1s", "delivery.max_attempts=-1", "delivery.max_attempts=many",
		"delivery.work=2h", "delivery.work=5", "delivery.work_threads=65",
		"delivery.latency=uniform 2s 1s", "delivery.latency=lognormal median=1s p99=500ms",
		"delivery.latency=lognormal median=1s",
		"delivery.latency=normal mean=-1s stddev=1s",
		"delivery.latency=normal mean=inf stddev=1s", "delivery.latency=exponential",
		"delivery.latency=empirical", "delivery.latency=1s min=3s max=2s",
		"server.admin=maybe", "server.admin=", "server.magic_domains=a@b",
		"server.magic_domains=*x", "server.magic_domains=.test",
		"domain a.test.concurrency=0", "domain a.test.rate=5",
		"domain a.test.outcome=nonsense", "domain a.test.receiver_rate=0/s",
		"domain a.test.down=10m", "domain a.test.down=10m..", "domain a.test.down=40m..10m",
		"domain a.test.down=10..40", "domain a.test.down=-1m..5m", "outcome x.code=600",
		"outcome x.code=99", "outcome x.dsn=4.7", "outcome x.dsn=3.7.1",
		"outcome x.dsn=4.7.1111", "outcome x.stage=nowhere", "outcome x.until=0",
		"outcome x.until=0s", "outcome x.until=often" };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *options[] = { cases[i], NULL };
		struct conf_sources from = { .options = options };
		struct conf_problems p = { 0 };

		if (settings_load(&from, false, &p))
			fail_msg("took \"%s\"", cases[i]);
		if (p.count != 1 || strncmp(p.lines.data, "-o: ", 4) != 0 ||
		    memcmp(p.lines.data + 4, cases[i], str_find(str_of(cases[i]), '=')) != 0)
			fail_msg("of \"%s\": %s", cases[i], taken(&p.lines));
		conf_problems_fini(&p);
	}
}

static void
test_stdio_logs_nothing_unless_told(void **state)
{
	static const char *const options[] = { "log.target=stdout", NULL };
	static const char *const environ[] = { "MAILSIMD_LOG_TARGET=stderr", NULL };
	struct conf_sources none = { 0 }, some = { .options = options },
			    variable = { .environ = environ, .env_prefix = "MAILSIMD_" };
	struct settings *s;

	(void)state;
	s = load(&none, true);
	assert_string_equal(s->log.target, "none");
	settings_free(s);
	s = load(&some, true);
	assert_string_equal(s->log.target, "stdout");
	settings_free(s);
	s = load(&variable, true);
	assert_string_equal(s->log.target, "stderr");
	settings_free(s);
}

static void
test_what_a_reload_cannot_change(void **state)
{
	static const struct {
		const char *before, *after;
		const char *problem; /* NULL: it is allowed */
	} cases[] = {
		{ "random.seed=random", "random.seed=random", NULL },
		{ "random.seed=5", "random.seed=5", NULL },
		{ "random.seed=5", "random.seed=6", "random.seed" },
		{ "random.seed=random", "random.seed=0", "random.seed" },
		{ "clock.epoch=now", "clock.epoch=now", NULL },
		{ "clock.epoch=2026-01-01T00:00:00Z", "clock.epoch=2026-01-01T01:00:00+01:00",
		    NULL },
		{ "clock.epoch=now", "clock.epoch=1970-01-01T00:00:00Z", "clock.epoch" },
		{ "clock.scale=0", "clock.scale=max", "clock.scale" },
		{ "clock.scale=1", "clock.scale=2", "clock.scale" },
		{ "listen.line=none", "listen.line=a:1", "listen.line" },
		{ "listen.unix_mode=0600", "listen.unix_mode=0660", "listen.unix_mode" },
		{ "listen.unix_group=a", "listen.unix_group=b", "listen.unix_group" },
		{ "log.target=none", "log.target=stdout", NULL },
		{ "delivery.latency=1s", "delivery.latency=2s", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *before[] = { cases[i].before, NULL },
			   *after[] = { cases[i].after, NULL };
		struct settings *a = load_options(before), *b = load_options(after);
		struct conf_problems p = { 0 };

		/* as the daemon does once it has drawn one */
		if (a->is_seed_random)
			a->seed = 12345;
		assert_int_equal(conf_check_fixed(&settings_table, a, b, &p), !cases[i].problem);
		if (cases[i].problem)
			assert_memory_equal(
			    p.lines.data, cases[i].problem, strlen(cases[i].problem));
		conf_problems_fini(&p);
		settings_free(a);
		settings_free(b);
	}
}

/* What a file sets, as "section.key", and its values. */
struct listing {
	char *names[KEYS_MAX];
	char *values[KEYS_MAX];
	size_t n;
};

static void
list_cb(void *ctx, const char *section, const char *name, struct str value,
    __attribute__((unused)) unsigned line)
{
	struct listing *l = ctx;
	struct buf full = { 0 };

	if (!name)
		return;
	assert_true(l->n < KEYS_MAX);
	buf_printf(&full, "%s.%s", section, name);
	l->names[l->n] = strdup(taken(&full));
	buf_add_str(&full, value);
	l->values[l->n++] = strdup(taken(&full));
}

static void
test_the_shipped_file_is_the_table(void **state)
{
	struct listing l = { .n = 0 };
	struct conf_problems p = { 0 };

	(void)state;
	conf_file_read(source_path("config/mailsimd.ini"), list_cb, &l, &p);
	assert_string_equal(taken(&p.lines), "");
	assert_int_equal(l.n, settings_table.n);
	for (size_t i = 0; i < l.n; i++) {
		struct buf full = { 0 };

		buf_printf(
		    &full, "%s.%s", settings_table.keys[i].section, settings_table.keys[i].name);
		assert_string_equal(l.names[i], taken(&full));
		assert_string_equal(l.values[i], settings_table.keys[i].preset);
		free(l.names[i]);
		free(l.values[i]);
	}
}

static void
test_the_shipped_file_is_what_is_printed(void **state)
{
	struct settings *s = load_options(NULL);
	struct buf printed = { 0 }, file = { 0 };
	FILE *f = fopen(source_path("config/mailsimd.ini"), "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	while ((n = fread(buf_reserve(&file, 4096), 1, 4096, f)) > 0)
		file.len += n;
	fclose(f);
	conf_print(&settings_table, s, true, &printed);
	assert_true(str_has_suffix(buf_str(&file), buf_str(&printed)));
	/* and before it nothing but comments */
	for (struct str head = str_head(buf_str(&file), file.len - printed.len); head.n > 0;
	     head = str_from(head, str_find(head, '\n') + 1))
		assert_true(head.p[0] == ';' || head.p[0] == '\n');
	buf_fini(&printed);
	buf_fini(&file);
	settings_free(s);
}

static void
test_the_asyncio_example(void **state)
{
	struct conf_sources from = { .file = source_path("config/asyncio.ini") };
	struct settings *s = load(&from, false);

	(void)state;
	assert_int_equal(s->log.style, EVENT_TEMPLATE);
	assert_int_equal(s->log.events, EVENT_MASK_ALL);
	for (int kind = 0; kind < EVENT_KINDS; kind++)
		assert_int_equal(s->log.templates[kind] != NULL,
		    kind == EVENT_DISPATCHED || kind == EVENT_DELIVERED || kind == EVENT_FINISHED);
	assert_string_equal(s->template_texts[EVENT_DISPATCHED], "Улетело сообщение {id}");
	assert_string_equal(s->template_texts[EVENT_DELIVERED], "Сообщение {id} доставлено");
	assert_string_equal(
	    s->template_texts[EVENT_FINISHED], "Время выполнения программы: {elapsed} с");
	assert_true(s->simulator.delivery->all.concurrency == DELIVERY_UNLIMITED);
	settings_free(s);
}

/* What is printed reads back to what prints the same, with help and without. */
static void
test_what_is_printed_reads_back(void **state)
{
	static const char *const options[] = { "template.queued= ; \"{id}\" # {to} ",
		"template.bounced=\"", "template.expired=; {id}", "listen.line=unix:/a;b  a:1",
		"clock.scale=max", "clock.epoch=2026-11-23T06:12:00.5Z", "log.target=/a b/c # d",
		"delivery.concurrency=7", "limits.line=512k", NULL };
	struct settings *s = load_options(options);
	char path[64];

	(void)state;
	snprintf(path, sizeof path, "/tmp/test_settings.%ld.ini", (long)getpid());
	for (int with_help = 0; with_help < 2; with_help++) {
		struct conf_sources from = { .file = path };
		struct buf once = { 0 }, twice = { 0 };
		struct settings *back;
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		conf_print(&settings_table, s, with_help, &once);
		assert_int_equal(fwrite(once.data, 1, once.len, f), once.len);
		assert_int_equal(fclose(f), 0);
		back = load(&from, false);
		conf_print(&settings_table, back, with_help, &twice);
		assert_true(str_eq(buf_str(&once), buf_str(&twice)));
		assert_string_equal(back->template_texts[EVENT_QUEUED], " ; \"{id}\" # {to} ");
		assert_string_equal(back->log.target, "/a b/c # d");
		buf_fini(&once);
		buf_fini(&twice);
		settings_free(back);
	}
	unlink(path);
	settings_free(s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_whole),
		cmocka_unit_test(test_the_keys_there_are),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_where_values_go),
		cmocka_unit_test(test_values_there_are),
		cmocka_unit_test(test_values_there_are_not),
		cmocka_unit_test(test_stdio_logs_nothing_unless_told),
		cmocka_unit_test(test_what_a_reload_cannot_change),
		cmocka_unit_test(test_the_shipped_file_is_the_table),
		cmocka_unit_test(test_the_shipped_file_is_what_is_printed),
		cmocka_unit_test(test_the_asyncio_example),
		cmocka_unit_test(test_what_is_printed_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
