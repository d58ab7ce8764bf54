/*
 * Owns the table of configuration keys: the one place that knows their names, defaults, ranges and
 * help, and into which module's struct each goes.
 */
#include "settings.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/address.h"
#include "settings_type.h"

#define DAY_NS (86400LL * TEXT_NS_PER_S)

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
	{ "listen", "smtp", &type_addresses, AT(listen.smtp), "none", ANY, FIXED,
	    "Where SMTP is spoken, in the same form; conventionally localhost:1025." },
	{ "listen", "lmtp", &type_addresses, AT(listen.lmtp), "none", ANY, FIXED,
	    "Where LMTP is spoken." },
	{ "listen", "unix_mode", &conf_type_mode, AT(listen.unix_mode), "0660", ANY, FIXED,
	    "Mode of Unix sockets, in octal." },
	{ "listen", "unix_group", &conf_type_text, AT(listen.unix_group), "", ANY, FIXED,
	    "Group of Unix sockets, a name or a number. Empty: that of the daemon." },

	{ "server", "admin", &type_admin, AT(line.admin), "local", ANY, RELOADED,
	    "Who may use the commands that act on everybody (advance scale seed reset rule down "
	    "up; cancel and flush of others' messages): local (Unix sockets, --stdio, loopback "
	    "peers), all or none.",
	    false },
	{ "server", "magic_domains", &type_magic, AT(magic_domains), "reserved providers", ANY,
	    RELOADED,
	    "Where addresses choose outcomes, as joe+greylisted@example.org and "
	    "user_unknown@example.org do: domains, *.domains, * for everywhere; reserved stands "
	    "for the test domains of RFC 2606, providers for the simulator domains of mail "
	    "providers.",
	    false },

	{ "limits", "connections", &conf_type_number, AT(connections), "10000", 1, 1000000,
	    RELOADED,
	    "Connections at once, of all listeners together. One more is told -ERR busy (SMTP: 421 "
	    "4.7.0) and closed." },
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

	{ "smtp", "mode", &type_smtp_mode, AT(smtp.conf.mode), "queue", ANY, RELOADED,
	    "queue: a mail is accepted at once, and delivered as [delivery] has it; inband: the "
	    "answer is the outcome, as if this were the receiving server." },
	{ "smtp", "hostname", &type_smtp_hostname, AT(smtp.hostname), "", ANY, RELOADED,
	    "What the server calls itself. Empty: the name of the machine." },
	{ "smtp", "max_size", &conf_type_size, AT(smtp.conf.max_size), "32M", 1024, 1LL << 40,
	    RELOADED, "Octets of a mail. A larger one is answered 552 5.3.4." },
	{ "smtp", "max_recipients", &conf_type_number, AT(smtp.conf.max_recipients), "100", 1,
	    100000, RELOADED, "Recipients of a mail. One more is answered 452 4.5.3." },
	{ "smtp", "timeout", &conf_type_duration, AT(smtp.conf.timeout_ns), "5m", TEXT_NS_PER_MS,
	    365 * DAY_NS, RELOADED,
	    "For a command to come, or some of a mail's data; then 421 4.4.2 and a close. Real "
	    "time." },
	{ "smtp", "bare_newline", &type_smtp_bare_newline, AT(smtp.conf.bare_newline), "normalize",
	    ANY, RELOADED,
	    "What becomes of a CR or LF in a mail that is not part of a CRLF: normalize takes it, "
	    "reject refuses the mail with 550 5.5.2. It never ends the data." },
	{ "smtp", "tls_cert", &conf_type_text, AT(smtp.tls_cert), "", ANY, RELOADED,
	    "File of the certificate and those that lead to it, PEM." },
	{ "smtp", "tls_key", &conf_type_text, AT(smtp.tls_key), "", ANY, RELOADED,
	    "File of its private key, PEM." },
	{ "smtp", "tls", &type_smtp_tls, AT(smtp.conf.tls), "off", ANY, RELOADED,
	    "STARTTLS: off, optional, or required, with which other commands are answered 530 "
	    "5.7.0 before it." },
	{ "smtp", "auth", &type_smtp_auth, AT(smtp.auth), "off", ANY, RELOADED,
	    "AUTH PLAIN and LOGIN: off, any for whatever a client says, or a file with a line "
	    "user:password for each who may. Only with a file is a mail refused before it, 530 "
	    "5.7.0." },

	{ "delivery", "latency", &type_latency, AT(delivery.conf.latency), "fixed 1s", ANY,
	    RELOADED,
	    "How long an attempt takes once it is connected: 80ms, fixed 1s, uniform 500ms 1500ms, "
	    "normal mean=1s stddev=200ms, exponential mean=800ms, lognormal median=80ms p99=2s (or "
	    "p90= p95= p999= sigma=), empirical FILE (rising durations, or lines such as p99 "
	    "1.5s), each with min= max= if wanted.",
	    false },
	{ "delivery", "connect", &type_latency, AT(delivery.conf.connect), "fixed 0s", ANY,
	    RELOADED, "How long connecting takes, before the latency; the same forms.", false },
	{ "delivery", "outcome", &type_fate, AT(delivery.outcome), "delivered", ANY, RELOADED,
	    "What becomes of a message: a script over attempts such as greylisted:2 user_unknown, "
	    "or a mix such as user_unknown 5%, greylisted 2%, of which the rest is delivered. A "
	    "step may last for attempts (:3), until an age (:30m) or :forever.",
	    false },
	{ "delivery", "concurrency", &type_concurrency, AT(delivery.conf.concurrency), "unlimited",
	    1, 1000000000, RELOADED,
	    "Attempts in flight at once, over all, or unlimited. 1: strictly one after the other.",
	    false },
	{ "delivery", "rate", &type_rate, AT(delivery.conf.rate), "unlimited", ANY, RELOADED,
	    "Dispatches over all, such as 100/s, 600/m or 20/h burst=5 (burst: so many at once, "
	    "else 1), or unlimited. What is too fast waits.",
	    false },
	{ "delivery", "retry", &type_retry, AT(delivery.conf.retry), "5m 5m *2 max 4000s", ANY,
	    RELOADED,
	    "Delays from the end of one attempt to the next. The last repeats, or grows by a "
	    "factor up to a max. (This one is Postfix's.)",
	    false },
	{ "delivery", "jitter", &type_percent, AT(delivery.conf.jitter), "0%", ANY, RELOADED,
	    "By how much each of these delays is longer or shorter at most.", false },
	{ "delivery", "expire", &conf_type_duration, AT(delivery.conf.expire_ns), "5d", ANY,
	    RELOADED,
	    "How long after it was accepted a message that waits or is deferred is given up.",
	    false },
	{ "delivery", "max_attempts", &conf_type_number, AT(delivery.conf.max_attempts), "0", 0,
	    1000000000, RELOADED,
	    "After how many attempts a message is given up. 0: only when it expires.", false },
	{ "delivery", "work", &conf_type_duration, AT(delivery.conf.work_ns), "0s", 0,
	    3600 * TEXT_NS_PER_S, RELOADED,
	    "Real processor time that each dispatch costs, as a content filter or signing would. "
	    "It changes no computed time.",
	    false },
	{ "delivery", "work_threads", &conf_type_number, AT(work_threads), "0", 0, 64, FIXED,
	    "On how many threads that work is done. 0: on the event loop, where everybody has to "
	    "wait for it.",
	    false },

	{ "clock", "scale", &type_scale, AT(clock), "1", ANY, FIXED,
	    "Simulated seconds per real one. max: time jumps to whatever is due next; 0: it "
	    "stands still until it is told to advance." },
	{ "clock", "epoch", &type_epoch, AT(clock), "now", ANY, FIXED,
	    "Simulated time at the start: now, or a time such as 2026-11-23T06:12:00Z." },

	{ "random", "seed", &type_seed, WHOLE, "random", ANY, FIXED,
	    "A number makes the run repeatable. random: one is drawn and told in the ready line." },

	{ "log", "target", &type_target, AT(log.target), "stdout", ANY, RELOADED,
	    "Where events go: stdout, stderr, journal (systemd's own, each value in a field), "
	    "none, "
	    "or a file's path, which is appended to. With --stdio the default is none." },
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
	TEMPLATE("rejected",
	    "The line for each recipient that is refused while its client waits (smtp.mode = "
	    "inband), with {from} {to} {attempt} {outcome} {code} {dsn} {time}."),
};

#define IN_OUTCOME(member) offsetof(struct outcome_section, member)

static const struct conf_key outcome_keys[] = {
	{ "outcome", "code", &conf_type_number, IN_OUTCOME(code), NULL, 200, 599, RELOADED,
	    "SMTP reply code, which says whether it is a success (2xx), transient (4xx) or "
	    "permanent (5xx).",
	    true },
	{ "outcome", "dsn", &type_dsn, IN_OUTCOME(dsn), NULL, ANY, RELOADED,
	    "Enhanced status code, such as 4.7.1. Without a code it says what the outcome is.",
	    true },
	{ "outcome", "text", &conf_type_text, IN_OUTCOME(text), NULL, ANY, RELOADED,
	    "What the server says.", true },
	{ "outcome", "stage", &type_stage, IN_OUTCOME(stage), NULL, ANY, RELOADED,
	    "Where in the dialogue: dns, connect, connect reply, ehlo, mail, rcpt, data or eom.",
	    true },
	{ "outcome", "until", &type_until, IN_OUTCOME(until), NULL, ANY, RELOADED,
	    "How long a transient one lasts: a number of attempts, an age such as 5m, or forever.",
	    true },
};

#define IN_DOMAIN(member) offsetof(struct domain_section, delivery.member)
#define DOMAIN(key, type, member, help) \
	{ \
		"domain", key, type, IN_DOMAIN(member), NULL, ANY, RELOADED, help, false \
	}
#define DOMAIN_OWN(key, type, member, help) \
	{ \
		"domain", key, type, IN_DOMAIN(member), NULL, ANY, RELOADED, help, true \
	}

static const struct conf_key domain_keys[] = {
	DOMAIN("latency", &type_latency, conf.latency, "As delivery.latency, for this domain."),
	DOMAIN("connect", &type_latency, conf.connect, "As delivery.connect."),
	DOMAIN("outcome", &type_fate, outcome, "As delivery.outcome."),
	{ "domain", "concurrency", &type_concurrency, IN_DOMAIN(conf.concurrency), NULL, 1,
	    1000000000, RELOADED,
	    "Attempts in flight at once to this domain; delivery.concurrency holds besides.",
	    true },
	DOMAIN_OWN("rate", &type_rate, conf.rate,
	    "Dispatches to this domain; delivery.rate holds besides."),
	DOMAIN("retry", &type_retry, conf.retry, "As delivery.retry."),
	DOMAIN("jitter", &type_percent, conf.jitter, "As delivery.jitter."),
	DOMAIN("expire", &conf_type_duration, conf.expire_ns, "As delivery.expire."),
	DOMAIN("max_attempts", &conf_type_number, conf.max_attempts, "As delivery.max_attempts."),
	DOMAIN("work", &conf_type_duration, conf.work_ns, "As delivery.work."),
	DOMAIN_OWN("receiver_rate", &type_rate, conf.receiver_rate,
	    "What the receiving side takes, such as 50/s: the excess is answered rate_limited. "
	    "Without burst= it takes as many at once as it does in one second (minute, hour)."),
	DOMAIN_OWN("down", &type_windows, conf.down,
	    "When it cannot be reached, counted from the clock's start: 10m..40m, several with "
	    "blanks between them."),
};

#define IN_STAGE(member) offsetof(struct smtp_stage_section, faults.member)

static const struct conf_key stage_keys[] = {
	{ "smtp", "delay", &type_latency, IN_STAGE(delay), NULL, ANY, RELOADED,
	    "How long the reply takes, in simulated time; a latency as delivery.latency has it.",
	    true },
	{ "smtp", "fail", &type_smtp_fail, IN_STAGE(fail), NULL, ANY, RELOADED,
	    "How often it is refused, and with which words: 5% 451 4.7.1 Come back later, or first "
	    "3 and so on. 421 closes.",
	    true },
	{ "smtp", "drop", &type_smtp_chance, IN_STAGE(drop), NULL, ANY, RELOADED,
	    "How often the connection is closed without an answer: 1%, or first 3.", true },
	{ "smtp", "drop_after", &type_smtp_chance, IN_STAGE(drop_after), NULL, ANY, RELOADED,
	    "At eom: the same once the mail was accepted. The client does not know, and sends it "
	    "again.",
	    true },
};

static bool
finish_outcome(struct conf_instance *instance, void *settings, struct buf *why)
{
	const struct outcome_section *o = (struct outcome_section *)(void *)instance;
	bool has_until = o->head.given & 1U << (sizeof outcome_keys / sizeof *outcome_keys - 1);
	struct outcome_change change = {
		.code = (uint16_t)o->code,
		.dsn = o->dsn,
		.stage = o->stage,
		.text = o->text,
		.until = has_until ? &o->until : NULL,
	};
	const char *wrong =
	    outcome_define(settings_outcomes(settings), str_of(instance->name), &change);

	if (wrong)
		buf_add_str(why, str_of(wrong));
	return !wrong;
}

static const struct conf_family families[] = {
	{
	    .section = "outcome",
	    .keys = outcome_keys,
	    .n = sizeof outcome_keys / sizeof *outcome_keys,
	    .size = sizeof(struct outcome_section),
	    .offset = AT(outcome_sections),
	    .ignores_case = true,
	    .check_name = outcome_check_name,
	    .finish = finish_outcome,
	    .help = "Changes a built-in outcome, or makes a new one.",
	},
	{
	    .section = "domain",
	    .keys = domain_keys,
	    .n = sizeof domain_keys / sizeof *domain_keys,
	    .size = sizeof(struct domain_section),
	    .offset = AT(domain_sections),
	    .ignores_case = true,
	    .check_name = address_check_domain,
	    .base = "delivery",
	    .help = "For recipients in NAME. An exact name comes before the longest "
		    "*.example.org, and that before *. What it does not set is as in [delivery]; "
		    "the limits of a wildcard hold for each domain by itself.",
	},
	{
	    .section = "smtp",
	    .keys = stage_keys,
	    .n = sizeof stage_keys / sizeof *stage_keys,
	    .size = sizeof(struct smtp_stage_section),
	    .offset = AT(smtp.stages),
	    .check_name = smtp_stage_check,
	    .finish = settings_smtp_check_stage,
	    .help = "Faults at a stage of the SMTP dialogue. NAME is connect, ehlo, mail, rcpt, "
		    "data, eom (the end of the data) or quit. What is left to chance is a function "
		    "of the seed, the session's number, the stage and how often the session had "
		    "it; first 3 means the first three since the start, or reset.",
	},
};

const struct conf_table settings_table = {
	.keys = keys,
	.n = sizeof keys / sizeof *keys,
	.size = sizeof(struct settings),
	.families = families,
	.n_families = sizeof families / sizeof *families,
};

struct outcome_set *
settings_outcomes(struct settings *s)
{
	if (!s->outcomes)
		s->outcomes = outcome_set_new();
	return s->outcomes;
}

/* The settings of delivery in the form in which the core asks for them. */
static struct delivery_conf *
make_delivery_conf(struct settings *s)
{
	size_t n = s->domain_sections.n, i;
	struct domain_conf *domains = mem_alloc_array(n + 1, sizeof *domains);
	struct delivery_conf *conf;

	s->delivery.conf.fate = s->delivery.outcome.fate;
	for (i = 0; i < n; i++) {
		const struct domain_section *section =
		    (struct domain_section *)(void *)s->domain_sections.items[i];

		domains[i] = section->delivery.conf;
		domains[i].fate = section->delivery.outcome.fate;
		domains[i].name = str_of(section->head.name);
		if (domains[i].concurrency == 0)
			domains[i].concurrency = DELIVERY_UNLIMITED;
	}
	conf = delivery_conf_new(
	    settings_outcomes(s), &s->delivery.conf, domains, n, str_of(s->magic_domains));
	free(domains);
	return conf;
}

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
	s->simulator.delivery = make_delivery_conf(s);
	if (!settings_smtp_finish(s, problems)) {
		settings_free(s);
		return NULL;
	}
	return s;
}

void
settings_free(struct settings *s)
{
	if (!s)
		return;
	settings_smtp_fini(s);
	conf_free(&settings_table, s);
	outcome_set_unref(s->outcomes);
	delivery_conf_unref(s->simulator.delivery);
	free(s);
}
