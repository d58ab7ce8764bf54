#ifndef FRONT_SMTP_SESSION_H
#define FRONT_SMTP_SESSION_H

/*
 * Inside of SMTP: the front, a session, the mail it is about to hand over, and the tools that
 * commands share. Seen by front/smtp*.c only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "core/alarm.h"
#include "core/simulator.h"
#include "front/smtp.h"
#include "front/smtp_auth.h"
#include "front/smtp_envelope.h"
#include "front/smtp_inband.h"
#include "front/smtp_parse.h"
#include "io/conn.h"

#define SMTP_SLICE 1024 /* messages that one session has accepted in one turn */
#define SMTP_SPARES 16

struct smtp_session;
struct smtp_verb;
typedef void smtp_step(struct smtp_session *s);

/* What a session waits for, besides an alarm. */
enum smtp_wait {
	SMTP_WAIT_TURN,    /* the next one */
	SMTP_WAIT_PRESENT, /* that all that is due is fired, and no reset is under way */
	SMTP_WAIT_ROOM,    /* limits.pending */
	SMTP_WAIT_LOG,     /* that it takes events again */
	SMTP_WAITS
};

struct smtp_front {
	struct loop *loop;
	struct simulator *sim;
	struct quota *quota;
	struct present *present;
	struct smtp_conf conf;
	char *hostname;
	struct smtp_inband *inband;
	struct conn_set *conns;
	struct list sessions;
	struct list waiting[SMTP_WAITS];
	struct loop_event *check; /* for connections that died while they waited */
	bool is_finishing;
	uint64_t n_refused;
	uint64_t era;                        /* of the simulator, in which… */
	uint64_t n_sessions;                 /* …so many began… */
	uint64_t totals[SMTP_STAGES];        /* …and had so many of each stage, */
	uint64_t totals_passed[SMTP_STAGES]; /* so many of which could drop what was accepted */
	struct buf reply;
	struct smtp_transaction *spares[SMTP_SPARES]; /* of the last mails, for the next */
	unsigned n_spares;
	char scratch[SMTP_LINE_MAX];
};

/* Where a session is: which commands make sense. */
enum smtp_phase {
	SMTP_PHASE_NEW = 1 << 0,        /* the client has not said who it is */
	SMTP_PHASE_READY = 1 << 1,      /* for a mail */
	SMTP_PHASE_SENDER = 1 << 2,     /* MAIL was accepted */
	SMTP_PHASE_RECIPIENTS = 1 << 3, /* and at least one RCPT */
	SMTP_PHASE_ANY =
	    SMTP_PHASE_NEW | SMTP_PHASE_READY | SMTP_PHASE_SENDER | SMTP_PHASE_RECIPIENTS
};

/* How its octets are taken. */
enum smtp_input { SMTP_INPUT_COMMANDS, SMTP_INPUT_AUTH, SMTP_INPUT_DATA };

/* What differs between the two; a verb's row says which of them has it. */
enum smtp_dialect_bit { SMTP_IN_SMTP = 1, SMTP_IN_LMTP = 2, SMTP_IN_BOTH = 3 };

struct smtp_dialect {
	const char *name; /* as the greeting has it */
	enum smtp_dialect_bit bit;
	bool answers_each; /* at the end of data: a reply for each recipient (RFC 2033 §4.2) */
};

extern const struct smtp_dialect smtp_dialect_smtp, smtp_dialect_lmtp;

/* What the header of a mail asks for. */
struct smtp_wishes {
	struct fate *fate; /* or NULL */
	bool has_latency;
	struct latency latency; /* owns nothing: no file is named over the wire */
};

/* What each recipient gets at the end of data. An answer that ends the session is the last: those
 * behind it were not asked for and get nothing. */
struct smtp_verdicts {
	struct smtp_verdict *of; /* so many; NULL: not inband */
	uint32_t n;
	uint32_t given;   /* LMTP: so many have their answers… */
	uint32_t passing; /* …and the next so many are being accepted */
	int64_t asked_ns; /* simulated, in that era */
	uint64_t era;
	bool is_unacknowledged; /* LMTP: none of them is said */
};

/* From MAIL to the answer at the end of data. */
struct smtp_transaction {
	struct smtp_envelope envelope;
	struct smtp_data
	    *data; /* from DATA on it is this mail's, before it may be another's; or NULL */
	struct smtp_wishes wishes;     /* from the end of data on */
	struct smtp_verdicts verdicts; /* likewise, inband */
	struct batch *batch;           /* once it is being accepted… */
	uint32_t first, end;           /* …from that message on, to before that one… */
	uint32_t until;                /* …and now to before that one */
	struct event_notification *notifications; /* of each of its messages; or NULL */
};

struct smtp_session {
	struct list link;
	struct list wait_link; /* on front->waiting[] */
	struct smtp_front *front;
	const struct smtp_dialect *dialect;
	struct conn *conn;   /* NULL: gone */
	struct owner *owner; /* of its messages; made when there are some */
	uint64_t number;     /* from 1 */
	uint32_t counts[SMTP_STAGES];
	enum smtp_phase phase;
	enum smtp_input input;
	struct smtp_transaction *mail; /* or NULL */
	struct smtp_auth *auth;        /* an exchange under way; or NULL */
	smtp_step *step; /* when what it waits for has come; NULL: it waits for octets */
	struct alarm alarm;
	struct smtp_fault fault;       /* of the stage under way */
	struct smtp_verdict verdict;   /* inband: what is about to be said, … */
	enum smtp_stage verdict_stage; /* …at that stage */
	struct outcome_set *outcomes;  /* kept for that; or NULL */
	const struct smtp_verb *verb;  /* the command under way… */
	struct str argument;           /* …and what stands behind it… */
	char *held;                    /* …kept here while it waits; or NULL */
	struct loop_event *timer;
	int64_t deadline_ns; /* real: for what is waited for from the client */
	uint64_t progress;   /* octets of data since that was set */
	bool is_paused;
	bool is_authenticated;
	bool is_unwelcome; /* the greeting refused it: only QUIT is answered in peace */
	bool is_refused;   /* one too many: told so, and closing */
	bool is_silent;    /* it is never answered again */
	bool is_skipping;  /* the rest of a line that is too long */
	bool has_spoken;
	bool has_ended; /* nothing more is taken from it */
	bool is_buried;
};

/* After a reset of the simulator sessions and stages are counted anew. */
void smtp_front_follow(struct smtp_front *front);

/* One reply line, of 512 octets at most with its end; what is longer is cut. A reply of 421 closes:
 * smtp_session_quit() is the caller's. */
void smtp_reply(struct smtp_session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same as it stands, as most are, several for each mail. */
void smtp_say(struct smtp_session *s, struct str line);

/* What tells what has become of a mail: it leaves only after that is in the log. */
void smtp_answer(struct smtp_session *s, struct str line);
void smtp_reply_refusal(struct smtp_session *s, const struct smtp_refusal *refusal);

/* A new session; it is not greeted yet. */
struct smtp_session *smtp_session_new(
    struct smtp_front *front, const struct smtp_dialect *dialect, int fd);

/* Its first words. */
void smtp_session_greet(struct smtp_session *s);

/* For the handler of the set: its octets, the peer's end, TLS, that it is gone. */
size_t smtp_session_octets(struct smtp_session *s, struct str octets);
void smtp_session_ended(struct smtp_session *s);
void smtp_session_secured(struct smtp_session *s, bool is_good);
void smtp_session_closed(struct smtp_session *s);

/* What it waited for has come. */
void smtp_session_run(struct smtp_session *s);

/* Goes on with that step when it has come, or so much simulated time has passed (at once for 0);
 * nothing is taken from the client until then. */
void smtp_session_wait(struct smtp_session *s, enum smtp_wait what, smtp_step *step);
void smtp_session_sleep(struct smtp_session *s, int64_t delay_ns, smtp_step *step);

/* Never goes on with that step: what the client says is read and forgotten, until one of both ends.
 */
void smtp_session_hang(struct smtp_session *s, smtp_step *step);

/* A stage of the dialogue begins: draws its faults, and goes on with that step after the delay if
 * there is one. There, smtp_stage_passes() does the rest: false when the connection was dropped or
 * the refusal answered, so many times. */
void smtp_stage_begin(struct smtp_session *s, enum smtp_stage stage, smtp_step *step);
bool smtp_stage_passes(struct smtp_session *s, enum smtp_stage stage, uint32_t replies);

/* All is well with the stage: whether its connection is closed without saying so all the same. */
bool smtp_stage_drops_after(struct smtp_session *s, enum smtp_stage stage);

/* Takes nothing more, and closes when all is sent; the same for want of an answer, at once if
 * there is nothing to send; is over. */
void smtp_session_quit(struct smtp_session *s);
void smtp_session_drop(struct smtp_session *s);
void smtp_session_bury(struct smtp_session *s);

/* The daemon ends: what it waits for will not come. */
void smtp_session_finish(struct smtp_session *s);

struct owner *smtp_session_owner(struct smtp_session *s);

/* One command line without its end; one line of an AUTH exchange (smtp_verb.c). */
void smtp_execute(struct smtp_session *s, struct str line);
void smtp_auth_line(struct smtp_session *s, struct str line);

/* The verbs of a mail transaction, and what comes after them (smtp_mail.c). */
void smtp_mail_from(struct smtp_session *s, struct str argument);
void smtp_mail_to(struct smtp_session *s, struct str argument);
void smtp_mail_data(struct smtp_session *s, struct str argument);

/* Octets of data; the end of them is answered. Gives how many were data. */
size_t smtp_mail_feed(struct smtp_session *s, struct str octets);

/* Forgets the transaction, if there is one; the front may keep its memory for the next. */
void smtp_mail_drop(struct smtp_session *s);

/* One that the front has kept. */
void smtp_transaction_free(struct smtp_transaction *t);

/* The mail is accepted, then answered; or for the next verdicts.passing of those who are delivered,
 * then smtp_verdict_accepted() goes on. */
void smtp_mail_accept(struct smtp_session *s);

/*
 * smtp.mode = inband (smtp_verdict.c). Whether nothing is to be said at that stage but what is
 * always said; else it is said later, and what the stage had begun is taken back. In other modes
 * there never is.
 */
bool smtp_verdict_passes(struct smtp_session *s, enum smtp_stage stage);

/* The end of data: what became of each recipient, then the answer. */
void smtp_verdict_eom(struct smtp_session *s);

/* LMTP: whether each recipient gets his answer when it is due; the next ones are accepted, with
 * that reply. */
bool smtp_verdict_is_each(const struct smtp_session *s);
void smtp_verdict_accepted(struct smtp_session *s, struct str queued);

/* Nothing is about to be said. */
void smtp_verdict_drop(struct smtp_session *s);

/* Whether it is being accepted: then that goes on without its client. */
bool smtp_mail_is_under_way(const struct smtp_session *s);

#endif
