/*
 * mailsimctl, the line protocol's client for scripts: one connection, its arguments as one line or
 * standard input as it is, the answers on standard output, the verdict as exit status. It knows
 * what a reply is and what quit and events do to a connection, and no more of the protocol.
 *
 * The socket is never waited for but in poll(), so a daemon that answers before it reads on and a
 * script that asks before it reads cannot block each other.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/text.h"
#include "ctl_connect.h"

enum { STATUS_OK = 0, STATUS_REFUSED = 1, STATUS_NO_ANSWER = 2, STATUS_USAGE = 64 };

#define CHUNK_OCTETS 65536

static const char default_address[] = "localhost:4025";

static const char help[] =
    "usage: mailsimctl [-s ADDRESS] [--wait DUR] [COMMAND...]\n"
    "\n"
    "Sends COMMAND to mailsimd as one line and prints the answer. Without COMMAND it sends its\n"
    "standard input, line by line, and prints all answers. Replies start with +OK or -ERR; lines\n"
    "that start with * or { are details and events.\n"
    "\n"
    "  -s ADDRESS   host:port, [v6]:port or unix:PATH (default: localhost:4025)\n"
    "  --wait DUR   keep trying for that long (30s, 500ms) until the daemon answers a ping.\n"
    "               Without COMMAND and with a terminal as standard input it only waits; a\n"
    "               script that only waits says: mailsimctl --wait 30s ping\n"
    "  --help       print this\n"
    "  --version    print the version\n"
    "\n"
    "\"events on\" and \"events json\" go on until the daemon or the user ends them; after any "
    "other\n"
    "command the connection is closed when all that belongs to it has been printed.\n"
    "\n"
    "exit status: 0 every reply was +OK; 1 a reply was -ERR; 2 no connection, it ended before\n"
    "the last reply, or reading or printing failed; 64 usage\n";

struct options {
	struct ctl_address address;
	int64_t wait_ns; /* -1: one try, and no ping */
	struct buf line; /* COMMAND with its line end; empty: standard input */
};

struct session {
	int fd;
	const char *address;
	bool is_input_over;   /* nothing more comes from standard input */
	bool is_watch;        /* the one command asks for events */
	bool has_one_command; /* from the arguments */
	bool is_sending_over; /* half-closed, or the other side takes no more */
	bool is_over;
	bool has_failed; /* on our side; said already */
	struct buf out;  /* read and not yet sent */

	char ask_head[8]; /* the line being read: its first octets, leading blanks left out */
	size_t ask_head_n;
	bool has_quit; /* the last command read is quit */
	uint64_t asked;

	char answer_first; /* the answer line being read: its first octet; NUL at its start */
	uint64_t answered;
	bool was_refused;

	int error; /* errno of what ended the connection; 0: an orderly end */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Comments and empty lines are not answered. */
static void
end_asked_line(struct session *s)
{
	struct str head = { s->ask_head, s->ask_head_n };

	s->ask_head_n = 0;
	if (head.n == 0 || head.p[0] == '#')
		return;
	s->asked++;
	s->has_quit =
	    str_eq_nocase(str_head(head, 4), STR("quit")) && (head.n == 4 || is_blank(head.p[4]));
}

static void
scan_asked(struct session *s, struct str text)
{
	size_t i;

	for (i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '\n')
			end_asked_line(s);
		else if (s->ask_head_n < sizeof s->ask_head && (s->ask_head_n > 0 || !is_blank(c)))
			s->ask_head[s->ask_head_n++] = c;
	}
}

static void
scan_answers(struct session *s, struct str text)
{
	while (text.n > 0) {
		size_t end = str_find(text, '\n');

		if (s->answer_first == '\0')
			s->answer_first = text.p[0];
		if (end == text.n)
			return;
		s->answered += s->answer_first == '+' || s->answer_first == '-';
		s->was_refused |= s->answer_first == '-';
		s->answer_first = '\0';
		text = str_from(text, end + 1);
	}
}

static void
fail(struct session *s, const char *what)
{
	warn("%s", what);
	s->has_failed = s->is_over = true;
}

static void
read_input(struct session *s)
{
	ssize_t n = read(STDIN_FILENO, buf_reserve(&s->out, CHUNK_OCTETS), CHUNK_OCTETS);

	if (n > 0) {
		scan_asked(s, (struct str){ s->out.data + s->out.len, (size_t)n });
		s->out.len += (size_t)n;
	} else if (n == 0) {
		s->is_input_over = true;
		end_asked_line(s); /* one without an end is answered as well */
	} else if (errno != EINTR && errno != EAGAIN) {
		fail(s, "standard input");
	}
}

static void
send_some(struct session *s)
{
	ssize_t n = send(s->fd, s->out.data, s->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0) {
		buf_consume(&s->out, (size_t)n);
	} else if (errno != EAGAIN && errno != EINTR) {
		/* what was answered before the other side went can still be read */
		s->error = errno;
		s->is_sending_over = true;
		s->out.len = 0;
	}
}

static void
print(struct session *s, struct str text)
{
	while (text.n > 0) {
		ssize_t n = write(STDOUT_FILENO, text.p, text.n);

		if (n >= 0) {
			text = str_from(text, (size_t)n);
		} else if (errno == EAGAIN) {
			/* non-blocking by the doing of somebody who shares it */
			poll(&(struct pollfd){ .fd = STDOUT_FILENO, .events = POLLOUT }, 1, -1);
		} else if (errno != EINTR) {
			fail(s, "standard output");
			return;
		}
	}
}

static void
receive_some(struct session *s)
{
	char chunk[CHUNK_OCTETS];
	ssize_t n = recv(s->fd, chunk, sizeof chunk, MSG_DONTWAIT);

	if (n > 0) {
		struct str text = { chunk, (size_t)n };

		scan_answers(s, text);
		print(s, text);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		if (n == -1)
			s->error = errno;
		s->is_over = true;
	}
}

/* All is sent that ever will be, and the other side may know it. */
static bool
can_half_close(const struct session *s)
{
	if (s->is_sending_over || !s->is_input_over || s->out.len > 0)
		return false;
	/* half-closed, a watch would end with this connection's batches, and it has none */
	return !s->has_one_command || (s->answered > 0 && (!s->is_watch || s->was_refused));
}

static void
session_run(struct session *s)
{
	while (!s->is_over) {
		bool reads_input = !s->is_input_over && !s->is_sending_over && s->out.len == 0;
		short events = s->out.len > 0 ? POLLIN | POLLOUT : POLLIN;
		struct pollfd p[2] = {
			{ .fd = s->fd, .events = events },
			{ .fd = reads_input ? STDIN_FILENO : -1, .events = POLLIN },
		};

		if (poll(p, 2, -1) == -1) {
			if (errno != EINTR)
				fail(s, "poll");
			continue;
		}
		if (p[0].revents & POLLOUT)
			send_some(s);
		if (p[0].revents & ~POLLOUT)
			receive_some(s);
		if (p[1].revents && !s->is_over)
			read_input(s);
		if (can_half_close(s)) {
			/* fails only where the other side is gone, which the next read tells */
			(void)shutdown(s->fd, SHUT_WR);
			s->is_sending_over = true;
		}
	}
}

static int
session_status(const struct session *s)
{
	if (s->has_failed)
		return STATUS_NO_ANSWER;
	if (s->answered < s->asked || (!s->is_input_over && !s->has_quit)) {
		warnx("%s: the connection ended before %s (%s)", s->address,
		    s->answered < s->asked ? "the last reply" : "the input did",
		    s->error ? strerror(s->error) : "closed by the other side");
		return STATUS_NO_ANSWER;
	}
	return s->was_refused ? STATUS_REFUSED : STATUS_OK;
}

static bool
asks_for_events(struct str line)
{
	static const char blanks[] = " \t";
	char *copy = mem_copy_str(str_head(line, str_find(line, '\n'))), *rest = NULL;
	char *verb = strtok_r(copy, blanks, &rest), *how = strtok_r(NULL, blanks, &rest);
	bool is_watch = verb && how && strcasecmp(verb, "events") == 0 &&
	    (strcasecmp(how, "on") == 0 || strcasecmp(how, "json") == 0);

	free(copy);
	return is_watch;
}

static int
talk(const struct options *o, int fd)
{
	struct session s = { .fd = fd, .address = o->address.text };
	int status;

	if (o->line.len > 0) {
		s.has_one_command = s.is_input_over = true;
		s.is_watch = asks_for_events(buf_str(&o->line));
		buf_add_str(&s.out, buf_str(&o->line));
		scan_asked(&s, buf_str(&s.out));
	}
	session_run(&s);
	status = session_status(&s);
	buf_fini(&s.out);
	return status;
}

/* How long the key of KEY=VALUE is, where the shell took away the quotes that VALUE needs; else 0.
 */
static size_t
key_to_quote(struct str word)
{
	size_t sign = str_find(word, '='), i;
	struct str value = str_from(word, sign + 1);

	for (i = 0; i < sign; i++)
		if (!(word.p[i] >= 'a' && word.p[i] <= 'z') && word.p[i] != '_')
			return 0;
	if (sign == word.n || (value.n > 0 && value.p[0] == '"'))
		return 0;
	return value.n == 0 || str_find(value, ' ') < value.n || str_find(value, '\t') < value.n
	    ? sign
	    : 0;
}

/* COMMAND as one line; NULL, or what is wrong. */
static const char *
line_join(struct buf *line, char **words)
{
	size_t i = 0;

	for (; *words; words++) {
		struct str word = str_of(*words);
		size_t n = key_to_quote(word);

		if (strchr(*words, '\n'))
			return "a command is one line: several go through standard input";
		buf_add_str(line, n > 0 ? str_head(word, n + 1) : word);
		if (n > 0)
			text_add_quoted(line, str_from(word, n + 1));
		buf_add_char(line, words[1] ? ' ' : '\n');
	}
	while (i < line->len && is_blank(line->data[i]))
		i++;
	if (i < line->len && (line->data[i] == '\n' || line->data[i] == '#'))
		return "empty lines and comments are not answered";
	return NULL;
}

/* what may be empty; wrong NULL: getopt has said it. */
static void
usage_error(const char *what, const char *wrong)
{
	if (wrong)
		warnx("%s%s", what, wrong);
	fputs(
	    "usage: mailsimctl [-s ADDRESS] [--wait DUR] [COMMAND...]   (more: --help)\n", stderr);
	exit(STATUS_USAGE);
}

static void
say_and_exit(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
		warn("standard output");
		exit(STATUS_NO_ANSWER);
	}
	exit(STATUS_OK);
}

static void
options_read(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "wait", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *address = default_address, *wrong;
	int c;

	*o = (struct options){ .wait_ns = -1 };
	while ((c = getopt_long(argc, argv, "+s:", longs, NULL)) != -1) {
		if (c == 's') {
			address = optarg;
		} else if (c == 'w') {
			wrong = text_parse_duration(str_of(optarg), &o->wait_ns);
			if (wrong)
				usage_error("--wait: ", wrong);
		} else if (c == 'h') {
			say_and_exit(help);
		} else if (c == 'V') {
			say_and_exit("mailsimctl " MAILSIMD_VERSION "\n");
		} else {
			usage_error("", NULL);
		}
	}
	wrong = ctl_address_parse(&o->address, address);
	if (wrong)
		usage_error("-s: ", wrong);
	wrong = line_join(&o->line, argv + optind);
	if (wrong)
		usage_error("", wrong);
}

static void
options_fini(struct options *o)
{
	ctl_address_fini(&o->address);
	buf_fini(&o->line);
}

/*
 * A socket in the place of a standard stream that the caller left out would be taken for it. Held
 * the wrong way round, such a stream fails when it is used, and only then.
 */
static void
hold_standard_streams(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int
main(int argc, char **argv)
{
	struct buf why = { 0 };
	struct options o;
	int fd, status = STATUS_OK;

	hold_standard_streams();
	/* a reader of our output that has gone is an error to report, not a reason to vanish */
	signal(SIGPIPE, SIG_IGN);
	options_read(&o, argc, argv);
	fd = ctl_connect(&o.address, o.wait_ns, &why);
	if (fd == -1) {
		warnx("%s: %.*s", o.address.text, STR_ARG(buf_str(&why)));
		status = STATUS_NO_ANSWER;
	} else if (o.wait_ns == -1 || o.line.len > 0 || !isatty(STDIN_FILENO)) {
		status = talk(&o, fd);
	}
	if (fd != -1)
		close(fd);
	buf_fini(&why);
	options_fini(&o);
	return status;
}
