/* A log that cannot be written: deliveries go on, what is lost is counted and said, and when it can
 * be written again it is. And the rule that makes the log worth reading: it is ahead of replies. */
#include "harness.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM 100000 /* octets that the log takes before the trouble */
#define BATCH 20000 /* messages, more than there is room for */
#define LINE "template.delivered=<{id} {seq} delivered>"

/* Every line whole, in order, none twice; gives how many. */
static long long
check_lines(struct daemon *d)
{
	static const char rest[] = " delivered>\n";
	const char *p = daemon_log(d);
	long long n = 0, last = 0, seq;
	char *end;

	for (; *p; n++) {
		const char *line = p;

		strtoll(p + 1, &end, 10);
		seq = strtoll(end, &end, 10);
		if (*line != '<' || strncmp(end, rest, strlen(rest)) != 0)
			harness_fail(__FILE__, __LINE__, "this line is torn: %.100s", line);
		expect(seq > last);
		last = seq;
		p = end + strlen(rest);
	}
	return n;
}

static void
send_batch(struct client *c)
{
	char expected[64];

	snprintf(expected, sizeof expected, "+OK n=%d delivered=%d %%", BATCH, BATCH);
	expect_text(client_ask(c, "gather 1..%d", BATCH), expected);
}

/* The log stands still from some line on; then it moves again. */
static void
go_through(struct daemon *d, void (*relieve)(struct daemon *d))
{
	struct client *c = client_connect(d);
	int64_t since = harness_now_ms();
	long long lost;

	do {
		send_batch(c);
		harness_pause(since, "the trouble");
	} while (text_number(client_stats(c), "log_lost") == 0);
	daemon_wait_errors(d, "does not move", 1);
	send_batch(c);
	lost = text_number(client_stats(c), "log_lost");
	expect(lost >= BATCH);
	relieve(d);
	daemon_wait_errors(d, "moves again", 1);
	daemon_wait_errors(d, "lines were lost", 1);
	lost = text_number(client_stats(c), "log_lost");
	expect_text(client_ask(c, "gather 987654"), "+OK n=1 %");
	daemon_wait_log(d, "<987654 ", 1);
	expect_number(text_number(client_stats(c), "log_lost"), lost);
	daemon_stop(d);
	expect_number(daemon_ledger(d, "log_lost"), lost);
	expect_number(daemon_ledger(d, "unfinished"), 0);
}

static struct daemon *
start(struct daemon *d, void (*prepare)(void *ctx, const struct daemon *d), const char *path)
{
	const struct daemon_setup setup = { .has_own_log = true, .prepare = prepare };
	char target[256];
	const char *args[] = { "-o", target, "-o", "clock.scale=max", "-o", "log.format=template",
		"-o", LINE, "-o", "limits.stall_timeout=300ms", NULL };

	snprintf(target, sizeof target, "log.target=%s", path);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	return d;
}

static void
limit_file_size(void *ctx, const struct daemon *d)
{
	const struct rlimit limit = { ROOM, RLIM_INFINITY };

	(void)ctx;
	(void)d;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void
lift_file_size(struct daemon *d)
{
	const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	expect(prlimit(d->pid, RLIMIT_FSIZE, &limit, NULL) == 0);
}

static void
test_file_that_is_too_big(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	start(d, limit_file_size, d->log);
	go_through(d, lift_file_size);
	expect_number(check_lines(d) + daemon_ledger(d, "log_lost"), daemon_ledger(d, "delivered"));
}

/* A small disk of its own, which only the daemon sees. */
static void
mount_small_disk(void *ctx, const struct daemon *d)
{
	char path[160], filler[160];
	int fd;

	(void)ctx;
	snprintf(path, sizeof path, "%s/disk", d->dir);
	snprintf(filler, sizeof filler, "%s/disk/filler", d->dir);
	if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", path, "tmpfs", 0, "size=64m") == -1)
		_exit(77);
	fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1 || fallocate(fd, 0, 0, (64 << 20) - ROOM) == -1)
		_exit(77);
	close(fd);
}

static void
empty_small_disk(struct daemon *d)
{
	char filler[256];

	snprintf(filler, sizeof filler, "/proc/%d/root%s/disk/filler", (int)d->pid, d->dir);
	expect(unlink(filler) == 0);
}

/* Containers do not let every root do it. */
static bool
can_mount(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNS) == 0 &&
			    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
			    mount("none", "/tmp", "tmpfs", 0, "size=1m") == 0
			? 0
			: 1);
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void
test_disk_that_is_full(void **state)
{
	struct daemon *d = daemon_new();
	char path[160], seen[256];
	int fd;

	(void)state;
	if (geteuid() != 0 || !can_mount()) {
		print_message("only root can make a disk\n");
		skip();
	}
	snprintf(path, sizeof path, "%s/disk", d->dir);
	expect(mkdir(path, 0700) == 0);
	strcat(path, "/log");
	start(d, mount_small_disk, path);
	/* as it is seen from outside, and kept when the daemon and its disk are gone */
	snprintf(seen, sizeof seen, "/proc/%d/root%s", (int)d->pid, path);
	fd = open(seen, O_RDONLY | O_CLOEXEC);
	expect(fd != -1);
	snprintf(d->log, sizeof d->log, "/proc/self/fd/%d", fd);
	go_through(d, empty_small_disk);
	expect_number(check_lines(d) + daemon_ledger(d, "log_lost"), daemon_ledger(d, "delivered"));
	close(fd);
}

/* The reader of a FIFO, which begins when it is told to, and copies to where the log is looked for.
 */
struct reader {
	pthread_t thread;
	int fd;
	char path[128];
};

static struct reader reader;

static void *
read_fifo(void *ctx)
{
	struct reader *r = ctx;
	int out = open(r->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char data[65536];
	ssize_t n;

	while (out != -1 && (n = read(r->fd, data, sizeof data)) > 0)
		if (write(out, data, (size_t)n) != n)
			abort();
	close(out);
	return NULL;
}

static void
start_reader(struct daemon *d)
{
	(void)d;
	expect(pthread_create(&reader.thread, NULL, read_fifo, &reader) == 0);
}

static void
test_fifo_whose_reader_stopped(void **state)
{
	struct daemon *d = daemon_new();
	char path[160];

	(void)state;
	snprintf(path, sizeof path, "%s/fifo", d->dir);
	expect(mkfifo(path, 0600) == 0);
	reader.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	expect(reader.fd != -1 && fcntl(reader.fd, F_SETFL, 0) == 0);
	strcpy(reader.path, d->log);
	start(d, NULL, path);
	go_through(d, start_reader);
	pthread_join(reader.thread, NULL);
	close(reader.fd);
	expect_number(check_lines(d) + daemon_ledger(d, "log_lost"), daemon_ledger(d, "delivered"));
}

/* Standard output, read by nobody any more: nothing comes back, and nobody is held up. */
static void
test_reader_that_is_gone(void **state)
{
	struct daemon_setup setup = { .has_own_log = true };
	struct daemon *d = daemon_new();
	const char *args[] = { "-o", "clock.scale=max", "-o", "limits.stall_timeout=300ms", NULL };
	struct client *c;
	int ends[2];

	(void)state;
	expect(pipe2(ends, O_CLOEXEC) == 0);
	setup.stdout_fd = ends[1];
	daemon_run(d, &setup, args);
	close(ends[0]);
	close(ends[1]);
	daemon_wait_ready(d);
	c = client_connect(d);
	expect_text(client_ask(c, "gather 0..9"), "+OK n=10 delivered=10 %");
	daemon_wait_errors(d, "does not move", 1);
	expect_text(client_ask(c, "gather 0..9"), "+OK n=10 delivered=10 %");
	expect_number(text_number(client_stats(c), "log_lost"), 31);
	daemon_stop(d);
	expect_number(daemon_ledger(d, "log_lost"), 62);
}

/* A slow reader is no trouble: the log is not thinned for speed. */
static void
test_slow_reader_gets_all(void **state)
{
	struct daemon *d = daemon_new();
	struct client *c;
	char path[160];

	(void)state;
	snprintf(path, sizeof path, "%s/fifo", d->dir);
	expect(mkfifo(path, 0600) == 0);
	reader.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	expect(reader.fd != -1 && fcntl(reader.fd, F_SETFL, 0) == 0);
	strcpy(reader.path, d->log);
	start(d, NULL, path);
	start_reader(d);
	c = client_connect(d);
	expect_text(client_ask(c, "gather 1..300000"), "+OK n=300000 %");
	daemon_stop(d);
	pthread_join(reader.thread, NULL);
	close(reader.fd);
	expect_number(daemon_ledger(d, "log_lost"), 0);
	expect_number(check_lines(d), 300000);
}

static void
test_log_is_ahead_of_replies(void **state)
{
	struct daemon *d = daemon_start("-o", "clock.scale=max", NULL);
	struct client *c = client_connect(d), *events = client_connect(d);
	char part[64];
	int i;

	(void)state;
	expect_text(client_ask(events, "events on"), "+OK events=on");
	for (i = 0; i < 500; i++) {
		expect_text(client_ask(c, "send q%d latency=1d", i), "+OK queued=1 %");
		snprintf(part, sizeof part, " queued id=q%d ", i);
		expect_number(daemon_count_log(d, part), 1);
		expect_text(client_ask(c, "gather g%d", i), "+OK n=1 %");
		snprintf(part, sizeof part, " delivered id=g%d ", i);
		expect_number(daemon_count_log(d, part), 1);
	}
	/* events, too, are told when they are written; six a turn and two of them above */
	for (i = 0; i < 1500; i++) {
		const char *id = strstr(client_line(events), " id=");

		snprintf(part, sizeof part, "%.*s ", (int)strcspn(id + 4, " ") + 4, id);
		expect(daemon_count_log(d, part) >= 1);
	}
	daemon_stop(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_file_that_is_too_big),
		LIVE_TEST(test_disk_that_is_full),
		LIVE_TEST(test_fifo_whose_reader_stopped),
		LIVE_TEST(test_reader_that_is_gone),
		LIVE_TEST(test_slow_reader_gets_all),
		LIVE_TEST(test_log_is_ahead_of_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
