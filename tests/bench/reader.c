/*
 * bench_reader: gives commands on one connection, each when the one before it is answered, and
 * reads what comes until the last is. Counts events (lines of JSON) and those that were lost, and
 * measures how much later than its own time each is read here, which includes the way through the
 * server's queue, the socket and this program.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "connect.h"

#define DAY_US 86400000000LL

static struct {
	unsigned long events, lost;
	unsigned replies, expected;
	int64_t *late_us;
	size_t room;
} reader;

static int64_t
wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return ((int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000) % DAY_US;
}

static int64_t
digits(const char *p, int n)
{
	int64_t value = 0;

	while (n-- > 0)
		value = value * 10 + (*p++ - '0');
	return value;
}

/* Of "2026-11-23T06:12:00.123456Z": microseconds since midnight. */
static int64_t
parse_time_us(const char *p)
{
	int64_t minutes = digits(p + 11, 2) * 60 + digits(p + 14, 2);

	return (minutes * 60 + digits(p + 17, 2)) * 1000000 + digits(p + 20, 6);
}

static void
take_event(const char *line, size_t n, int64_t now_us)
{
	static const char key[] = "\"time\":\"";
	const char *time = memmem(line, n, key, strlen(key));
	int64_t late;

	if (!time || (size_t)(line + n - time) < strlen(key) + 28 || line[n - 1] != '}') {
		fprintf(stderr, "an event was: %.*s\n", (int)n, line);
		exit(1);
	}
	late = now_us - parse_time_us(time + strlen(key));
	if (late < -DAY_US / 2)
		late += DAY_US;
	if (reader.events == reader.room) {
		reader.room = reader.room ? 2 * reader.room : 65536;
		reader.late_us = realloc(reader.late_us, reader.room * sizeof *reader.late_us);
		if (!reader.late_us)
			give_up("realloc");
	}
	reader.late_us[reader.events++] = late;
}

static void
take_line(const char *line, size_t n, int64_t now_us)
{
	static const char lost[] = "* lost n=";

	if (n > 0 && line[0] == '{')
		take_event(line, n, now_us);
	else if (n > strlen(lost) && memcmp(line, lost, strlen(lost)) == 0)
		reader.lost += strtoul(line + strlen(lost), NULL, 10);
	else if (n > 0 && line[0] == '+')
		reader.replies++;
	else {
		fprintf(stderr, "a line was: %.*s\n", (int)n, line);
		exit(1);
	}
}

/* To the next reply, and further as far as there is something. */
static void
read_reply(int fd)
{
	static char buf[1 << 18];
	static size_t have;

	reader.expected++;
	while (reader.replies < reader.expected) {
		ssize_t n = read(fd, buf + have, sizeof buf - have);
		char *line = buf, *end;
		int64_t now_us = wall_us();

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			give_up("the connection has ended");
		have += (size_t)n;
		for (; (end = memchr(line, '\n', (size_t)(buf + have - line))); line = end + 1)
			take_line(line, (size_t)(end - line), now_us);
		have = (size_t)(buf + have - line);
		memmove(buf, line, have);
	}
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static long
quantile_us(double q)
{
	if (reader.events == 0)
		return 0;
	return (long)reader.late_us[(size_t)((double)(reader.events - 1) * q)];
}

int
main(int argc, char **argv)
{
	int fd, i;

	if (argc < 3) {
		fputs("usage: bench_reader ADDRESS COMMAND...\n", stderr);
		return 64;
	}
	fd = connect_to(argv[1]);
	for (i = 2; i < argc; i++) {
		write_all(fd, argv[i], strlen(argv[i]));
		write_all(fd, "\n", 1);
		read_reply(fd);
	}
	if (reader.events > 0)
		qsort(reader.late_us, reader.events, sizeof *reader.late_us, compare);
	printf("{\"events\": %lu, \"lost\": %lu, \"least_us\": %ld, \"p50_us\": %ld, "
	       "\"p99_us\": %ld, \"max_us\": %ld}\n",
	    reader.events, reader.lost, quantile_us(0), quantile_us(0.5), quantile_us(0.99),
	    quantile_us(1));
	free(reader.late_us);
	return 0;
}
