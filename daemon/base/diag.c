/*
 * Owns standard error. The descriptor is shared with whoever started the daemon, so it is never
 * made non-blocking; instead poll() is asked first, and a line is at most PIPE_BUF octets, which a
 * writable pipe takes whole.
 */
#include "base/diag.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *const diag_level_names[DIAG_LEVELS] = { "error", "warning", "info", "debug" };

/* syslog(3) priorities, which journald takes from a "<N>" in front of a line */
static const int priorities[DIAG_LEVELS] = { 3, 4, 6, 7 };

static struct {
	struct diag_conf conf;
	unsigned long lost;
} diag = { .conf = { DIAG_INFO, 2 } };

void
diag_configure(const struct diag_conf *conf)
{
	diag.conf = *conf;
}

bool
diag_is_journal_at(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
	    st.st_dev == device && st.st_ino == inode;
}

bool
diag_is_journal(void)
{
	return diag_is_journal_at(STDERR_FILENO);
}

/* The line, its end included, or nothing at all. */
static bool
write_line(const char *line, size_t n)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t written;

	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return false;
	do
		written = write(STDERR_FILENO, line, n);
	while (written == -1 && errno == EINTR);
	return written == (ssize_t)n;
}

/* One line of at most PIPE_BUF octets; what is longer is cut, control characters become '?'. */
__attribute__((format(printf, 2, 0))) static void
say(const char *head, const char *format, va_list ap)
{
	char line[PIPE_BUF];
	size_t n, i, start = strlen(head);
	int written;

	memcpy(line, head, start);
	written = vsnprintf(line + start, sizeof line - start - 1, format, ap);
	if (written < 0)
		return;
	n = start + (size_t)written;
	if (n > sizeof line - 2)
		n = sizeof line - 2;
	for (i = start; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	if (diag.lost > 0) {
		char note[64];
		int m = snprintf(note, sizeof note, "%lu diagnostics lost\n", diag.lost);

		if (write_line(note, (size_t)m))
			diag.lost = 0;
	}
	if (!write_line(line, n))
		diag.lost++;
}

__attribute__((format(printf, 2, 0))) static void
say_at(enum diag_level level, const char *format, va_list ap)
{
	char head[64] = "";
	bool journal = diag_is_journal();
	struct timespec now;
	struct tm tm;

	if (level > diag.conf.level)
		return;
	if (journal)
		snprintf(head, sizeof head, "<%d>", priorities[level]);
	else if (diag.conf.timestamp != 0 && clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	    gmtime_r(&now.tv_sec, &tm))
		snprintf(head, sizeof head, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s ",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		    now.tv_nsec / 1000000, diag_level_names[level]);
	else
		snprintf(head, sizeof head, "%s ", diag_level_names[level]);
	say(head, format, ap);
}

#define SAY_AT(level) \
	do { \
		va_list ap; \
		va_start(ap, format); \
		say_at((level), format, ap); \
		va_end(ap); \
	} while (0)

void
diag_error(const char *format, ...)
{
	SAY_AT(DIAG_ERROR);
}

void
diag_warning(const char *format, ...)
{
	SAY_AT(DIAG_WARNING);
}

void
diag_info(const char *format, ...)
{
	SAY_AT(DIAG_INFO);
}

void
diag_debug(const char *format, ...)
{
	SAY_AT(DIAG_DEBUG);
}

void
diag_plain(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say("", format, ap);
	va_end(ap);
}
