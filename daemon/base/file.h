#ifndef BASE_FILE_H
#define BASE_FILE_H

/*
 * Whole files that a configuration is or names, read at once and never waited for.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum file_result {
	FILE_READ,
	FILE_FAILED, /* errno says why */
	FILE_IS_DIRECTORY,
	FILE_IS_SPECIAL, /* a device, a socket, a FIFO with a name: it may have no end */
	FILE_IS_SILENT,  /* a pipe with nothing in it: it gives its text only once */
	FILE_IS_LARGE,
	FILE_RESULTS
};

/*
 * Adds all of the file to *text, if that is at most octets_max. /dev/null is an empty file. With
 * may_be_pipe a pipe that was handed in (/dev/stdin, /dev/fd/63) is read to its end, however long
 * its writer takes; a FIFO in the file system may wait for its writer for ever and never is.
 */
enum file_result file_read(const char *path, size_t octets_max, bool may_be_pipe, struct buf *text);

#endif
