/*
 * Owns the descriptor the event log is written to. The journal's is for datagrams: each entry is
 * taken whole or not at all, so there is nothing that could be torn. A regular file takes a whole
 * chunk in one call. Everything else (pipe, FIFO, terminal, socket) is written in pieces of at most
 * PIPE_BUF octets that end at a line's end where they can: such a piece goes into a pipe whole, so
 * another process on the same pipe tears no line, and a slow reader is seen to move at each piece.
 */
#include "back/eventlog_target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "back/eventlog.h"
#include "back/eventlog_journal.h"
#include "base/mem.h"
#include "io/stdout_lock.h"

#define TARGET_MODE 0640
#define POLL_MS 100

/* strerror() is not for two threads at once. */
static const char *
describe(int error)
{
	const char *text = strerrordesc_np(error);

	if (error == ENXIO)
		return "nobody reads from it";
	return text ? text : "unknown error";
}

/* Neither a FIFO without a reader nor a device that waits for its line may hold us up here, but
 * writes are to block. */
static int
open_path(const char *path)
{
	int fd = open(
	    path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, TARGET_MODE);
	int flags, error;

	if (fd == -1)
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (flags != -1 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool
is_regular_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static size_t
piece_size(const struct eventlog_target *t, struct str lines)
{
	const char *end;

	if (t->is_regular || lines.n <= PIPE_BUF)
		return lines.n;
	end = memrchr(lines.p, '\n', PIPE_BUF);
	return end ? (size_t)(end - lines.p) + 1 : PIPE_BUF;
}

ssize_t
eventlog_target_write(struct eventlog_target *t, struct str lines)
{
	size_t size;
	ssize_t n;
	int error;

	if (t->is_journal)
		return eventlog_journal_send(t->fd, t->name, lines);
	size = piece_size(t, lines);
	if (t->is_stdout && !t->is_mid_line)
		stdout_lock();
	n = write(t->fd, lines.p, size);
	error = errno;
	if (n > 0)
		t->is_mid_line = lines.p[n - 1] != '\n';
	if (t->is_stdout && !t->is_mid_line)
		stdout_unlock();
	if (n > 0)
		return n;
	if (n == -1 && error == EINTR)
		return 0;
	if (n == -1 && error == EAGAIN) {
		/* somebody we share the descriptor with has made it non-blocking */
		struct pollfd p = { .fd = t->fd, .events = POLLOUT };

		poll(&p, 1, POLL_MS);
		return 0;
	}
	errno = n == 0 ? EIO : error;
	return -1;
}

const char *
eventlog_target_reopen(struct eventlog_target *t)
{
	int fd;

	if (!t->is_ours || t->is_journal)
		return NULL;
	fd = open_path(t->name);
	if (fd == -1)
		return describe(errno);
	close(t->fd);
	t->fd = fd;
	t->is_regular = is_regular_file(fd);
	return NULL;
}

bool
eventlog_target_cut(struct eventlog_target *t, size_t n)
{
	struct stat st;
	off_t end;
	bool is_cut = false;

	if (!t->is_mid_line)
		return true;
	end = lseek(t->fd, 0, SEEK_CUR);
	if (t->is_regular && end >= (off_t)n && fstat(t->fd, &st) == 0 && st.st_size == end)
		is_cut = ftruncate(t->fd, end - (off_t)n) == 0 &&
		    lseek(t->fd, end - (off_t)n, SEEK_SET) != -1;
	t->is_mid_line = false;
	if (t->is_stdout)
		stdout_unlock();
	return is_cut;
}

static struct eventlog_target *
target_new(const char *name)
{
	struct eventlog_target *t = mem_alloc(sizeof *t);

	t->fd = -1;
	t->name = mem_copy_str(str_of(name));
	return t;
}

struct eventlog_target *
eventlog_target_open_journal(const char *path, const char **why)
{
	struct eventlog_target *t;
	int fd = eventlog_journal_open(path);

	if (fd == -1) {
		*why = errno == ENOENT || errno == ECONNREFUSED ? "systemd-journald does not run"
								: describe(errno);
		return NULL;
	}
	t = target_new(path);
	t->fd = fd;
	t->is_ours = true;
	t->is_journal = true;
	return t;
}

struct eventlog_target *
eventlog_target_open(const char *name, const char **why)
{
	struct eventlog_target *t;

	if (strcmp(name, "journal") == 0) {
		*why = eventlog_journal_check();
		return *why ? NULL : eventlog_target_open_journal(EVENTLOG_JOURNAL_PATH, why);
	}
	t = target_new(name);
	t->is_stdout = strcmp(name, "stdout") == 0;
	if (t->is_stdout)
		t->fd = STDOUT_FILENO;
	else if (strcmp(name, "stderr") == 0)
		t->fd = STDERR_FILENO;
	else if (strcmp(name, "none") != 0) {
		t->fd = open_path(name);
		t->is_ours = true;
		if (t->fd == -1) {
			*why = describe(errno);
			eventlog_target_free(t);
			return NULL;
		}
	}
	if (t->fd != -1)
		t->is_regular = is_regular_file(t->fd);
	return t;
}

void
eventlog_target_free(struct eventlog_target *t)
{
	if (!t)
		return;
	if (t->is_ours && t->fd != -1)
		close(t->fd);
	free(t->name);
	free(t);
}
