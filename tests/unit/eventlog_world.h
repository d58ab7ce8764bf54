#ifndef TESTS_UNIT_EVENTLOG_WORLD_H
#define TESTS_UNIT_EVENTLOG_WORLD_H

/*
 * What the tests of the event log stand on: a loop, a bus and a log that run in a directory of
 * their own, numbered lines, a FIFO to read them from, and what was said on standard error.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "back/eventlog.h"
#include "base/text.h"

#define MS TEXT_NS_PER_MS
#define LONG_TIMEOUT_NS (3600 * TEXT_NS_PER_S)
#define PATIENCE_NS (10 * TEXT_NS_PER_S)

struct world {
	char dir[64];
	char path[80], other[80];
	int stdout_fd, stderr_fd; /* what they were before the test */
	struct bus bus;
	struct loop *loop;
	struct gate gate;
	struct eventlog_conf conf;
	struct eventlog *log;
	bool is_unawaited; /* nobody waits for lines */
	int64_t next;      /* the number of the next line */
	int reader;        /* of a FIFO at path; -1: none */
	struct buf input;  /* what was read from it */
	struct loop_event *tick;
	int64_t tick_ns, deadline_ns;
	bool (*is_met)(struct world *w, const void *arg);
	const void *arg;
};

/* Of each test. */
int world_set_up(void **state);
int world_tear_down(void **state);

/* Starts w->log on a target; on a FIFO at w->path with w->reader on its other end. */
void world_start(struct world *w, const char *target, int64_t stall_timeout_ns);
void world_start_fifo(struct world *w, int64_t stall_timeout_ns);
uint64_t world_stop(struct world *w, int64_t patience_ns);

/* The template of the lines. */
void world_set_template(struct world *w, const char *text);

/* Emits that many events, numbered on. */
void world_emit(struct world *w, unsigned n);

/* Runs the loop until it is so, which is asked at the end of each turn; fails when it takes too
 * long. */
typedef bool world_condition(struct world *w, const void *arg);
void world_run_until(struct world *w, world_condition *is_met, const void *arg);

/* Conditions: the text is on standard error; the writer has done all; the gate stands open. */
bool world_is_said(struct world *w, const void *text);
bool world_is_all_reached(struct world *w, const void *arg);
bool world_is_gate_open(struct world *w, const void *arg);

/* Reads what there is into w->input, or a page of it; met when all is reached and read. */
bool world_is_drained(struct world *w, const void *arg);
bool world_is_drained_slowly(struct world *w, const void *arg);

/* Forgets what was said. */
void world_clear_said(struct world *w);

/* What is in a file; and that it, or b, is the lines from first up to end and nothing else. */
struct buf world_slurp(const char *path);
void world_assert_lines(const struct buf *b, int64_t first, int64_t end);
void world_assert_file(const char *path, int64_t first, int64_t end);

uint64_t world_count_lines(const struct buf *b);

#endif
