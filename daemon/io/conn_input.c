/*
 * Owns what becomes of input: lines, or octets for a front that makes its own sense of them. What
 * is given is given from the shared read buffer, and only what is left over is copied and kept.
 * Invariant: what is kept is not given before its front wants more, and never out of order.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "io/conn_inside.h"

/* Remembers how the line began and how it ends so far. */
static void
skip(struct conn *c, struct str s)
{
	struct conn_skipped *k;
	size_t head, tail, kept;

	if (!c->skipped)
		c->skipped = mem_alloc(sizeof *c->skipped);
	k = c->skipped;
	head = CONN_EDGE - k->n_head < s.n ? CONN_EDGE - k->n_head : s.n;
	memcpy(k->head + k->n_head, s.p, head);
	k->n_head += head;
	/* of the tail so far, what still fits in front of the new one */
	tail = s.n < CONN_EDGE ? s.n : CONN_EDGE;
	kept = k->n_tail < CONN_EDGE - tail ? k->n_tail : CONN_EDGE - tail;
	memmove(k->tail, k->tail + k->n_tail - kept, kept);
	memcpy(k->tail + kept, s.p + s.n - tail, tail);
	k->n_tail = kept + tail;
}

static void
end_skipping(struct conn *c)
{
	struct conn_skipped *k = c->skipped;

	c->skipped = NULL;
	c->set->handler->overlong(
	    c->ctx, (struct str){ k->head, k->n_head }, (struct str){ k->tail, k->n_tail });
	free(k);
}

/* Gives the lines in s as long as they are wanted; how much of it was used. */
static size_t
give_lines(struct conn *c, struct str s)
{
	size_t used = 0;

	while (used < s.n && conn_may_give(c)) {
		struct str rest = str_from(s, used);
		size_t n = str_find(rest, '\n');
		bool has_end = n < rest.n;

		if (c->skipped || n + has_end > c->set->limits.line_octets) {
			skip(c, str_head(rest, n));
			used += n + has_end;
			if (has_end)
				end_skipping(c);
		} else if (has_end) {
			used += n + 1;
			if (n > 0 && rest.p[n - 1] == '\r')
				n--;
			c->set->handler->line(c->ctx, str_head(rest, n), true);
		} else {
			break;
		}
	}
	return used;
}

/* Gives octets as long as some of them are used; how many were. */
static size_t
give_octets(struct conn *c, struct str s)
{
	size_t used = 0, n = 1;

	while (used < s.n && n > 0 && conn_may_give(c)) {
		n = c->set->handler->octets(c->ctx, str_from(s, used));
		used += n;
	}
	/* one that wants more than may be kept would wait for ever */
	if (n == 0 && s.n - used > c->set->limits.line_octets && conn_may_give(c))
		conn_die_and_tell(c);
	return used;
}

static size_t
give(struct conn *c, struct str s)
{
	return c->set->handler->octets ? give_octets(c, s) : give_lines(c, s);
}

/* The input has ended and all that is whole is given: what is left is a line without its end. */
static void
give_end(struct conn *c)
{
	if (c->skipped) {
		end_skipping(c);
	} else if (c->in.len > 0 && !c->set->handler->octets) {
		struct buf last = c->in;

		c->in = (struct buf){ 0 };
		c->set->handler->line(c->ctx, buf_str(&last), false);
		buf_fini(&last);
	}
	if (c->is_dead || c->is_finishing)
		return;
	c->is_ended = true;
	c->set->handler->ended(c->ctx);
}

static bool
has_whole_line(const struct conn *c)
{
	return !c->set->handler->octets && c->in.len > 0 &&
	    memchr(c->in.data, '\n', c->in.len) != NULL;
}

void
conn_want_lines(struct conn *c)
{
	c->wants_lines = true;
	conn_want_work(c);
	loop_want_turn(c->set->loop);
}

void
conn_give_saved(struct conn *c)
{
	if (c->yielded == (uint32_t)loop_turn(c->set->loop)) {
		conn_want_lines(c);
		return;
	}
	c->wants_lines = false;
	if (!conn_may_give(c) || (c->in.len == 0 && !c->is_at_end))
		return;
	if (!c->set->handler->ready(c->ctx)) {
		/* asked again next turn, whenever that is */
		c->wants_lines = true;
		conn_want_work(c);
		return;
	}
	buf_consume(&c->in, give(c, buf_str(&c->in)));
	if (c->in.len == 0 || c->is_starting_tls)
		buf_fini(&c->in);
	if (c->is_at_end && !c->is_ended && conn_may_give(c) && !has_whole_line(c))
		give_end(c);
}

static void
take_lines(struct conn *c, struct str s)
{
	size_t used = 0;

	if (c->in.len == 0 && c->set->handler->ready(c->ctx))
		used = give_lines(c, s);
	if (c->is_dead)
		return;
	buf_add_str(&c->in, str_from(s, used));
	if (used == 0)
		conn_give_saved(c);
}

static void
take_octets(struct conn *c, struct str s)
{
	bool is_given = c->in.len == 0 && c->set->handler->ready(c->ctx);
	size_t used = is_given ? give_octets(c, s) : 0;

	if (c->is_dead)
		return;
	if (c->is_starting_tls)
		used = s.n;
	buf_add_str(&c->in, str_from(s, used));
	if (c->in.len == 0)
		buf_fini(&c->in);
	else if (!is_given)
		conn_give_saved(c);
}

void
conn_take_input(struct conn *c, struct str s)
{
	c->last_input_ns = loop_now(c->set->loop);
	if (c->set->handler->octets)
		take_octets(c, s);
	else
		take_lines(c, s);
}
