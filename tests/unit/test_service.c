/*
 * The status text of the service.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service.h"

static void
expect(const struct service_view *view, const char *problems, const char *expected)
{
	struct buf b = { 0 };

	service_format_status(&b, view, str_of(problems));
	buf_add_char(&b, '\0');
	assert_string_equal(b.data, expected);
	buf_fini(&b);
}

static void
test_status(void **state)
{
	const struct counts counts = {
		.accepted = 28,
		.state = { [STATE_WAITING] = 1,
		    [STATE_SENDING] = 2,
		    [STATE_DEFERRED] = 4,
		    [STATE_DELIVERED] = 8,
		    [STATE_BOUNCED] = 3,
		    [STATE_EXPIRED] = 5,
		    [STATE_DROPPED] = 3,
		    [STATE_CANCELLED] = 2 },
	};
	const struct service_view view = { "draining", &counts, 9 };

	(void)state;
	expect(&view, "",
	    "draining; pending=7 delivered=8 bounced=3 expired=5 dropped=3 cancelled=2 "
	    "connections=9");
	expect(&view, "a.ini:3: limits.line: is out of range\na.ini:4: more\n",
	    "reload failed, nothing has changed: a.ini:3: limits.line: is out of range; draining; "
	    "pending=7 delivered=8 bounced=3 expired=5 dropped=3 cancelled=2 connections=9");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_status) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
