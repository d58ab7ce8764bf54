/*
 * Owns the writing thread, the target and the queue between thread and loop. The mutex guards all
 * of struct eventlog_writer but `target`, which is the thread's alone, and is held for moving
 * pointers only (and for waking the loop, which is one write to an eventfd). A chunk on the queue
 * belongs to nobody's eyes; one that is being written is not changed until it is done. Lines leave
 * in the order they came, and what was begun is ended before anything else happens.
 */
#include "back/eventlog_writer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "back/eventlog.h"
#include "back/eventlog_entry.h"
#include "back/eventlog_target.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"

#define SPARES_MAX 8
/* how long a thread that was told to end may take before it counts as stuck */
#define GRACE_NS 200000000LL

struct eventlog_writer {
	pthread_t thread;
	pthread_mutex_t mutex;
	sem_t work; /* there may be a chunk, or the end has come; a condition costs a call more */
	pthread_cond_t ended; /* has_ended */
	eventlog_wake_cb *wake_cb;
	void *ctx;
	struct list queue;
	struct list spares;
	unsigned n_spares;
	struct eventlog_chunk *writing; /* off the queue, not done yet */
	size_t offset;                  /* octets of it that are written */
	struct eventlog_report report;
	bool is_resting; /* waits for work */
	bool is_woken;   /* the loop has not collected since */
	bool is_looking; /* it will, without being woken */
	bool is_watched;
	bool is_stopping; /* end when all is written */
	bool must_end;    /* end now */
	bool has_ended;
	bool is_torn;
	bool is_abandoned; /* the thread frees it all when it ends */
	struct eventlog_target *target;
};

static int64_t
read_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * TEXT_NS_PER_S + t.tv_nsec;
}

static struct timespec
timespec_of(int64_t ns)
{
	return (struct timespec){ ns / TEXT_NS_PER_S, ns % TEXT_NS_PER_S };
}

/* Waits for the thread's end, mutex held. False once the time has come. */
static bool
wait_for_end(struct eventlog_writer *w, int64_t at_ns)
{
	struct timespec t = timespec_of(at_ns);

	return pthread_cond_timedwait(&w->ended, &w->mutex, &t) != ETIMEDOUT;
}

/* Lets go of the mutex until there may be work, at_ns at the latest. False once the time has
 * come. */
static bool
wait_for_work(struct eventlog_writer *w, int64_t at_ns)
{
	struct timespec t = timespec_of(at_ns);
	int result;

	pthread_mutex_unlock(&w->mutex);
	if (at_ns == CLOCK_NEVER)
		result = sem_wait(&w->work);
	else
		result = sem_clockwait(&w->work, CLOCK_MONOTONIC, &t);
	/* or a signal has come: so has no work, but whoever waits looks again */
	result = result == -1 && errno == ETIMEDOUT;
	pthread_mutex_lock(&w->mutex);
	return result == 0;
}

static void
free_chunk(struct eventlog_chunk *c)
{
	buf_fini(&c->lines);
	eventlog_target_free(c->target);
	free(c);
}

static void
free_chunks(struct list *chunks)
{
	struct list *l;

	while ((l = list_pop(chunks)))
		free_chunk(list_entry(l, struct eventlog_chunk, link));
}

static void
free_writer(struct eventlog_writer *w)
{
	free_chunks(&w->queue);
	free_chunks(&w->spares);
	if (w->writing)
		free_chunk(w->writing);
	sem_destroy(&w->work);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

/* With the mutex held, so that nobody is woken any more once must_end is set: by then the waker
 * may be gone. */
static void
wake_loop(struct eventlog_writer *w)
{
	if (w->is_woken || w->is_looking || w->must_end)
		return;
	w->is_woken = true;
	w->wake_cb(w->ctx);
}

/* Waits for the next chunk; NULL when it is time to end. */
static struct eventlog_chunk *
next_chunk(struct eventlog_writer *w)
{
	struct list *l = NULL;

	pthread_mutex_lock(&w->mutex);
	while (list_is_empty(&w->queue) && !w->is_stopping && !w->must_end) {
		w->is_resting = true;
		wait_for_work(w, CLOCK_NEVER);
	}
	w->is_resting = false;
	if (!w->must_end && (l = list_pop(&w->queue))) {
		w->writing = list_entry(l, struct eventlog_chunk, link);
		w->offset = 0;
	}
	pthread_mutex_unlock(&w->mutex);
	return l ? w->writing : NULL;
}

static void
obey_command(struct eventlog_writer *w, struct eventlog_chunk *c)
{
	const char *why = NULL;

	if (c->command == EVENTLOG_SWITCH) {
		eventlog_target_free(w->target);
		w->target = c->target;
		c->target = NULL;
	} else if (c->command == EVENTLOG_REOPEN) {
		why = eventlog_target_reopen(w->target);
	}
	c->command = EVENTLOG_GO_ON;
	if (!why)
		return;
	pthread_mutex_lock(&w->mutex);
	w->report.reopen_errors++;
	w->report.reopen_why = why;
	wake_loop(w);
	pthread_mutex_unlock(&w->mutex);
}

/* n more octets are written, or the target has only been waited for. False when the rest is not
 * wanted any more. */
static bool
note_progress(struct eventlog_writer *w, size_t n)
{
	bool is_wanted;

	pthread_mutex_lock(&w->mutex);
	w->offset += n;
	w->report.reached += n;
	if (n > 0) {
		w->report.moved_ns = read_clock();
		if (w->report.error != 0 || w->is_watched)
			wake_loop(w);
		w->report.error = 0;
	}
	is_wanted = !w->must_end;
	pthread_mutex_unlock(&w->mutex);
	return is_wanted;
}

/* A write failed: waits until it is time to try again. False when it is not wanted any more. */
static bool
note_failure(struct eventlog_writer *w, int error)
{
	int64_t retry_at = read_clock() + EVENTLOG_RETRY_NS;
	bool is_wanted;

	pthread_mutex_lock(&w->mutex);
	if (w->report.error != error) {
		w->report.error = error;
		wake_loop(w);
	}
	while (!w->must_end && wait_for_work(w, retry_at))
		;
	is_wanted = !w->must_end;
	pthread_mutex_unlock(&w->mutex);
	return is_wanted;
}

/* False when the end came before all of it was written. */
static bool
write_chunk(struct eventlog_writer *w, const struct eventlog_chunk *c)
{
	bool is_wanted = true;

	while (w->offset < c->lines.len && is_wanted) {
		struct str rest = str_from(buf_str(&c->lines), w->offset);
		ssize_t n = eventlog_target_write(w->target, rest);

		is_wanted = n < 0 ? note_failure(w, errno) : note_progress(w, (size_t)n);
	}
	return w->offset == c->lines.len;
}

/* The chunk is written: it is kept for the next lines, or freed when there are enough. */
static void
finish_chunk(struct eventlog_writer *w, struct eventlog_chunk *c)
{
	bool is_kept = c->lines.cap <= EVENTLOG_CHUNK_BYTES;

	pthread_mutex_lock(&w->mutex);
	w->writing = NULL;
	c->lines.len = 0;
	is_kept = is_kept && w->n_spares < SPARES_MAX;
	if (is_kept) {
		list_add_tail(&w->spares, &c->link);
		w->n_spares++;
	}
	wake_loop(w);
	pthread_mutex_unlock(&w->mutex);
	if (!is_kept)
		free_chunk(c);
}

/* Takes back what there is of a line that will not be ended. */
static bool
cut_torn_line(struct eventlog_writer *w)
{
	const char *start, *end;

	if (!w->writing || !w->target)
		return true;
	start = w->writing->lines.data;
	end = memrchr(start, '\n', w->offset);
	return eventlog_target_cut(w->target, w->offset - (end ? (size_t)(end - start) + 1 : 0));
}

static void *
run_writer(void *ctx)
{
	struct eventlog_writer *w = ctx;
	struct eventlog_chunk *c;
	bool is_torn, is_abandoned;

	while ((c = next_chunk(w))) {
		obey_command(w, c);
		if (!write_chunk(w, c))
			break;
		finish_chunk(w, c);
	}
	is_torn = !cut_torn_line(w);
	eventlog_target_free(w->target);
	pthread_mutex_lock(&w->mutex);
	w->is_torn = is_torn;
	w->has_ended = true;
	is_abandoned = w->is_abandoned;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->mutex);
	if (is_abandoned)
		free_writer(w);
	return NULL;
}

static uint64_t
count_lines(const struct eventlog_chunk *c, size_t from)
{
	uint64_t n = 0;
	size_t i;

	if (c->is_entries)
		return eventlog_entry_count(str_from(buf_str(&c->lines), from));
	for (i = from; i < c->lines.len; i++)
		n += c->lines.data[i] == '\n';
	return n;
}

/* With the mutex held: the lines that were not, or not all, written. */
static uint64_t
count_unwritten(const struct eventlog_writer *w)
{
	uint64_t n = w->writing ? count_lines(w->writing, w->offset) : 0;
	struct list *l;

	list_foreach (l, &w->queue)
		n += count_lines(list_entry(l, struct eventlog_chunk, link), 0);
	return n;
}

struct eventlog_writer *
eventlog_writer_start(eventlog_wake_cb *wake_cb, void *ctx)
{
	struct eventlog_writer *w = mem_alloc(sizeof *w);
	pthread_condattr_t attr;
	sigset_t all, before;
	int error;

	w->wake_cb = wake_cb;
	w->ctx = ctx;
	list_init(&w->queue);
	list_init(&w->spares);
	pthread_mutex_init(&w->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	sem_init(&w->work, 0, 0);
	pthread_cond_init(&w->ended, &attr);
	pthread_condattr_destroy(&attr);
	/* signals are for the loop */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&w->thread, NULL, run_writer, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		diag_error("no thread for the event log: %s", strerrordesc_np(error));
		_Exit(1);
	}
	return w;
}

struct eventlog_chunk *
eventlog_writer_reclaim(struct eventlog_writer *w)
{
	struct list *last = NULL;

	pthread_mutex_lock(&w->mutex);
	if (w->queue.next != w->queue.prev) {
		last = w->queue.prev;
		list_remove(last);
	}
	pthread_mutex_unlock(&w->mutex);
	return last ? list_entry(last, struct eventlog_chunk, link) : NULL;
}

struct eventlog_chunk *
eventlog_writer_chunk(struct eventlog_writer *w)
{
	struct eventlog_chunk *c;
	struct list *spare;

	pthread_mutex_lock(&w->mutex);
	spare = list_pop(&w->spares);
	if (spare)
		w->n_spares--;
	pthread_mutex_unlock(&w->mutex);
	if (spare)
		return list_entry(spare, struct eventlog_chunk, link);
	c = mem_alloc(sizeof *c);
	list_init(&c->link);
	buf_set_room(&c->lines, EVENTLOG_CHUNK_BYTES);
	return c;
}

void
eventlog_writer_put(struct eventlog_writer *w, struct eventlog_chunk *c)
{
	pthread_mutex_lock(&w->mutex);
	list_add_tail(&w->queue, &c->link);
	pthread_mutex_unlock(&w->mutex);
}

/* Posted without the mutex, or the thread wakes up only to wait for it. Whether it had rested.
 */
static bool
go(struct eventlog_writer *w, bool is_looking)
{
	bool is_resting;

	pthread_mutex_lock(&w->mutex);
	is_resting = w->is_resting;
	w->is_resting = false;
	w->is_looking = is_resting && is_looking;
	pthread_mutex_unlock(&w->mutex);
	if (is_resting)
		sem_post(&w->work);
	return is_resting;
}

void
eventlog_writer_go(struct eventlog_writer *w)
{
	go(w, false);
}

bool
eventlog_writer_go_and_look(struct eventlog_writer *w)
{
	return go(w, true);
}

void
eventlog_writer_collect(struct eventlog_writer *w, struct eventlog_report *r)
{
	pthread_mutex_lock(&w->mutex);
	*r = w->report;
	w->report.reopen_errors = 0;
	w->is_woken = w->is_looking = false;
	pthread_mutex_unlock(&w->mutex);
}

void
eventlog_writer_watch(struct eventlog_writer *w, bool is_watched)
{
	pthread_mutex_lock(&w->mutex);
	w->is_watched = is_watched;
	pthread_mutex_unlock(&w->mutex);
}

uint64_t
eventlog_writer_stop(struct eventlog_writer *w, int64_t patience_ns, bool *is_torn)
{
	int64_t until = clock_add(read_clock(), patience_ns);
	uint64_t unwritten;
	bool has_ended;

	pthread_mutex_lock(&w->mutex);
	w->is_stopping = true;
	sem_post(&w->work);
	while (!w->has_ended && wait_for_end(w, until))
		;
	w->must_end = true;
	sem_post(&w->work);
	until = read_clock() + GRACE_NS;
	while (!w->has_ended && wait_for_end(w, until))
		;
	unwritten = count_unwritten(w);
	*is_torn = w->is_torn;
	has_ended = w->has_ended;
	w->is_abandoned = !has_ended;
	if (!has_ended)
		pthread_detach(w->thread);
	pthread_mutex_unlock(&w->mutex);
	if (has_ended) {
		pthread_join(w->thread, NULL);
		free_writer(w);
	}
	return unwritten;
}
