/*
 * Owns OpenSSL. A session works on its descriptor itself, by a BIO of ours that is nothing but
 * recv() and send(), which unlike OpenSSL's own raises no SIGPIPE. libevent's bufferevents for
 * OpenSSL were the other way; but our connections are plain events with a small struct, a
 * bufferevent takes four times the memory of all of one, buffers what it reads where we count it,
 * and so would have been a second kind of connection. Reading ahead is off: a session holds no
 * input that the descriptor would not announce.
 */
#include "io/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

/* Shared with the sessions, which may live longer than who asked for it. */
struct tls_server {
	unsigned refs;
	SSL_CTX *context;
	BIO_METHOD *socket;
};

struct tls_session {
	struct tls_server *server;
	SSL *ssl;
	int fd;
	int error;         /* errno of the descriptor, when that is why it failed; or 0 */
	unsigned long why; /* OpenSSL's error code, or 0 */
};

bool
tls_is_available(void)
{
	return true;
}

static int
socket_read(BIO *bio, char *p, int n)
{
	const struct tls_session *t = BIO_get_data(bio);
	ssize_t got = recv(t->fd, p, (size_t)n, 0);

	BIO_clear_retry_flags(bio);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)got;
}

static int
socket_write(BIO *bio, const char *p, int n)
{
	const struct tls_session *t = BIO_get_data(bio);
	ssize_t put = send(t->fd, p, (size_t)n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (put == -1 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)put;
}

/* Nothing is buffered, so a flush is always done. */
static long
socket_control(BIO *bio, int command, long number, void *p)
{
	(void)bio;
	(void)number;
	(void)p;
	return command == BIO_CTRL_FLUSH;
}

/* A key that needs a passphrase: nobody is there to ask. */
static int
passphrase_cb(char *text, int size, int is_writing, void *ctx)
{
	(void)text;
	(void)size;
	(void)is_writing;
	*(bool *)ctx = true;
	return -1;
}

static const char *
reason_of(unsigned long why)
{
	const char *text =
	    ERR_SYSTEM_ERROR(why) ? strerror(ERR_GET_REASON(why)) : ERR_reason_error_string(why);

	return text ? text : "unknown error";
}

/* The first thing that went wrong is the one that says why. */
static void
say_why(struct buf *why, const char *file, const char *kind)
{
	unsigned long first = ERR_peek_error();

	if (ERR_SYSTEM_ERROR(first))
		buf_printf(why, "%s: %s", file, reason_of(first));
	else
		buf_printf(why, "%s: cannot be read as a %s in PEM format: %s", file, kind,
		    reason_of(first));
	ERR_clear_error();
}

/* From TLS 1.2 on, since those before are not to be used (RFC 8996). Peers that close without
 * saying so are common, and mail has its own way to say that a message is whole. */
static bool
set_up(SSL_CTX *context)
{
	SSL_CTX_set_options(context,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
		SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

static bool
load(SSL_CTX *context, const char *cert_file, const char *key_file, struct buf *why)
{
	bool wants_passphrase = false;

	SSL_CTX_set_default_passwd_cb(context, passphrase_cb);
	SSL_CTX_set_default_passwd_cb_userdata(context, &wants_passphrase);
	if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1) {
		say_why(why, cert_file, "certificate");
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1) {
		if (wants_passphrase)
			buf_printf(why, "%s: the key must not need a passphrase", key_file);
		else if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
			buf_printf(why, "%s: is not the key of the certificate in %s", key_file,
			    cert_file);
		else
			say_why(why, key_file, "private key");
		ERR_clear_error();
		return false;
	}
	return true;
}

static BIO_METHOD *
socket_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket without signals");

	if (!m)
		return NULL;
	BIO_meth_set_read(m, socket_read);
	BIO_meth_set_write(m, socket_write);
	BIO_meth_set_ctrl(m, socket_control);
	return m;
}

struct tls_server *
tls_server_new(const char *cert_file, const char *key_file, struct buf *why)
{
	struct tls_server *s = mem_alloc(sizeof *s);

	ERR_clear_error();
	s->refs = 1;
	s->socket = socket_method();
	s->context = SSL_CTX_new(TLS_server_method());
	if (!s->socket || !s->context || !set_up(s->context)) {
		buf_printf(why, "OpenSSL cannot start: %s", reason_of(ERR_peek_error()));
		ERR_clear_error();
	} else if (load(s->context, cert_file, key_file, why)) {
		return s;
	}
	tls_server_free(s);
	return NULL;
}

void
tls_server_free(struct tls_server *s)
{
	if (!s || --s->refs > 0)
		return;
	SSL_CTX_free(s->context);
	BIO_meth_free(s->socket);
	free(s);
}

struct tls_session *
tls_session_new(struct tls_server *server, int fd)
{
	struct tls_session *t = mem_alloc(sizeof *t);
	BIO *bio = BIO_new(server->socket);

	server->refs++;
	t->server = server;
	t->fd = fd;
	t->ssl = SSL_new(server->context);
	if (!bio || !t->ssl) {
		BIO_free(bio);
		return t;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_accept_state(t->ssl);
	return t;
}

void
tls_session_free(struct tls_session *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	tls_server_free(t->server);
	free(t);
}

/* What a call that gave `result` comes to. */
static enum tls_status
status_of(struct tls_session *t, int result)
{
	int error = errno;

	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_ENDED;
	case SSL_ERROR_SYSCALL:
		t->error = error;
		break;
	default:
		break;
	}
	t->why = ERR_peek_error();
	ERR_clear_error();
	return TLS_FAILED;
}

enum tls_status
tls_handshake(struct tls_session *t)
{
	if (!t->ssl)
		return TLS_FAILED;
	ERR_clear_error();
	errno = 0;
	return status_of(t, SSL_do_handshake(t->ssl));
}

enum tls_status
tls_read(struct tls_session *t, char *p, size_t n, size_t *got)
{
	size_t more;
	int result;

	*got = 0;
	ERR_clear_error();
	/* a record at a time, of which none is left in part */
	while (n - *got >= SSL3_RT_MAX_PLAIN_LENGTH) {
		errno = 0;
		result = SSL_read_ex(t->ssl, p + *got, n - *got, &more);
		if (result != 1)
			return status_of(t, result);
		*got += more;
	}
	return TLS_DONE;
}

enum tls_status
tls_write(struct tls_session *t, const char *p, size_t n, size_t *put)
{
	ERR_clear_error();
	errno = 0;
	*put = 0;
	return status_of(t, SSL_write_ex(t->ssl, p, n, put));
}

void
tls_session_end(struct tls_session *t)
{
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}

void
tls_session_describe(const struct tls_session *t, struct buf *b)
{
	if (t->why > 0)
		buf_add_str(b, str_of(reason_of(t->why)));
	else if (t->error > 0)
		buf_add_str(b, str_of(strerror(t->error)));
	else if (!t->ssl)
		buf_add_lit(b, "out of memory");
	else if (SSL_is_init_finished(t->ssl))
		buf_printf(b, "%s %s", SSL_get_version(t->ssl), SSL_get_cipher_name(t->ssl));
	else
		buf_add_lit(b, "the peer has gone");
}
