#ifndef BACK_EVENTLOG_JOURNAL_H
#define BACK_EVENTLOG_JOURNAL_H

/*
 * The way to systemd's journal, for the log's thread.
 */

#include <sys/types.h>

#include "base/str.h"

#define EVENTLOG_JOURNAL_PATH "/run/systemd/journal/socket"

/* NULL when standard output or standard error is the journal's, as $JOURNAL_STREAM says; else why
 * there is none for us, static text. */
const char *eventlog_journal_check(void);

/* A socket for eventlog_journal_send(). -1 and errno when nobody is there. */
int eventlog_journal_open(const char *path);

/*
 * Sends the first of some entries (eventlog_entry.h). Gives the octets of it with its head; 0 when
 * the journal takes none just now (it has waited a little already), or -1 and errno. A journal that
 * was started anew at the same path is found again.
 */
ssize_t eventlog_journal_send(int fd, const char *path, struct str entries);

#endif
