/* Owns nothing: the few steps of which sessions consist, over the harness's clients. */
#include "smtp_client.h"

#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define ARGS_MAX 64

struct daemon *
smtp_daemon(const char *arg, ...)
{
	const struct daemon_setup setup = { 0 };
	const char *args[ARGS_MAX] = { "-o", "listen.smtp=127.0.0.1:0", "-o",
		"listen.lmtp=127.0.0.1:0" };
	struct daemon *d = daemon_new();
	size_t n = 4;
	va_list ap;

	va_start(ap, arg);
	for (; arg; arg = va_arg(ap, const char *)) {
		expect(n < ARGS_MAX - 1);
		args[n++] = arg;
	}
	va_end(ap);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	return d;
}

const char *
smtp_reply(struct client *c)
{
	char *line;
	size_t n;

	do {
		if (!client_line(c))
			return NULL;
		line = c->line;
		n = strlen(line);
		expect(n >= 4 && line[n - 1] == '\r');
		line[n - 1] = '\0';
	} while (line[3] == '-');
	return line;
}

struct client *
smtp_connect(const struct daemon *d, const char *kind, unsigned i)
{
	struct client *c = client_connect_kind(d, kind, i);

	expect_text(smtp_reply(c), "220 %");
	return c;
}

const char *
smtp_ask(struct client *c, const char *format, ...)
{
	struct text t = { 0 };
	char line[4096];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	text_printf(&t, "%s\r\n", line);
	client_send_bytes(c, t.p, t.n);
	text_free(&t);
	return smtp_reply(c);
}

void
smtp_hello(struct client *c)
{
	expect_text(smtp_ask(c, "EHLO client.example"), "250 %");
}

void
smtp_begin_data(struct client *c, const char *from, const char *to)
{
	struct text t = { 0 };

	text_printf(&t, "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n", from, to);
	client_send_bytes(c, t.p, t.n);
	text_free(&t);
	expect_text(smtp_reply(c), "250 %");
	expect_text(smtp_reply(c), "250 %");
	expect_text(smtp_reply(c), "354 %");
}

const char *
smtp_send(struct client *c, const char *from, const char *to, const char *text)
{
	smtp_begin_data(c, from, to);
	client_send(c, text);
	return smtp_ask(c, ".");
}

void
smtp_wait_read(const struct client *c)
{
	int64_t since = harness_now_ms();
	int left;

	for (;;) {
		expect(ioctl(c->fd, SIOCOUTQ, &left) == 0);
		if (left == 0)
			return;
		harness_pause(since, "the daemon reads");
	}
}
