#ifndef BACK_EVENTLOG_TARGET_H
#define BACK_EVENTLOG_TARGET_H

/*
 * Where the event log's lines go, as the writer thread sees it: a descriptor with its name, or the
 * journal, which takes entries (eventlog_entry.h) instead of lines. Opening and freeing are in
 * back/eventlog.h, since the application does them. Every function here may block, and so belongs
 * to the thread.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

struct eventlog_target {
	char *name;
	int fd;           /* -1 for "none" */
	bool is_ours;     /* opened here, so closed here */
	bool is_journal;  /* takes entries */
	bool is_regular;  /* takes any amount in one call */
	bool is_stdout;   /* shared with --stdio */
	bool is_mid_line; /* a line was begun and not ended; on stdout the lock is held as long */
};

/* The journal whose socket is at path; NULL and *why as eventlog_target_open(). */
struct eventlog_target *eventlog_target_open_journal(const char *path, const char **why);

/*
 * Writes some octets from the start of lines, which begins where the last write ended. Gives their
 * number, 0 when the target takes none just now (it has waited a little already), or -1 and errno.
 */
ssize_t eventlog_target_write(struct eventlog_target *t, struct str lines);

/* Opens a path again; of stdout and stderr there is no other. NULL, or why it cannot be: then the
 * target is as it was. */
const char *eventlog_target_reopen(struct eventlog_target *t);

/*
 * The line that was begun will not be ended: takes its first n octets back, which only a regular
 * file lets us do, and only when nobody has written behind them. False when they stay.
 */
bool eventlog_target_cut(struct eventlog_target *t, size_t n);

#endif
