/*
 * Owns wait: a watch, a timeout in real time, and the summary.
 */
#include <stdlib.h>

#include "front/line_client.h"

static void
end_cb(struct line_client *c)
{
	watch_stop(&c->task->watch);
	free(c->task->text);
}

static enum line_progress
step(struct line_client *c)
{
	struct line_task *t = c->task;
	const struct counts *counts = &t->watch.counts;

	switch (t->watch.status) {
	case WATCH_DONE:
		line_reply_summary(c, counts);
		return LINE_DONE;
	case WATCH_NOTHING:
		line_error(c, LINE_NOT_FOUND, "there is nothing to wait for");
		return LINE_DONE;
	case WATCH_PENDING:
		break;
	}
	if (!t->has_timed_out)
		return LINE_WAITING;
	line_error(c, LINE_TIMEOUT, "pending=%lu delivered=%lu", counts_pending(counts),
	    counts->state[STATE_DELIVERED]);
	return LINE_DONE;
}

void
line_wait(struct line_client *c, const struct line_options *o)
{
	struct selector s;
	bool is_given;

	if (!line_options_selector(c, o, o->word, &s, &is_given))
		return;
	if (!is_given)
		s = (struct selector){ .kind = SELECT_OWN, .owner = line_client_owner(c) };
	line_client_begin(c, step, end_cb)->text = line_keep_selector(&s);
	if (watch_start(&c->task->watch, c->front->sim, &s, o->goals, o->goal, line_client_watch_cb,
		c) == WATCH_PENDING &&
	    o->has_timeout)
		line_client_set_timeout(c, o->timeout_ns);
	line_client_start(c);
}
