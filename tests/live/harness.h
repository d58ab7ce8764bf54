#ifndef LIVE_HARNESS_H
#define LIVE_HARNESS_H

/*
 * The real daemon and its clients, for tests. Every wait here is for a condition; a deadline is how
 * a test fails, never how it goes on. What fails shows what was sent, what came, and what the
 * daemon said. A test is listed with LIVE_TEST(), which clears away what it left behind.
 */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HARNESS_IS_SANITIZED 1
#else
#define HARNESS_IS_SANITIZED 0
#endif

#ifndef HARNESS_DEADLINE_MS
#define HARNESS_DEADLINE_MS 40000
#endif
#define HARNESS_SHOWN 3000 /* octets of each story that a failure shows */
#define HARNESS_EXTENT(array) (sizeof(array) / sizeof(array)[0])

#define LIVE_TEST(test) cmocka_unit_test_teardown(test, harness_clear)

/* Ends the test with its circumstances when the condition does not hold. */
#define expect(condition) \
	do { \
		if (!(condition)) \
			harness_fail(__FILE__, __LINE__, "it does not hold that %s", #condition); \
	} while (0)

/* Two numbers, shown when they differ. */
#define expect_number(got, wanted) \
	harness_expect_number(__FILE__, __LINE__, #got, (long long)(got), (long long)(wanted))

/* A text against a pattern, in which % is any text. NULL matches nothing. */
#define expect_text(got, pattern) harness_expect_text(__FILE__, __LINE__, (got), (pattern))

__attribute__((noreturn, format(printf, 3, 4))) void harness_fail(
    const char *file, int line, const char *format, ...);
void harness_expect_number(
    const char *file, int line, const char *what, long long got, long long wanted);
void harness_expect_text(const char *file, int line, const char *got, const char *pattern);
bool harness_match(const char *text, const char *pattern);

/* The end of a text, under a title, among what explains a failure. */
void harness_show(const char *title, const char *text, size_t n);

/* Teardown: ends daemons and clients that are left, removes their folders. */
int harness_clear(void **state);

/* Where in the source tree: "config/asyncio.ini". Static text, overwritten by the next call. */
const char *harness_source_path(const char *name);

/* Monotonic, to measure with. */
int64_t harness_now_ms(void);

/* A moment for the daemon while a condition is asked for again. Fails the test after the
 * deadline, counted from since_ms. */
void harness_pause(int64_t since_ms, const char *for_what);

/* Text that grows; always ends with a NUL that does not count. */
struct text {
	char *p;
	size_t n, cap;
};

void text_add(struct text *t, const void *data, size_t n);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *t, const char *format, ...);
void text_free(struct text *t);

/* The whole file; empty when there is none. */
void text_read_file(struct text *t, const char *path);

/* Lines that contain the part. */
size_t text_count_lines(const char *text, const char *part);

/* The number behind " key=" or "key=" at the start; -1 when there is none. */
long long text_number(const char *line, const char *key);

struct daemon {
	struct daemon *next;
	pid_t pid;           /* 0: has ended */
	int status;          /* its exit status, or minus the signal that ended it */
	char dir[64];        /* private, for sockets and logs */
	char log[128];       /* the event log's file */
	char errors[128];    /* its standard error */
	char output[128];    /* its standard output, unless stdout_fd is given */
	char unix_path[128]; /* where a Unix socket may be: -o listen.line=unix:… */
	char ready[512];     /* the ready line */
	struct text seen;    /* the log as far as it was read */
};

struct daemon_setup {
	bool is_stdio;           /* --stdio, and no address */
	bool has_own_log;        /* log.target is among the arguments, or wanted as by default */
	bool has_own_listen;     /* listen.line is among the arguments, or sockets are handed in */
	int stdin_fd, stdout_fd; /* 0: /dev/null and a file */
	const char *const *environ_more;                    /* "NAME=value", NULL at the end */
	void (*prepare)(void *ctx, const struct daemon *d); /* in the child, before the exec */
	void *ctx;
};

/* A folder for a daemon to come: what the arguments name can be put there before. */
struct daemon *daemon_new(void);

/* A file in its folder, replaced at once. */
void daemon_write_file(const struct daemon *d, const char *name, const char *text);

/* Runs it with these arguments, NULL at the end. */
void daemon_run(struct daemon *d, const struct daemon_setup *setup, const char *const *args);

/* Waits for its ready line. */
void daemon_wait_ready(struct daemon *d);

/* All of that: on localhost:0 and with its log in a file. Arguments up to NULL. */
struct daemon *daemon_start(const char *arg, ...);

void daemon_signal(const struct daemon *d, int signo);

/* Waits for the end: its exit status, or minus the signal's number. A sanitizer's complaint fails
 * the test. */
int daemon_wait_exit(struct daemon *d);

/* SIGTERM; then exit status 0 and a ledger that adds up are expected. */
void daemon_stop(struct daemon *d);

/* A number of the ledger. */
long long daemon_ledger(const struct daemon *d, const char *key);

/* Waits until n lines of the event log, or of the diagnostics, contain the part. */
void daemon_wait_log(struct daemon *d, const char *part, size_t n);
void daemon_wait_errors(const struct daemon *d, const char *part, size_t n);

/* Lines of the event log that contain the part, as it is now. */
size_t daemon_count_log(struct daemon *d, const char *part);

/* The log as it is now, whole. */
const char *daemon_log(struct daemon *d);

/* Its memory, and its processor time so far. */
long daemon_rss_kib(const struct daemon *d);
long daemon_cpu_ms(const struct daemon *d);

/* A descriptor to read that text from: a regular file, unlinked. */
int input_file(const char *text);

/* Writes a text into a pipe, so many octets at a time. */
struct feeder {
	pthread_t thread;
	const char *text;
	size_t step; /* 0: all at once */
	int fd;
};

/* The reading end of a pipe that is being fed; feeder_join() when it was read. */
int input_pipe(struct feeder *f, const char *text, size_t step);
void feeder_join(struct feeder *f);

/* Runs it with --stdio to its end on that input, which is closed; each option up to NULL is one
 * SECTION.KEY=VALUE. Gives its status. */
int daemon_run_stdio(struct daemon *d, int input, const char *option, ...);

struct client {
	struct client *next;
	int fd;
	struct text in;   /* received */
	size_t at;        /* as far as it was given out */
	struct text said; /* what was sent and received, for those who look into a failure */
	char line[4096];
	bool is_ended;
};

/* For harness_fail() and harness_clear(). */
void clients_show(void);
void clients_clear(void);

/* To its first address; to its i-th; to the i-th of another listener ("smtp"); to a Unix socket. */
struct client *client_connect(const struct daemon *d);
struct client *client_connect_to(const struct daemon *d, unsigned i);
struct client *client_connect_kind(const struct daemon *d, const char *kind, unsigned i);
struct client *client_connect_unix(const char *path);

/* All of it; reads meanwhile what comes, so that nobody waits for each other. */
void client_send(struct client *c, const char *text);
void client_send_bytes(struct client *c, const void *data, size_t n);

/* The next line without its end; NULL when the other side has closed. Good until the next call. */
const char *client_line(struct client *c);

/* The next line that is a reply. */
const char *client_reply(struct client *c);

/* Sends a line and gives the next reply. */
__attribute__((format(printf, 2, 3))) const char *client_ask(
    struct client *c, const char *format, ...);

/* Nothing more comes but the end. */
void client_expect_end(struct client *c);

void client_half_close(struct client *c);
void client_close(struct client *c);

/* Closes so that the other side gets a reset. */
void client_reset(struct client *c);

/* stats, and the ledger's equation holds. Gives the line. */
const char *client_stats(struct client *c);

/* Asks stats until the number of that key is as wanted. */
void client_wait_stats(struct client *c, const char *key, long long wanted);

#endif
