/*
 * Everything at once: thousands of random requests, cancels, flushes, rules, outages, advances,
 * reloads and resets against one simulator, and after each single event what must hold then. A run
 * is its seed, which is printed when it fails; CHAOS_SEED=N in the environment runs that one alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/address.h"
#include "core/terms.h"
#include "sim_world.h"

#define SEEDS 13
#define STEPS 1500
#define OPEN 8
#define RECIPIENTS 150
#define DOMAINS 6
#define RATE 100
#define BURST 10
#define LATEST 64 /* dispatches that are compared with each other */

static const char *const domains[DOMAINS] = { "a.test", "b.test", "c.example.net", "d.example.net",
	"plain.org", "Other.Org" };

/* What is known of one message from its events alone. */
struct record {
	bool is_queued, is_sending, is_deferred, is_final;
	int64_t queued_ns;
	uint32_t attempts;
};

/* The run of one seed. */
struct chaos {
	struct world *w;
	uint64_t seed, random;
	struct batch *open[OPEN];
	struct record *records; /* by seq */
	size_t n_records;
	uint64_t n_accepted, n_final, n_sending;
	uint64_t sending_to[DOMAINS];
	int64_t now_ns;
	int64_t latest[LATEST]; /* the last dispatches */
	uint64_t n_dispatched;
	uint64_t n_requests;
	uint64_t n_held; /* found waiting for a limit, each time */
};

#define CHECK(c, what) \
	do { \
		if (!(what)) \
			fail_msg("seed %lu: " #what, (c)->seed); \
	} while (0)

static uint64_t
draw(struct chaos *c, uint64_t n)
{
	c->random = c->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (c->random >> 33) % n;
}

static struct record *
record_of(struct chaos *c, uint64_t seq)
{
	if (seq >= c->n_records) {
		size_t n = (size_t)seq * 2 + 64;

		c->records = mem_resize_array(c->records, n, sizeof c->records[0]);
		memset(c->records + c->n_records, 0, (n - c->n_records) * sizeof c->records[0]);
		c->n_records = n;
	}
	return &c->records[seq];
}

/* Where it goes, of the domains that have limits; DOMAINS for others. */
static size_t
domain_of(const struct message *m)
{
	struct buf scratch = { 0 };
	struct str domain = address_domain(message_to(m, &scratch));
	size_t i;

	for (i = 0; i < DOMAINS; i++)
		if (domain.p && str_eq_nocase(domain, str_of(domains[i])))
			break;
	buf_fini(&scratch);
	return i;
}

/* No more than BURST + RATE * t in any stretch of time t that ends now. */
static void
check_rate(struct chaos *c)
{
	uint64_t i;

	c->latest[c->n_dispatched++ % LATEST] = c->now_ns;
	for (i = 1; i < LATEST && i < c->n_dispatched; i++) {
		int64_t since = c->now_ns - c->latest[(c->n_dispatched - 1 - i) % LATEST];

		CHECK(c, (int64_t)(i + 1) <= BURST + since * RATE / SEC);
	}
}

static void
note_dispatch(struct chaos *c, const struct message *m, struct record *r)
{
	const struct delivery_conf *conf = c->w->sim->conf.delivery;
	const struct batch *b = message_batch(m);
	size_t d = domain_of(m);
	struct terms t;

	terms_of(c->w->sim, m, &t);
	CHECK(c, !r->is_sending);
	CHECK(c, m->attempt == ++r->attempts);
	CHECK(c, t.max_attempts == 0 || m->attempt <= t.max_attempts);
	CHECK(c, c->now_ns <= t.expires_ns);
	r->is_sending = true;
	r->is_deferred = false;
	c->n_sending++;
	CHECK(c, c->n_sending <= conf->all.concurrency);
	if (b->group)
		CHECK(c,
		    b->group->tally.counts.state[STATE_SENDING] <=
			b->group->lanes.limiter.concurrency);
	if (d < DOMAINS) {
		c->sending_to[d]++;
		CHECK(c,
		    !m->has_destination ||
			c->sending_to[d] <=
			    delivery_conf_find(conf, str_of(domains[d]))->concurrency);
	}
	check_rate(c);
}

static void
note_end_of_attempt(struct chaos *c, const struct message *m, struct record *r)
{
	size_t d = domain_of(m);

	r->is_sending = false;
	c->n_sending--;
	if (d < DOMAINS)
		c->sending_to[d]--;
}

/* What waits or is deferred expires at its moment; an attempt under way is finished first. */
static void
check_expiry(struct chaos *c, const struct message *m, const struct record *r)
{
	struct terms t;

	terms_of(c->w->sim, m, &t);
	if (!r->is_sending)
		CHECK(c, c->now_ns == t.expires_ns);
	else
		CHECK(c,
		    c->now_ns >= t.expires_ns ||
			(t.max_attempts > 0 && r->attempts >= t.max_attempts));
}

static void
note_final(struct chaos *c, const struct event *ev, struct record *r)
{
	CHECK(c, !r->is_final);
	if (ev->kind == EVENT_EXPIRED)
		check_expiry(c, ev->message, r);
	if (ev->kind == EVENT_DELIVERED || ev->kind == EVENT_BOUNCED)
		CHECK(c, r->is_sending);
	if (ev->kind == EVENT_DROPPED)
		CHECK(c, r->attempts == 0);
	if (r->is_sending)
		note_end_of_attempt(c, ev->message, r);
	r->is_final = true;
	c->n_final++;
}

static void
event_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	struct chaos *c = ctx;
	const struct counts *counts = &c->w->sim->tally.counts;
	struct record *r;

	(void)bus;
	CHECK(c, ev->time_ns >= c->now_ns);
	CHECK(c, counts_are_balanced(counts));
	CHECK(c, counts_are_balanced(&c->w->owner->tally.counts));
	c->now_ns = ev->time_ns;
	if (!ev->message)
		return;
	r = record_of(c, message_seq(ev->message));
	CHECK(c, r->is_queued == (ev->kind != EVENT_QUEUED));
	if (ev->kind == EVENT_QUEUED) {
		CHECK(c,
		    batch_dup_of_at(ev->batch, message_index(ev->message)) <
			message_seq(ev->message));
		r->is_queued = true;
		r->queued_ns = ev->time_ns;
		c->n_accepted++;
	} else if (ev->kind == EVENT_DISPATCHED) {
		note_dispatch(c, ev->message, r);
	} else if (ev->kind == EVENT_DEFERRED) {
		CHECK(c, r->is_sending);
		note_end_of_attempt(c, ev->message, r);
		r->is_deferred = true;
	} else {
		note_final(c, ev, r);
	}
	CHECK(c, counts->accepted == c->n_accepted);
	CHECK(c, counts_final(counts) == c->n_final);
	CHECK(c, counts->state[STATE_SENDING] == c->n_sending);
}

static const char *const outcomes[] = { "delivered", "user_unknown 30%, greylisted 30%",
	"system_error:3", "greylisted:10m user_unknown", "mailbox_full", "suppressed 50%",
	"connect_timeout:2 system_error:forever 80%", "dns_failure" };
static const char *const latencies[] = { "0s", "700ms", "uniform 0s 5s", "exponential mean=2s",
	"lognormal median=1s p99=1m" };
static const char *const retries[] = { "1s", "5m 5m *2 max 4000s", "1ms *3", "30s 2m" };

#define PICK(c, list) ((list)[draw((c), sizeof(list) / sizeof(list)[0])])

static struct delivery_conf *
random_delivery(struct chaos *c)
{
	struct domain_conf own[4] = { world_domain("*.test"), world_domain("b.test"),
		world_domain("*.example.net"), world_domain("*") };
	struct delivery_conf *conf;

	own[0].concurrency = 1 + draw(c, 5);
	own[1].concurrency = 1 + draw(c, 3);
	own[1].rate = (struct rate){ 1 + draw(c, 5), SEC, draw(c, 4) };
	own[2].receiver_rate = (struct rate){ 1 + draw(c, 50), SEC, 0 };
	assert_null(windows_parse(STR("10m..40m 1h..2h"), &own[2].down));
	own[3].concurrency = draw(c, 2) ? DELIVERY_UNLIMITED : 2;
	own[3].jitter = (int64_t)draw(c, 1000001);
	own[3].expire_ns = (int64_t)draw(c, 7200) * SEC;
	conf = world_delivery(PICK(c, outcomes), own, draw(c, 5), "*");
	conf->all.concurrency = draw(c, 2) ? 3 + draw(c, 40) : 1000000;
	conf->all.rate = (struct rate){ RATE, SEC, BURST };
	conf->all.expire_ns = (int64_t)(1 + draw(c, 10)) * 3600 * SEC;
	assert_null(latency_parse(str_of(PICK(c, latencies)), NULL, &conf->all.latency));
	return conf;
}

/* What a request or a rule asks for. NULL: nothing. */
static struct fate *
random_fate(struct chaos *c)
{
	if (draw(c, 2))
		return NULL;
	return world_fate(c->w->sim->plan->conf->outcomes, PICK(c, outcomes));
}

static const char *
random_to(struct chaos *c, char *text, size_t size)
{
	static const char *const locals[] = { "u{n}", "joe", "joe+greylisted=2", "user_unknown",
		"450-x", "u{n}+mailbox_full=3m" };

	if (draw(c, 5) == 0)
		return NULL;
	snprintf(text, size, "%s@%s", PICK(c, locals), PICK(c, domains));
	return text;
}

/* Recipients, one of them perhaps twice, of a mail that perhaps came before. */
static uint32_t
random_recipients(struct chaos *c, struct batch_mail *mail, struct str *to)
{
	static const char *const known[] = { "joe@a.test", "joe@b.test", "ann@plain.org",
		"bounce@c.example.net", "joe+greylisted=2@d.example.net", "postmaster" };
	static const char *const ids[] = { NULL, "mail1@x", "mail2@x", "mail3@x" };
	uint32_t n = 1 + (uint32_t)draw(c, draw(c, 4) ? 5 : RECIPIENTS), i;

	for (i = 0; i < n; i++)
		to[i] = str_of(PICK(c, known));
	mail->recipients = to;
	mail->n = n;
	mail->message_id = str_of(PICK(c, ids));
	mail->is_id_unkeyed = draw(c, 2) == 0;
	return n;
}

/* Perhaps there is room for all of it kept. */
static bool
is_reserved(struct chaos *c, uint64_t n)
{
	return draw(c, 4) == 0 && n <= intake_room(c->w->sim);
}

static void
chaos_send(struct chaos *c)
{
	static const char *const ids[] = { NULL, "a", "b", "c{n}", "all" };
	uint64_t first = draw(c, 50), slot = draw(c, OPEN);
	struct batch_request r = world_range(first, first + draw(c, 100));
	struct latency latency;
	struct str recipients[RECIPIENTS];
	struct batch_mail mail = { 0 };
	struct retry retry;
	uint64_t n;
	char to[64];

	if (c->open[slot])
		return;
	assert_null(latency_parse(str_of(PICK(c, latencies)), NULL, &latency));
	assert_null(retry_parse(str_of(PICK(c, retries)), &retry));
	r.is_range = draw(c, 2) == 0;
	n = r.is_range ? r.last - r.first + 1 : 1;
	if (!r.is_range && draw(c, 2))
		n = random_recipients(c, &mail, recipients);
	r.id = str_of(PICK(c, ids));
	r.to = str_of(random_to(c, to, sizeof to));
	r.is_reserved = is_reserved(c, n);
	r.is_gathered = draw(c, 4) == 0;
	r.concurrency = draw(c, 3) ? DELIVERY_UNLIMITED : 1 + draw(c, 5);
	if (draw(c, 4) == 0)
		r.rate = (struct rate){ 1 + draw(c, 20), SEC, draw(c, 5) };
	r.plan.latency = draw(c, 2) ? &latency : NULL;
	r.plan.retry = draw(c, 2) ? &retry : NULL;
	r.plan.expire_ns = draw(c, 2) ? -1 : (int64_t)draw(c, 3600) * SEC;
	r.plan.max_attempts = draw(c, 3) ? PLAN_UNSAID : draw(c, 4);
	r.plan.fate = random_fate(c);
	c->open[slot] = mail.n > 0 ? intake_open_mail(c->w->sim, c->w->owner, &r, &mail, NULL)
				   : intake_open(c->w->sim, c->w->owner, &r, NULL);
	fate_unref(r.plan.fate);
	c->n_requests++;
}

static void
chaos_accept(struct chaos *c)
{
	uint64_t slot = draw(c, OPEN);
	struct batch *b = c->open[slot];

	if (b && intake_accept(c->w->sim, b, (uint32_t)draw(c, 40)) == INTAKE_DONE) {
		intake_release(c->w->sim, b);
		c->open[slot] = NULL;
	}
}

typedef bool act_on(struct simulator *sim, struct selection *walk, const struct owner *only,
    uint32_t slice, uint64_t *count);

static void
chaos_act(struct chaos *c, act_on *act)
{
	struct selector s = { .kind = (enum selector_kind)draw(c, SELECT_OWN) };
	struct selection walk;
	uint64_t n = 0;

	s.text = str_of(s.kind == SELECT_TO ? "*@b.test" : "c9");
	s.number = draw(c, 50) + (s.kind == SELECT_SEQ ? c->w->sim->next_seq : 0);
	if (s.kind == SELECT_ALL && act == intake_cancel && draw(c, 10) > 0)
		return;
	selection_init(&walk, &c->w->sim->registry, &s, false);
	while (!act(c->w->sim, &walk, NULL, 3, &n))
		;
	selection_fini(&walk);
	c->n_requests++;
}

static void
chaos_rule(struct chaos *c)
{
	struct rule_request q = {
		.to = str_of(draw(c, 2) ? "*@b.test" : NULL),
		.fate = random_fate(c),
		.outcomes = c->w->sim->plan->conf->outcomes,
		.is_counted = draw(c, 2) == 0,
		.count = 1 + draw(c, 20),
	};

	if (draw(c, 4) == 0)
		rules_remove_all(&c->w->sim->rules);
	else if (q.fate)
		CHECK(c, rules_add(&c->w->sim->rules, &q) > 0);
	fate_unref(q.fate);
	c->n_requests++;
}

static void
chaos_reach(struct chaos *c)
{
	struct str name = str_of(draw(c, 5) ? PICK(c, domains) : "*.test");
	int64_t until_ns = clock_add(c->w->sim->now_ns, (int64_t)draw(c, 3600) * SEC);

	if (draw(c, 2))
		CHECK(c, delivery_set_down(c->w->sim, name, until_ns));
	else
		CHECK(c, delivery_set_up(c->w->sim, name));
	c->n_requests++;
}

static bool
is_open(const struct limiter *l, int64_t now_ns)
{
	return l->in_flight < l->concurrency && rate_is_open(&l->rate, &l->pace, 1, now_ns);
}

/* Whether all limits would let it go. */
static bool
could_go(struct simulator *sim, const struct message *m)
{
	struct str domain = address_domain(message_to(m, &sim->scratch_to));
	const struct lane_group *g =
	    message_batch(m)->group ? &message_batch(m)->group->lanes : &sim->lanes.common;
	const struct destination *d = NULL;

	if (domain_conf_is_limited(delivery_conf_find(sim->plan->conf, domain)))
		d = destinations_find(&sim->destinations, domain);
	return is_open(&sim->lanes.all, sim->now_ns) && is_open(&g->limiter, sim->now_ns) &&
	    (!d || is_open(&d->limiter, sim->now_ns));
}

/* When nothing more is to be done at this moment. */
static void
check_nobody_could_go(struct chaos *c)
{
	const struct registry *r = &c->w->sim->registry;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < r->n && n < c->w->sim->lanes.n_waiting; i++) {
		const struct batch *b = r->entries[i].batch;
		uint32_t index;

		for (index = 0; b && index < b->accepted; index++) {
			const struct message *m = batch_message(b, index);

			if (!m || m->state != STATE_WAITING)
				continue;
			CHECK(c, !could_go(c->w->sim, m));
			n++;
		}
	}
	CHECK(c, n == c->w->sim->lanes.n_waiting);
	c->n_held += n;
}

/* Brings everything up to date, as whoever asks for anything does first. */
static void
catch_up(struct chaos *c)
{
	while (!simulator_run(c->w->sim, c->w->real_ns, 1 + (uint32_t)draw(c, 500)))
		;
	CHECK(c, c->w->sim->now_ns >= c->now_ns);
	check_nobody_could_go(c);
	world_check(c->w);
}

static void
chaos_time(struct chaos *c)
{
	struct simulator *sim = c->w->sim;
	static const int64_t scales[] = { 0, CLOCK_SCALE_ONE, 1000 * CLOCK_SCALE_ONE };

	if (draw(c, 3) == 0)
		simulator_set_scale(sim, c->w->real_ns, PICK(c, scales), draw(c, 5) == 0);
	if (draw(c, 2))
		simulator_advance(
		    sim, c->w->real_ns, clock_add(sim->now_ns, (int64_t)draw(c, 1200) * SEC));
	else
		c->w->real_ns += (int64_t)draw(c, 800) * MS;
	if (sim->clock.is_max)
		simulator_jump(sim, c->w->real_ns, 100, false);
	c->n_requests++;
}

static void
chaos_reload(struct chaos *c)
{
	struct simulator_conf conf = c->w->sim->conf;

	conf.history = draw(c, 50);
	conf.delivery = random_delivery(c);
	/* the limits were others: what is under way may be more than they allow */
	world_configure(c->w, &conf);
	simulator_set_seed(c->w->sim, draw(c, 1000));
	c->n_requests++;
}

static void
release_all(struct chaos *c)
{
	int slot;

	for (slot = 0; slot < OPEN; slot++) {
		if (!c->open[slot])
			continue;
		intake_close(c->w->sim, c->open[slot]);
		if (draw(c, 2)) {
			intake_release(c->w->sim, c->open[slot]);
			c->open[slot] = NULL;
		}
	}
}

/* As the command does it. Some batches are still held by whoever reads their results. */
static void
chaos_reset(struct chaos *c)
{
	struct selector all = { .kind = SELECT_ALL };
	struct selection walk;
	uint64_t n = 0;
	int slot;

	release_all(c);
	selection_init(&walk, &c->w->sim->registry, &all, false);
	while (!intake_cancel(c->w->sim, &walk, NULL, 7, &n))
		;
	selection_fini(&walk);
	CHECK(c, c->n_final == c->n_accepted);
	c->now_ns = 0;
	simulator_reset(c->w->sim, c->w->real_ns, 0);
	for (slot = 0; slot < OPEN; slot++) {
		if (c->open[slot])
			intake_release(c->w->sim, c->open[slot]);
		c->open[slot] = NULL;
	}
	if (c->n_records > 0)
		memset(c->records, 0, c->n_records * sizeof c->records[0]);
	c->n_accepted = c->n_final = c->n_dispatched = 0;
	CHECK(c, c->w->sim->registry.n == 0);
	CHECK(c, c->w->sim->next_seq == 1);
	CHECK(c, c->w->sim->now_ns == WORLD_EPOCH);
	c->n_requests++;
}

static void
chaos_step(struct chaos *c)
{
	catch_up(c);
	switch (draw(c, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		chaos_send(c);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		chaos_accept(c);
		break;
	case 9:
		chaos_act(c, intake_cancel);
		break;
	case 10:
		chaos_act(c, intake_flush);
		break;
	case 11:
		chaos_rule(c);
		break;
	case 12:
		chaos_reach(c);
		break;
	case 13:
	case 14:
		chaos_time(c);
		break;
	default:
		if (draw(c, 8) == 0)
			chaos_reset(c);
		else
			chaos_reload(c);
		break;
	}
}

static uint64_t
run_chaos(uint64_t seed)
{
	struct simulator_conf conf = world_conf();
	struct chaos c = { .seed = seed, .random = seed };
	int step;

	conf.pending = 500;
	c.w = world_new(&conf, false);
	conf = c.w->sim->conf;
	conf.delivery = random_delivery(&c);
	world_configure(c.w, &conf);
	bus_subscribe(&c.w->sim->bus, EVENT_MASK_ALL, event_cb, &c);
	for (step = 0; step < STEPS; step++) {
		chaos_step(&c);
		c.w->events.len = 0;
	}
	catch_up(&c);
	chaos_reset(&c);
	world_check(c.w);
	world_free(c.w);
	free(c.records);
	/* else that nobody waits in vain says nothing */
	assert_true(c.n_held > 1000);
	return c.n_requests;
}

static void
test_chaos(void **state)
{
	const char *only = getenv("CHAOS_SEED");
	uint64_t seed, n = 0;

	(void)state;
	if (only) {
		run_chaos(strtoull(only, NULL, 10));
		return;
	}
	for (seed = 1; seed <= SEEDS; seed++)
		n += run_chaos(seed);
	printf("%lu requests in %d runs\n", n, SEEDS);
	assert_true(n >= 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chaos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
