/*
 * Owns the ways in and how many connections they may have between them. One row per kind of
 * listener says what it is called and what a newcomer is told when there is no room.
 */
#include "fronts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "io/descriptors.h"
#include "service.h"

#define FD_RESERVE 96 /* descriptors for other things than clients */

struct front_row {
	const char *name; /* of the key in [listen], of systemd's sockets and in the ready line */
	struct str refusal;
};

static const struct front_row rows[FRONT_KINDS] = {
	[FRONT_LINE] = { "line", STR_INIT(LINE_REFUSAL) },
	[FRONT_SMTP] = { "smtp", STR_INIT(SMTP_REFUSAL) },
	[FRONT_LMTP] = { "lmtp", STR_INIT(SMTP_REFUSAL) },
};

/* No more connections than there are descriptors for. */
static void
set_quota(struct fronts *f, const struct settings *s)
{
	uint64_t descriptors = descriptors_raise_limit();
	uint64_t possible = descriptors > FD_RESERVE + 1 ? descriptors - FD_RESERVE : 1;

	f->quota.max = s->connections;
	if (f->quota.max > possible) {
		diag_warning("limits.connections is %lu, but %lu descriptors allow only %lu",
		    f->quota.max, descriptors, possible);
		f->quota.max = possible;
	}
}

static bool
open_listeners(struct fronts *f, const struct listen_section *listen, struct buf *why)
{
	const char *addresses[FRONT_KINDS] = { listen->line, listen->smtp, listen->lmtp };
	const char *names[FRONT_KINDS];
	struct service_sockets sockets = { 0 };
	bool is_good;
	unsigned i;

	for (i = 0; i < FRONT_KINDS; i++)
		names[i] = rows[i].name;
	is_good = service_take_sockets(&sockets, names, FRONT_KINDS, why);
	for (i = 0; i < FRONT_KINDS && is_good; i++) {
		const struct listener_conf conf = { addresses[i], listen->unix_mode,
			listen->unix_group };

		f->listeners[i] =
		    service_listen(f->loop, &conf, &sockets, i, names[i], rows[i].refusal, why);
		is_good = f->listeners[i] != NULL;
	}
	service_sockets_fini(&sockets);
	return is_good;
}

bool
fronts_open(struct fronts *f, struct loop *loop, const struct settings *settings, bool is_stdio)
{
	struct buf why = { 0 };
	bool is_good;

	f->loop = loop;
	is_good = is_stdio || open_listeners(f, &settings->listen, &why);
	if (!is_good)
		diag_error("%.*s", STR_ARG(buf_str(&why)));
	buf_fini(&why);
	return is_good;
}

static bool
start_stdio(struct fronts *f)
{
	int fd;

	f->pump = pump_start(f->loop, STDIN_FILENO, STDOUT_FILENO, &fd);
	if (!f->pump) {
		diag_error("cannot copy standard input and output: %s", strerror(errno));
		return false;
	}
	line_front_adopt(f->line, fd);
	return true;
}

bool
fronts_start(struct fronts *f, struct simulator *sim, const struct gate *gate,
    const struct settings *settings, const struct line_env *env, bool is_stdio)
{
	set_quota(f, settings);
	f->present.loop = f->loop;
	f->present.sim = sim;
	f->line = line_front_new(f->loop, sim, gate, &f->quota, &f->present, &settings->line, env);
	f->smtp = smtp_front_new(f->loop, sim, gate, &f->quota, &f->present, &settings->smtp.conf);
	if (is_stdio)
		return start_stdio(f);
	listener_start(f->listeners[FRONT_LINE], line_front_accept, f->line);
	listener_start(f->listeners[FRONT_SMTP], smtp_front_accept, f->smtp);
	listener_start(f->listeners[FRONT_LMTP], smtp_front_accept_lmtp, f->smtp);
	return true;
}

void
fronts_configure(struct fronts *f, const struct settings *settings)
{
	set_quota(f, settings);
	line_front_configure(f->line, &settings->line);
	smtp_front_configure(f->smtp, &settings->smtp.conf);
}

void
fronts_close_listeners(struct fronts *f)
{
	int i;

	for (i = 0; i < FRONT_KINDS; i++) {
		listener_free(f->listeners[i]);
		f->listeners[i] = NULL;
	}
}

void
fronts_work(struct fronts *f)
{
	line_front_work(f->line);
	smtp_front_work(f->smtp);
}

void
fronts_flush(struct fronts *f)
{
	line_front_flush(f->line);
	smtp_front_flush(f->smtp);
}

bool
fronts_has_work(const struct fronts *f)
{
	return line_front_has_work(f->line) || smtp_front_has_work(f->smtp);
}

bool
fronts_has_output(const struct fronts *f)
{
	return line_front_has_output(f->line) || smtp_front_has_output(f->smtp);
}

bool
fronts_awaits_log(const struct fronts *f)
{
	return line_front_awaits_log(f->line) || smtp_front_awaits_log(f->smtp);
}

bool
fronts_may_gather(const struct fronts *f)
{
	return line_front_may_gather(f->line) || smtp_front_may_gather(f->smtp);
}

bool
fronts_wants_room(const struct fronts *f)
{
	return line_front_wants_room(f->line) || smtp_front_wants_room(f->smtp);
}

bool
fronts_has_silent(const struct fronts *f)
{
	return line_front_has_silent(f->line) || smtp_front_has_silent(f->smtp);
}

void
fronts_finish(struct fronts *f)
{
	line_front_finish(f->line);
	smtp_front_finish(f->smtp);
}

bool
fronts_have_left(const struct fronts *f)
{
	if (f->pump)
		return pump_is_done(f->pump);
	return !fronts_has_output(f) && !fronts_has_work(f);
}

void
fronts_format(const struct fronts *f, struct buf *b)
{
	int i;

	for (i = 0; i < FRONT_KINDS; i++)
		if (f->listeners[i])
			listener_format(f->listeners[i], b);
}

void
fronts_stop(struct fronts *f)
{
	line_front_free(f->line);
	smtp_front_free(f->smtp);
}

void
fronts_free(struct fronts *f)
{
	fronts_close_listeners(f);
}
