/*
 * Owns the daemons of the test that runs, so that a test which fails leaves nothing behind and says
 * all there is to know. The clients are in harness_client.c, runs on standard input in
 * harness_stdio.c.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX 64

static struct daemon *daemons;

int64_t
harness_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
text_add(struct text *t, const void *data, size_t n)
{
	if (t->n + n + 1 > t->cap) {
		t->cap = (t->n + n + 1) * 2;
		t->p = realloc(t->p, t->cap);
		if (!t->p)
			abort();
	}
	memcpy(t->p + t->n, data, n);
	t->n += n;
	t->p[t->n] = '\0';
}

void
text_printf(struct text *t, const char *format, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, format);
	n = vasprintf(&p, format, ap);
	va_end(ap);
	if (n < 0)
		abort();
	text_add(t, p, (size_t)n);
	free(p);
}

void
text_free(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}

/* What the file holds from octet t->n on. */
static void
read_on(struct text *t, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char data[65536];
	ssize_t n;

	text_add(t, "", 0);
	if (fd == -1)
		return;
	while ((n = pread(fd, data, sizeof data, (off_t)t->n)) > 0)
		text_add(t, data, (size_t)n);
	close(fd);
}

void
text_read_file(struct text *t, const char *path)
{
	t->n = 0;
	read_on(t, path);
}

size_t
text_count_lines(const char *text, const char *part)
{
	size_t left = strlen(text), part_n = strlen(part), n = 0;

	/* by line, since the sanitizers look at all of what strstr() is given */
	while (left > 0) {
		const char *end = memchr(text, '\n', left);
		size_t line = end ? (size_t)(end - text) + 1 : left;

		n += memmem(text, line, part, part_n) != NULL;
		text += line;
		left -= line;
	}
	return n;
}

long long
text_number(const char *line, const char *key)
{
	size_t n = strlen(key);
	const char *p = line;

	while ((p = strstr(p, key)) != NULL) {
		if ((p == line || p[-1] == ' ') && p[n] == '=' && p[n + 1] >= '0' &&
		    p[n + 1] <= '9')
			return strtoll(p + n + 1, NULL, 10);
		p += n;
	}
	return -1;
}

void
harness_show(const char *title, const char *text, size_t n)
{
	if (n > HARNESS_SHOWN) {
		print_error("--- %s (the last of %zu octets)\n", title, n);
		text += n - HARNESS_SHOWN;
	} else {
		print_error("--- %s\n", title);
	}
	print_error("%s\n", text);
}

static void
show_file(const char *title, const char *path)
{
	struct text t = { 0 };

	text_read_file(&t, path);
	harness_show(title, t.p, t.n);
	text_free(&t);
}

void
harness_fail(const char *file, int line, const char *format, ...)
{
	struct daemon *d;
	va_list ap;
	char why[2048];

	va_start(ap, format);
	vsnprintf(why, sizeof why, format, ap);
	va_end(ap);
	print_error("%s:%d: %s\n", file, line, why);
	clients_show();
	for (d = daemons; d; d = d->next) {
		show_file("diagnostics", d->errors);
		show_file("event log", d->log);
	}
	_fail(file, line);
	abort();
}

void
harness_expect_number(const char *file, int line, const char *what, long long got, long long wanted)
{
	if (got != wanted)
		harness_fail(file, line, "%s is %lld and should be %lld", what, got, wanted);
}

bool
harness_match(const char *text, const char *pattern)
{
	for (; *pattern != '%'; text++, pattern++) {
		if (*text != *pattern)
			return false;
		if (*text == '\0')
			return true;
	}
	pattern++;
	do
		if (harness_match(text, pattern))
			return true;
	while (*text++ != '\0');
	return false;
}

void
harness_expect_text(const char *file, int line, const char *got, const char *pattern)
{
	if (!got)
		harness_fail(file, line, "there is nothing and should be \"%s\"", pattern);
	if (!harness_match(got, pattern))
		harness_fail(
		    file, line, "there is\n  \"%.1000s\"\nand should be\n  \"%s\"", got, pattern);
}

void
harness_pause(int64_t since_ms, const char *for_what)
{
	const struct timespec t = { .tv_nsec = 2000000 };

	if (harness_now_ms() - since_ms > HARNESS_DEADLINE_MS)
		harness_fail(__FILE__, __LINE__, "waited in vain for: %s", for_what);
	nanosleep(&t, NULL);
}

const char *
harness_source_path(const char *name)
{
	static char path[1024];
	char *end;

	snprintf(path, sizeof path, "%s", __FILE__);
	end = strstr(path, "tests/live/harness.c");
	if (!end)
		harness_fail(__FILE__, __LINE__, "where is the source tree?");
	snprintf(end, sizeof path - (size_t)(end - path), "%s", name);
	return path;
}

/* --- daemons */

struct daemon *
daemon_new(void)
{
	struct daemon *d = calloc(1, sizeof *d);

	if (!d)
		abort();
	strcpy(d->dir, "/tmp/mailsimd-live-XXXXXX");
	if (!mkdtemp(d->dir))
		harness_fail(__FILE__, __LINE__, "no temporary folder: %s", strerror(errno));
	snprintf(d->log, sizeof d->log, "%s/log", d->dir);
	snprintf(d->errors, sizeof d->errors, "%s/stderr", d->dir);
	snprintf(d->output, sizeof d->output, "%s/stdout", d->dir);
	snprintf(d->unix_path, sizeof d->unix_path, "%s/socket", d->dir);
	d->next = daemons;
	daemons = d;
	return d;
}

static void
use_as(int fd, int as)
{
	if (fd == -1 || dup2(fd, as) == -1)
		_exit(126);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void
become(const struct daemon *d, const struct daemon_setup *setup, char **argv)
{
	const char *const *e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	use_as(setup->stdin_fd ? setup->stdin_fd : open("/dev/null", O_RDONLY), STDIN_FILENO);
	use_as(setup->stdout_fd ? setup->stdout_fd
				: open(d->output, O_WRONLY | O_CREAT | O_APPEND, 0600),
	    STDOUT_FILENO);
	use_as(open(d->errors, O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
	for (e = setup->environ_more; e && *e; e++)
		putenv(strdup(*e));
	if (setup->prepare)
		setup->prepare(setup->ctx, d);
	execv(argv[0], argv);
	fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

void
daemon_write_file(const struct daemon *d, const char *name, const char *text)
{
	char path[160], new[160];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", d->dir, name);
	snprintf(new, sizeof new, "%s/new", d->dir);
	f = fopen(new, "w");
	expect(f && fputs(text, f) >= 0);
	expect(fclose(f) == 0 && rename(new, path) == 0);
}

void
daemon_run(struct daemon *d, const struct daemon_setup *setup, const char *const *args)
{
	char *argv[ARGS_MAX + 8], target[160];
	int n = 0;

	argv[n++] = getenv("MAILSIMD");
	if (!argv[0])
		harness_fail(__FILE__, __LINE__, "MAILSIMD does not say where the daemon is");
	if (setup->is_stdio)
		argv[n++] = strdup("--stdio");
	if (!setup->is_stdio && !setup->has_own_listen) {
		argv[n++] = strdup("-o");
		argv[n++] = strdup("listen.line=localhost:0");
	}
	if (!setup->has_own_log) {
		snprintf(target, sizeof target, "log.target=%s", d->log);
		argv[n++] = strdup("-o");
		argv[n++] = strdup(target);
	}
	while (args && *args && n < ARGS_MAX)
		argv[n++] = strdup(*args++);
	argv[n] = NULL;
	d->pid = fork();
	if (d->pid == -1)
		harness_fail(__FILE__, __LINE__, "no process: %s", strerror(errno));
	if (d->pid == 0)
		become(d, setup, argv);
	while (n > 1)
		free(argv[--n]);
}

static bool
has_ended(struct daemon *d)
{
	int status;

	if (d->pid > 0 && waitpid(d->pid, &status, WNOHANG) == d->pid) {
		d->pid = 0;
		d->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	}
	return d->pid == 0;
}

void
daemon_wait_ready(struct daemon *d)
{
	int64_t since = harness_now_ms();
	struct text t = { 0 };
	const char *at = NULL;

	for (;;) {
		bool ended = has_ended(d);

		text_read_file(&t, d->errors);
		at = strstr(t.p, "ready ");
		if (at && strchr(at, '\n'))
			break;
		if (ended)
			harness_fail(
			    __FILE__, __LINE__, "it ended with %d before it was ready", d->status);
		harness_pause(since, "the ready line");
	}
	snprintf(d->ready, sizeof d->ready, "%.*s", (int)strcspn(at, "\n"), at);
	text_free(&t);
}

struct daemon *
daemon_start(const char *arg, ...)
{
	const struct daemon_setup setup = { 0 };
	const char *args[ARGS_MAX + 1];
	struct daemon *d = daemon_new();
	va_list ap;
	int n = 0;

	va_start(ap, arg);
	for (; arg && n < ARGS_MAX; arg = va_arg(ap, const char *))
		args[n++] = arg;
	va_end(ap);
	args[n] = NULL;
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	return d;
}

void
daemon_signal(const struct daemon *d, int signo)
{
	if (d->pid <= 0 || kill(d->pid, signo) == -1)
		harness_fail(__FILE__, __LINE__, "signal %d does not reach the daemon", signo);
}

int
daemon_wait_exit(struct daemon *d)
{
	int64_t since = harness_now_ms();
	struct text t = { 0 };

	while (!has_ended(d))
		harness_pause(since, "the end of the daemon");
	text_read_file(&t, d->errors);
	if (strstr(t.p, "Sanitizer") || strstr(t.p, "runtime error:"))
		harness_fail(__FILE__, __LINE__, "the sanitizer complains");
	text_free(&t);
	return d->status;
}

long long
daemon_ledger(const struct daemon *d, const char *key)
{
	struct text t = { 0 };
	const char *at;
	long long n = -1;

	text_read_file(&t, d->errors);
	at = strstr(t.p, "stopped accepted=");
	if (!at)
		harness_fail(__FILE__, __LINE__, "there is no ledger");
	n = text_number(at, key);
	text_free(&t);
	return n;
}

void
daemon_stop(struct daemon *d)
{
	daemon_signal(d, SIGTERM);
	expect_number(daemon_wait_exit(d), 0);
	expect_number(daemon_ledger(d, "accepted"),
	    daemon_ledger(d, "delivered") + daemon_ledger(d, "bounced") +
		daemon_ledger(d, "expired") + daemon_ledger(d, "dropped") +
		daemon_ledger(d, "cancelled") + daemon_ledger(d, "unfinished"));
}

const char *
daemon_log(struct daemon *d)
{
	read_on(&d->seen, d->log);
	return d->seen.p;
}

size_t
daemon_count_log(struct daemon *d, const char *part)
{
	return text_count_lines(daemon_log(d), part);
}

void
daemon_wait_log(struct daemon *d, const char *part, size_t n)
{
	int64_t since = harness_now_ms();

	while (daemon_count_log(d, part) < n)
		harness_pause(since, part);
}

void
daemon_wait_errors(const struct daemon *d, const char *part, size_t n)
{
	int64_t since = harness_now_ms();
	struct text t = { 0 };

	for (;;) {
		text_read_file(&t, d->errors);
		if (text_count_lines(t.p, part) >= n)
			break;
		harness_pause(since, part);
	}
	text_free(&t);
}

long
daemon_rss_kib(const struct daemon *d)
{
	struct text t = { 0 };
	char path[64];
	const char *at;
	long kib;

	snprintf(path, sizeof path, "/proc/%d/status", (int)d->pid);
	text_read_file(&t, path);
	at = strstr(t.p, "VmRSS:");
	kib = at ? strtol(at + 6, NULL, 10) : -1;
	text_free(&t);
	return kib;
}

long
daemon_cpu_ms(const struct daemon *d)
{
	unsigned long user = 0, system = 0;
	struct text t = { 0 };
	char path[64];
	const char *at;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)d->pid);
	text_read_file(&t, path);
	at = strrchr(t.p, ')');
	if (!at ||
	    sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) !=
		2)
		harness_fail(__FILE__, __LINE__, "%s cannot be read", path);
	text_free(&t);
	return (long)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

static int
remove_cb(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
harness_clear(void **state)
{
	(void)state;
	clients_clear();
	while (daemons) {
		struct daemon *d = daemons;

		daemons = d->next;
		if (d->pid > 0) {
			kill(d->pid, SIGKILL);
			waitpid(d->pid, NULL, 0);
		}
		nftw(d->dir, remove_cb, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		text_free(&d->seen);
		free(d);
	}
	return 0;
}
