/*
 * Owns send and gather: a request is opened, accepted in slices as there is room, answered, and for
 * gather waited for and listed as the client reads.
 */
#include "base/text.h"
#include "core/address.h"
#include "core/intake.h"
#include "core/magic.h"
#include "front/line_client.h"

/* The ids of what was accepted: "7", "0..9", quoted as a whole where it must be. */
static void
add_ids(struct line_front *front, const struct batch *batch, uint32_t first)
{
	struct str id = batch_id_at(batch, first, &front->part);
	struct buf ids = { 0 }, last = { 0 };

	if (batch->accepted - first == 1 || (batch->id.p && !batch->has_id_number)) {
		text_add_value(&front->reply, id);
		return;
	}
	buf_add_str(&ids, id);
	buf_add_lit(&ids, "..");
	buf_add_str(&ids, batch_id_at(batch, batch->accepted - 1, &last));
	text_add_value(&front->reply, buf_str(&ids));
	buf_fini(&ids);
	buf_fini(&last);
}

static void
reply_queued(struct line_client *c, const struct batch *batch, uint32_t first)
{
	uint32_t accepted = batch->accepted - first;
	struct buf *b = line_begin_reply(c);

	buf_add_lit(b, "+OK queued=");
	buf_add_u64(b, accepted);
	if (accepted > 0) {
		buf_add_lit(b, " ids=");
		add_ids(c->front, batch, first);
	}
	buf_add_lit(b, " batch=");
	buf_add_u64(b, batch_number_at(batch, first));
	if (accepted > 0) {
		buf_add_lit(b, " seq=");
		buf_add_u64(b, batch->first_seq + first);
	}
	if (accepted > 1) {
		buf_add_lit(b, "..");
		buf_add_u64(b, batch->first_seq + first + accepted - 1);
	}
	line_reply_buf(c, b);
}

/* "* 3 delivered code=250 dsn=2.0.0 attempts=1 delay=1.000s" */
static void
tell_result(struct line_client *c, const struct message *m)
{
	const struct outcome *outcome = message_outcome(m);
	struct buf *b = line_begin_reply(c);

	buf_add_lit(b, "* ");
	text_add_value(b, message_id(m, &c->front->part));
	buf_add_char(b, ' ');
	buf_add_str(b, str_of(message_state_names[m->state]));
	if (outcome->code != 0) {
		buf_add_lit(b, " code=");
		buf_add_u64(b, outcome->code);
	}
	if (outcome->dsn) {
		buf_add_lit(b, " dsn=");
		buf_add_str(b, str_of(outcome->dsn));
	}
	buf_add_lit(b, " attempts=");
	buf_add_u64(b, m->attempt);
	buf_add_lit(b, " delay=");
	text_format_seconds(b, message_delay(m), 3);
	buf_add_char(b, 's');
	line_reply_buf(c, b);
}

static void
end_cb(struct line_client *c)
{
	if (c->task->is_watching)
		watch_stop(&c->task->watch);
	intake_release(c->front->sim, c->task->batch);
}

static enum line_progress
list_results(struct line_client *c)
{
	struct line_task *t = c->task;

	t->is_answering = true;
	for (; t->index < t->batch->accepted; t->index++) {
		if (line_client_is_full(c))
			return LINE_WAITING; /* woken when the client has read */
		tell_result(c, batch_message(t->batch, t->index));
	}
	line_reply_summary(c, &t->batch->group->tally.counts);
	return LINE_DONE;
}

/* All of it is accepted: now until all of it is final, and then the list. */
static enum line_progress
gather_step(struct line_client *c)
{
	struct line_task *t = c->task;

	if (!c->conn)
		return LINE_DONE;
	/* after a reset its number may be another's */
	if (t->batch->is_detached)
		return list_results(c);
	if (!t->is_watching) {
		struct selector s = { .kind = SELECT_BATCH, .number = t->batch->number };

		t->is_watching = true;
		watch_start(&t->watch, c->front->sim, &s, 0, NULL, line_client_watch_cb, c);
	}
	return t->watch.status == WATCH_PENDING ? LINE_WAITING : list_results(c);
}

static enum line_progress
accept_step(struct line_client *c)
{
	struct line_task *t = c->task;

	switch (intake_accept(c->front->sim, t->batch, LINE_SLICE)) {
	case INTAKE_MORE:
		return LINE_AGAIN;
	case INTAKE_NO_ROOM:
		return LINE_NO_ROOM;
	case INTAKE_CONGESTED:
		return LINE_CONGESTED;
	case INTAKE_DRAINING:
		line_error(c, LINE_DRAINING, "accepted=%u", t->batch->accepted - t->first);
		return LINE_DONE;
	case INTAKE_DONE:
		break;
	}
	if (t->is_gather) {
		t->step = gather_step;
		t->outlives_client = false;
		return gather_step(c);
	}
	reply_queued(c, t->batch, t->first);
	return LINE_DONE;
}

/* What the table of keys cannot check: lengths after {n} is filled in, and the limits. */
static const char *
check(const struct line_options *o, const struct simulator *sim)
{
	uint64_t last = o->has_range ? o->last : 0;

	if (o->word.p && o->id.p)
		return "there is a second id";
	if (o->word.n > INTAKE_ID_MAX)
		return "the id is longer than 255 octets";
	if (o->has_range &&
	    (o->last - o->first >= sim->conf.range || o->last - o->first >= UINT32_MAX))
		return "the range is longer than limits.range";
	if (o->has_range && batch_expanded_length(o->id, last) > INTAKE_ID_MAX)
		return "the ids get longer than 255 octets";
	if (o->has_range && batch_expanded_length(o->to, last) > INTAKE_ADDRESS_MAX)
		return "the addresses get longer than 320 octets";
	if (o->size > INTAKE_SIZE_MAX)
		return "the size is beyond measure";
	return NULL;
}

/* Whether what the addresses say of their outcomes can be understood: for a range, that of its ends
 * stands for all, since only a number differs. False when an error was answered. */
static bool
check_magic(struct line_client *c, const struct line_options *o)
{
	const struct delivery_conf *conf = c->front->sim->plan->conf;
	struct buf to = { 0 }, why = { 0 };
	bool is_good = true;
	struct fate_step step;
	int end;

	for (end = 0; is_good && o->to.p && end < (o->has_range ? 2 : 1); end++) {
		to.len = 0;
		if (o->has_range)
			batch_expand(&to, o->to, end == 0 ? o->first : o->last);
		else
			buf_add_str(&to, o->to);
		is_good = !delivery_conf_is_magic(conf, address_domain(buf_str(&to))) ||
		    magic_read(conf->outcomes, buf_str(&to), &step, &why) != MAGIC_MALFORMED;
	}
	if (!is_good)
		line_error(c, LINE_BAD_ARGUMENT, "to: the tag %.*s", STR_ARG(buf_str(&why)));
	buf_fini(&to);
	buf_fini(&why);
	return is_good;
}

static struct batch *
open_batch(struct line_client *c, const struct line_options *o, bool is_gather, uint32_t *first)
{
	struct batch_request r = {
		.id = o->word.p ? o->word : o->id,
		.to = o->to,
		.from = o->from,
		.is_range = o->has_range,
		.first = o->first,
		.last = o->last,
		.size = o->size,
		.concurrency = o->concurrency,
		.rate = o->rate,
		.is_gathered = is_gather,
		.is_reserved = o->is_full_error,
		.plan = {
			.latency = o->has_latency ? &o->latency : NULL,
			.connect = o->has_connect ? &o->connect : NULL,
			.fate = o->fate,
			.retry = o->has_retry ? &o->retry : NULL,
			.expire_ns = o->expire_ns,
			.max_attempts = o->max_attempts,
		},
	};

	return intake_open(c->front->sim, line_client_owner(c), &r, first);
}

static void
run(struct line_client *c, const struct line_options *o, bool is_gather)
{
	struct simulator *sim = c->front->sim;
	const char *why = check(o, sim);
	uint64_t count = o->has_range ? o->last - o->first + 1 : 1;
	struct line_task *t;
	struct batch *batch;
	uint32_t first = 0;

	if (why) {
		line_error(c, LINE_BAD_ARGUMENT, "%s", why);
		return;
	}
	if (sim->is_draining) {
		line_error(c, LINE_DRAINING, "the daemon stops");
		return;
	}
	if (o->is_full_error && count > intake_room(sim)) {
		line_error(c, LINE_BUSY, "there is room for %lu messages", intake_room(sim));
		return;
	}
	if (!o->fate && !check_magic(c, o))
		return;
	batch = open_batch(c, o, is_gather, &first);
	t = line_client_begin(c, accept_step, end_cb);
	t->needs_current = true;
	t->outlives_client = true;
	t->batch = batch;
	t->first = first;
	t->is_gather = is_gather;
	line_client_start(c);
}

void
line_send(struct line_client *c, const struct line_options *o)
{
	run(c, o, false);
}

void
line_gather(struct line_client *c, const struct line_options *o)
{
	run(c, o, true);
}
