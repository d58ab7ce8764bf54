/*
 * Owns what systemd hands in, and what it is told of the daemon, and when. The status text is
 * looked at when a turn of the loop ends and a second has passed since the last look, so a busy
 * daemon writes it once a second and one that rests is not woken for it.
 */
#include "service.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "back/notify.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#define LOOK_NS TEXT_NS_PER_S

struct service {
	struct loop *loop;
	service_look *look_cb;
	void *ctx;
	struct loop_event *watchdog_timer, *look_timer;
	struct buf text, told; /* what the status is, and as it was told; terminated */
	struct buf problems;   /* of the last reload */
	bool is_ready;         /* and somebody listens */
	bool is_resting;       /* the last look is not a second ago */
	bool is_last;          /* the turn is there for a last look only */
};

bool
service_take_sockets(
    struct service_sockets *out, const char *const *names, unsigned n_names, struct buf *why)
{
	int n = notify_sockets(names, n_names, &out->fds, &out->kinds), i;

	out->n = n > 0 ? (unsigned)n : 0;
	if (n < 0)
		buf_add_str(why, str_of(strerror(-n)));
	for (i = 0; i < n; i++) {
		if (out->kinds[i] < n_names)
			continue;
		buf_add_lit(why, "a socket was handed in whose FileDescriptorName is none of");
		for (unsigned k = 0; k < n_names; k++)
			buf_printf(why, " %s", names[k]);
		return false;
	}
	return n >= 0;
}

void
service_sockets_fini(struct service_sockets *sockets)
{
	free(sockets->fds);
	free(sockets->kinds);
}

struct listener_set *
service_listen(struct loop *loop, const struct listener_conf *conf,
    const struct service_sockets *sockets, unsigned kind, const char *name, struct str refusal,
    struct buf *why)
{
	int *fds = mem_alloc_array(sockets->n + 1, sizeof *fds);
	struct listener_set *set;
	unsigned n = 0, i;

	for (i = 0; i < sockets->n; i++)
		if (sockets->kinds[i] == kind)
			fds[n++] = sockets->fds[i];
	set = n > 0 ? listener_adopt(loop, fds, n, name, refusal, why)
		    : listener_open(loop, conf, name, refusal, why);
	free(fds);
	return set;
}

static void
watchdog_cb(void *ctx)
{
	struct service *s = ctx;

	notify_watchdog();
	loop_timer_at(
	    s->watchdog_timer, clock_add(loop_read_clock(s->loop), notify_watchdog_interval()));
}

static void
look_cb(void *ctx)
{
	struct service *s = ctx;

	s->is_resting = false;
	s->is_last = true;
}

struct service *
service_new(struct loop *loop, service_look *look, void *ctx)
{
	struct service *s = mem_alloc(sizeof *s);

	s->loop = loop;
	s->look_cb = look;
	s->ctx = ctx;
	s->watchdog_timer = loop_add_timer(loop, watchdog_cb, s);
	s->look_timer = loop_add_timer(loop, look_cb, s);
	return s;
}

void
service_free(struct service *s)
{
	if (!s)
		return;
	loop_remove(s->watchdog_timer);
	loop_remove(s->look_timer);
	buf_fini(&s->text);
	buf_fini(&s->told);
	buf_fini(&s->problems);
	free(s);
}

void
service_format_status(struct buf *b, const struct service_view *view, struct str problems)
{
	const uint64_t *state = view->counts->state;

	if (problems.n > 0) {
		struct str first = str_head(problems, str_find(problems, '\n'));

		buf_printf(b, "reload failed, nothing has changed: %.*s; ", STR_ARG(first));
	}
	buf_printf(b,
	    "%s; pending=%" PRIu64 " delivered=%" PRIu64 " bounced=%" PRIu64 " expired=%" PRIu64
	    " dropped=%" PRIu64 " cancelled=%" PRIu64 " connections=%" PRIu64,
	    view->doing, counts_pending(view->counts), state[STATE_DELIVERED], state[STATE_BOUNCED],
	    state[STATE_EXPIRED], state[STATE_DROPPED], state[STATE_CANCELLED], view->connections);
}

/* Gives whether there was anything to be told. */
static bool
tell_status(struct service *s)
{
	struct service_view view;
	struct buf swapped;

	s->look_cb(s->ctx, &view);
	s->text.len = 0;
	service_format_status(&s->text, &view, buf_str(&s->problems));
	buf_add_char(&s->text, '\0');
	if (str_eq(buf_str(&s->text), buf_str(&s->told)))
		return false;
	notify_status(s->text.data);
	swapped = s->told;
	s->told = s->text;
	s->text = swapped;
	return true;
}

void
service_update(struct service *s)
{
	if (!s->is_ready || s->is_resting)
		return;
	if (tell_status(s) || !s->is_last) {
		s->is_resting = true;
		loop_timer_at(s->look_timer, clock_add(loop_read_clock(s->loop), LOOK_NS));
	}
	s->is_last = false;
}

void
service_ready(struct service *s)
{
	notify_ready();
	s->is_ready = notify_is_wanted();
	if (s->is_ready)
		tell_status(s);
	if (notify_watchdog_interval() > 0)
		watchdog_cb(s);
}

void
service_reloading(struct service *s)
{
	(void)s;
	notify_reloading();
}

void
service_reloaded(struct service *s, struct str problems)
{
	s->problems.len = 0;
	buf_add_str(&s->problems, problems);
	if (s->is_ready)
		tell_status(s);
	notify_ready();
}

void
service_stopping(struct service *s, int64_t at_most_ns)
{
	notify_stopping(at_most_ns);
	if (s->is_ready)
		tell_status(s);
}
