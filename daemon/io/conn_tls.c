/*
 * Owns the way from clear to TLS (STARTTLS, RFC 3207): what was queued leaves, what the peer sent
 * before that is thrown away, the handshake follows. Invariant: no octet that came in clear after
 * TLS was asked for is given to anybody, then or later (CVE-2011-0411); what such a peer slips in
 * between the last look and the handshake only makes that fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/conn_inside.h"

#define DISCARDS_MAX 4 /* reads of what a peer sends that should be waiting */

void
conn_start_tls(struct conn *c, struct tls_server *server)
{
	struct conn_rare *r = conn_rare(c);

	if (r->tls)
		abort();
	r->tls = tls_session_new(server, c->fd);
	r->n_clear = conn_backlog(c);
	c->is_starting_tls = true;
	conn_want_work(c);
}

bool
conn_is_secure(const struct conn *c)
{
	return conn_has_tls(c);
}

void
conn_describe_tls(const struct conn *c, struct buf *b)
{
	if (c->rare && c->rare->tls)
		tls_session_describe(c->rare->tls, b);
}

static ssize_t
wait_for(enum tls_status status)
{
	errno = status == TLS_FAILED ? EPROTO : EAGAIN;
	return -1;
}

ssize_t
conn_tls_receive(struct conn *c, char *p, size_t n)
{
	enum tls_status status;
	size_t got;

	status = tls_read(c->rare->tls, p, n, &got);
	c->rare->read_wants_write = status == TLS_WANTS_WRITE;
	if (got > 0)
		return (ssize_t)got;
	if (status == TLS_ENDED)
		return 0;
	return wait_for(status);
}

ssize_t
conn_tls_send(struct conn *c, const char *p, size_t n)
{
	enum tls_status status;
	size_t put;

	status = tls_write(c->rare->tls, p, n, &put);
	c->rare->write_wants_read = status == TLS_WANTS_READ;
	if (put > 0)
		return (ssize_t)put;
	return wait_for(status);
}

void
conn_tls_discard(struct conn *c)
{
	int i;

	for (i = 0; i < DISCARDS_MAX; i++)
		if (read(c->fd, c->set->read_buffer, CONN_READ_SIZE) <= 0)
			break;
}

static void
end_handshake(struct conn *c, bool is_good)
{
	c->is_starting_tls = !is_good;
	c->set->handler->secured(c->ctx, is_good);
	if (!is_good && !c->is_dead)
		conn_die_and_tell(c);
}

void
conn_tls_step(struct conn *c)
{
	enum tls_status status;
	ssize_t n;

	if (!c->rare->is_in_handshake) {
		n = read(c->fd, c->set->read_buffer, CONN_READ_SIZE);
		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			conn_die_and_tell(c);
		return;
	}
	status = tls_handshake(c->rare->tls);
	c->rare->read_wants_write = status == TLS_WANTS_WRITE;
	if (status == TLS_DONE)
		end_handshake(c, true);
	else if (status == TLS_ENDED || status == TLS_FAILED)
		end_handshake(c, false);
}
