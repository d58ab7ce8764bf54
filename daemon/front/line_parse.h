#ifndef FRONT_LINE_PARSE_H
#define FRONT_LINE_PARSE_H

/*
 * The grammar of the line protocol, pure: a line in, a verb and its arguments out.
 *
 *     line     = [ verb *( 1*WSP argument ) ]
 *     argument = word | range | key "=" value
 *     value    = 1*nonspace | DQUOTE *( char | "\\" | "\"" | "\n" | "\t" ) DQUOTE
 *     range    = number ".." number
 */

#include <stdint.h>

#include "base/str.h"

#define LINE_ARGS_MAX 64

enum line_arg_kind { LINE_WORD, LINE_RANGE, LINE_PAIR };

struct line_arg {
	enum line_arg_kind kind;
	struct str key;   /* of a pair */
	struct str value; /* of a pair, or the word */
	uint64_t first, last;
};

struct line_request {
	struct str verb; /* empty: nothing to do */
	unsigned n;
	struct line_arg args[LINE_ARGS_MAX];
};

/*
 * Reads a line without its end, at most 1 MiB. scratch has room for line.n octets; the views point
 * into it or into line. NULL, or what is wrong with the arguments; the verb is there all the same.
 */
const char *line_parse(struct str line, char *scratch, struct line_request *r);

#endif
