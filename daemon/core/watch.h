#ifndef CORE_WATCH_H
#define CORE_WATCH_H

/*
 * Waiting for messages to get somewhere. A watch counts what its selector finds, from the counters
 * that are there and then move by move, and calls back once when its goals are reached, or when
 * they never can be.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/selector.h"
#include "core/seq_queue.h"
#include "core/tally.h"

struct simulator;

enum watch_goal {
	GOAL_ACCEPTED,
	GOAL_DEFERRED,
	GOAL_DELIVERED,
	GOAL_BOUNCED,
	GOAL_EXPIRED,
	GOAL_DROPPED,
	GOAL_CANCELLED,
	GOAL_FINAL,
	GOAL_COUNT
};

/* GOAL_COUNT when there is none of that name. */
enum watch_goal watch_goal_find(struct str name);

enum watch_status {
	WATCH_PENDING,
	WATCH_DONE,
	WATCH_NOTHING, /* there is nothing it could wait for */
};

struct watch {
	struct list link; /* on a tally */
	struct selector selector;
	bool is_filtered; /* the tally counts more than is meant: */
	struct {
		uint64_t number; /* of the batch that was asked about last… */
		bool is_meant;   /* …and what of it is meant */
		uint32_t first, last;
	} batch;
	struct counts counts;
	unsigned goals; /* mask of 1U << enum watch_goal; 0: all that is there now is final */
	uint64_t goal[GOAL_COUNT];
	bool is_bounded; /* counts only what was accepted when it began */
	uint64_t bound_seq;
	struct seq_range *excluded; /* seqs given out before but accepted later */
	size_t n_excluded;
	bool is_closed; /* nothing new can come */
	enum watch_status status;
	void (*done_cb)(void *ctx);
	void *ctx;
};

/*
 * Begins to watch. selector and goals are set by the caller; the text of the selector must live as
 * long as the watch. Gives the status at once; done_cb is called later, once, and only if that was
 * WATCH_PENDING. watch_stop() in any case.
 */
enum watch_status watch_start(struct watch *w, struct simulator *sim, const struct selector *s,
    unsigned goals, const uint64_t *goal, void (*done_cb)(void *ctx), void *ctx);
void watch_stop(struct watch *w);

/* Called by message_set_state() for every watch of a tally. */
void watch_note(struct watch *w, const struct simulator *sim, const struct message *m,
    enum message_state from, enum message_state to);

/* A range was cut short: what a watch waits for may never come. */
void watch_recheck(struct watch *w, const struct simulator *sim);

/* All messages are forgotten, and numbers begin anew. */
void watch_reset(struct watch *w, const struct simulator *sim);

#endif
