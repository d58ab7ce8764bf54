/*
 * Owns what gives HTTP away. Takes lengths, keeps nothing.
 */
#include "base/http.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "1.1" or "2" */
static bool
is_version(struct str s)
{
	return (s.n == 1 && is_digit(s.p[0])) ||
	    (s.n == 3 && is_digit(s.p[0]) && s.p[1] == '.' && is_digit(s.p[2]));
}

bool
http_is_request(struct str line)
{
	struct str name = STR(" HTTP/");
	size_t n;

	for (n = 1; n <= 3; n += 2) {
		struct str head = str_head(line, line.n > n ? line.n - n : 0);

		if (str_has_suffix(head, name) && head.n > name.n &&
		    is_version(str_from(line, head.n)))
			return true;
	}
	return false;
}
