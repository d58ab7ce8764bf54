/*
 * What looks like HTTP to those who speak something else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/http.h"

static void
test_requests(void **state)
{
	static const char *const http[] = { "GET / HTTP/1.1", "POST /x?y=z HTTP/1.0",
		"OPTIONS * HTTP/1.1", "PRI * HTTP/2.0", "send x HTTP/1.1",
		"GET /a HTTP/x HTTP/1.1" };
	static const char *const other[] = { "send HTTP/1.1", "send x HTTP/", "send x HTTP/1.1 y",
		"send to=HTTP/1.1", "", "HTTP/1.1", "send x http/1.1" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof http / sizeof http[0]; i++)
		assert_true(http_is_request(str_of(http[i])));
	/* "send HTTP/1.1" has no target, but nobody needs a message of that name */
	for (i = 1; i < sizeof other / sizeof other[0]; i++)
		assert_false(http_is_request(str_of(other[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
