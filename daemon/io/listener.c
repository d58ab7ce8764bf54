/*
 * Owns listening sockets and the addresses they have. Invariant: one descriptor is kept in reserve
 * while we listen, so that a newcomer can be told why he is turned away even when there are no
 * more.
 */
#include "io/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/text.h"

#define LISTENERS_MAX 64
#define ACCEPTS_A_TURN 128
#define REST_NS (100 * TEXT_NS_PER_MS)
#define SAME_PORT_TRIES 16

struct listener {
	struct listener_set *set;
	struct loop_event *event;
	int fd;
	char *path; /* of a socket file of our own; else NULL */
	dev_t device;
	ino_t inode;
};

struct listener_set {
	struct loop *loop;
	const char *kind;
	struct str refusal;
	struct loop_event *rest; /* ends a pause that want of resources made necessary */
	int reserve;
	bool is_short; /* of descriptors; said once */
	listener_accept_cb *accept_cb;
	void *ctx;
	unsigned n;
	struct listener listeners[LISTENERS_MAX];
};

struct address {
	struct str host;
	struct str port; /* not there for a Unix socket, whose path is host */
};

/* Takes the next address from the front of *s; false when there is none. */
static bool
next_address(struct str *s, struct str *address)
{
	size_t n = 0;

	while (s->n > 0 && s->p[0] == ' ')
		*s = str_from(*s, 1);
	while (n < s->n && s->p[n] != ' ')
		n++;
	*address = str_head(*s, n);
	*s = str_from(*s, n);
	return n > 0;
}

static const char *
parse_port(struct str s)
{
	uint64_t port;

	if (s.n == 0)
		return "has no port: host:port, [v6]:port or unix:PATH";
	if (text_parse_u63(s, &port) || port > 65535)
		return "has a port that is not 0 to 65535";
	return NULL;
}

static const char *
parse_address(struct str s, struct address *a)
{
	struct str unix_prefix = STR("unix:");
	const char *colon;

	if (str_has_prefix(s, unix_prefix)) {
		*a = (struct address){ str_from(s, unix_prefix.n), { NULL, 0 } };
		if (a->host.n == 0)
			return "has no path behind unix:";
		if (a->host.n >= sizeof((struct sockaddr_un *)0)->sun_path)
			return "has a socket path of more than 107 octets";
		return NULL;
	}
	if (s.p[0] == '[') {
		size_t end = str_find(s, ']');

		if (end + 1 >= s.n || s.p[end + 1] != ':')
			return "has no ]:port behind its [";
		*a = (struct address){ str_from(str_head(s, end), 1), str_from(s, end + 2) };
	} else {
		colon = memrchr(s.p, ':', s.n);
		if (!colon)
			return "has no port: host:port, [v6]:port or unix:PATH";
		*a = (struct address){ str_head(s, (size_t)(colon - s.p)),
			str_from(s, (size_t)(colon - s.p) + 1) };
		if (str_find(a->host, ':') < a->host.n)
			return "has an IPv6 address without [ ]";
	}
	if (a->host.n == 0)
		return "has no host before the port";
	return parse_port(a->port);
}

const char *
listener_check_addresses(struct str addresses)
{
	struct str address;
	struct address a;
	unsigned n = 0;

	if (str_eq(addresses, STR("none")))
		return NULL;
	while (next_address(&addresses, &address)) {
		const char *why = parse_address(address, &a);

		if (why)
			return why;
		if (++n > LISTENERS_MAX / 2)
			return "has more than 32 addresses";
	}
	return n > 0 ? NULL : "has no address; none says that there is none";
}

static struct listener *
add_listener(struct listener_set *set, int fd)
{
	struct listener *l = &set->listeners[set->n++];

	*l = (struct listener){ .set = set, .fd = fd };
	return l;
}

static void
explain(struct buf *why, const char *what, struct str address, int error)
{
	buf_printf(why, "%s %.*s: %s", what, STR_ARG(address), strerror(error));
}

/* A bound, listening socket, or -1 with errno. */
static int
listen_at(const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1,
	    error;

	if (fd == -1)
		return -1;
	if (sa->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (sa->sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	/* what models a path and paces (BBR) costs each reply a fiftieth more, and on the paths
	 * that a test's clients come by it gains nothing; this one is always there, but if it is
	 * not, or the socket is systemd's, the system's choice is as good */
	if (sa->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", strlen("reno"));
	if (bind(fd, sa, len) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Whether a daemon answers on that socket file. */
static bool
is_in_use(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool in_use;

	if (fd == -1)
		return true;
	/* whatever else goes wrong, a full queue or want of permission: somebody is there */
	in_use = connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0 ||
	    (errno != ECONNREFUSED && errno != ENOENT);
	close(fd);
	return in_use;
}

static int
set_group(const char *path, const char *group)
{
	struct group *g;
	uint64_t gid;

	if (!group || group[0] == '\0')
		return 0;
	g = getgrnam(group);
	if (g)
		return chown(path, (uid_t)-1, g->gr_gid);
	if (text_parse_u63(str_of(group), &gid) || gid > UINT32_MAX) {
		errno = EINVAL;
		return -1;
	}
	return chown(path, (uid_t)-1, (gid_t)gid);
}

static bool
open_unix(
    struct listener_set *set, const struct listener_conf *conf, struct str path, struct buf *why)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct listener *l;
	struct stat st;
	mode_t mask;
	int fd;

	memcpy(sun.sun_path, path.p, path.n);
	if (lstat(sun.sun_path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode)) {
			buf_printf(why, "%s is there and is no socket", sun.sun_path);
			return false;
		}
		if (is_in_use(&sun)) {
			explain(why, "cannot listen on", path, EADDRINUSE);
			return false;
		}
		unlink(sun.sun_path);
	}
	/* nobody gets in before the mode is what it should be */
	mask = umask(0177);
	fd = listen_at((struct sockaddr *)&sun, sizeof sun);
	umask(mask);
	if (fd == -1) {
		explain(why, "cannot listen on", path, errno);
		return false;
	}
	l = add_listener(set, fd);
	l->path = mem_copy_str(path);
	if (stat(l->path, &st) == 0) {
		l->device = st.st_dev;
		l->inode = st.st_ino;
	}
	if (set_group(l->path, conf->unix_group) == -1) {
		buf_printf(why, "cannot give %s to group %s: %s", l->path, conf->unix_group,
		    strerror(errno));
		return false;
	}
	if (chmod(l->path, (mode_t)conf->unix_mode) == -1) {
		explain(why, "cannot set the mode of", path, errno);
		return false;
	}
	return true;
}

static bool
is_family_missing(int error)
{
	return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT;
}

static in_port_t
port_of(int fd)
{
	struct sockaddr_in6 sa = { 0 }; /* the port is at the same place in both families */
	socklen_t len = sizeof sa;

	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 ? sa.sin6_port : 0;
}

/* Both loopbacks, as far as they exist, with one port. Gives 0 or the error. */
static int
try_loopbacks(struct listener_set *set, in_port_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = port };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd4, fd6, error = 0;

	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd4 = listen_at((struct sockaddr *)&v4, sizeof v4);
	if (fd4 == -1 && !is_family_missing(errno))
		return errno;
	v6.sin6_port = port == 0 && fd4 != -1 ? port_of(fd4) : port;
	fd6 = listen_at((struct sockaddr *)&v6, sizeof v6);
	if (fd6 == -1)
		error = errno;
	if (fd6 == -1 && !(fd4 != -1 && is_family_missing(error))) {
		if (fd4 != -1)
			close(fd4);
		return error;
	}
	if (fd4 != -1)
		add_listener(set, fd4);
	if (fd6 != -1)
		add_listener(set, fd6);
	return 0;
}

static bool
open_loopbacks(struct listener_set *set, struct str address, uint64_t port, struct buf *why)
{
	int error, tries = port == 0 ? SAME_PORT_TRIES : 1;

	do
		error = try_loopbacks(set, htons((uint16_t)port));
	while (error == EADDRINUSE && --tries > 0);
	if (error != 0)
		explain(why, "cannot listen on", address, error);
	return error == 0;
}

static bool
open_named(struct listener_set *set, struct str address, const struct address *a, struct buf *why)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL, *ai;
	char *host = mem_copy_str(a->host), *port = mem_copy_str(a->port);
	int error = getaddrinfo(host, port, &hints, &found), fd = -1;

	free(host);
	free(port);
	if (error != 0) {
		buf_printf(why, "cannot listen on %.*s: %s", STR_ARG(address), gai_strerror(error));
		return false;
	}
	for (ai = found; ai && set->n < LISTENERS_MAX; ai = ai->ai_next) {
		fd = listen_at(ai->ai_addr, ai->ai_addrlen);
		if (fd == -1)
			break;
		add_listener(set, fd);
	}
	if (fd == -1)
		explain(why, "cannot listen on", address, errno);
	freeaddrinfo(found);
	return fd != -1;
}

static bool
open_address(
    struct listener_set *set, const struct listener_conf *conf, struct str address, struct buf *why)
{
	struct address a;
	uint64_t port = 0;
	const char *wrong = parse_address(address, &a);

	if (wrong || set->n + 2 > LISTENERS_MAX) {
		buf_printf(why, "%.*s %s", STR_ARG(address), wrong ? wrong : "is one too many");
		return false;
	}
	if (!a.port.p)
		return open_unix(set, conf, a.host, why);
	text_parse_u63(a.port, &port);
	if (str_eq_nocase(a.host, STR("localhost")))
		return open_loopbacks(set, address, port, why);
	return open_named(set, address, &a, why);
}

static int
open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static struct listener_set *
set_new(struct loop *loop, const char *kind, struct str refusal)
{
	struct listener_set *set = mem_alloc(sizeof *set);

	set->loop = loop;
	set->kind = kind;
	set->refusal = refusal;
	set->reserve = open_reserve();
	return set;
}

struct listener_set *
listener_open(struct loop *loop, const struct listener_conf *conf, const char *kind,
    struct str refusal, struct buf *why)
{
	struct listener_set *set = set_new(loop, kind, refusal);
	struct str rest = str_of(conf->addresses), address;

	if (str_eq(rest, STR("none")))
		return set;
	while (next_address(&rest, &address)) {
		if (!open_address(set, conf, address, why)) {
			listener_free(set);
			return NULL;
		}
	}
	return set;
}

struct listener_set *
listener_adopt(struct loop *loop, const int *fds, unsigned n, const char *kind, struct str refusal,
    struct buf *why)
{
	struct listener_set *set = set_new(loop, kind, refusal);
	unsigned i;

	for (i = 0; i < n && i < LISTENERS_MAX; i++) {
		int flags = fcntl(fds[i], F_GETFL), accepts = 0;
		socklen_t len = sizeof accepts;

		add_listener(set, fds[i]);
		if (getsockopt(fds[i], SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) == -1 ||
		    !accepts || flags == -1 || fcntl(fds[i], F_SETFL, flags | O_NONBLOCK) == -1 ||
		    fcntl(fds[i], F_SETFD, FD_CLOEXEC) == -1) {
			buf_printf(why, "descriptor %d that was handed in does not listen", fds[i]);
			listener_free(set);
			return NULL;
		}
	}
	return set;
}

static void
set_listening(struct listener_set *set, bool on)
{
	unsigned i;

	for (i = 0; i < set->n; i++)
		loop_fd_want(set->listeners[i].event, on, false, 0);
}

static void
rest_cb(void *ctx)
{
	struct listener_set *set = ctx;

	if (set->reserve == -1)
		set->reserve = open_reserve();
	set_listening(set, true);
}

/* Nothing can be accepted now, and asking again at once would only burn time. */
static void
take_a_rest(struct listener_set *set, int error)
{
	if (!set->is_short)
		diag_warning("cannot accept connections: %s", strerror(error));
	set->is_short = true;
	set_listening(set, false);
	loop_timer_at(set->rest, clock_add(loop_read_clock(set->loop), REST_NS));
}

/* There is no descriptor left but the one in reserve: it serves to say no. */
static bool
turn_one_away(struct listener *l)
{
	struct listener_set *set = l->set;
	int fd;

	if (set->reserve == -1)
		return false;
	close(set->reserve);
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd != -1) {
		/* best effort: it is being closed for want of resources */
		send(fd, set->refusal.p, set->refusal.n, MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	set->reserve = open_reserve();
	if (!set->is_short)
		diag_warning("no descriptors left: newcomers are turned away");
	set->is_short = true;
	return fd != -1;
}

static bool
is_transient(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN;
}

static void
accept_cb(void *ctx, enum loop_fd_event what)
{
	struct listener *l = ctx;
	struct listener_set *set = l->set;
	int fd, n, error, on = 1;

	(void)what;
	for (n = 0; n < ACCEPTS_A_TURN; n++) {
		fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd != -1) {
			set->is_short = false;
			/* fails on a Unix socket, which has no such delay */
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
			setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
			set->accept_cb(set->ctx, fd);
			continue;
		}
		error = errno;
		if (error == EAGAIN)
			return;
		if (is_transient(error))
			continue;
		if ((error == EMFILE || error == ENFILE) && turn_one_away(l))
			continue;
		take_a_rest(set, error);
		return;
	}
}

void
listener_start(struct listener_set *set, listener_accept_cb *newcomer_cb, void *ctx)
{
	unsigned i;

	set->accept_cb = newcomer_cb;
	set->ctx = ctx;
	set->rest = loop_add_timer(set->loop, rest_cb, set);
	for (i = 0; i < set->n; i++) {
		struct listener *l = &set->listeners[i];

		l->event = loop_add_fd(set->loop, l->fd, accept_cb, l);
	}
	set_listening(set, true);
}

static void
format_one(const struct listener *l, struct buf *b)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof ss;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	getsockname(l->fd, (struct sockaddr *)&ss, &len);
	if (ss.ss_family == AF_UNIX) {
		const struct sockaddr_un *sun = (const struct sockaddr_un *)&ss;

		buf_add_lit(b, "unix:");
		text_add_escaped(b, str_of(l->path ? l->path : sun->sun_path));
	} else if (getnameinfo((struct sockaddr *)&ss, len, host, sizeof host, port, sizeof port,
		       NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		buf_printf(b, ss.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	} else {
		buf_add_lit(b, "unknown");
	}
}

void
listener_format(const struct listener_set *set, struct buf *b)
{
	unsigned i;

	for (i = 0; i < set->n; i++) {
		buf_printf(b, " %s=", set->kind);
		format_one(&set->listeners[i], b);
	}
}

static void
remove_own_file(const struct listener *l)
{
	struct stat st;

	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->path);
}

void
listener_free(struct listener_set *set)
{
	unsigned i;

	if (!set)
		return;
	for (i = 0; i < set->n; i++) {
		struct listener *l = &set->listeners[i];

		loop_remove(l->event);
		remove_own_file(l);
		close(l->fd);
		free(l->path);
	}
	loop_remove(set->rest);
	if (set->reserve != -1)
		close(set->reserve);
	free(set);
}
