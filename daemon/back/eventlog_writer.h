#ifndef BACK_EVENTLOG_WRITER_H
#define BACK_EVENTLOG_WRITER_H

/*
 * The event log's thread: takes chunks of whole lines off a queue and writes them, one after the
 * other, as long as it takes. What it can not write it tries again every EVENTLOG_RETRY_NS. All
 * functions are for the loop's thread and never wait, but for eventlog_writer_stop().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"

#define EVENTLOG_CHUNK_BYTES 65536 /* room in a chunk; a single longer line makes it grow */
#define EVENTLOG_RETRY_NS 100000000LL

struct eventlog_target;
struct eventlog_writer;

/* What to do before a chunk's lines are written; so it is done in the order of the stream. */
enum eventlog_command { EVENTLOG_GO_ON, EVENTLOG_REOPEN, EVENTLOG_SWITCH };

struct eventlog_chunk {
	struct list link;
	struct buf lines; /* whole lines, or entries of the journal */
	bool is_entries;
	enum eventlog_command command;
	struct eventlog_target *target; /* to switch to; owned */
};

/* What the writer has to say since it was last asked. */
struct eventlog_report {
	uint64_t reached;       /* octets written since the start */
	int64_t moved_ns;       /* CLOCK_MONOTONIC at the last octet */
	int error;              /* errno of the write that is being tried again; 0: none */
	unsigned reopen_errors; /* since the last report */
	const char *reopen_why; /* the last one's reason, static */
};

/* Called in the writer's thread when there is something to collect; once until it is. */
typedef void eventlog_wake_cb(void *ctx);

/* The thread, with nothing to write and no target. Ends the program when there can be no thread. */
struct eventlog_writer *eventlog_writer_start(eventlog_wake_cb *wake_cb, void *ctx);

/* The chunk that was queued last, to be gone on with, unless it is about to be written; else NULL.
 * So turns with few lines do not fill the queue with chunks that are nearly empty. */
struct eventlog_chunk *eventlog_writer_reclaim(struct eventlog_writer *w);

/* An empty chunk. */
struct eventlog_chunk *eventlog_writer_chunk(struct eventlog_writer *w);

/* Queues the chunk, which is the writer's from now on. It is written when eventlog_writer_go() says
 * so, or before. */
void eventlog_writer_put(struct eventlog_writer *w, struct eventlog_chunk *c);
void eventlog_writer_go(struct eventlog_writer *w);

/* The same for a loop that collects next: it is not woken before that. True: the thread had rested,
 * and may have run and be done by now, as it is where both share a processor. */
bool eventlog_writer_go_and_look(struct eventlog_writer *w);

/* Where the writer stands. */
void eventlog_writer_collect(struct eventlog_writer *w, struct eventlog_report *r);

/* While watched it wakes at every octet, else when a chunk is done and at trouble's begin and end.
 */
void eventlog_writer_watch(struct eventlog_writer *w, bool is_watched);

/*
 * Waits for at most patience_ns until all is written, then ends the thread and frees everything. A
 * thread that is stuck in a write is left to itself; it writes nothing more when it comes back and
 * frees what it has. Gives the number of lines that were not written; *is_torn says that one of
 * them was begun and could not be taken back.
 */
uint64_t eventlog_writer_stop(struct eventlog_writer *w, int64_t patience_ns, bool *is_torn);

#endif
