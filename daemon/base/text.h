#ifndef BASE_TEXT_H
#define BASE_TEXT_H

/*
 * Values as people write them, and back. Every parser takes a view, changes *out only when it
 * accepts, and gives NULL when it does, else a constant text that says what is wrong with the
 * value ("needs a unit: us ms s m h d") and fits behind "key: ".
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define TEXT_NS_PER_US 1000LL
#define TEXT_NS_PER_MS 1000000LL
#define TEXT_NS_PER_S 1000000000LL

/* The longest duration there is: 36500 days. */
#define TEXT_DURATION_MAX_NS (36500LL * 86400LL * TEXT_NS_PER_S)

/* Digits only, no sign, no leading zeros but for 0 itself, at most 2^63-1. */
const char *text_parse_u63(struct str s, uint64_t *out);

/* "1.5": digits, with up to six decimals behind a point. Gives millionths. */
const char *text_parse_millionths(struct str s, uint64_t *out);

/*
 * A decimal number with a unit: us ms s m h d ("1.5s", "80ms", "0s"), to 36500d. Gives
 * nanoseconds, rounded to the microsecond. A bare number is refused, a bare 0 too.
 */
const char *text_parse_duration(struct str s, int64_t *out_ns);

/* The shortest text that text_parse_duration() reads back as the same number: "1s", "1500ms". */
void text_format_duration(struct buf *b, int64_t ns);

/* Octets: digits with an optional k, M or G of 1024 ("32M", "4096"). At most 2^53. */
const char *text_parse_size(struct str s, uint64_t *out);
void text_format_size(struct buf *b, uint64_t octets);

/* RFC 3339 date and time with Z or a numeric offset, years 1970 to 2199. Gives ns since 1970. */
const char *text_parse_time(struct str s, int64_t *out_ns);

/* RFC 3339 in UTC with `digits` (3 or 6) decimals of the second, cut off and not rounded:
 * "2026-11-23T06:12:00.000Z". */
void text_format_time(struct buf *b, int64_t ns, unsigned digits);

/* Seconds with `digits` (3 or 6) decimals, cut off: "1.000". */
void text_format_seconds(struct buf *b, int64_t ns, unsigned digits);

/* Valid UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF) without NUL. */
bool text_is_utf8(struct str s);

/*
 * A value for a key=value line: as it is, or in double quotes with \" \\ \n \t \xNN where it is
 * empty or holds a space, quote, backslash or control character (DEL counts as one). So a value
 * is never more than one line, whatever is in it. text_add_quoted() always quotes. s must not be in
 * b, which may move.
 */
void text_add_value(struct buf *b, struct str s);
void text_add_quoted(struct buf *b, struct str s);

/* The same escapes for control characters only, without quotes: for templates. */
void text_add_escaped(struct buf *b, struct str s);

/* A JSON string with its quotes (RFC 8259): control characters as \uNNNN or the short forms;
 * octets that are no UTF-8 as U+FFFD. */
void text_add_json(struct buf *b, struct str s);

/*
 * A quoted value in place: s starts with the opening quote. Understands \\ \" \n \t. Writes the
 * octets to out (room for s.n of them), their number to *out_n, and the number of octets of s
 * that were used, both quotes included, to *used.
 */
const char *text_parse_quoted(struct str s, char *out, size_t *out_n, size_t *used);

/* Yes and no: true false yes no on off 1 0, without regard to case. */
const char *text_parse_bool(struct str s, bool *out);

#endif
