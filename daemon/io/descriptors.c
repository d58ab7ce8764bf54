/*
 * Owns the limit of open descriptors, and that the first three are nothing of ours.
 */
#include "io/descriptors.h"

#include <sys/resource.h>

#include <fcntl.h>
#include <unistd.h>

void
descriptors_keep_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd != -1)
		close(fd);
}

uint64_t
descriptors_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 1024;
	limit.rlim_cur = limit.rlim_max;
	/* if this fails, what we have is what we can use */
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1 && getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 1024;
	return limit.rlim_cur;
}
