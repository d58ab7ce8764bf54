/*
 * Owns the threads and their queue. The mutex guards the queue; it is held for moving a few
 * numbers only. Memory is the same whatever the backlog: the queue is of runs of equal jobs, and
 * once there are RUNS_MAX of them the last one takes what comes, each of its jobs then being an
 * equal share of its total. So the number of jobs and the sum of their amounts are exact all the
 * same.
 */
#include "back/work.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#define RUNS_MAX 256
/* between two looks at the clock: some two microseconds; a look is a system call, less than one */
#define STEPS 1000
#define CELLS 64

/* Jobs that follow each other; count is not 0. */
struct run {
	int64_t total_ns;
	uint64_t count;
};

struct work {
	struct bus *bus;
	work_amount *amount;
	struct bus_subscription *subscription; /* NULL while not enabled */
	unsigned n_threads;
	pthread_t *threads;
	pthread_mutex_t mutex;
	pthread_cond_t is_there; /* a job, or the end */
	struct run runs[RUNS_MAX];
	unsigned first, n_runs;   /* a ring */
	_Atomic uint64_t pending; /* jobs in the queue or under way */
	atomic_bool is_stopping;
};

static int64_t
read_processor_clock(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == -1)
		abort();
	return (int64_t)t.tv_sec * TEXT_NS_PER_S + t.tv_nsec;
}

/* Each step needs the one before. */
static uint64_t
mix(uint64_t cells[CELLS], uint64_t x)
{
	unsigned i;

	for (i = 0; i < STEPS; i++) {
		x = (x ^ cells[i % CELLS]) * 0x9e3779b97f4a7c15U;
		x ^= x >> 29;
		cells[i % CELLS] = x;
	}
	return x;
}

/* Uses the processor for so long, or until the end. */
static void
burn(const struct work *w, int64_t amount_ns)
{
	int64_t until = clock_add(read_processor_clock(), amount_ns);
	uint64_t cells[CELLS] = { 0 }, x = (uint64_t)amount_ns;
	volatile uint64_t kept; /* or the compiler would see that it is for nothing */

	do
		x = mix(cells, x);
	while (!atomic_load_explicit(&w->is_stopping, memory_order_relaxed) &&
	    read_processor_clock() < until);
	kept = x;
	(void)kept;
}

/* Whether another job of that amount leaves the run one of equal jobs. */
static bool
is_equal(const struct run *r, int64_t amount_ns)
{
	return r->total_ns % (int64_t)r->count == 0 && r->total_ns / (int64_t)r->count == amount_ns;
}

static struct run *
run_at(struct work *w, unsigned i)
{
	return &w->runs[(w->first + i) % RUNS_MAX];
}

static void
add_job(struct work *w, int64_t amount_ns)
{
	struct run *last = w->n_runs > 0 ? run_at(w, w->n_runs - 1) : NULL;

	if (last && (w->n_runs == RUNS_MAX || is_equal(last, amount_ns))) {
		last->total_ns = clock_add(last->total_ns, amount_ns);
		last->count++;
	} else {
		*run_at(w, w->n_runs++) = (struct run){ amount_ns, 1 };
	}
}

/* Gives the amount of the job. There is one. */
static int64_t
remove_job(struct work *w)
{
	struct run *r = &w->runs[w->first];
	int64_t amount_ns = r->total_ns / (int64_t)r->count;

	r->total_ns -= amount_ns;
	if (--r->count == 0) {
		w->first = (w->first + 1) % RUNS_MAX;
		w->n_runs--;
	}
	return amount_ns;
}

/* Waits for a job. False when it is time to end. */
static bool
next_job(struct work *w, int64_t *amount_ns)
{
	bool is_wanted;

	pthread_mutex_lock(&w->mutex);
	while (w->n_runs == 0 && !w->is_stopping)
		pthread_cond_wait(&w->is_there, &w->mutex);
	is_wanted = !w->is_stopping;
	if (is_wanted)
		*amount_ns = remove_job(w);
	pthread_mutex_unlock(&w->mutex);
	return is_wanted;
}

static void *
run_worker(void *ctx)
{
	struct work *w = ctx;
	int64_t amount_ns;

	while (next_job(w, &amount_ns)) {
		burn(w, amount_ns);
		w->pending--;
	}
	return NULL;
}

static void
event_cb(void *ctx, struct bus *bus, const struct event *ev)
{
	struct work *w = ctx;
	int64_t amount_ns = w->amount(ev);

	(void)bus;
	if (amount_ns <= 0)
		return;
	if (w->n_threads == 0) {
		burn(w, amount_ns);
		return;
	}
	w->pending++;
	pthread_mutex_lock(&w->mutex);
	add_job(w, amount_ns);
	pthread_mutex_unlock(&w->mutex);
	pthread_cond_signal(&w->is_there);
}

/* Gives 0, or the error that kept the next thread from starting. */
static int
start_threads(struct work *w, unsigned threads)
{
	sigset_t all, old;
	int error = 0;

	/* signals are the loop's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (w->n_threads < threads && error == 0) {
		error = pthread_create(&w->threads[w->n_threads], NULL, run_worker, w);
		if (error == 0)
			w->n_threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

struct work *
work_start(struct bus *bus, unsigned threads, work_amount *amount, struct buf *why)
{
	struct work *w = mem_alloc(sizeof *w);
	const char *reason;
	int error;

	w->bus = bus;
	w->amount = amount;
	w->threads = mem_alloc_array(threads, sizeof w->threads[0]);
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->is_there, NULL);
	error = start_threads(w, threads);
	if (error == 0)
		return w;
	reason = strerrordesc_np(error);
	buf_printf(why, "thread %u of %u cannot start: %s", w->n_threads + 1, threads,
	    reason ? reason : "unknown error");
	work_stop(w);
	return NULL;
}

void
work_set_enabled(struct work *w, bool is_enabled)
{
	if (is_enabled && !w->subscription) {
		w->subscription = bus_subscribe(w->bus, 1U << EVENT_DISPATCHED, event_cb, w);
	} else if (!is_enabled && w->subscription) {
		bus_unsubscribe(w->bus, w->subscription);
		w->subscription = NULL;
	}
}

void
work_stop(struct work *w)
{
	unsigned i;

	if (!w)
		return;
	work_set_enabled(w, false);
	pthread_mutex_lock(&w->mutex);
	w->is_stopping = true;
	pthread_mutex_unlock(&w->mutex);
	pthread_cond_broadcast(&w->is_there);
	for (i = 0; i < w->n_threads; i++)
		pthread_join(w->threads[i], NULL);
	pthread_cond_destroy(&w->is_there);
	pthread_mutex_destroy(&w->mutex);
	free(w->threads);
	free(w);
}

void
work_add_stats(const struct work *w, struct buf *b)
{
	buf_printf(b, " work_pending=%" PRIu64, atomic_load(&w->pending));
}
