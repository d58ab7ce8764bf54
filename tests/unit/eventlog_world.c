/*
 * Owns the directory, standard error while a test runs, and the loop that waits for conditions with
 * a deadline.
 */
#include "eventlog_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEADLINE_NS (20 * TEXT_NS_PER_S)

/* ---- the loop, until something is so ---- */

static void
turn_end_cb(void *ctx)
{
	struct world *w = ctx;

	if (w->log)
		eventlog_flush(w->log, !w->is_unawaited);
	if (w->is_met(w, w->arg) || loop_read_clock(w->loop) >= w->deadline_ns)
		loop_stop(w->loop);
}

static void
tick_cb(void *ctx)
{
	struct world *w = ctx;

	loop_timer_at(w->tick, loop_read_clock(w->loop) + w->tick_ns);
}

void
world_run_until(struct world *w, world_condition *is_met, const void *arg)
{
	w->is_met = is_met;
	w->arg = arg;
	w->deadline_ns = loop_read_clock(w->loop) + DEADLINE_NS;
	tick_cb(w);
	loop_run(w->loop);
	loop_timer_at(w->tick, INT64_MAX);
	assert_true(loop_read_clock(w->loop) < w->deadline_ns);
}

struct buf
world_slurp(const char *path)
{
	struct buf b = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd != -1);
	while ((n = read(fd, buf_reserve(&b, 65536), 65536)) > 0)
		b.len += (size_t)n;
	close(fd);
	return b;
}

static const char *
diag_path(const struct world *w)
{
	static char path[80];

	snprintf(path, sizeof path, "%s/diag", w->dir);
	return path;
}

bool
world_is_said(struct world *w, const void *text)
{
	struct buf b = world_slurp(diag_path(w));
	bool is_there = memmem(buf_str(&b).p, b.len, text, strlen(text));

	buf_fini(&b);
	return is_there;
}

bool
world_is_all_reached(struct world *w, const void *arg)
{
	(void)arg;
	return w->gate.reached == w->gate.promised;
}

bool
world_is_gate_open(struct world *w, const void *arg)
{
	(void)arg;
	return w->gate.is_open;
}

/* Reads what there is; met when all that was promised is reached and read. */
bool
world_is_drained(struct world *w, const void *arg)
{
	ssize_t n;

	(void)arg;
	while ((n = read(w->reader, buf_reserve(&w->input, 65536), 65536)) > 0)
		w->input.len += (size_t)n;
	return w->gate.reached == w->gate.promised && n <= 0;
}

/* The same, a page at each turn. */
bool
world_is_drained_slowly(struct world *w, const void *arg)
{
	ssize_t n = read(w->reader, buf_reserve(&w->input, 4096), 4096);

	(void)arg;
	if (n > 0)
		w->input.len += (size_t)n;
	return w->gate.reached == w->gate.promised && n <= 0;
}

/* ---- lines ---- */

void
world_emit(struct world *w, unsigned n)
{
	struct event ev = { .kind = EVENT_QUEUED };

	while (n-- > 0) {
		ev.time_ns = w->next++ * MS;
		bus_emit(&w->bus, &ev);
	}
}

void
world_set_template(struct world *w, const char *text)
{
	event_template_free(w->conf.templates[EVENT_QUEUED]);
	w->conf.templates[EVENT_QUEUED] = NULL;
	assert_null(
	    event_template_parse(str_of(text), EVENT_QUEUED, &w->conf.templates[EVENT_QUEUED]));
}

/* That b is the lines with these numbers and nothing else. */
void
world_assert_lines(const struct buf *b, int64_t first, int64_t end)
{
	struct buf expected = { 0 };

	for (; first < end; first++) {
		buf_add_lit(&expected, "line ");
		text_format_time(&expected, first * MS, 3);
		buf_add_char(&expected, '\n');
	}
	assert_int_equal(b->len, expected.len);
	if (b->len > 0)
		assert_memory_equal(b->data, expected.data, b->len);
	buf_fini(&expected);
}

void
world_assert_file(const char *path, int64_t first, int64_t end)
{
	struct buf b = world_slurp(path);

	world_assert_lines(&b, first, end);
	buf_fini(&b);
}

uint64_t
world_count_lines(const struct buf *b)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

void
world_clear_said(struct world *w)
{
	assert_int_equal(truncate(diag_path(w), 0), 0);
}

/* ---- the world ---- */

void
world_start(struct world *w, const char *target, int64_t stall_timeout_ns)
{
	const char *why = NULL;
	struct eventlog_target *t = eventlog_target_open(target, &why);

	assert_null(why);
	w->conf.target = w->path;
	w->conf.stall_timeout_ns = stall_timeout_ns;
	w->log = eventlog_start(&w->bus, w->loop, &w->gate, &w->conf, t);
}

void
world_start_fifo(struct world *w, int64_t stall_timeout_ns)
{
	assert_int_equal(mkfifo(w->path, 0600), 0);
	w->reader = open(w->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(w->reader != -1);
	world_start(w, w->path, stall_timeout_ns);
}

uint64_t
world_stop(struct world *w, int64_t patience_ns)
{
	struct eventlog *log = w->log;

	w->log = NULL;
	return eventlog_stop(log, patience_ns);
}

int
world_set_up(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	int fd;

	if (!w)
		return -1;
	*state = w;
	strcpy(w->dir, "/tmp/test_eventlog.XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	snprintf(w->path, sizeof w->path, "%s/log", w->dir);
	snprintf(w->other, sizeof w->other, "%s/other", w->dir);
	w->reader = -1;
	fflush(stdout);
	w->stdout_fd = dup(STDOUT_FILENO);
	w->stderr_fd = dup(STDERR_FILENO);
	fd = open(diag_path(w), O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	close(fd);
	bus_init(&w->bus);
	w->loop = loop_new();
	w->tick_ns = MS;
	w->tick = loop_add_timer(w->loop, tick_cb, w);
	loop_set_turn_end(w->loop, turn_end_cb, w);
	w->conf.style = EVENT_TEMPLATE;
	w->conf.events = EVENT_MASK_ALL;
	world_set_template(w, "line {time}");
	return 0;
}

static void
remove_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[512];

	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		remove(name);
	}
	if (dir)
		closedir(dir);
	remove(path);
}

int
world_tear_down(void **state)
{
	struct world *w = *state;

	if (w->log)
		world_stop(w, 0);
	dup2(w->stdout_fd, STDOUT_FILENO);
	dup2(w->stderr_fd, STDERR_FILENO);
	close(w->stdout_fd);
	close(w->stderr_fd);
	if (w->reader != -1)
		close(w->reader);
	event_template_free(w->conf.templates[EVENT_QUEUED]);
	loop_remove(w->tick);
	loop_free(w->loop);
	bus_fini(&w->bus);
	buf_fini(&w->input);
	remove_dir(w->dir);
	free(w);
	return 0;
}
