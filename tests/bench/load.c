/*
 * bench_load: pipelined requests to a server that answers each with a line. Every connection sends
 * its round of lines at once, waits until all of them are answered, and sends the next; who has had
 * all rounds stays connected until the last one has. A reply that does not begin as it should, or a
 * connection that ends early, ends the program with 1. What the server makes of the requests later
 * is not its business.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"

/* A round of a connection: fits into the buffer of its socket, which is empty when it begins, so
 * that writing it does not wait. */
#define ROUND_BYTES_MAX 65536
/* All numbers have as many digits as this one, and no number comes twice. */
#define FIRST_NUMBER 1000000
#define LAST_NUMBER 9999999

/* A kind of request: text, number, text, number, text as far as there is text, and how a reply
 * begins. */
struct kind {
	const char *name;
	const char *text[3];
	const char *reply;
};

struct connection {
	int fd;
	unsigned round;
	unsigned answered; /* of this round */
	size_t seen;       /* octets of the reply that is not complete yet */
};

static const struct kind kinds[] = {
	{ "send", { "send m", "\n" }, "+OK queued=1 " },
	{ "order", { "send order-", " to=user", "@example.com\n" }, "+OK queued=1 " },
	{ "plain", { "SEND ", "\n" }, "OK " },
	{ "redis", { "PING\r\n" }, "+PONG" },
	{ "redis-set", { "SET k", " x\r\n" }, "+OK" },
	{ "memcached", { "set k", " 0 0 1\r\nx\r\n" }, "STORED" },
	{ "beanstalkd", { "put 0 1 60 8\r\nm", "\r\n" }, "INSERTED " },
};

static struct {
	const struct kind *kind;
	size_t reply_len;
	unsigned lines, rounds; /* of each connection */
	unsigned number;        /* the next */
	unsigned long replies;
	unsigned n_done;
} load = { .number = FIRST_NUMBER };

static const struct kind *
find_kind(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	give_up("no such kind of request");
}

static char *
write_number(char *p, unsigned number)
{
	int i;

	for (i = 6; i >= 0; i--, number /= 10)
		p[i] = (char)('0' + number % 10);
	return p + 7;
}

static char *
write_request(char *p)
{
	unsigned number = load.number++;
	int i;

	for (i = 0; i < 3 && load.kind->text[i]; i++) {
		if (i > 0)
			p = write_number(p, number);
		p = stpcpy(p, load.kind->text[i]);
	}
	return p;
}

static void
start_round(struct connection *c)
{
	static char round[ROUND_BYTES_MAX];
	char *p = round;
	unsigned i;

	for (i = 0; i < load.lines; i++)
		p = write_request(p);
	c->answered = 0;
	write_all(c->fd, round, (size_t)(p - round));
}

/* `n` more octets of a reply, the last of which may end it. */
static void
check_reply(struct connection *c, const char *p, size_t n, bool is_end)
{
	size_t to_check = 0;

	if (c->seen < load.reply_len)
		to_check = load.reply_len - c->seen < n ? load.reply_len - c->seen : n;
	c->seen += n;
	if (memcmp(p, load.kind->reply + c->seen - n, to_check) != 0 ||
	    (is_end && c->seen < load.reply_len)) {
		fprintf(stderr, "a reply was: %.*s\n", (int)n, p);
		exit(1);
	}
}

static void
take(struct connection *c, const char *p, size_t n)
{
	const char *end;
	size_t part;

	for (; n > 0; p += part, n -= part) {
		end = memchr(p, '\n', n);
		part = end ? (size_t)(end - p) + 1 : n;
		check_reply(c, p, part, end != NULL);
		if (!end)
			continue;
		c->seen = 0;
		c->answered++;
		load.replies++;
	}
}

static void
read_cb(struct connection *c)
{
	static char buf[ROUND_BYTES_MAX];
	ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		give_up("a connection has ended");
	take(c, buf, (size_t)n);
	if (c->answered > load.lines)
		give_up("there are more replies than requests");
	if (c->answered < load.lines)
		return;
	if (++c->round < load.rounds)
		start_round(c);
	else
		load.n_done++;
}

static struct connection *
connect_all(const char *address, unsigned n, int epoll)
{
	struct connection *all = calloc(n, sizeof *all);
	unsigned i;

	if (!all)
		give_up("calloc");
	for (i = 0; i < n; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &all[i] };

		all[i].fd = connect_to(address);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) != 0)
			give_up("epoll_ctl");
	}
	return all;
}

static void
run(struct connection *all, unsigned n, int epoll)
{
	struct epoll_event events[256];
	int ready;
	unsigned i;

	for (i = 0; i < n; i++)
		start_round(&all[i]);
	while (load.n_done < n) {
		ready = epoll_wait(epoll, events, 256, -1);
		if (ready < 0 && errno != EINTR)
			give_up("epoll_wait");
		while (ready-- > 0)
			read_cb(events[ready].data.ptr);
	}
}

static void
parse_arguments(int argc, char **argv, unsigned *n)
{
	unsigned long total;

	if (argc != 6) {
		fputs("usage: bench_load KIND ADDRESS CONNECTIONS LINES ROUNDS\n", stderr);
		exit(64);
	}
	load.kind = find_kind(argv[1]);
	load.reply_len = strlen(load.kind->reply);
	*n = (unsigned)strtoul(argv[3], NULL, 10);
	load.lines = (unsigned)strtoul(argv[4], NULL, 10);
	load.rounds = (unsigned)strtoul(argv[5], NULL, 10);
	total = (unsigned long)*n * load.lines * load.rounds;
	if (total == 0 || total > LAST_NUMBER - FIRST_NUMBER + 1 ||
	    load.lines > ROUND_BYTES_MAX / 64)
		give_up("so many cannot be sent");
}

int
main(int argc, char **argv)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct connection *all;
	int64_t began;
	unsigned n;

	parse_arguments(argc, argv, &n);
	all = connect_all(argv[2], n, epoll);
	began = now_ns();
	run(all, n, epoll);
	printf(
	    "{\"replies\": %lu, \"wall\": %.6f}\n", load.replies, (double)(now_ns() - began) / 1e9);
	free(all);
	return 0;
}
