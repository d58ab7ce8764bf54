#ifndef LIVE_SMTP_CLIENT_H
#define LIVE_SMTP_CLIENT_H

/* What tests with SMTP sessions share, on top of the harness. */

#include "harness.h"

/* A daemon with listen.smtp and listen.lmtp on free ports, and options up to NULL as for
 * daemon_start(). */
struct daemon *smtp_daemon(const char *arg, ...);

/* A new session on its i-th address of that kind ("smtp", "lmtp"), greeted with 220. */
struct client *smtp_connect(const struct daemon *d, const char *kind, unsigned i);

/* The last line of the next reply without its CRLF; NULL at the end. */
const char *smtp_reply(struct client *c);

/* Sends a line, CRLF added, and gives the last line of the reply. */
__attribute__((format(printf, 2, 3))) const char *smtp_ask(
    struct client *c, const char *format, ...);

/* EHLO, MAIL, RCPT, DATA, up to the 354. */
void smtp_hello(struct client *c);
void smtp_begin_data(struct client *c, const char *from, const char *to);

/* A whole message; gives the reply to its end. */
const char *smtp_send(struct client *c, const char *from, const char *to, const char *text);

/* Until the daemon has read all that was sent on this Unix socket. */
void smtp_wait_read(const struct client *c);

#endif
