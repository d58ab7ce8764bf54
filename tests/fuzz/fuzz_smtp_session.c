/*
 * Whole SMTP and LMTP sessions against the front, its connections and the simulator, all as in the
 * daemon but for the loop: that of hand_loop.c waits for nothing and reads no clock, so an input
 * always does the same.
 *
 * The first four octets choose the configuration, by their low bits so that they can be letters
 * ('@' is 0): see setup_read(). The rest is what the clients say, with orders between it, each a
 * tilde and one character:
 *
 *     ~~     a tilde                            ~h     the client half-closes
 *     ~|     what was said so far leaves        ~a     …or is gone at once; it may come again
 *     ~0…~2  on that connection from here on    ~n     …or reads no more, or again
 *     ~k     connects, and says nothing         ~l     the log is full, or is not any more
 *     ~m     10 ms pass                         ~g     the log is slow, or is not any more
 *     ~s     1 s                                ~x     all that is pending is cancelled
 *     ~t     31 s, more than the time-out       ~r     a reset
 *     ~u     10 min                             ~cXYZ  reload (see setup_change())
 *     ~d     the daemon drains
 *     ~f     …and ends
 *
 * What must hold, whatever comes:
 *
 *   - each reply is one and the answer to something (smtp_peer.c), and all that was sent whole is
 *     answered unless there is a reason to close without a word;
 *   - the ledger is balanced at each event, and events are lines;
 *   - what is accepted is what the answers to the ends of data promised, no more and no less, and
 *     such an answer leaves only when the log has what it promises;
 *   - the loop comes to rest; when all have gone nothing is left: no session, connection, alarm,
 *     owner, open batch or room kept for one;
 *   - the same said octet by octet (a long input: by a few) has the same replies.
 *
 * To run it on for long, with clang:
 *
 *     cmake -S . -B build/fuzz -G Ninja -DCMAKE_C_COMPILER=clang -DFUZZ=ON \
 *         -DSANITIZE=address,undefined && ninja -C build/fuzz fuzz_smtp_session
 *     mkdir -p build/found && build/fuzz/tests/fuzz_smtp_session -max_len=1024 -entropic=0 \
 *         -dict=tests/fuzz/smtp_session.dict -max_total_time=600 \
 *         build/found tests/fuzz/corpus/smtp_session
 *
 * What is new goes to the first folder. (To weigh inputs, as it does without -entropic=0, takes
 * libFuzzer ten times what a session takes.)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "core/intake.h"
#include "front/smtp_parse.h"
#include "front/smtp_session.h"
#include "hand_loop.h"
#include "io/conn_inside.h"
#include "smtp_peer.h"
#include "smtp_setup.h"

#define CLIENTS 3
#define CONNECTIONS_MAX 8 /* of one input */
#define INPUT_MAX 16384
#define MAILS_MAX 1024
#define TURNS_MAX 20000 /* until it must have come to rest */
#define STEPS_MAX 100   /* in which time passes */
#define SEND_OCTETS 8192
#define SINGLE_OCTETS \
	512 /* of which each leaves by itself; more than that leave by two or more \
	     */
#define MS TEXT_NS_PER_MS
#define SEC TEXT_NS_PER_S

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world;

struct client {
	struct world *w;
	int fd; /* -1: not connected */
	struct loop_event *event;
	bool is_closed;            /* by the server, and that was seen */
	bool is_deaf, was_deaf;    /* whoever was may have stalled, and lost any part of a reply */
	bool is_ending, has_ended; /* half-closed: wanted, done */
	struct buf unsent;
	struct smtp_peer peer;
	struct buf heard; /* on all of its connections */
};

/* A mail, by its number. */
struct mail {
	uint64_t accepted, promised;
	uint64_t log_at; /* where its last event is in the log */
};

struct world {
	struct setup setup;
	struct loop *loop;
	struct simulator *sim;
	struct smtp_front *front;
	struct gate gate;
	struct quota quota;
	struct present present;
	struct client clients[CLIENTS];
	struct client *c;
	unsigned n_connections;
	struct mail mails[MAILS_MAX];
	bool is_log_slow;
	bool is_closed;       /* to newcomers */
	bool may_drop;        /* there were reasons to close without a word… */
	bool may_hang;        /* …or not to answer… */
	bool may_lose;        /* …or to accept what is not promised to anybody */
	bool is_incomparable; /* what happens depends on how it is cut into pieces */
	size_t step;          /* octets that are said at once; 0: as many as there are */
};

/* What happened, to be the same again. */
struct outcome_of_run {
	struct buf heard[CLIENTS];
	struct counts counts;
	uint64_t n_rejected;
	bool is_incomparable;
};

/* A world is made and gone a thousand times a second. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "quarantine_size_mb=8";
}

static void
check_line(struct str line)
{
	size_t i;

	insist(text_is_utf8(line));
	for (i = 0; i < line.n; i++)
		insist((unsigned char)line.p[i] >= ' ' && line.p[i] != 0x7f);
}

static void
event_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	struct world *w = ctx;
	struct mail *mail;

	check_line(bus_text(bus, ev));
	check_line(bus_json(bus, ev));
	insist(counts_are_balanced(&w->sim->tally.counts));
	gate_promise(&w->gate, bus_text(bus, ev).n + 1, loop_now(w->loop));
	if (!ev->message || ev->kind != EVENT_QUEUED)
		return;
	insist(message_number(ev->message) < MAILS_MAX);
	mail = &w->mails[message_number(ev->message)];
	mail->accepted++;
	mail->log_at = w->gate.promised;
}

static void
promise_cb(void *ctx, uint64_t number, uint32_t n)
{
	struct client *c = ctx;
	struct mail *mail;

	insist(number > 0 && number < MAILS_MAX);
	mail = &c->w->mails[number];
	mail->promised += n;
	if (c->w->may_lose)
		return;
	insist(mail->promised <= mail->accepted);
	insist(c->peer.rules.is_lmtp || mail->promised == mail->accepted);
	insist(c->w->gate.is_open || c->w->gate.reached >= mail->log_at);
}

/* As app.c does it. */
static void
turn_end_cb(void *ctx)
{
	struct world *w = ctx;
	struct simulator *sim = w->sim;
	int64_t now = loop_now(w->loop);

	if (!simulator_run(sim, now, SIMULATOR_SLICE)) {
		if (!bus_is_congested(&sim->bus))
			loop_want_turn(w->loop);
	} else if (sim->clock.is_max && loop_was_idle(w->loop) && simulator_has_next(sim) &&
	    !bus_is_congested(&sim->bus) && !smtp_front_has_work(w->front)) {
		simulator_jump(sim, now, SIMULATOR_SLICE, smtp_front_wants_room(w->front));
	}
	smtp_front_work(w->front);
	if (!w->is_log_slow)
		gate_reach(&w->gate, w->gate.promised, now);
	gate_check(&w->gate, now);
	smtp_front_flush(w->front);
	if (sim->clock.is_max && simulator_has_next(sim) && !bus_is_congested(&sim->bus))
		loop_want_turn(w->loop);
}

static void
hang_up(struct client *c)
{
	c->unsent.len = 0;
	if (c->fd == -1)
		return;
	loop_remove(c->event);
	close(c->fd);
	c->fd = -1;
}

/* The server has closed: it must have had a reason. */
static void
note_end(struct client *c)
{
	const struct smtp_peer *p = &c->peer;
	struct str line = smtp_peer_unanswered(p);
	bool is_over = p->state == SMTP_PEER_OVER || p->state == SMTP_PEER_TLS;

	c->is_closed = true;
	insist(c->was_deaf || (!p->is_in_reply && (p->line.len == 0 || p->state == SMTP_PEER_TLS)));
	insist(is_over || c->w->may_drop || smtp_parse_is_http(line) ||
	    line.n > SMTP_LINE_MAX / 2 || (c->has_ended && smtp_peer_is_settled(p)));
	hang_up(c);
}

static void
hear_cb(void *ctx, enum loop_fd_event what)
{
	static char octets[65536];
	struct client *c = ctx;
	ssize_t n;

	(void)what;
	n = recv(c->fd, octets, sizeof octets, 0);
	if (n > 0)
		smtp_peer_take(&c->peer, (struct str){ octets, (size_t)n });
	else if (n == 0 || errno != EAGAIN)
		note_end(c);
}

static void
set_deaf(struct client *c, bool is_deaf)
{
	c->is_deaf = is_deaf;
	c->was_deaf |= is_deaf;
	c->peer.is_behind |= is_deaf;
	if (c->fd != -1)
		loop_fd_want(c->event, !is_deaf, false, 0);
}

/* What the server does not take has to wait; then it depends on pieces how much that is. */
static bool
say(struct client *c)
{
	ssize_t n;

	if (c->fd == -1)
		return false;
	if (c->unsent.len > 0) {
		n = send(c->fd, c->unsent.data, c->unsent.len, MSG_NOSIGNAL);
		if (n == -1) {
			c->w->is_incomparable = true;
			return false;
		}
		buf_add(&c->peer.sent, c->unsent.data, (size_t)n);
		buf_consume(&c->unsent, (size_t)n);
		c->w->is_incomparable |= c->unsent.len > 0;
		return true;
	}
	if (!c->is_ending || c->has_ended)
		return false;
	c->has_ended = true;
	shutdown(c->fd, SHUT_WR);
	return true;
}

/* Whether there is something to be done in the next one. */
static bool
turn(struct world *w)
{
	bool is_busy = false;
	int i;

	for (i = 0; i < CLIENTS; i++)
		is_busy |= say(&w->clients[i]);
	return hand_loop_turn(w->loop) || is_busy;
}

static void
rest(struct world *w)
{
	int turns = 0;

	while (turn(w))
		insist(++turns < TURNS_MAX);
}

/* All that is due on the way happens at its time. */
static void
pass(struct world *w, int64_t ns)
{
	int64_t until = loop_now(w->loop) + ns, next, due;
	int steps;

	for (steps = 0; loop_now(w->loop) < until; steps++) {
		due = simulator_deadline(w->sim);
		next = hand_loop_next(w->loop);
		if (due < next && !bus_is_congested(&w->sim->bus))
			next = due;
		if (next <= loop_now(w->loop))
			next = loop_now(w->loop) + MS;
		if (next > until || steps > STEPS_MAX)
			next = until;
		hand_loop_pass(w->loop, next - loop_now(w->loop));
		rest(w);
	}
	if (!clock_is_running(&w->sim->clock)) {
		simulator_advance(w->sim, until, clock_add(w->sim->now_ns, ns));
		rest(w);
	}
}

static void
connect_client(struct client *c)
{
	struct world *w = c->w;
	int pair[2], octets = SEND_OCTETS;

	if (c->fd != -1 || c->is_closed || w->is_closed || w->n_connections == CONNECTIONS_MAX)
		return;
	w->n_connections++;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == -1 ||
	    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets) == -1)
		abort();
	c->fd = pair[0];
	c->event = loop_add_fd(w->loop, c->fd, hear_cb, c);
	set_deaf(c, false);
	c->peer.is_behind = w->is_log_slow;
	c->peer.rules = w->setup.rules;
	c->peer.promise_cb = promise_cb;
	c->peer.ctx = c;
	if (w->setup.rules.is_lmtp)
		smtp_front_accept_lmtp(w->front, pair[1]);
	else
		smtp_front_accept(w->front, pair[1]);
	rest(w);
}

static void
disconnect(struct client *c)
{
	if (c->fd != -1) {
		c->w->may_lose |= !smtp_peer_is_settled(&c->peer);
		/* what is still to leave, on either side, may have been more or less */
		c->w->is_incomparable |= c->unsent.len > 0 || c->w->is_log_slow;
	}
	hang_up(c);
	buf_printf(&c->heard, "%.*s---\n", STR_ARG(buf_str(&c->peer.replies)));
	smtp_peer_fini(&c->peer);
	c->peer = (struct smtp_peer){ 0 };
	c->is_closed = c->is_deaf = c->was_deaf = c->is_ending = c->has_ended = false;
}

static void
speak(struct world *w, struct str octets)
{
	struct client *c = w->c;
	size_t i, step = w->step > 0 ? w->step : octets.n;

	if (octets.n == 0 || c->is_ending)
		return;
	connect_client(c);
	for (i = 0; i < octets.n && c->fd != -1; i += step) {
		buf_add_str(&c->unsent, str_head(str_from(octets, i), step));
		turn(w);
	}
	rest(w);
}

static void
cancel_all(struct world *w)
{
	struct selector all = { .kind = SELECT_ALL };
	struct selection walk;
	uint64_t n = 0;

	w->may_lose |= !list_is_empty(&w->sim->registry.open);
	bus_set_congested(&w->sim->bus, false);
	selection_init(&walk, &w->sim->registry, &all, false);
	while (!intake_cancel(w->sim, &walk, NULL, SMTP_SLICE, &n))
		;
	selection_fini(&walk);
}

/* Numbers begin anew: what is still on its way to a client is of those before. */
static void
reset(struct world *w)
{
	int i;

	w->sim->is_resetting = true;
	rest(w);
	for (i = 0; i < CLIENTS; i++)
		w->may_lose |= w->clients[i].fd != -1 && !smtp_peer_is_settled(&w->clients[i].peer);
	cancel_all(w);
	insist(counts_pending(&w->sim->tally.counts) == 0);
	simulator_reset(w->sim, loop_now(w->loop), 0);
	memset(w->mails, 0, sizeof w->mails);
	w->sim->is_resetting = false;
	rest(w);
}

static void
note_setup(struct world *w)
{
	w->may_drop |= w->setup.may_drop || w->setup.smtp.mode == SMTP_INBAND;
	w->may_hang |= w->setup.smtp.mode == SMTP_INBAND;
	w->may_lose |= w->setup.may_lose;
}

static void
reload(struct world *w, const uint8_t *octets)
{
	setup_change(&w->setup, octets);
	note_setup(w);
	smtp_front_configure(w->front, &w->setup.smtp);
	simulator_run(w->sim, loop_now(w->loop), SIMULATOR_SLICE);
	simulator_configure(w->sim, &w->setup.simulator);
	rest(w);
}

static void
slow_log(struct world *w, bool is_slow)
{
	int i;

	w->is_log_slow = is_slow;
	for (i = 0; i < CLIENTS; i++)
		w->clients[i].peer.is_behind |= is_slow;
}

/* An order that is about time, the log or the daemon. */
static void
obey(struct world *w, char order)
{
	switch (order) {
	case 'm':
		pass(w, 10 * MS);
		break;
	case 's':
		pass(w, SEC);
		break;
	case 't':
		pass(w, 31 * SEC);
		break;
	case 'u':
		pass(w, 600 * SEC);
		break;
	case 'l':
		bus_set_congested(&w->sim->bus, !bus_is_congested(&w->sim->bus));
		break;
	case 'g':
		slow_log(w, !w->is_log_slow);
		break;
	case 'x':
		cancel_all(w);
		break;
	case 'r':
		reset(w);
		break;
	case 'd':
	case 'f':
		w->is_closed = w->may_lose = w->sim->is_draining = true;
		if (order == 'f')
			smtp_front_finish(w->front);
		break;
	default:
		break;
	}
	rest(w);
}

/* An order that is about the client. */
static bool
obey_client(struct world *w, char order)
{
	struct client *c = w->c;

	if (order >= '0' && order < '0' + CLIENTS)
		w->c = &w->clients[order - '0'];
	else if (order == 'k')
		connect_client(c);
	else if (order == 'h')
		c->is_ending = c->fd != -1;
	else if (order == 'a')
		disconnect(c);
	else if (order == 'n' && c->fd != -1)
		set_deaf(c, !c->is_deaf);
	else
		return false;
	/* what it has not read when it stalls, or goes, is for the kernel to say */
	if (order == 'n')
		w->is_incomparable = w->may_drop = w->may_lose = true;
	rest(w);
	return true;
}

static void
play(struct world *w, const uint8_t *p, const uint8_t *end)
{
	struct buf octets = { 0 };

	while (p < end) {
		if (*p != '~' || end - p < 2) {
			buf_add_char(&octets, (char)*p++);
			continue;
		}
		p += 2;
		if (p[-1] == '~') {
			buf_add_char(&octets, '~');
			continue;
		}
		speak(w, buf_str(&octets));
		octets.len = 0;
		if (p[-1] == 'c' && end - p >= 3) {
			reload(w, p);
			p += 3;
		} else if (!obey_client(w, (char)p[-1])) {
			obey(w, (char)p[-1]);
		}
	}
	speak(w, buf_str(&octets));
	buf_fini(&octets);
}

/* Nothing keeps anything waiting any more. */
static void
let_all_end(struct world *w)
{
	int i;

	bus_set_congested(&w->sim->bus, false);
	w->is_log_slow = false;
	for (i = 0; i < CLIENTS; i++)
		set_deaf(&w->clients[i], false);
	rest(w);
	simulator_set_scale(w->sim, loop_now(w->loop), 0, true);
	rest(w);
	insist(counts_pending(&w->sim->tally.counts) == 0);
	for (i = 0; i < CLIENTS; i++)
		if (w->clients[i].fd != -1 && !w->may_hang)
			insist(smtp_peer_is_settled(&w->clients[i].peer));
}

static void
let_all_go(struct world *w)
{
	int i;

	for (i = 0; i < CLIENTS; i++) {
		w->is_incomparable |= w->clients[i].peer.state == SMTP_PEER_TLS;
		if (w->clients[i].fd != -1 || w->clients[i].peer.replies.len > 0)
			disconnect(&w->clients[i]);
	}
	rest(w);
	/* who waits is looked at every ten seconds */
	pass(w, 11 * SEC);
}

static void
check_nothing_is_left(struct world *w)
{
	const struct simulator *sim = w->sim;

	insist(list_is_empty(&w->front->sessions));
	insist(list_is_empty(&w->front->conns->all));
	insist(!smtp_front_has_output(w->front) && !smtp_front_has_work(w->front));
	insist(w->quota.n == 0 && w->front->n_refused == 0);
	insist(alarms_next(&sim->alarms) == CLOCK_NEVER);
	insist(list_is_empty(&sim->registry.open) && sim->reserved == 0);
	insist(sim->schedule.n == 0 && sim->lanes.n_waiting == 0);
	w->setup.simulator.history = 0;
	simulator_configure(w->sim, &w->setup.simulator);
	insist(list_is_empty(&sim->owners));
}

static void
check_ledger(const struct world *w)
{
	const struct counts *counts = &w->sim->tally.counts;
	uint64_t sum = 0;
	int i;

	for (i = 0; i < MAILS_MAX; i++) {
		sum += w->mails[i].accepted;
		insist(w->may_lose || w->may_hang || w->mails[i].accepted == w->mails[i].promised);
	}
	insist(counts_are_balanced(counts));
	insist(counts->accepted == sum && counts_final(counts) == sum);
}

static void
begin(struct world *w, const uint8_t *octets)
{
	int i;

	setup_read(&w->setup, octets);
	note_setup(w);
	w->is_incomparable = w->setup.clock.is_max;
	w->loop = loop_new();
	loop_set_turn_end(w->loop, turn_end_cb, w);
	w->sim = simulator_new(&w->setup.simulator, &w->setup.clock, 1, 2, loop_now(w->loop), 0);
	bus_subscribe(&w->sim->bus, EVENT_MASK_ALL, event_cb, w);
	w->quota.max = w->setup.connections;
	w->present = (struct present){ .loop = w->loop, .sim = w->sim };
	w->front =
	    smtp_front_new(w->loop, w->sim, &w->gate, &w->quota, &w->present, &w->setup.smtp);
	for (i = 0; i < CLIENTS; i++) {
		w->clients[i].w = w;
		w->clients[i].fd = -1;
	}
	w->c = &w->clients[0];
}

static void
end(struct world *w, struct outcome_of_run *out)
{
	int i;

	out->counts = w->sim->tally.counts;
	out->n_rejected = w->sim->n_rejected;
	out->is_incomparable = w->is_incomparable;
	smtp_front_free(w->front);
	simulator_free(w->sim);
	loop_free(w->loop);
	for (i = 0; i < CLIENTS; i++) {
		out->heard[i] = w->clients[i].heard;
		buf_fini(&w->clients[i].unsent);
		smtp_peer_fini(&w->clients[i].peer);
	}
}

static void
run(const uint8_t *data, size_t size, size_t step, struct outcome_of_run *out)
{
	static struct world w;

	w = (struct world){ .step = step };
	begin(&w, data);
	play(&w, data + SETUP_OCTETS, data + size);
	let_all_end(&w);
	let_all_go(&w);
	check_nothing_is_left(&w);
	check_ledger(&w);
	end(&w, out);
}

static void
compare(const struct outcome_of_run *a, const struct outcome_of_run *b)
{
	int i;

	for (i = 0; i < CLIENTS; i++) {
		if (!str_eq(buf_str(&a->heard[i]), buf_str(&b->heard[i])))
			fprintf(stderr, "in pieces:\n%.*s\noctet by octet:\n%.*s\n",
			    STR_ARG(buf_str(&a->heard[i])), STR_ARG(buf_str(&b->heard[i])));
		insist(str_eq(buf_str(&a->heard[i]), buf_str(&b->heard[i])));
	}
	insist(memcmp(a->counts.state, b->counts.state, sizeof a->counts.state) == 0);
	insist(a->counts.accepted == b->counts.accepted);
	insist(a->n_rejected == b->n_rejected);
}

static void
forget(struct outcome_of_run *r)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		buf_fini(&r->heard[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome_of_run whole, octets;

	if (size < SETUP_OCTETS || size > INPUT_MAX)
		return 0;
	run(data, size, 0, &whole);
	if (!whole.is_incomparable) {
		run(data, size, 1 + size / SINGLE_OCTETS, &octets);
		if (!octets.is_incomparable)
			compare(&whole, &octets);
		forget(&octets);
	}
	forget(&whole);
	return 0;
}
