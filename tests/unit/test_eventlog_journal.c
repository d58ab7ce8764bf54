/*
 * The event log with a journal that is a socket of our own: it takes, it is stuck, it comes back.
 */
#include "sim_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "back/eventlog.h"
#include "back/eventlog_journal.h"
#include "back/eventlog_target.h"

#define DEADLINE_NS (20 * SEC)

struct journal {
	struct world *w;
	struct loop *loop;
	struct gate gate;
	struct eventlog_conf conf;
	struct eventlog *log;
	struct loop_event *tick;
	char dir[64], path[80], said[80];
	int socket, stderr_fd;
	struct buf got; /* entries, one behind the other */
	uint64_t n_got;
	int64_t deadline_ns;
	bool (*is_met)(struct journal *j);
};

static bool
is_said(const struct journal *j, const char *text)
{
	char page[4096];
	int fd = open(j->said, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, page, sizeof page);

	close(fd);
	return n > 0 && memmem(page, (size_t)n, text, strlen(text));
}

static void
turn_end_cb(void *ctx)
{
	struct journal *j = ctx;

	eventlog_flush(j->log, true);
	if (j->is_met(j) || loop_read_clock(j->loop) >= j->deadline_ns)
		loop_stop(j->loop);
}

static void
tick_cb(void *ctx)
{
	struct journal *j = ctx;

	loop_timer_at(j->tick, loop_read_clock(j->loop) + MS);
}

static void
run_until(struct journal *j, bool (*is_met)(struct journal *j))
{
	j->is_met = is_met;
	j->deadline_ns = loop_read_clock(j->loop) + DEADLINE_NS;
	tick_cb(j);
	loop_run(j->loop);
	assert_true(loop_read_clock(j->loop) < j->deadline_ns);
}

static bool
is_all_taken(struct journal *j)
{
	char entry[8192];
	ssize_t n;

	while ((n = recv(j->socket, entry, sizeof entry, 0)) > 0) {
		buf_add(&j->got, entry, (size_t)n);
		j->n_got++;
	}
	return j->gate.reached == j->gate.promised;
}

static bool
is_stalled(struct journal *j)
{
	return is_said(j, "does not move");
}

static bool
is_error_known(struct journal *j)
{
	return j->gate.is_open;
}

static void
bind_journal(struct journal *j)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	unlink(j->path);
	memcpy(a.sun_path, j->path, strlen(j->path));
	j->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(j->socket, (const struct sockaddr *)&a, sizeof a), 0);
}

static void
start(struct journal *j, int64_t stall_timeout_ns)
{
	const char *why = NULL;

	j->conf.target = j->path;
	j->conf.stall_timeout_ns = stall_timeout_ns;
	j->log = eventlog_start(&j->w->sim->bus, j->loop, &j->gate, &j->conf,
	    eventlog_target_open_journal(j->path, &why));
	assert_null(why);
}

static void
send_range(struct journal *j, uint64_t n)
{
	struct batch_request r = world_range(0, n - 1);

	world_send(j->w, &r);
}

static int
set_up(void **state)
{
	struct journal *j = calloc(1, sizeof *j);
	struct simulator_conf conf = world_conf();
	int fd;

	if (!j)
		return -1;
	*state = j;
	strcpy(j->dir, "/tmp/test_journal.XXXXXX");
	if (!mkdtemp(j->dir))
		return -1;
	snprintf(j->path, sizeof j->path, "%s/socket", j->dir);
	snprintf(j->said, sizeof j->said, "%s/said", j->dir);
	fflush(stdout);
	j->stderr_fd = dup(STDERR_FILENO);
	fd = open(j->said, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	close(fd);
	j->w = world_new(&conf, false);
	j->loop = loop_new();
	j->tick = loop_add_timer(j->loop, tick_cb, j);
	loop_set_turn_end(j->loop, turn_end_cb, j);
	j->conf.events = 1U << EVENT_QUEUED;
	bind_journal(j);
	return 0;
}

static int
tear_down(void **state)
{
	struct journal *j = *state;

	dup2(j->stderr_fd, STDERR_FILENO);
	close(j->stderr_fd);
	close(j->socket);
	loop_remove(j->tick);
	loop_free(j->loop);
	world_free(j->w);
	unlink(j->path);
	unlink(j->said);
	rmdir(j->dir);
	buf_fini(&j->got);
	free(j);
	return 0;
}

/* More than the socket's queue takes, which is a few. */
static void
test_entries_come_in_order(void **state)
{
	struct journal *j = *state;
	struct str rest;
	char id[40];
	unsigned i;

	start(j, 3600 * SEC);
	send_range(j, 2000);
	run_until(j, is_all_taken);
	assert_int_equal(eventlog_stop(j->log, SEC), 0);
	assert_true(is_all_taken(j));
	assert_int_equal(j->n_got, 2000);
	rest = buf_str(&j->got);
	for (i = 0; i < 2000; i++) {
		int n = snprintf(id, sizeof id, "\nMAILSIMD_ID=%u\n", i);
		const char *at = memmem(rest.p, rest.n, id, (size_t)n);

		assert_non_null(at);
		rest = str_from(rest, (size_t)(at - rest.p));
	}
}

static void
test_stuck_journal_is_told_and_lines_are_counted(void **state)
{
	struct journal *j = *state;
	uint64_t lost;

	start(j, 50 * MS);
	send_range(j, 2000);
	run_until(j, is_stalled);
	assert_false(bus_is_congested(&j->w->sim->bus));
	send_range(j, 10);
	assert_int_equal(eventlog_lost(j->log), 10);
	lost = eventlog_stop(j->log, 0);
	assert_true(is_all_taken(j));
	assert_in_range(j->n_got, 1, 1000);
	assert_int_equal(j->n_got + lost, 2010);
}

static void
test_journal_that_was_started_anew(void **state)
{
	struct journal *j = *state;

	start(j, 3600 * SEC);
	send_range(j, 1);
	run_until(j, is_all_taken);
	close(j->socket);
	unlink(j->path);
	send_range(j, 1);
	run_until(j, is_error_known);
	bind_journal(j);
	run_until(j, is_all_taken);
	assert_int_equal(eventlog_stop(j->log, SEC), 0);
	assert_true(is_all_taken(j));
	assert_int_equal(j->n_got, 2);
}

static void
test_from_lines_to_entries_and_back(void **state)
{
	struct journal *j = *state;
	const char *why = NULL;
	struct stat st;

	start(j, 3600 * SEC);
	send_range(j, 1);
	eventlog_reconfigure(j->log, &j->conf, eventlog_target_open(j->said, &why));
	send_range(j, 1);
	eventlog_reopen(j->log);
	send_range(j, 1);
	eventlog_reconfigure(j->log, &j->conf, eventlog_target_open_journal(j->path, &why));
	send_range(j, 1);
	eventlog_reopen(j->log);
	send_range(j, 1);
	assert_null(why);
	run_until(j, is_all_taken);
	assert_int_equal(eventlog_stop(j->log, SEC), 0);
	assert_true(is_all_taken(j));
	assert_int_equal(j->n_got, 3);
	assert_int_equal(stat(j->said, &st), 0);
	assert_int_equal(
	    st.st_size, 2 * strlen("2026-01-01T00:00:00.000Z queued id=0 seq=1 batch=1\n"));
}

static void
test_journal_must_be_ours(void **state)
{
	struct journal *j = *state;
	const char *why = NULL;
	char stream[60];
	struct stat st;

	unsetenv("JOURNAL_STREAM");
	assert_non_null(strstr(eventlog_journal_check(), "$JOURNAL_STREAM is not set"));
	setenv("JOURNAL_STREAM", "1:2", 1);
	assert_non_null(strstr(eventlog_journal_check(), "somebody else's"));
	assert_null(eventlog_target_open("journal", &why));
	assert_non_null(strstr(why, "somebody else's"));
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof stream, "%lu:%lu", st.st_dev, st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_null(eventlog_journal_check());
	unsetenv("JOURNAL_STREAM");
	unlink(j->path);
	assert_null(eventlog_target_open_journal(j->path, &why));
	assert_string_equal(why, "systemd-journald does not run");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_entries_come_in_order),
		TEST(test_stuck_journal_is_told_and_lines_are_counted),
		TEST(test_journal_that_was_started_anew),
		TEST(test_from_lines_to_entries_and_back),
		TEST(test_journal_must_be_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
