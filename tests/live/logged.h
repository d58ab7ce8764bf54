#ifndef LIVE_LOGGED_H
#define LIVE_LOGGED_H

/*
 * Event logs, read back: log.format=json, since only that has whole microseconds.
 */
#include "harness.h"

#define LOG_JSON "log.format=json"

/* One event. A number that it does not have is -1, a text empty. */
struct logged {
	int64_t time_us, next_us, delay_us;
	long long seq, batch, attempt;
	char event[16], id[32], to[64], outcome[32];
};

/* The event at *at, which moves on; false at the end of the log. */
bool logged_next(const char **at, struct logged *e);

bool logged_is(const struct logged *e, const char *event);

/* deferred, and all that is final: the end of an attempt, or of a message that had none. */
bool logged_is_result(const struct logged *e);

#endif
