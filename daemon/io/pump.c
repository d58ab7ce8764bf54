/*
 * Owns two threads that may block as long as they like. Whole lines are written under the lock of
 * standard output, so that the event log may share it.
 */
#include "io/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/stdout_lock.h"

#define PUMP_SIZE (64U * 1024)

struct pump {
	pthread_t reader, writer;
	int in_fd, out_fd;
	int fd;    /* the threads' end of the pair */
	int error; /* of writing; written by the writer before it ends */
};

/* All of it, or the error. */
static int
write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, data, n);

		if (written == -1 && errno == EINTR)
			continue;
		if (written == -1)
			return errno;
		data += written;
		n -= (size_t)written;
	}
	return 0;
}

static ssize_t
read_some(int fd, char *data, size_t n)
{
	ssize_t got;

	do
		got = read(fd, data, n);
	while (got == -1 && errno == EINTR);
	return got;
}

static void *
read_thread(void *arg)
{
	struct pump *p = arg;
	char data[PUMP_SIZE];
	ssize_t n;

	while ((n = read_some(p->in_fd, data, sizeof data)) > 0)
		if (write_all(p->fd, data, (size_t)n) != 0)
			return NULL;
	shutdown(p->fd, SHUT_WR);
	return NULL;
}

static void *
write_thread(void *arg)
{
	struct pump *p = arg;
	char data[PUMP_SIZE];
	size_t len = 0, whole;
	ssize_t n;

	while ((n = read_some(p->fd, data + len, sizeof data - len)) > 0) {
		char *end;

		len += (size_t)n;
		end = memrchr(data, '\n', len);
		whole = end ? (size_t)(end - data) + 1 : len == sizeof data ? len : 0;
		stdout_lock();
		p->error = write_all(p->out_fd, data, whole);
		stdout_unlock();
		if (p->error != 0)
			break;
		len -= whole;
		memmove(data, data + whole, len);
	}
	/* the loop's end learns that nobody reads any more */
	shutdown(p->fd, SHUT_RD);
	return NULL;
}

static int
start_thread(pthread_t *thread, void *(*run)(void *), struct pump *p)
{
	sigset_t all, old;
	int error;

	/* signals are the loop's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, NULL, run, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

static void
end_reader(struct pump *p)
{
	pthread_cancel(p->reader);
	pthread_join(p->reader, NULL);
}

struct pump *
pump_start(int in_fd, int out_fd, int *fd)
{
	struct pump *p = mem_alloc(sizeof *p);
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		free(p);
		return NULL;
	}
	p->in_fd = in_fd;
	p->out_fd = out_fd;
	p->fd = pair[1];
	error = fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 ? errno : 0;
	if (error == 0)
		error = start_thread(&p->reader, read_thread, p);
	if (error == 0) {
		error = start_thread(&p->writer, write_thread, p);
		if (error != 0)
			end_reader(p);
	}
	if (error != 0) {
		close(pair[0]);
		close(pair[1]);
		free(p);
		errno = error;
		return NULL;
	}
	*fd = pair[0];
	return p;
}

int
pump_stop(struct pump *p)
{
	int error;

	pthread_join(p->writer, NULL);
	end_reader(p);
	close(p->fd);
	error = p->error;
	free(p);
	return error;
}
