/*
 * Every tests/data/smtp/NAME.in must get the replies that its lines begin with, and the whole must
 * be what stands in NAME.out. With UPDATE=1 that is written anew: read the difference before you
 * believe it. One daemon a file, on a clock that stands still.
 *
 *     # a comment
 *     # options: SECTION.KEY=VALUE ...     for the daemon; ~ is a blank, @ this folder
 *     [name] or [name lmtp]                on that connection from here on; a new one is greeted
 *     250 EHLO client.example              sent with CRLF; a reply with that code must come
 *     250+ MAIL FROM:<a@example.com>       the same, but it leaves together with what follows
 *     250,550 .                            two replies must come (LMTP), or one and the end:
 * 421,END END GET / HTTP/1.1                   the daemon must close
 *     --- Subject: hello                   sent, and answered by nothing; leaves with what follows
 *     = status id=x                        asked over the line protocol
 *     & queued                             shows the lines of the log with that part since the last
 * &
 *
 * In what is sent \r \n \0 \t \\ and \xNN are octets, \*N{TEXT} is the text N times, and \c at the
 * end of a line leaves out the CRLF.
 */
#include "harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define DATA_DIR TESTS_SOURCE_DIR "/data/smtp"
#define CONNECTIONS 8
#define REPLIES 4096
#define OPTIONS 32

struct dialogue {
	struct daemon *d;
	struct client *line;
	struct {
		char name[32];
		struct client *c;
	} all[CONNECTIONS];
	struct client *c;        /* the connection that is spoken on */
	struct text out;         /* what was sent and what came */
	struct text group;       /* what has not left yet */
	char wanted[REPLIES][4]; /* of it */
	size_t n_wanted;
	size_t log_at;
	const char *file;
	int line_number;
	unsigned wrong;
};

static void
complain(struct dialogue *g, const char *what, const char *wanted, const char *got)
{
	fprintf(stderr, "%s:%d: %s: wanted \"%s\", came \"%s\"\n", g->file, g->line_number, what,
	    wanted, got ? got : "the end");
	g->wrong++;
}

static unsigned
hex(const char *p)
{
	char digits[3] = { p[0], p[0] ? p[1] : '\0', '\0' };

	return (unsigned)strtoul(digits, NULL, 16);
}

/* Adds the octets that n characters of a line mean; false when no CRLF follows. */
static bool
unescape(struct text *to, const char *p, size_t n)
{
	static const char letters[] = "rn0t\\", octets[] = "\r\n\0\t\\";
	const char *end = p + n, *open, *close, *letter;
	bool is_line = true;
	unsigned long times;
	char octet;

	while (p < end) {
		if (*p != '\\') {
			text_add(to, p++, 1);
			continue;
		}
		letter = memchr(letters, p[1], sizeof letters - 1);
		if (letter) {
			text_add(to, &octets[letter - letters], 1);
			p += 2;
		} else if (p[1] == 'x') {
			octet = (char)hex(p + 2);
			text_add(to, &octet, 1);
			p += 4;
		} else if (p[1] == '*') {
			times = strtoul(p + 2, NULL, 10);
			open = memchr(p, '{', (size_t)(end - p));
			close = open ? memchr(open, '}', (size_t)(end - open)) : NULL;
			expect(close != NULL);
			while (times-- > 0)
				unescape(to, open + 1, (size_t)(close - open) - 1);
			p = close + 1;
		} else {
			expect(p[1] == 'c');
			is_line = false;
			p += 2;
		}
	}
	return is_line;
}

static void
queue(struct dialogue *g, const char *text)
{
	if (unescape(&g->group, text, strlen(text)))
		text_add(&g->group, "\r\n", 2);
}

/* One reply with all its lines. */
static void
read_reply(struct dialogue *g, const char *wanted)
{
	const char *line;
	size_t n;

	do {
		line = client_line(g->c);
		if (!line) {
			text_printf(&g->out, "  [the end]\n");
			if (strcmp(wanted, "END") != 0)
				complain(g, "a reply", wanted, line);
			return;
		}
		n = strlen(line);
		if (n == 0 || line[n - 1] != '\r')
			complain(g, "the end of a line", "CRLF", line);
		text_printf(&g->out, "  %.*s\n", (int)(n ? n - 1 : 0), line);
	} while (n > 4 && line[3] == '-');
	if (strncmp(line, wanted, 3) != 0)
		complain(g, "a reply", wanted, line);
}

static void
flush(struct dialogue *g)
{
	size_t i;

	if (g->group.n > 0)
		client_send_bytes(g->c, g->group.p, g->group.n);
	g->group.n = 0;
	for (i = 0; i < g->n_wanted; i++)
		read_reply(g, g->wanted[i]);
	g->n_wanted = 0;
}

/* "250,550+ TEXT" */
static void
speak(struct dialogue *g, const char *line)
{
	const char *p = line;

	for (;; p += 4) {
		expect(strlen(p) >= 3 && g->n_wanted < REPLIES);
		snprintf(g->wanted[g->n_wanted++], sizeof g->wanted[0], "%.3s", p);
		if (p[3] != ',')
			break;
	}
	queue(g, p[3] == '+' ? p + 5 : p[3] ? p + 4 : p + 3);
	if (p[3] != '+')
		flush(g);
}

static void
switch_to(struct dialogue *g, const char *line)
{
	char name[32] = "", kind[8] = "smtp";
	size_t i;

	if (g->c)
		flush(g);
	sscanf(line, "[%31[^] ] %7[^]]]", name, kind);
	for (i = 0; i < CONNECTIONS && g->all[i].c; i++) {
		if (strcmp(g->all[i].name, name) == 0) {
			g->c = g->all[i].c;
			return;
		}
	}
	expect(i < CONNECTIONS);
	strcpy(g->all[i].name, name);
	g->c = g->all[i].c = client_connect_kind(g->d, kind, 0);
	read_reply(g, "220");
}

/* Real times are not compared, nor is how many connections are not quite over yet. */
static void
mask(char *line)
{
	static const char *const keys[] = {
		" elapsed=", " loop_lag_p99=", " loop_lag_max=", " connections="
	};
	size_t i, n;
	char *p;

	for (i = 0; i < HARNESS_EXTENT(keys); i++) {
		p = strstr(line, keys[i]);
		if (!p)
			continue;
		p += strlen(keys[i]);
		n = strcspn(p, " ");
		*p = '*';
		memmove(p + 1, p + n, strlen(p + n) + 1);
	}
}

static void
ask(struct dialogue *g, const char *command)
{
	char *line;

	flush(g);
	text_printf(&g->group, "%s\n", command);
	client_send_bytes(g->line, g->group.p, g->group.n);
	g->group.n = 0;
	do {
		line = client_line(g->line) ? g->line->line : NULL;
		if (line)
			mask(line);
		text_printf(&g->out, "  %s\n", line ? line : "[the end]");
	} while (line && line[0] == '*');
}

static void
show_log(struct dialogue *g, const char *part)
{
	const char *p, *end;

	flush(g);
	/* a reply comes after the lines before it */
	expect_text(client_ask(g->line, "ping"), "+OK pong");
	for (p = daemon_log(g->d) + g->log_at; (end = strchr(p, '\n')); p = end + 1)
		if (memmem(p, (size_t)(end - p), part, strlen(part)))
			text_printf(&g->out, "  %.*s\n", (int)(end - p), p);
	g->log_at = g->d->seen.n;
}

static void
run_line(struct dialogue *g, const char *line)
{
	text_printf(&g->out, "%s\n", line);
	if (line[0] == '#' || line[0] == '\0')
		return;
	if (line[0] == '[')
		switch_to(g, line);
	else if (strncmp(line, "= ", 2) == 0)
		ask(g, line + 2);
	else if (line[0] == '&')
		show_log(g, line[1] ? line + 2 : "");
	else if (strncmp(line, "---", 3) == 0)
		queue(g, line[3] ? line + 4 : "");
	else
		speak(g, line);
}

/* A blank is written as ~, the folder of the data as @. */
static const char *
option_of(const char *word, char *value)
{
	char *p = value;

	for (; *word; word++) {
		expect(p < value + 200);
		if (*word == '@')
			p = stpcpy(p, DATA_DIR);
		else
			*p++ = *word == '~' ? ' ' : *word;
	}
	*p = '\0';
	return value;
}

static struct daemon *
start(const char *in)
{
	const struct daemon_setup setup = { 0 };
	static char words[4096], values[OPTIONS][512];
	const char *args[2 * OPTIONS] = { "-o", "listen.smtp=127.0.0.1:0", "-o",
		"listen.lmtp=127.0.0.1:0", "-o", "smtp.hostname=mx.example.test", "-o",
		"clock.scale=0", "-o", "clock.epoch=2026-01-01T00:00:00Z", "-o", "random.seed=1" };
	struct daemon *d = daemon_new();
	size_t n = 12;
	char *word, *rest;

	in = strstr(in, "# options: ");
	if (in) {
		in += strlen("# options: ");
		snprintf(words, sizeof words, "%.*s", (int)strcspn(in, "\n"), in);
		for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
			expect(n + 3 < 2 * OPTIONS);
			args[n++] = "-o";
			args[n] = option_of(word, values[n / 2]);
			n++;
		}
	}
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	return d;
}

static void
run_file(struct dialogue *g, const char *in)
{
	char line[8192];
	size_t n;

	g->d = start(in);
	g->line = client_connect(g->d);
	for (; *in; in += n + (in[n] == '\n')) {
		n = strcspn(in, "\n");
		expect(n < sizeof line);
		snprintf(line, sizeof line, "%.*s", (int)n, in);
		g->line_number++;
		run_line(g, line);
	}
	flush(g);
}

/* The first line that differs, with the one that should be there. */
static void
compare(struct dialogue *g, const char *expected)
{
	const char *got = g->out.p;
	size_t a, b, number = 1;

	for (;; got += a + 1, expected += b + 1, number++) {
		a = strcspn(got, "\n");
		b = strcspn(expected, "\n");
		if (a != b || memcmp(got, expected, a) != 0 || got[a] != expected[b])
			break;
		if (!got[a])
			return;
	}
	fprintf(stderr, "%.*sout:%zu: wanted \"%.*s\", came \"%.*s\"\n", (int)strlen(g->file) - 2,
	    g->file, number, (int)b, expected, (int)a, got);
	g->wrong++;
}

static unsigned
dialogue(const char *path)
{
	struct dialogue g = { .file = path };
	struct text in = { 0 }, expected = { 0 };
	char out[512];
	FILE *f;

	snprintf(out, sizeof out, "%.*sout", (int)strlen(path) - 2, path);
	text_read_file(&in, path);
	expect(in.n > 0);
	text_add(&g.out, "", 0);
	run_file(&g, in.p);
	if (getenv("UPDATE")) {
		f = fopen(out, "w");
		expect(f && fwrite(g.out.p, 1, g.out.n, f) == g.out.n && fclose(f) == 0);
	}
	text_read_file(&expected, out);
	compare(&g, expected.p);
	if (g.wrong)
		harness_show("the whole dialogue", g.out.p, g.out.n);
	else
		print_message("ok: %s\n", strrchr(path, '/') + 1);
	text_free(&in);
	text_free(&expected);
	text_free(&g.out);
	text_free(&g.group);
	harness_clear(NULL);
	return g.wrong;
}

static int
is_input(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 3 && strcmp(e->d_name + n - 3, ".in") == 0;
}

/* ONLY=NAME runs that file alone. */
static void
test_all(void **state)
{
	const char *dir = DATA_DIR, *only = getenv("ONLY");
	struct dirent **entries;
	unsigned wrong = 0;
	char path[512];
	int n = scandir(dir, &entries, is_input, alphasort), i;

	(void)state;
	expect(n > 0);
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, entries[i]->d_name);
		if (!only || strstr(entries[i]->d_name, only))
			wrong += dialogue(path);
		free(entries[i]);
	}
	free(entries);
	if (wrong)
		fail_msg("%u things are not as they should be", wrong);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
