#ifndef BASE_BASE64_H
#define BASE_BASE64_H

/*
 * Base64 (RFC 4648 §4), strictly.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * Decodes s to out, which has room for s.n / 4 * 3 octets, and sets *out_n. False when s is not
 * canonical base64: whole groups of four, padded, unused bits zero, no other octet between them.
 */
bool base64_decode(struct str s, char *out, size_t *out_n);

#endif
