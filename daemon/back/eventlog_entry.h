#ifndef BACK_EVENTLOG_ENTRY_H
#define BACK_EVENTLOG_ENTRY_H

/*
 * Events as entries of systemd's journal. An entry has the line that other targets would get as
 * MESSAGE, and a field MAILSIMD_NAME for each field of the event, with MAILSIMD_EVENT and
 * MAILSIMD_TIME before them; values are as a line of text has them, but never quoted. PRIORITY is 6
 * (info), 5 (notice) for deferred and dropped, 4 (warning) for bounced and expired. All entries
 * have one MESSAGE_ID, 45e749925f60477c894ba489e0ac8da7.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/event.h"

/* In front of each entry of a chunk. */
#define EVENTLOG_ENTRY_HEAD sizeof(uint32_t)

/* Begins an entry at the end of b; the event's line, without its end, is to follow. Gives what
 * eventlog_entry_end() wants to know. */
size_t eventlog_entry_begin(struct buf *b);
void eventlog_entry_end(struct buf *b, size_t begin, const struct event *ev);

/* The first of some entries, without its head: the datagram to be sent. */
struct str eventlog_entry_first(struct str entries);

/* How many there are; begins and ends where entries do. */
uint64_t eventlog_entry_count(struct str entries);

#endif
