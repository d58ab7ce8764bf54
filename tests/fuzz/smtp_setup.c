/*
 * Owns the tables of faults and outcomes, and what is made of them once for all inputs.
 */
#include "smtp_setup.h"

#include <stdlib.h>

#include "base/text.h"
#include "front/smtp_users.h"
#include "io/tls.h"
#ifdef HAVE_TLS
#include "../unit/certificate.h"
#endif

#define N_ROWS(table) (sizeof(table) / sizeof(table)[0])

struct fault_row {
	enum smtp_stage stage;
	const char *delay, *fail, *drop, *drop_after;
};

/* Up to two in a row, up to the empty one. */
static const struct fault_row faults[][2] = {
	{ { SMTP_STAGE_NONE } },
	{ { SMTP_STAGE_EOM, .drop_after = "first 1" } },
	{ { SMTP_STAGE_EOM, .drop_after = "50%" }, { SMTP_STAGE_EHLO, .delay = "1s" } },
	{ { SMTP_STAGE_CONNECT, .delay = "2s" }, { SMTP_STAGE_QUIT, .delay = "1s" } },
	{ { SMTP_STAGE_CONNECT, .fail = "first 1 421 4.3.2 not now" } },
	{ { SMTP_STAGE_CONNECT, .fail = "50% 554 5.3.2 no" }, { SMTP_STAGE_MAIL, .delay = "1s" } },
	{ { SMTP_STAGE_MAIL, .fail = "first 1 451 4.7.1 later" },
	    { SMTP_STAGE_DATA, .delay = "uniform 0s 2s" } },
	{ { SMTP_STAGE_RCPT, .fail = "30% 450 4.2.1 later" },
	    { SMTP_STAGE_EOM, .delay = "uniform 0s 2s" } },
	{ { SMTP_STAGE_EOM, .fail = "50% 421 4.3.0 closing" } },
	{ { SMTP_STAGE_EOM, .fail = "first 1 554 not like this", .delay = "1s" } },
	{ { SMTP_STAGE_DATA, .fail = "50% 421 closing" } },
	{ { SMTP_STAGE_RCPT, .drop = "20%" }, { SMTP_STAGE_EOM, .drop = "20%", .delay = "1s" } },
	{ { SMTP_STAGE_QUIT, .drop = "first 1" }, { SMTP_STAGE_RCPT, .delay = "500ms" } },
	{ { SMTP_STAGE_CONNECT, .drop = "first 1" }, { SMTP_STAGE_QUIT, .fail = "100% 450 stay" } },
	{ { SMTP_STAGE_EHLO, .fail = "first 1 421 4.0.0 x" },
	    { SMTP_STAGE_EOM, .drop_after = "first 1", .delay = "1s" } },
	{ { SMTP_STAGE_MAIL, .drop = "first 1" }, { SMTP_STAGE_EHLO, .fail = "30% 550 no" } },
};

static const struct {
	const char *outcome, *latency;
} outcomes[] = {
	{ "delivered", "0s" },
	{ "delivered", "1s" },
	{ "user_unknown 30%, greylisted 30%", "1s" },
	{ "mailbox_full:1", "uniform 0s 2s" },
	{ "service_unavailable:1", "1s" },
	{ "system_error:1 spam_blocked", "0s" },
	{ "connect_timeout:1", "1s" },
	{ "connection_lost:1", "1s" },
	{ "rate_limited 50%", "0s" },
	{ "message_too_big 20%, tls_required 20%", "0s" },
	{ "greylisted:10s", "0s" },
	{ "ip_blocked 20%, rate_limited:1 30%", "100ms" },
};

static struct {
	bool is_made;
	struct smtp_fault_conf faults[N_ROWS(faults)][SMTP_STAGES];
	struct delivery_conf *delivery[N_ROWS(outcomes)];
	struct smtp_users *users;
	struct tls_server *tls;
} made;

static void
make_faults(const struct fault_row *row, struct smtp_fault_conf *conf)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct smtp_fault_conf *at = &conf[row[i].stage];

		if (row[i].delay)
			insist(!latency_parse(str_of(row[i].delay), NULL, &at->delay));
		if (row[i].fail)
			insist(!smtp_fail_parse(str_of(row[i].fail), &at->fail));
		if (row[i].drop)
			insist(!smtp_chance_parse(str_of(row[i].drop), &at->drop));
		if (row[i].drop_after)
			insist(!smtp_chance_parse(str_of(row[i].drop_after), &at->drop_after));
	}
}

static struct delivery_conf *
make_delivery(size_t nth)
{
	struct outcome_set *set = outcome_set_new();
	struct domain_conf all = {
		.connect = latency_fixed(0),
		.expire_ns = 3600 * TEXT_NS_PER_S,
		.concurrency = DELIVERY_UNLIMITED,
	};
	struct domain_conf slow;
	struct delivery_conf *conf;
	struct buf why = { 0 };

	insist(fate_parse(set, str_of(outcomes[nth].outcome), &all.fate, &why) == FATE_OK);
	insist(!latency_parse(str_of(outcomes[nth].latency), NULL, &all.latency));
	insist(!retry_parse(STR("5m 5m *2 max 4000s"), &all.retry));
	slow = all;
	slow.name = STR("slow.test");
	slow.receiver_rate = (struct rate){ 2, TEXT_NS_PER_S, 0 };
	slow.concurrency = 1;
	conf = delivery_conf_new(set, &all, &slow, 1, STR("magic.test"));
	fate_unref(all.fate);
	outcome_set_unref(set);
	buf_fini(&why);
	return conf;
}

static void
make_tls(void)
{
#ifdef HAVE_TLS
	struct certificate c;
	struct buf why = { 0 };

	certificate_new(&c, NULL);
	made.tls = tls_server_new(c.cert, c.key, &why);
	insist(made.tls != NULL);
	certificate_free(&c);
	buf_fini(&why);
#endif
}

/* Kept until the program ends. */
static void
make(void)
{
	struct conf_problems problems = { 0 };
	size_t i;

	made.is_made = true;
	for (i = 0; i < N_ROWS(faults); i++)
		if (faults[i][0].stage != SMTP_STAGE_NONE)
			make_faults(faults[i], made.faults[i]);
	for (i = 0; i < N_ROWS(outcomes); i++)
		made.delivery[i] = make_delivery(i);
	made.users = smtp_users_parse(STR("joe:pass\nann:word\n"), "users", &problems);
	insist(made.users != NULL);
	make_tls();
}

static void
choose_faults(struct setup *s, unsigned bits)
{
	const struct smtp_fault_conf *chosen = made.faults[bits % N_ROWS(faults)];
	int i;

	s->may_drop = s->may_lose = false;
	for (i = 0; i < SMTP_STAGES; i++) {
		s->smtp.faults[i] = chosen[i];
		s->may_lose |= chosen[i].drop_after.first > 0 || chosen[i].drop_after.share > 0;
		s->may_drop |= chosen[i].drop.first > 0 || chosen[i].drop.share > 0;
	}
	s->may_drop |= s->may_lose;
}

static void
choose_security(struct setup *s, unsigned first, unsigned second)
{
	s->smtp.tls_server = first & 32 ? made.tls : NULL;
	s->smtp.tls = SMTP_TLS_OFF;
	if (s->smtp.tls_server)
		s->smtp.tls = second & 4 ? SMTP_TLS_REQUIRED : SMTP_TLS_OPTIONAL;
	s->smtp.has_auth = (second & 3) > 0;
	s->smtp.users = (second & 3) > 1 ? made.users : NULL;
}

static void
choose_clock(struct setup *s, unsigned bits)
{
	static const int64_t scales[] = { 0, 1, 1000, 0 };

	s->clock = (struct clock_conf){
		.scale = scales[bits] * CLOCK_SCALE_ONE,
		.is_max = bits == 3,
		.epoch_ns = 1767225600LL * TEXT_NS_PER_S, /* 2026-01-01T00:00:00Z */
	};
}

void
setup_read(struct setup *s, const uint8_t *octets)
{
	unsigned first = octets[0] & 63, second = octets[1] & 63, fourth = octets[3] & 63;

	if (!made.is_made)
		make();
	*s = (struct setup){ .connections = fourth & 32 ? 1 : 100 };
	s->smtp = (struct smtp_conf){
		.mode = first & 2 ? SMTP_INBAND : SMTP_QUEUE,
		.hostname = "mx.example.test",
		.max_size = first & 8 ? 100 : 1000000,
		.max_recipients = first & 16 ? 2 : 100,
		.pairs = 20,
		.timeout_ns = 30 * TEXT_NS_PER_S,
		.stall_timeout_ns = 20 * TEXT_NS_PER_S,
		.bare_newline = first & 4 ? SMTP_BARE_REJECT : SMTP_BARE_NORMALIZE,
	};
	s->rules = (struct smtp_peer_rules){ first & 1, first & 4, s->smtp.max_size };
	s->simulator = (struct simulator_conf){
		.pending = second & 32 ? 2 : 10000,
		.range = 10000,
		.history = 20,
		.delivery = made.delivery[(fourth & 31) % N_ROWS(outcomes)],
	};
	choose_security(s, first, second);
	choose_clock(s, second >> 3 & 3);
	choose_faults(s, octets[2] & 63);
}

void
setup_change(struct setup *s, const uint8_t *octets)
{
	s->smtp.mode = octets[0] & 2 ? SMTP_INBAND : SMTP_QUEUE;
	choose_security(s, octets[0] & 63, octets[1] & 63);
	choose_faults(s, octets[2] & 63);
	s->simulator.delivery = made.delivery[(octets[2] & 63) % N_ROWS(outcomes)];
}
