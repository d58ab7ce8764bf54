/*
 * Owns the connections of the test that runs and remembers what was said on each. All of them are
 * non-blocking here, so that a client that sends is one that reads meanwhile.
 */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_SHOWN 5

static struct client *clients;

void
clients_show(void)
{
	const struct client *c;
	unsigned n = 0;

	for (c = clients; c && n++ < CLIENTS_SHOWN; c = c->next)
		harness_show("a connection, newest first", c->said.n ? c->said.p : "", c->said.n);
}

void
clients_clear(void)
{
	while (clients) {
		struct client *c = clients;

		clients = c->next;
		if (c->fd != -1)
			close(c->fd);
		text_free(&c->in);
		text_free(&c->said);
		free(c);
	}
}

static struct client *
client_of(const struct sockaddr *sa, socklen_t len, const char *address)
{
	struct client *c = calloc(1, sizeof *c);

	if (!c)
		abort();
	c->fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c->next = clients;
	clients = c;
	text_printf(&c->said, "to %s\n", address);
	if (c->fd == -1 || connect(c->fd, sa, len) == -1)
		harness_fail(
		    __FILE__, __LINE__, "no connection to %s: %s", address, strerror(errno));
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) == -1)
		harness_fail(__FILE__, __LINE__, "fcntl: %s", strerror(errno));
	return c;
}

struct client *
client_connect_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof sun.sun_path)
		harness_fail(__FILE__, __LINE__, "path too long: %s", path);
	strcpy(sun.sun_path, path);
	return client_of((struct sockaddr *)&sun, sizeof sun, path);
}

struct client *
client_connect_kind(const struct daemon *d, const char *kind, unsigned i)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const char *at = d->ready;
	char key[32], address[256], *port;

	snprintf(key, sizeof key, " %s=", kind);
	do
		at = strstr(at, key);
	while (at && (at += strlen(key)) && i-- > 0);
	if (!at)
		harness_fail(
		    __FILE__, __LINE__, "the ready line has no such address: %s", d->ready);
	snprintf(address, sizeof address, "%.*s", (int)strcspn(at, " "), at);
	if (strncmp(address, "unix:", 5) == 0)
		return client_connect_unix(address + 5);
	port = strrchr(address, ':');
	if (!port)
		harness_fail(__FILE__, __LINE__, "this is no address: %s", address);
	*port++ = '\0';
	v4.sin_port = v6.sin6_port = htons((uint16_t)atoi(port));
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		return client_of((struct sockaddr *)&v4, sizeof v4, at);
	address[strlen(address) - 1] = '\0'; /* its ] */
	if (inet_pton(AF_INET6, address + 1, &v6.sin6_addr) != 1)
		harness_fail(__FILE__, __LINE__, "this is no address: %s", address);
	return client_of((struct sockaddr *)&v6, sizeof v6, at);
}

struct client *
client_connect_to(const struct daemon *d, unsigned i)
{
	return client_connect_kind(d, "line", i);
}

struct client *
client_connect(const struct daemon *d)
{
	return client_connect_to(d, 0);
}

/* The story must not outgrow what a failure shows. */
static void
note(struct client *c, char direction, const char *data, size_t n)
{
	if (c->said.n > 16 * HARNESS_SHOWN)
		c->said.n = 0;
	if (n > HARNESS_SHOWN) {
		text_printf(&c->said, "%c [%zu octets]\n", direction, n - HARNESS_SHOWN);
		data += n - HARNESS_SHOWN;
		n = HARNESS_SHOWN;
	}
	text_printf(&c->said, "%c ", direction);
	text_add(&c->said, data, n);
	if (n == 0 || data[n - 1] != '\n')
		text_add(&c->said, "\n", 1);
}

/* Reads once, if there is something. */
static void
take(struct client *c)
{
	char data[65536];
	ssize_t n = recv(c->fd, data, sizeof data, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->is_ended = true;
		text_printf(&c->said, "< [%s]\n", n == 0 ? "end" : strerror(errno));
		return;
	}
	if (c->at == c->in.n)
		c->at = c->in.n = 0;
	text_add(&c->in, data, (size_t)n);
	note(c, '<', data, (size_t)n);
}

void
client_send_bytes(struct client *c, const void *data, size_t n)
{
	int64_t since = harness_now_ms();
	const char *p = data;

	note(c, '>', p, n);
	while (n > 0) {
		struct pollfd f = { .fd = c->fd, .events = POLLOUT | (c->is_ended ? 0 : POLLIN) };
		ssize_t sent;

		if (poll(&f, 1, HARNESS_DEADLINE_MS) == 0)
			harness_fail(__FILE__, __LINE__, "the daemon takes no input");
		if (f.revents & POLLIN && !c->is_ended)
			take(c);
		sent = send(c->fd, p, n, MSG_NOSIGNAL);
		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
			since = harness_now_ms();
		} else if (errno != EAGAIN && errno != EINTR) {
			harness_fail(__FILE__, __LINE__, "sending: %s", strerror(errno));
		} else if (harness_now_ms() - since > HARNESS_DEADLINE_MS) {
			harness_fail(__FILE__, __LINE__, "the daemon takes no input");
		}
	}
}

void
client_send(struct client *c, const char *text)
{
	client_send_bytes(c, text, strlen(text));
}

const char *
client_line(struct client *c)
{
	int64_t until = harness_now_ms() + HARNESS_DEADLINE_MS;

	for (;;) {
		struct pollfd f = { .fd = c->fd, .events = POLLIN };
		char *start = c->in.p + c->at, *end;
		int64_t left = until - harness_now_ms();

		end = c->at < c->in.n ? memchr(start, '\n', c->in.n - c->at) : NULL;
		if (end) {
			c->at += (size_t)(end - start) + 1;
			snprintf(c->line, sizeof c->line, "%.*s", (int)(end - start), start);
			return c->line;
		}
		if (c->is_ended)
			return NULL;
		if (left <= 0 || poll(&f, 1, (int)left) == 0)
			harness_fail(__FILE__, __LINE__, "no answer in time");
		take(c);
	}
}

const char *
client_reply(struct client *c)
{
	const char *line;

	do
		line = client_line(c);
	while (line && line[0] != '+' && line[0] != '-');
	return line;
}

const char *
client_ask(struct client *c, const char *format, ...)
{
	struct text t = { 0 };
	char line[8192];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	text_printf(&t, "%s\n", line);
	client_send_bytes(c, t.p, t.n);
	text_free(&t);
	return client_reply(c);
}

void
client_expect_end(struct client *c)
{
	const char *line = client_line(c);

	if (line)
		harness_fail(__FILE__, __LINE__, "the end should have come, and not \"%s\"", line);
}

void
client_half_close(struct client *c)
{
	text_printf(&c->said, "> [end]\n");
	if (shutdown(c->fd, SHUT_WR) == -1)
		harness_fail(__FILE__, __LINE__, "shutdown: %s", strerror(errno));
}

void
client_close(struct client *c)
{
	text_printf(&c->said, "> [close]\n");
	close(c->fd);
	c->fd = -1;
}

void
client_reset(struct client *c)
{
	const struct linger hard = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	client_close(c);
}

const char *
client_stats(struct client *c)
{
	static const char *const states[] = { "waiting", "sending", "deferred", "delivered",
		"bounced", "expired", "dropped", "cancelled" };
	const char *line = client_ask(c, "stats");
	long long sum = 0;
	size_t i;

	expect_text(line, "+OK accepted=%");
	for (i = 0; i < HARNESS_EXTENT(states); i++) {
		expect(text_number(line, states[i]) >= 0);
		sum += text_number(line, states[i]);
	}
	expect_number(text_number(line, "accepted"), sum);
	return line;
}

void
client_wait_stats(struct client *c, const char *key, long long wanted)
{
	int64_t since = harness_now_ms();

	while (text_number(client_stats(c), key) != wanted)
		harness_pause(since, key);
}
