/*
 * Addresses taken apart, and patterns against them: by tables, and the wildcards against a search
 * that tries everything.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "core/address.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void
test_parts(void **state)
{
	static const struct {
		const char *address, *local, *domain;
	} cases[] = {
		{ "joe@x.test", "joe", "x.test" },
		{ "joe", "joe", NULL },
		{ "", "", NULL },
		{ "@x.test", "", "x.test" },
		{ "joe@", "joe", "" },
		{ "@", "", "" },
		{ "a@b@c", "a@b", "c" },
		{ "\"a@b\"@c", "\"a@b\"", "c" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct str domain = address_domain(str_of(cases[i].address));

		assert_true(
		    str_eq(address_local(str_of(cases[i].address)), str_of(cases[i].local)));
		assert_int_equal(domain.p != NULL, cases[i].domain != NULL);
		if (domain.p)
			assert_true(str_eq(domain, str_of(cases[i].domain)));
	}
	assert_null(address_domain((struct str){ NULL, 0 }).p);
}

static void
test_domains(void **state)
{
	static const struct {
		const char *pattern, *domain;
		bool matches;
	} cases[] = {
		{ "x.test", "x.test", true },
		{ "X.Test", "x.tEST", true },
		{ "x.test", "y.x.test", false },
		{ "x.test", "x.test.", false },
		{ "x.test", "xxtest", false },
		{ "*.x.test", "y.x.test", true },
		{ "*.x.test", "z.Y.X.test", true },
		{ "*.x.test", "x.test", false },
		{ "*.x.test", ".x.test", false },
		{ "*.x.test", "yx.test", false },
		{ "*.x.test", "y.x.test.org", false },
		{ "*", "x.test", true },
		{ "*", "", true },
		{ "*", NULL, false },
		{ "*.x.test", NULL, false },
		{ "x.test", NULL, false },
		{ "", NULL, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (address_domain_matches(str_of(cases[i].pattern), str_of(cases[i].domain)) !=
		    cases[i].matches)
			fail_msg("%s, %s", cases[i].pattern, cases[i].domain);
}

static void
test_check_domain(void **state)
{
	static const char *const good[] = { "*", "x", "x.test", "*.x.test", "*.test",
		"b\xc3\xbc.test", "[192.0.2.1]", "a_b.test" };
	static const char *const bad[] = { "", ".", "*.", "**", "*x.test", "x.*", "x.*.test",
		".x.test", "x.test.", "*..test", "a@b", "a b", "a\tb", "a\x7f" };
	char longest[ADDRESS_DOMAIN_MAX + 2];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++)
		if (address_check_domain(str_of(good[i])))
			fail_msg("%s: %s", good[i], address_check_domain(str_of(good[i])));
	for (i = 0; i < COUNT(bad); i++)
		if (!address_check_domain(str_of(bad[i])))
			fail_msg("\"%s\" is taken", bad[i]);
	memset(longest, 'x', sizeof longest);
	assert_null(address_check_domain((struct str){ longest, ADDRESS_DOMAIN_MAX }));
	assert_string_equal(address_check_domain((struct str){ longest, ADDRESS_DOMAIN_MAX + 1 }),
	    "is longer than 255 octets");
}

static void
test_patterns(void **state)
{
	static const struct {
		const char *pattern, *address;
		bool matches;
	} cases[] = {
		{ "joe@x.test", "joe@x.test", true },
		{ "joe@X.TEST", "joe@x.test", true },
		{ "Joe@x.test", "joe@x.test", false },
		{ "joe@x.test", "joe@x.test.org", false },
		{ "joe@x.test", "ajoe@x.test", false },
		{ "joe@x.test", "joe", false },
		{ "joe", "joe@x.test", false },
		{ "joe", "joe", true },
		{ "*", "joe", true },
		{ "*", "joe@x.test", true },
		{ "*", "", true },
		{ "*@*", "joe@x.test", true },
		{ "*@*", "@", true },
		{ "*@*", "joe", false },
		{ "*@x.test", "joe@x.test", true },
		{ "*@x.test", "a@b@x.test", true },
		{ "*@x.test", "joe@y.x.test", false },
		{ "*@*.x.test", "joe@y.X.test", true },
		{ "*@*.x.test", "joe@x.test", false },
		{ "joe+*@*", "joe+a+b@x.test", true },
		{ "joe+*@*", "joe@x.test", false },
		{ "user*7@x.test", "user17@x.test", true },
		{ "user*7@x.test", "user7@x.test", true },
		{ "user*7@x.test", "user77777@x.test", true },
		{ "user*7@x.test", "user78@x.test", false },
		{ "@*", "@x.test", true },
		{ "@*", "joe@x.test", false },
		{ "", "", true },
		{ "", "joe", false },
		{ "**", "joe", true },
		{ "j*o*e", "joooe", true },
		{ "j*o*e", "jooo", false },
		/* what stands for anything does not reach over the @ */
		{ "joe*", "joe@x.test", true },
		{ "joe*test@*", "joe@test@y.test", true },
		{ "j*x@y", "joe@x@z", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		if (address_matches(str_of(cases[i].pattern), str_of(cases[i].address)) !=
		    cases[i].matches)
			fail_msg("%s, %s", cases[i].pattern, cases[i].address);
}

/* Tries every length of every wildcard. */
static bool
matches_slowly(const char *pattern, const char *text)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*')
		return matches_slowly(pattern + 1, text) ||
		    (*text != '\0' && matches_slowly(pattern, text + 1));
	return *pattern == *text && matches_slowly(pattern + 1, text + 1);
}

static void
test_random_patterns(void **state)
{
	unsigned short seed[3] = { 3, 1, 4 };
	unsigned matched = 0;
	int i, k;

	(void)state;
	for (i = 0; i < 200000; i++) {
		char pattern[8] = "", text[10] = "";
		int np = (int)(nrand48(seed) % 7), nt = (int)(nrand48(seed) % 9);

		for (k = 0; k < np; k++)
			pattern[k] = "ab**"[nrand48(seed) % 4];
		for (k = 0; k < nt; k++)
			text[k] = "ab"[nrand48(seed) % 2];
		if (address_matches(str_of(pattern), str_of(text)) != matches_slowly(pattern, text))
			fail_msg("%s, %s", pattern, text);
		matched += matches_slowly(pattern, text);
	}
	assert_in_range(matched, 20000, 180000);
}

/* Nobody can make a comparison last: at most the product of the lengths. */
static void
test_a_costly_pattern(void **state)
{
	static char pattern[400], text[4000];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof pattern; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = 'b';
	assert_false(address_matches(
	    (struct str){ pattern, sizeof pattern }, (struct str){ text, sizeof text }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_check_domain),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_random_patterns),
		cmocka_unit_test(test_a_costly_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
