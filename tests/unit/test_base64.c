/*
 * Base64 as RFC 4648 wants it, and nothing that is only nearly so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* In memory of exactly its size. */
static bool
decode(const char *text, char *out, size_t *out_n)
{
	size_t n = strlen(text), room = n / 4 * 3;
	char *from = malloc(n ? n : 1), *to = malloc(room ? room : 1);
	bool is_right;

	memcpy(from, text, n);
	is_right = base64_decode((struct str){ from, n }, to, out_n);
	if (is_right)
		memcpy(out, to, *out_n);
	free(from);
	free(to);
	return is_right;
}

static void
test_right(void **state)
{
	/* RFC 4648 §10, and the digits at the ends */
	static const struct {
		const char *text, *octets;
	} rows[] = {
		{ "", "" },
		{ "Zg==", "f" },
		{ "Zm8=", "fo" },
		{ "Zm9v", "foo" },
		{ "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" },
		{ "Zm9vYmFy", "foobar" },
		{ "+/+/", "\xfb\xff\xbf" },
		{ "AZaz", "\x01\x96\xb3" },
		{ "0189", "\xd3\x5f\x3d" },
		{ "/w==", "\xff" },
	};
	char out[16];
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(decode(rows[i].text, out, &n));
		assert_int_equal(n, strlen(rows[i].octets));
		assert_memory_equal(out, rows[i].octets, n);
	}
	assert_true(decode("AAAA", out, &n));
	assert_int_equal(n, 3);
	assert_memory_equal(out, "\0\0\0", 3);
}

static void
test_wrong(void **state)
{
	static const char *const wrong[] = { "Z", "Zg", "Zg=", "Zm8", "=",
		"==", "===", "====", "Z===", "Zg==Zg==", "Zm=v", "=m9v",
		"Zm9v=", "Zm9v====", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zm-_", "Zm9v Zm9", "Zm9*",
		"\xffm9v" };
	char out[16];
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (decode(wrong[i], out, &n))
			fail_msg("accepted: %s", wrong[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
