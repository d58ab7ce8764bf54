#ifndef TESTS_SMTP_PEER_H
#define TESTS_SMTP_PEER_H

/*
 * What the other side of an SMTP session knows: the octets it has sent, and the replies, each of
 * which must be one, and the answer to something that was sent. It shares no code with the session:
 * where a line or the data end, how many answers there are, and which data must be refused is found
 * out anew.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* As the server is configured. */
struct smtp_peer_rules {
	bool is_lmtp;
	bool is_bare_rejected;
	uint64_t size_max;
};

enum smtp_peer_state {
	SMTP_PEER_NEW, /* waits for the greeting */
	SMTP_PEER_COMMANDS,
	SMTP_PEER_AUTH, /* the next line is no command */
	SMTP_PEER_DATA,
	SMTP_PEER_ANSWERS, /* the end of data was answered, but not for all */
	SMTP_PEER_TLS,     /* what comes are no replies any more */
	SMTP_PEER_OVER,    /* the last reply has come */
};

struct smtp_peer {
	struct smtp_peer_rules rules;
	enum smtp_peer_state state;
	struct buf sent; /* all of it */
	size_t at;       /* up to here it is answered */
	struct buf line; /* the reply that has not come whole */
	struct buf replies;
	char code[3];          /* of the reply of several lines that is not over… */
	bool is_in_reply;      /* …if there is one */
	bool is_behind;        /* replies may come late: more may have been sent meanwhile */
	uint32_t n_recipients; /* of the mail under way */
	uint32_t n_due;        /* answers to the end of data */
	bool must_fail, is_too_big, is_bare; /* what those must say */
	/* Mail was accepted with that number, for so many. */
	void (*promise_cb)(void *ctx, uint64_t number, uint32_t n);
	void *ctx;
};

/* All zero before it but for rules, callback and ctx. */
void smtp_peer_fini(struct smtp_peer *p);

/* Octets that came. Aborts when they are none that may come now. */
void smtp_peer_take(struct smtp_peer *p, struct str octets);

/* Whether all that was sent whole is answered. */
bool smtp_peer_is_settled(const struct smtp_peer *p);

/* The first line that is not answered, without its end; empty when there is none. */
struct str smtp_peer_unanswered(const struct smtp_peer *p);

/* Ends the program with a word on what does not hold. */
void insist_at(bool holds, const char *what, const char *file, int line);
#define insist(what) insist_at((what), #what, __FILE__, __LINE__)

#endif
