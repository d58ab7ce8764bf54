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
#define WORLD_EPOCH (1767225600LL * SEC) /* 2026-01-01T00:00:00Z */

struct world {
	struct simulator *sim;
	struct owner *owner;
	struct buf events; /* one text line each */
	uint64_t n_events;
	int64_t real_ns;
};

/* A clock of scale 1, fixed latency of 1 s, no limits to speak of. */
struct simulator_conf world_conf(void);
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

/* Takes the events so far; the caller frees it. */
char *world_take_events(struct world *w);

/* Every equation that must hold at any moment. */
void world_check(const struct world *w);

#endif
