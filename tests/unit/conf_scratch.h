#ifndef CONF_SCRATCH_H
#define CONF_SCRATCH_H

/* A configuration file for tests of what reads it, and what is said of it. */

#include "base/buf.h"
#include "base/str.h"

const char *conf_scratch_path(void);
void conf_scratch_write(struct str text);

/* A terminated copy of what the file's problems are to be, with its path for each F at a line's
 * start; the caller ends it with buf_fini(). */
struct buf conf_scratch_expand(const char *problems);

/* b's octets, terminated, and valid until the next call. */
const char *conf_scratch_str(const struct buf *b);

#endif
