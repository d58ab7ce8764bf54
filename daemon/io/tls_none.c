/*
 * TLS where this was built without OpenSSL: there is no server to be had, and so no session.
 */
#include <stdlib.h>

#include "io/tls.h"

bool
tls_is_available(void)
{
	return false;
}

struct tls_server *
tls_server_new(const char *cert_file, const char *key_file, struct buf *why)
{
	(void)cert_file;
	(void)key_file;
	buf_add_lit(why, "this mailsimd was built without TLS (OpenSSL)");
	return NULL;
}

void
tls_server_free(struct tls_server *s)
{
	if (s)
		abort();
}

struct tls_session *
tls_session_new(struct tls_server *server, int fd)
{
	(void)server;
	(void)fd;
	abort();
}

void
tls_session_free(struct tls_session *t)
{
	if (t)
		abort();
}

enum tls_status
tls_handshake(struct tls_session *t)
{
	(void)t;
	abort();
}

enum tls_status
tls_read(struct tls_session *t, char *p, size_t n, size_t *got)
{
	(void)t;
	(void)p;
	(void)n;
	(void)got;
	abort();
}

enum tls_status
tls_write(struct tls_session *t, const char *p, size_t n, size_t *put)
{
	(void)t;
	(void)p;
	(void)n;
	(void)put;
	abort();
}

void
tls_session_end(struct tls_session *t)
{
	(void)t;
	abort();
}

void
tls_session_describe(const struct tls_session *t, struct buf *b)
{
	(void)t;
	(void)b;
	abort();
}
