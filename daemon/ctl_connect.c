/*
 * Owns the way to the daemon: addresses, connecting within a time, and asking whether anybody
 * answers.
 */
#include "ctl_connect.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"

#define PAUSE_FIRST_MS 20
#define PAUSE_MAX_MS 250

const char *
ctl_address_parse(struct ctl_address *a, const char *text)
{
	struct str s = str_of(text), host, port;
	size_t colon;
	uint64_t number;

	a->text = text;
	if (str_has_prefix(s, STR("unix:"))) {
		struct str path = str_from(s, 5);

		if (path.n == 0 || path.n >= sizeof((struct sockaddr_un *)NULL)->sun_path)
			return "is no path that a Unix socket can have";
		a->path = mem_copy_str(path);
		return NULL;
	}
	if (str_has_prefix(s, STR("["))) {
		host = str_head(str_from(s, 1), str_find(str_from(s, 1), ']'));
		s = str_from(s, host.n + 2);
		colon = 0;
	} else {
		host = str_head(s, colon = str_find(s, ':'));
	}
	port = str_from(s, colon + 1);
	if (host.n == 0 || s.n == 0 || s.p[colon] != ':' || text_parse_u63(port, &number) ||
	    number < 1 || number > 65535)
		return "is none of host:port, [v6]:port, unix:PATH";
	a->host = mem_copy_str(host);
	a->port = mem_copy_str(port);
	return NULL;
}

static int64_t
monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * TEXT_NS_PER_S + now.tv_nsec;
}

/* What went wrong with the latest try to connect; replaces what stood there. */
static void
set_reason(struct buf *why, const char *text)
{
	why->len = 0;
	buf_add_str(why, str_of(text));
}

/* Rounded up, never negative, and no more than poll() takes. */
static int
milliseconds_until(int64_t deadline_ns)
{
	int64_t left_ns = deadline_ns - monotonic_ns();

	if (left_ns <= 0)
		return 0;
	if (left_ns / TEXT_NS_PER_MS >= INT_MAX)
		return INT_MAX;
	return (int)((left_ns + TEXT_NS_PER_MS - 1) / TEXT_NS_PER_MS);
}

static bool
wait_readable(int fd, int64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, milliseconds_until(deadline_ns));
	while (n == -1 && errno == EINTR);
	return n == 1;
}

/* On Linux the send timeout ends connect(), too, for TCP and for a Unix socket's full backlog. */
static bool
limit_connect(int fd, int64_t deadline_ns)
{
	int ms = milliseconds_until(deadline_ns);
	struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L };

	if (ms == 0)
		t.tv_usec = 1000; /* none at all would mean forever */
	return deadline_ns == CLOCK_NEVER ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == 0;
}

static int
connect_one(const struct sockaddr *sa, socklen_t size, int64_t deadline_ns, struct buf *why)
{
	int on = 1, fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1) {
		set_reason(why, strerror(errno));
		return -1;
	}
	if (!limit_connect(fd, deadline_ns) || connect(fd, sa, size) == -1) {
		bool is_late = errno == EINPROGRESS || errno == EAGAIN;

		set_reason(why, strerror(is_late ? ETIMEDOUT : errno));
		close(fd);
		return -1;
	}
	/* a script's short lines should not wait for each other; without it they come all the same
	 */
	if (sa->sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static int
connect_host(const struct ctl_address *a, int64_t deadline_ns, struct buf *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found, *at;
	/* no name at all is both loopbacks, also where nobody has written localhost into /etc/hosts
	 */
	const char *name = strcasecmp(a->host, "localhost") == 0 ? NULL : a->host;
	int fd = -1, error = getaddrinfo(name, a->port, &hints, &found);

	if (error != 0) {
		set_reason(why, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
		return -1;
	}
	for (at = found; at && fd == -1; at = at->ai_next)
		fd = connect_one(at->ai_addr, at->ai_addrlen, deadline_ns, why);
	freeaddrinfo(found);
	return fd;
}

static int
connect_once(const struct ctl_address *a, int64_t deadline_ns, struct buf *why)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (!a->path)
		return connect_host(a, deadline_ns, why);
	memcpy(sa.sun_path, a->path, strlen(a->path)); /* fits: ctl_address_parse() */
	return connect_one((const struct sockaddr *)&sa, sizeof sa, deadline_ns, why);
}

/* Asks for a sign of life. Nobody else has asked anything yet, so one line is all that can come. */
static bool
is_answering(int fd, int64_t deadline_ns, struct buf *why)
{
	static const char ping[] = "ping\n";
	char answer[128] = "";
	size_t n = 0;

	if (send(fd, ping, strlen(ping), MSG_NOSIGNAL) == -1) {
		set_reason(why, strerror(errno));
		return false;
	}
	while (n < sizeof answer && !memchr(answer, '\n', n)) {
		ssize_t got;

		if (!wait_readable(fd, deadline_ns)) {
			set_reason(why, "connected, but no answer to ping");
			return false;
		}
		got = recv(fd, answer + n, sizeof answer - n, 0);
		if (got <= 0) {
			set_reason(why, got == 0 ? "closed the connection" : strerror(errno));
			return false;
		}
		n += (size_t)got;
	}
	if (n >= 3 && memcmp(answer, "+OK", 3) == 0)
		return true;
	set_reason(why, "answered ping with ");
	text_add_quoted(
	    why, str_head((struct str){ answer, n }, str_find((struct str){ answer, n }, '\n')));
	return false;
}

int
ctl_connect(const struct ctl_address *a, int64_t wait_ns, struct buf *why)
{
	bool waits = wait_ns >= 0;
	int64_t deadline = waits ? clock_add(monotonic_ns(), wait_ns) : CLOCK_NEVER;
	int pause_ms, left_ms;

	for (pause_ms = PAUSE_FIRST_MS;; pause_ms = pause_ms * 3 / 2) {
		int fd = connect_once(a, deadline, why);

		if (fd != -1 && (!waits || is_answering(fd, deadline, why)))
			return fd;
		if (fd != -1)
			close(fd);
		left_ms = milliseconds_until(deadline);
		if (!waits || left_ms == 0)
			return -1;
		if (pause_ms > PAUSE_MAX_MS)
			pause_ms = PAUSE_MAX_MS;
		poll(NULL, 0, pause_ms < left_ms ? pause_ms : left_ms);
	}
}

void
ctl_address_fini(struct ctl_address *a)
{
	free(a->path);
	free(a->host);
	free(a->port);
}
