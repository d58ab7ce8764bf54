#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

/*
 * Numbers with a few decimals, exactly: whole millionths, so that what is compared and printed is
 * what was written. Parsers change *out only when they accept and give NULL, else what is wrong.
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define DECIMAL_ONE 1000000LL

/* "2", "1.5": not negative, at most 1000000, at most six decimals. */
const char *decimal_parse(struct str s, int64_t *out);
void decimal_format(struct buf *b, int64_t millionths);

/* "5%", "0.25%": a share from 0 to 100 %, at most four decimals. Gives millionths of the whole. */
const char *decimal_parse_percent(struct str s, int64_t *out);
void decimal_format_percent(struct buf *b, int64_t millionths);

#endif
