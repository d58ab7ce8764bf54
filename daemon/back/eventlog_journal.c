/*
 * Owns the words with systemd's journal. Not by its library: that says success when nobody is
 * there, and its call does not come back from a journal that is stuck, while all that is to be done
 * is to send a datagram, and what it holds is written down already (eventlog_entry.c).
 */
#include "back/eventlog_journal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "back/eventlog_entry.h"
#include "base/diag.h"

#define POLL_MS 100
/* of the socket's own queue, so that a burst does not wait for the journal; it is cut to what the
 * machine allows */
#define SEND_BYTES (4 << 20)

const char *
eventlog_journal_check(void)
{
	if (!getenv("JOURNAL_STREAM"))
		return "systemd did not start this ($JOURNAL_STREAM is not set), so there is no "
		       "journal of ours";
	if (!diag_is_journal_at(STDOUT_FILENO) && !diag_is_journal_at(STDERR_FILENO))
		return "$JOURNAL_STREAM is neither our standard output nor our standard error, so "
		       "it is somebody else's";
	return NULL;
}

static int
connect_to(int fd, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	if (n >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, n);
	return connect(fd, (const struct sockaddr *)&a, sizeof a);
}

int
eventlog_journal_open(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int size = SEND_BYTES, error;

	if (fd == -1)
		return -1;
	/* a smaller one does, too */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (connect_to(fd, path) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

ssize_t
eventlog_journal_send(int fd, const char *path, struct str entries)
{
	struct str entry = eventlog_entry_first(entries);
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (send(fd, entry.p, entry.n, MSG_NOSIGNAL) >= 0)
		return (ssize_t)(EVENTLOG_ENTRY_HEAD + entry.n);
	switch (errno) {
	case EINTR:
		return 0;
	case EAGAIN:
		poll(&p, 1, POLL_MS);
		return 0;
	case ECONNREFUSED:
	case ECONNRESET:
	case ENOTCONN:
		return connect_to(fd, path);
	default:
		return -1;
	}
}
