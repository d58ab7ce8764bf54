/*
 * Owns the words with systemd. The only file that includes its library.
 */
#include "back/notify.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#ifdef HAVE_SYSTEMD

#include <systemd/sd-daemon.h>
#include <time.h>

/* A message that cannot be delivered is systemd's own affair: it has timeouts for that. */
static void
tell(const char *state)
{
	(void)sd_notify(0, state);
}

bool
notify_is_wanted(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && path[0] != '\0';
}

void
notify_ready(void)
{
	tell("READY=1");
}

void
notify_reloading(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

void
notify_stopping(int64_t at_most_ns)
{
	(void)sd_notifyf(
	    0, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld", (long long)(at_most_ns / TEXT_NS_PER_US));
}

void
notify_status(const char *text)
{
	(void)sd_notifyf(0, "STATUS=%s", text);
}

void
notify_watchdog(void)
{
	tell("WATCHDOG=1");
}

int64_t
notify_watchdog_interval(void)
{
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	return (int64_t)(usec / 2) * TEXT_NS_PER_US;
}

bool
notify_sockets(const char *name, int **fds, unsigned *n, const char **why)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names), i;
	bool is_known = true;

	*fds = NULL;
	*n = 0;
	if (count < 0) {
		*why = strerror(-count);
		return false;
	}
	if (count > 0)
		*fds = mem_alloc_array((size_t)count, sizeof **fds);
	for (i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			(*fds)[(*n)++] = SD_LISTEN_FDS_START + i;
		else
			is_known = false;
		free(names[i]);
	}
	free(names);
	if (!is_known)
		*why = "a socket was handed in whose FileDescriptorName is not line";
	return is_known;
}

#else

bool
notify_is_wanted(void)
{
	return false;
}

void
notify_ready(void)
{
}

void
notify_reloading(void)
{
}

void
notify_stopping(int64_t at_most_ns)
{
	(void)at_most_ns;
}

void
notify_status(const char *text)
{
	(void)text;
}

void
notify_watchdog(void)
{
}

int64_t
notify_watchdog_interval(void)
{
	return 0;
}

bool
notify_sockets(const char *name, int **fds, unsigned *n, const char **why)
{
	(void)name;
	(void)why;
	*fds = NULL;
	*n = 0;
	return true;
}

#endif
