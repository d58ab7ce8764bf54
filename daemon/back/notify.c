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

int
notify_sockets(const char *const *names, unsigned n_names, int **fds, unsigned **kinds)
{
	char **given = NULL;
	int count = sd_listen_fds_with_names(1, &given), i;

	*fds = NULL;
	*kinds = NULL;
	if (count <= 0)
		return count;
	*fds = mem_alloc_array((size_t)count, sizeof **fds);
	*kinds = mem_alloc_array((size_t)count, sizeof **kinds);
	for (i = 0; i < count; i++) {
		unsigned k = 0;

		while (k < n_names && strcmp(given[i], names[k]) != 0)
			k++;
		(*fds)[i] = SD_LISTEN_FDS_START + i;
		(*kinds)[i] = k;
		free(given[i]);
	}
	free(given);
	return count;
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

int
notify_sockets(const char *const *names, unsigned n_names, int **fds, unsigned **kinds)
{
	(void)names;
	(void)n_names;
	*fds = NULL;
	*kinds = NULL;
	return 0;
}

#endif
