/*
 * Owns how a whole file gets into memory: what kinds of files do, how much of one is too much.
 * Knows nothing of what is in them, and has no words for what is wrong: they are the caller's.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define STEP_OCTETS 65536

static enum file_result
check_kind(int fd, bool may_be_pipe, bool *is_pipe)
{
	struct stat st;
	struct statfs fs;

	if (fstat(fd, &st) != 0)
		return FILE_FAILED;
	if (S_ISREG(st.st_mode))
		return FILE_READ;
	if (S_ISDIR(st.st_mode))
		return FILE_IS_DIRECTORY;
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) /* /dev/null */
		return FILE_READ;
	*is_pipe = may_be_pipe && S_ISFIFO(st.st_mode) && fstatfs(fd, &fs) == 0 &&
	    fs.f_type == PIPEFS_MAGIC;
	return *is_pipe ? FILE_READ : FILE_IS_SPECIAL;
}

static enum file_result
read_all(int fd, size_t octets_max, struct buf *b)
{
	int flags = fcntl(fd, F_GETFL);
	size_t before = b->len;
	ssize_t n;

	/* a pipe's writer may need its time */
	if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0)
		return FILE_FAILED;
	do {
		n = read(fd, buf_reserve(b, STEP_OCTETS), STEP_OCTETS);
		if (n > 0)
			b->len += (size_t)n;
		if (b->len - before > octets_max)
			return FILE_IS_LARGE;
	} while (n > 0 || (n == -1 && errno == EINTR));
	return n == -1 ? FILE_FAILED : FILE_READ;
}

enum file_result
file_read(const char *path, size_t octets_max, bool may_be_pipe, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), error;
	size_t before = text->len;
	enum file_result result;
	bool is_pipe = false;

	if (fd == -1)
		return FILE_FAILED;
	result = check_kind(fd, may_be_pipe, &is_pipe);
	if (result == FILE_READ)
		result = read_all(fd, octets_max, text);
	if (result == FILE_READ && is_pipe && text->len == before)
		result = FILE_IS_SILENT;
	error = errno;
	close(fd);
	errno = error;
	return result;
}
