#ifndef IO_TLS_H
#define IO_TLS_H

/*
 * TLS for connections that were accepted: what a server shows (its certificate), and one session
 * over a descriptor. For io/conn alone, but for the server, which a front makes from its settings
 * and gives to conn_start_tls(). Built without OpenSSL there is no server to be had.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct tls_server;
struct tls_session;

/* Whether this program was built with it. */
bool tls_is_available(void);

/*
 * A server with the certificate chain and the private key of two PEM files, read now and once. From
 * TLS 1.2 on (RFC 8996), without compression and renegotiation. NULL with a text in why, which
 * names the file, when one cannot be read, or the key is not the certificate's, or
 * !tls_is_available().
 */
struct tls_server *tls_server_new(const char *cert_file, const char *key_file, struct buf *why);

/* Sessions that were begun live on. NULL is allowed. */
void tls_server_free(struct tls_server *s);

enum tls_status {
	TLS_DONE,
	TLS_WANTS_READ,  /* again when the descriptor can be read */
	TLS_WANTS_WRITE, /* again when it can be written */
	TLS_ENDED,       /* the peer sends nothing more */
	TLS_FAILED,
};

/* The server's side of a session over fd, which is non-blocking and stays the caller's. Nothing is
 * read or written yet. */
struct tls_session *tls_session_new(struct tls_server *server, int fd);
void tls_session_free(struct tls_session *t);

enum tls_status tls_handshake(struct tls_session *t);

/* Up to n octets to p, at least 16 KB, the size of a record; how many comes in *got, and may be
 * some whatever the status, which says why there are no more. TLS_DONE: for want of room. */
enum tls_status tls_read(struct tls_session *t, char *p, size_t n, size_t *got);

/* Up to n octets from p; how many were taken comes in *put. After TLS_WANTS_… the next call must
 * begin with the octets that were not taken, wherever they are then. */
enum tls_status tls_write(struct tls_session *t, const char *p, size_t n, size_t *put);

/* Tells the peer that nothing more is sent (RFC 8446 §6.1), if there is room for it. */
void tls_session_end(struct tls_session *t);

/* Adds "TLSv1.3 TLS_AES_256_GCM_SHA384" of a session that stands, else why it does not. */
void tls_session_describe(const struct tls_session *t, struct buf *b);

#endif
