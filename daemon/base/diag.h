#ifndef BASE_DIAG_H
#define BASE_DIAG_H

/*
 * Diagnostics: what the daemon itself does, on standard error, one line each. What happens to
 * messages is the event log, which is something else (back/eventlog.h).
 *
 * A line never waits: when standard error cannot take it now, it is dropped, and the next line
 * that gets through says how many were.
 */

#include <stdbool.h>

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_INFO, DIAG_DEBUG, DIAG_LEVELS };

/* The level's name: "error", "warning", "info", "debug". */
extern const char *const diag_level_names[DIAG_LEVELS];

struct diag_conf {
	enum diag_level level; /* what is less urgent is not said */
	int timestamp;         /* 0: no, 1: yes, 2: unless journald adds its own */
};

/* May be called again at any time, e.g. after a reload. */
void diag_configure(const struct diag_conf *conf);

/* Whether the descriptor is journald's: $JOURNAL_STREAM names its device and inode. */
bool diag_is_journal_at(int fd);

/* Whether standard error is. */
bool diag_is_journal(void);

void diag_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void diag_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void diag_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void diag_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line as it is, without time and level: for what a person reads (--check). */
void diag_plain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
