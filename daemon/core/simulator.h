#ifndef CORE_SIMULATOR_H
#define CORE_SIMULATOR_H

/*
 * The simulator: all messages and batches, their schedule, limits, history, and the clock they
 * live by. It reads no clock and opens no socket: real time comes in as an argument, the next
 * deadline goes out as a value.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/alarm.h"
#include "core/bus.h"
#include "core/delivery_conf.h"
#include "core/destination.h"
#include "core/duplicate.h"
#include "core/history.h"
#include "core/lane.h"
#include "core/plan.h"
#include "core/outage.h"
#include "core/registry.h"
#include "core/rule.h"
#include "core/schedule.h"
#include "core/sequel.h"
#include "core/tally.h"

/* How many moments are fired in one go, so that nobody else has to wait long. */
#define SIMULATOR_SLICE 16384

struct simulator_conf {
	uint64_t pending; /* messages accepted and not final, at most */
	uint64_t range;   /* length of one range, at most */
	uint64_t history; /* final messages, and batches, that are remembered */
	struct delivery_conf *delivery;
};

struct simulator {
	struct simulator_conf conf;
	struct plan *plan;            /* what conf.delivery says */
	struct clock_conf clock_conf; /* of the start… */
	uint64_t start_seed;          /* …to which a reset goes back */
	struct clock clock;
	int64_t start_ns;    /* simulated: where the clock started */
	int64_t now_ns;      /* simulated; every moment due before it has been fired */
	int64_t real_ns;     /* of the turn under way */
	uint64_t n_fired;    /* events but queued */
	uint64_t n_rejected; /* recipients that were refused and never messages */
	uint64_t era;        /* resets so far */
	uint64_t seed;
	uint64_t next_seq;
	uint64_t next_batch;
	uint32_t run_room;  /* of the newest run */
	uint64_t reserved;  /* room that was promised to requests under way */
	bool is_draining;   /* accepts nothing more */
	bool is_resetting;  /* a front works towards simulator_reset(): the others open nothing */
	bool needs_refill;  /* slots may be free while somebody waits for one */
	bool is_cancelling; /* who waits may be the next to end: slots are given away afterwards */
	bool has_news;      /* a watch is done, an alarm rang: somebody acts before time goes on */
	struct tally tally; /* over all */
	struct list owners; /* of messages */
	struct bus bus;
	struct schedule schedule;
	struct alarms alarms;
	struct lanes lanes;
	struct registry registry;
	struct sequels sequels;
	struct duplicates duplicates;
	struct history history;
	struct rules rules;
	struct outages outages;
	struct destinations destinations;
	struct buf scratch_to, scratch_id, scratch_key_to; /* for what is put together */
};

/* hash_seed: any number that clients cannot know. The clock starts at these times. conf.delivery is
 * counted. */
struct simulator *simulator_new(const struct simulator_conf *conf, const struct clock_conf *clock,
    uint64_t seed, uint64_t hash_seed, int64_t real_ns, int64_t wall_ns);
void simulator_free(struct simulator *sim);

/* New settings for what is accepted from now on; limits hold at once. After a simulator_run(): what
 * a raised limit lets go is dispatched at now_ns. Gives how many rules named an outcome that is
 * gone, and went, too. */
size_t simulator_configure(struct simulator *sim, const struct simulator_conf *conf);

/* Draws of what is accepted from now on. */
void simulator_set_seed(struct simulator *sim, uint64_t seed);

/* How fast time goes from now on. After a simulator_run(). */
void simulator_set_scale(struct simulator *sim, int64_t real_ns, int64_t scale, bool is_max);

/* Time goes to that moment at once; simulator_run() fires what fell due on the way, in order. */
void simulator_advance(struct simulator *sim, int64_t real_ns, int64_t to_ns);

/* As it was at the start, but for who watches and subscribes. Nothing may be pending or open. */
void simulator_reset(struct simulator *sim, int64_t real_ns, int64_t wall_ns);

/*
 * Brings simulated time up to that real time and fires what fell due, at most `slice` moments.
 * False when there is more to fire: the slice is used up or the bus is congested; then now_ns
 * stands at the last moment fired.
 */
bool simulator_run(struct simulator *sim, int64_t real_ns, uint32_t slice);

/* Fires what is due at now_ns itself: a message without latency ends the moment it begins. At most
 * SIMULATOR_SLICE moments, the rest is for simulator_run(). */
void simulator_settle(struct simulator *sim);

/* Whether anything is still to happen, however far off. */
bool simulator_has_next(const struct simulator *sim);

/*
 * For a clock of scale max: jumps to the next due moment and fires all that is due then, and on,
 * for at most `slice` moments, until there is news or, if somebody waits for it, room for more.
 * False when there is nothing to jump to.
 */
bool simulator_jump(struct simulator *sim, int64_t real_ns, uint32_t slice, bool wants_room);

/* Whether anything happens by itself until that real time. */
bool simulator_has_by(struct simulator *sim, int64_t real_ns);

/* The real time at which to call simulator_run() again, rounded up to a millisecond; CLOCK_NEVER
 * when time does not run or nothing is scheduled. */
int64_t simulator_deadline(struct simulator *sim);

#endif
