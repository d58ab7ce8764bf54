/*
 * bench_smtp: messages for a server that speaks SMTP, over so many sessions at once. A session is
 * greeted, says EHLO, sends its share of the messages, says QUIT and is closed by the other side.
 * Each step of it is one write and the replies that must come before the next. Step by step that is
 * a command or a text; pipelined (RFC 2920) a text and the commands of the message behind it. A
 * reply that is none of those that accept ends the program with 1.
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

#define SESSIONS_MAX 10000
#define HEADER "From: <a@example.com>\r\nTo: <b@example.org>\r\nSubject: a message\r\n\r\n"
#define LINE "The quick brown fox jumps over the lazy dog, and that is all it does.\r\n"

#define MAIL "MAIL FROM:<a@example.com>\r\n"
#define RCPT "RCPT TO:<b@example.org>\r\n"
#define DATA "DATA\r\n"

/* What is written at once, and how the replies to it begin, a character each. */
struct step {
	const char *text;
	size_t n;
	const char *replies;
};

/* How a message begins, up to its text. */
struct plan {
	const char *name;
	struct step first[3];
	unsigned n_first;
	bool is_pipelined; /* a text takes the beginning of the next message along */
};

enum phase { GREETED, HELLO, FIRST, TEXT, QUITTING };

struct session {
	int fd;
	enum phase phase;
	unsigned at;         /* among the first steps */
	bool has_next;       /* the next message has begun with the text of this one */
	unsigned long left;  /* messages that have not begun */
	const char *replies; /* that are still to come; NULL: the end is */
	size_t column;       /* octets of the reply's line that have come */
	bool is_last_line;
};

static struct {
	const struct plan *plan;
	struct step text, text_and_next;
	unsigned long accepted;
	unsigned n_done;
} load;

#define STEP(text, replies) \
	{ \
		text, sizeof(text) - 1, replies \
	}

static const struct step ehlo = STEP("EHLO load.example\r\n", "2"), quit = STEP("QUIT\r\n", "2");

static const struct plan plans[] = {
	{ "steps", { STEP(MAIL, "2"), STEP(RCPT, "2"), STEP(DATA, "3") }, 3, false },
	{ "pipelined", { STEP(MAIL RCPT DATA, "223") }, 1, true },
};

static const struct plan *
find_plan(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof plans / sizeof plans[0]; i++)
		if (strcmp(plans[i].name, name) == 0)
			return &plans[i];
	give_up("steps or pipelined");
}

/* The text of a message of about so many octets and its end, alone and with what may follow. */
static void
make_texts(unsigned long body)
{
	size_t room = body + sizeof HEADER + sizeof LINE + 64;
	char *text = malloc(room), *p = text;

	if (!text)
		give_up("malloc");
	p = stpcpy(p, HEADER);
	while ((size_t)(p - text) + sizeof LINE - 1 <= body)
		p = stpcpy(p, LINE);
	p = stpcpy(p, ".\r\n");
	load.text = (struct step){ text, (size_t)(p - text), "2" };
	p = stpcpy(p, MAIL RCPT DATA);
	load.text_and_next = (struct step){ text, (size_t)(p - text), "2223" };
}

static void
take_step(struct session *s, const struct step *step)
{
	s->replies = step->replies;
	write_all(s->fd, step->text, step->n);
}

static void
begin_or_quit(struct session *s)
{
	if (s->left == 0) {
		s->phase = QUITTING;
		take_step(s, &quit);
		return;
	}
	s->phase = FIRST;
	s->left--;
	s->at = 0;
	take_step(s, &load.plan->first[0]);
}

static void
send_text(struct session *s)
{
	s->phase = TEXT;
	s->has_next = load.plan->is_pipelined && s->left > 0;
	s->left -= s->has_next;
	take_step(s, s->has_next ? &load.text_and_next : &load.text);
}

/* All replies to the last step have come. */
static void
go_on(struct session *s)
{
	switch (s->phase) {
	case GREETED:
		s->phase = HELLO;
		take_step(s, &ehlo);
		break;
	case HELLO:
		begin_or_quit(s);
		break;
	case FIRST:
		if (++s->at < load.plan->n_first)
			take_step(s, &load.plan->first[s->at]);
		else
			send_text(s);
		break;
	case TEXT:
		load.accepted++;
		if (s->has_next)
			send_text(s);
		else
			begin_or_quit(s);
		break;
	case QUITTING:
		s->replies = NULL;
		break;
	}
}

static void
take(struct session *s, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!s->replies || (s->column == 0 && p[i] != *s->replies)) {
			fprintf(stderr, "a reply was: %.*s\n", (int)(n - i), p + i);
			exit(1);
		}
		if (s->column == 3)
			s->is_last_line = p[i] != '-';
		s->column++;
		if (p[i] != '\n')
			continue;
		s->column = 0;
		if (s->is_last_line && *++s->replies == '\0')
			go_on(s);
	}
}

static void
read_cb(struct session *s)
{
	static char buf[65536];
	ssize_t n = recv(s->fd, buf, sizeof buf, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0 && !s->replies) {
		close(s->fd);
		load.n_done++;
		return;
	}
	if (n <= 0)
		give_up("a session has ended");
	take(s, buf, (size_t)n);
}

static struct session *
connect_all(const char *address, unsigned n, unsigned long messages, int epoll)
{
	struct session *all = calloc(n, sizeof *all);
	unsigned i;

	if (!all)
		give_up("calloc");
	for (i = 0; i < n; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &all[i] };

		all[i].fd = connect_to(address);
		all[i].left = messages / n + (i < messages % n);
		all[i].replies = "2";
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event) != 0)
			give_up("epoll_ctl");
	}
	return all;
}

int
main(int argc, char **argv)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), ready;
	struct epoll_event events[256];
	unsigned long sessions, messages;
	struct session *all;
	int64_t began;

	if (argc != 6) {
		fputs(
		    "usage: bench_smtp steps|pipelined ADDRESS SESSIONS MESSAGES OCTETS\n", stderr);
		return 64;
	}
	load.plan = find_plan(argv[1]);
	sessions = strtoul(argv[3], NULL, 10);
	messages = strtoul(argv[4], NULL, 10);
	if (sessions == 0 || sessions > SESSIONS_MAX || messages < sessions)
		give_up("so many cannot be sent");
	make_texts(strtoul(argv[5], NULL, 10));
	began = now_ns();
	all = connect_all(argv[2], (unsigned)sessions, messages, epoll);
	while (load.n_done < sessions) {
		ready = epoll_wait(epoll, events, 256, -1);
		if (ready < 0 && errno != EINTR)
			give_up("epoll_wait");
		while (ready-- > 0)
			read_cb(events[ready].data.ptr);
	}
	printf("{\"accepted\": %lu, \"wall\": %.6f}\n", load.accepted,
	    (double)(now_ns() - began) / 1e9);
	free(all);
	return load.accepted != messages;
}
