/*
 * Owns the limit of open descriptors.
 */
#include "io/descriptors.h"

#include <sys/resource.h>

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
