/*
 * Owns runs of the daemon on standard input: files, and pipes that are fed fast or slowly.
 */
#include "harness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS_MAX 24
#define PAUSE_NS 300000 /* between two writes of a slow feeder */

int
input_file(const char *text)
{
	char path[] = "/tmp/mailsimd-input-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	expect(fd != -1 && unlink(path) == 0);
	expect(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	expect(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void *
feed(void *ctx)
{
	const struct feeder *f = ctx;
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	size_t left = strlen(f->text), n;
	const char *p = f->text;

	for (; left > 0; p += n, left -= n) {
		n = f->step > 0 && f->step < left ? f->step : left;
		if (write(f->fd, p, n) != (ssize_t)n)
			break;
		if (f->step > 0)
			nanosleep(&pause, NULL);
	}
	close(f->fd);
	return NULL;
}

int
input_pipe(struct feeder *f, const char *text, size_t step)
{
	int ends[2];

	expect(pipe2(ends, O_CLOEXEC) == 0);
	f->text = text;
	f->step = step;
	f->fd = ends[1];
	expect(pthread_create(&f->thread, NULL, feed, f) == 0);
	return ends[0];
}

void
feeder_join(struct feeder *f)
{
	pthread_join(f->thread, NULL);
}

int
daemon_run_stdio(struct daemon *d, int input, const char *option, ...)
{
	const struct daemon_setup setup = { .is_stdio = true, .stdin_fd = input };
	const char *args[2 * OPTIONS_MAX + 1];
	va_list ap;
	int n = 0;

	va_start(ap, option);
	for (; option && n < 2 * OPTIONS_MAX; option = va_arg(ap, const char *)) {
		args[n++] = "-o";
		args[n++] = option;
	}
	va_end(ap);
	args[n] = NULL;
	daemon_run(d, &setup, args);
	if (input > 0)
		close(input);
	return daemon_wait_exit(d);
}
