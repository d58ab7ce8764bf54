#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

/*
 * A simulator for unit tests: no socket, no sleep; real time is a number that the test moves, and
 * all events are kept as text.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/text.h"
#include "core/batch.h"
#include "core/delivery.h"
#include "core/intake.h"
#include "core/simulator.h"
#include "core/watch.h"

#define MS TEXT_NS_PER_MS
#define SEC TEXT_NS_PER_S
#define DAY (86400 * SEC)
#define WORLD_EPOCH (1767225600LL * SEC) /* 2026-01-01T00:00:00Z */

struct world {
	struct simulator *sim;
	struct owner *owner;
	struct buf events; /* one text line each */
	uint64_t n_events;
	int64_t real_ns;
};

/* What a [domain NAME] of these settings has: fixed latency of 1 s, Postfix's schedule, no limits.
 * Its fate may stay NULL. */
struct domain_conf world_domain(const char *name);

/* An outcome= that is right. The caller's. */
struct fate *world_fate(struct outcome_set *outcomes, const char *text);

/* For everybody and for some domains. The caller's, until it goes into a conf. */
struct delivery_conf *world_delivery(
    const char *outcome, const struct domain_conf *domains, size_t n, const char *magic);

/* A clock of scale 1, the settings above. Whoever takes it takes its delivery, too, which a test
 * may change before. */
struct simulator_conf world_conf(void);
void world_configure(struct world *w, const struct simulator_conf *conf);
struct world *world_new(const struct simulator_conf *conf, bool is_max);
void world_free(struct world *w);

/* Lets that much real time pass and all that is due happen. */
void world_pass(struct world *w, int64_t ns);

/* Opens a request and accepts all of it; the batch is not held. Fails the test if it is not all
 * accepted. */
struct batch *world_send(struct world *w, const struct batch_request *r);

/* A request for the numbers first to last, or for one message with that id. */
struct batch_request world_range(uint64_t first, uint64_t last);
struct batch_request world_one(const char *id);

/* The same for a mail from sender@x.test with that id, also as its Message-ID, by which no draws
 * go; NULL: with neither. */
struct world_mail {
	struct batch_request r;
	struct batch_mail mail;
	const struct event_notification *notifications; /* of each; or NULL */
};
struct world_mail world_mail(const char *id, const struct str *recipients, uint32_t n);
struct batch *world_send_mail(struct world *w, const struct world_mail *m);

/* The seqs that a walk must find, spaces between them, and each message by itself must match. */
void world_expect_walk(struct world *w, struct selector s, bool is_backwards, const char *expected);

/* Takes the events so far; the caller frees it. */
char *world_take_events(struct world *w);

/* Every equation that must hold at any moment. */
void world_check(const struct world *w);

/* Of lanes by themselves: the group whose turn it is; its message goes and is over at once, all at
 * WORLD_EPOCH. */
struct lane_group *world_lane_turn(struct lanes *ls);

#endif
