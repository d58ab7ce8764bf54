/*
 * Owns two threads that may block as long as they like. Whole lines are written under the lock of
 * standard output, so that the event log may share it.
 */
#include "io/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "io/stdout_lock.h"

#define PUMP_SIZE (64U * 1024)

struct pump {
	pthread_t reader, writer;
	struct loop_waker *waker;
	int in_fd, out_fd;
	int fd; /* the threads' end of the pair */
	/* here and not on the threads' stacks, which a cancelled thread leaves as they are */
	struct pollfd in_poll, out_poll;
	char in_data[PUMP_SIZE], out_data[PUMP_SIZE];
	int in_error, out_error; /* written by their threads before they end */
	atomic_bool is_done;     /* the writer has ended */
};

/* The descriptor is not ours, and somebody else may have made it non-blocking. */
static bool
is_to_be_tried_again(struct pollfd *p, int fd, short events)
{
	int error = errno;

	if (error == EAGAIN) {
		*p = (struct pollfd){ .fd = fd, .events = events };
		poll(p, 1, -1);
	}
	return error == EAGAIN || error == EINTR;
}

/* All of it, or the error. */
static int
write_all(struct pollfd *p, int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, data, n);

		if (written == -1 && is_to_be_tried_again(p, fd, POLLOUT))
			continue;
		if (written == -1)
			return errno;
		data += written;
		n -= (size_t)written;
	}
	return 0;
}

static ssize_t
read_some(struct pollfd *p, int fd, char *data, size_t n)
{
	ssize_t got;

	do
		got = read(fd, data, n);
	while (got == -1 && is_to_be_tried_again(p, fd, POLLIN));
	return got;
}

static void *
read_thread(void *arg)
{
	struct pump *p = arg;
	ssize_t n;

	while ((n = read_some(&p->in_poll, p->in_fd, p->in_data, PUMP_SIZE)) > 0)
		if (write_all(&p->in_poll, p->fd, p->in_data, (size_t)n) != 0)
			return NULL;
	if (n == -1)
		p->in_error = errno;
	shutdown(p->fd, SHUT_WR);
	return NULL;
}

static void
write_lines(struct pump *p)
{
	char *data = p->out_data, *end;
	size_t len = 0, whole;
	ssize_t n;

	while (p->out_error == 0 &&
	    (n = read_some(&p->out_poll, p->fd, data + len, PUMP_SIZE - len)) > 0) {
		len += (size_t)n;
		end = memrchr(data, '\n', len);
		whole = end ? (size_t)(end - data) + 1 : len == PUMP_SIZE ? len : 0;
		stdout_lock();
		p->out_error = write_all(&p->out_poll, p->out_fd, data, whole);
		stdout_unlock();
		len -= whole;
		memmove(data, data + whole, len);
	}
}

static void *
write_thread(void *arg)
{
	struct pump *p = arg;

	write_lines(p);
	/* the loop's end learns that nobody reads, or writes, any more */
	shutdown(p->fd, SHUT_RDWR);
	atomic_store(&p->is_done, true);
	loop_wake(p->waker);
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

/*
 * Reads, writes and polls are cancellation points, the lock of standard output is not: if the log
 * sits in a write with it, our writer may never come back. Then it is left to itself. False if so.
 */
static bool
end_thread(pthread_t thread)
{
	struct timespec until;

	pthread_cancel(thread);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	if (pthread_timedjoin_np(thread, NULL, &until) == 0)
		return true;
	pthread_detach(thread);
	return false;
}

static int
start_threads(struct pump *p)
{
	int error = start_thread(&p->reader, read_thread, p);

	if (error != 0)
		return error;
	error = start_thread(&p->writer, write_thread, p);
	if (error != 0)
		end_thread(p->reader);
	return error;
}

/* The turn that follows sees that it is done. */
static void
wake_cb(void *ctx)
{
	(void)ctx;
}

struct pump *
pump_start(struct loop *loop, int in_fd, int out_fd, int *fd)
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
	p->waker = loop_add_waker(loop, wake_cb, NULL);
	error = fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 ? errno : start_threads(p);
	if (error != 0) {
		close(pair[0]);
		close(pair[1]);
		loop_waker_free(p->waker);
		free(p);
		errno = error;
		return NULL;
	}
	*fd = pair[0];
	return p;
}

bool
pump_is_done(const struct pump *p)
{
	return atomic_load(&p->is_done);
}

bool
pump_stop(struct pump *p)
{
	bool was_done = pump_is_done(p), is_ended = end_thread(p->writer);
	int in_error = 0, out_error = 0;

	/* a thread that is left to itself keeps what it works on */
	if (end_thread(p->reader) && is_ended) {
		in_error = p->in_error;
		out_error = p->out_error;
		loop_waker_free(p->waker);
		close(p->fd);
		free(p);
	}
	if (in_error != 0)
		diag_error("standard input: %s", strerror(in_error));
	if (out_error != 0 && out_error != EPIPE)
		diag_error("standard output: %s", strerror(out_error));
	else if (out_error == 0 && !was_done)
		diag_error("standard output does not move; replies were lost");
	return in_error == 0 && (out_error == EPIPE || (out_error == 0 && was_done));
}
