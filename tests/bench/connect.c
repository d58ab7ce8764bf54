/*
 * Connects to a server under load, and what every program of the bench needs besides. Sockets are
 * blocking; TCP goes out at once.
 */
#include "connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_un un;
};

static socklen_t
parse_unix(const char *path, union address *to)
{
	to->un.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof to->un.sun_path)
		give_up("the path of the socket is too long");
	strcpy(to->un.sun_path, path);
	return sizeof to->un;
}

static socklen_t
parse_tcp(const char *text, union address *to)
{
	const char *colon = strrchr(text, ':');
	char host[64] = "";

	if (!colon || (size_t)(colon - text) >= sizeof host)
		give_up("an address is host:port or unix:PATH");
	memcpy(host, text, (size_t)(colon - text));
	to->in.sin_family = AF_INET;
	to->in.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &to->in.sin_addr) != 1)
		give_up("the host is not an IPv4 address");
	return sizeof to->in;
}

int
connect_to(const char *address)
{
	static const char unix_prefix[] = "unix:";
	union address to = { .any = { 0 } };
	bool is_unix = strncmp(address, unix_prefix, strlen(unix_prefix)) == 0;
	socklen_t n =
	    is_unix ? parse_unix(address + strlen(unix_prefix), &to) : parse_tcp(address, &to);
	int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, &to.any, n) != 0)
		give_up("connect");
	if (!is_unix && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
		give_up("TCP_NODELAY");
	return fd;
}

void
write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	for (; n > 0; p += done, n -= (size_t)done) {
		done = write(fd, p, n);
		if (done < 0 && errno != EINTR)
			give_up("write");
		if (done < 0)
			done = 0;
	}
}

int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
give_up(const char *what)
{
	if (errno)
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
	else
		fprintf(stderr, "%s\n", what);
	exit(1);
}
