#ifndef CORE_LANE_H
#define CORE_LANE_H

/*
 * Who is dispatched next when there are limits. Limits are limiters: one over all, one for each
 * group (the messages of a batch, or all single ones), one for each destination that has limits of
 * its own. What waits is in lanes: one for each group, destination and kind (retries go first).
 * Groups take turns, and in a group its lanes do, a message each; so a batch of ten is not starved
 * by a batch of a million, nor a batch by a million single messages. Within a lane the order is
 * that of coming.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/list.h"
#include "core/rate.h"
#include "core/seq_queue.h"

enum lane_kind { LANE_RETRY, LANE_FIRST, LANE_KINDS };

/* Attempts in flight at once, and dispatches in time. */
struct limiter {
	struct heap_node opening; /* when a rate lets the next one go, while somebody waits */
	uint64_t in_flight;
	uint64_t concurrency; /* DELIVERY_UNLIMITED: no limit */
	struct rate rate;
	struct pace pace;
	uint64_t n_lanes;                /* of a destination: lanes that are bound for it… */
	struct list blocked[LANE_KINDS]; /* …of these the ones that wait for it to open… */
	struct lane *holder[LANE_KINDS]; /* …and one that is ready so that it is used; or NULL */
	struct lane_group *group;        /* whose limiter it is; NULL: a destination's */
};

struct lane_group {
	struct limiter limiter;
	struct list lanes;                 /* all that hold something */
	struct list holders;               /* those that hold their destination */
	struct list parked;                /* those that wait for the group to open */
	struct list ready[LANE_KINDS];     /* those that may go, in turn */
	struct list turn_link[LANE_KINDS]; /* on lanes.turn while it is open and has such */
};

struct lane {
	struct list turn_link;   /* ready, blocked or parked */
	struct list group_link;  /* on the group's lanes */
	struct list holder_link; /* on its holders */
	struct lane *same_hash;
	struct lane_group *group;
	struct limiter *destination; /* or NULL */
	enum lane_kind kind;
	uint64_t n;             /* messages in it that still wait */
	struct seq_queue queue; /* also holds messages that are over by now */
};

struct lanes {
	struct limiter all;
	struct list turn[LANE_KINDS]; /* groups */
	struct lane_group common;     /* of single messages */
	struct heap openings;         /* limiters */
	struct lane **buckets;
	size_t n_buckets, n_lanes;
	uint64_t n_waiting;
};

void limiter_init(struct limiter *l, uint64_t concurrency, const struct rate *rate);
void lane_group_init(struct lane_group *g, uint64_t concurrency, const struct rate *rate);
void lanes_init(struct lanes *ls, uint64_t concurrency, const struct rate *rate);
void lanes_fini(struct lanes *ls);

/* The group is over: nothing of it waits or is in flight. */
void lanes_forget_group(struct lanes *ls, struct lane_group *g);
void lanes_forget_limiter(struct lanes *ls, struct limiter *l);

/* Other limits from now on. */
void lanes_set_limits(struct lanes *ls, struct limiter *l, uint64_t concurrency,
    const struct rate *rate, int64_t now_ns);

/* Whether a message may be dispatched now without waiting: nobody who waits could go instead. */
bool lanes_are_open(const struct lanes *ls, const struct lane_group *g,
    const struct limiter *destination, int64_t now_ns);

/* A message waits at the end of its lane; or waits no more, for whatever reason. */
struct lane *lanes_add(struct lanes *ls, struct lane_group *g, struct limiter *destination,
    enum lane_kind kind, uint64_t seq, int64_t now_ns);
void lanes_remove(struct lanes *ls, struct lane_group *g, struct limiter *destination,
    enum lane_kind kind, int64_t now_ns);

/* One that was not counted so far is in flight to that destination. */
void lanes_count(struct limiter *destination);

/* One more attempt in flight, or one less. A slot that became free is given by lanes_next(). */
void lanes_take(
    struct lanes *ls, struct lane_group *g, struct limiter *destination, int64_t now_ns);
void lanes_give_back(
    struct lanes *ls, struct lane_group *g, struct limiter *destination, int64_t now_ns);

/*
 * The lane whose turn it is; its next message is that of the first seq which still waits
 * (seq_queue_pop). NULL when nobody may go. The turn passes on.
 */
struct lane *lanes_next(struct lanes *ls, int64_t now_ns);

/* Everything forgets who waits; the limits and what is in flight stay. */
void lanes_clear(struct lanes *ls);

/* When the next rate lets somebody go who waits, now at the earliest; CLOCK_NEVER when that is not
 * to be expected. */
int64_t lanes_opening(const struct lanes *ls, int64_t now_ns);

/* That moment has come: those who waited for it may go. */
void lanes_open(struct lanes *ls, int64_t now_ns);

#endif
