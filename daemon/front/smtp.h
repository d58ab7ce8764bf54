#ifndef FRONT_SMTP_H
#define FRONT_SMTP_H

/*
 * SMTP (RFC 5321) and LMTP (RFC 2033): what any program that sends mail speaks. Owns its
 * connections; each mail it takes goes through core/intake.h, one message for each recipient.
 */

#include <stdbool.h>
#include <stdint.h>

#include "front/smtp_data.h"
#include "front/smtp_fault.h"
#include "io/gate.h"
#include "io/loop.h"
#include "io/present.h"
#include "io/quota.h"

struct simulator;
struct smtp_front;
struct smtp_users;
struct tls_server;

enum smtp_mode {
	SMTP_QUEUE,  /* accepted at once, and delivered as the simulator has it */
	SMTP_INBAND, /* the answer is the outcome */
	SMTP_MODES
};
extern const char *const smtp_mode_names[SMTP_MODES];

enum smtp_tls { SMTP_TLS_OFF, SMTP_TLS_OPTIONAL, SMTP_TLS_REQUIRED, SMTP_TLS_KINDS };
extern const char *const smtp_tls_names[SMTP_TLS_KINDS];

extern const char *const smtp_bare_newline_names[2];

/* What it points to is the settings' and lives as long as they are in force. */
struct smtp_conf {
	enum smtp_mode mode;
	const char *hostname; /* empty: that of the machine */
	uint64_t max_size;    /* octets */
	uint64_t max_recipients;
	uint64_t pairs;           /* that are known with SMTP_INBAND */
	int64_t timeout_ns;       /* real, for a command and while data come */
	int64_t stall_timeout_ns; /* for one that does not read */
	enum smtp_bare_newline bare_newline;
	enum smtp_tls tls;
	struct tls_server *tls_server; /* NULL: none */
	bool has_auth;
	const struct smtp_users *users; /* NULL: anybody */
	struct smtp_fault_conf faults[SMTP_STAGES];
};

/* What a newcomer is told when there are too many (RFC 5321 §4.2.1: 421 closes). */
#define SMTP_REFUSAL "421 4.7.0 Too many connections, try again later\r\n"

/* The quota and the present outlive the front. */
struct smtp_front *smtp_front_new(struct loop *loop, struct simulator *sim, const struct gate *gate,
    struct quota *quota, struct present *present, const struct smtp_conf *conf);

/* Closes all connections. */
void smtp_front_free(struct smtp_front *front);
void smtp_front_configure(struct smtp_front *front, const struct smtp_conf *conf);

/* A newcomer at a listener for SMTP, or for LMTP: ctx is the front. fd is the front's from now on.
 */
void smtp_front_accept(void *ctx, int fd);
void smtp_front_accept_lmtp(void *ctx, int fd);

/* At the end of each turn: goes on with what takes more than one, then, after the log was flushed,
 * sends what may leave. */
void smtp_front_work(struct smtp_front *front);
void smtp_front_flush(struct smtp_front *front);

/* Whether a session has something to do in the next turn; anything is still to be sent; any of
 * that waits for the log; others have replies that might wait with it; a session waits for room;
 * one has said nothing yet. */
bool smtp_front_has_work(const struct smtp_front *front);
bool smtp_front_has_output(const struct smtp_front *front);
bool smtp_front_awaits_log(const struct smtp_front *front);
bool smtp_front_may_gather(const struct smtp_front *front);
bool smtp_front_wants_room(const struct smtp_front *front);
bool smtp_front_has_silent(const struct smtp_front *front);

/* The daemon ends: every session is told 421 4.3.2 and closes when that is sent. */
void smtp_front_finish(struct smtp_front *front);

#endif
