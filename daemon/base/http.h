#ifndef BASE_HTTP_H
#define BASE_HTTP_H

/*
 * How HTTP looks to those who speak something else. A web page can make a browser send a request
 * to any port, with lines of its own choice behind it: what looks like one is not answered.
 */

#include <stdbool.h>

#include "base/str.h"

/* Whether the line, without its end, is a request line or ends like one: "GET / HTTP/1.1"
 * (RFC 9112 §3). */
bool http_is_request(struct str line);

#endif
