/*
 * Which section of the configuration holds for a domain; against a search that asks all of them.
 */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/delivery_conf.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The sections of these names, in this order. */
static struct delivery_conf *
conf_of(const char *const *names, size_t n)
{
	struct domain_conf *domains = calloc(n + 1, sizeof domains[0]);
	struct domain_conf all = world_domain(NULL);
	struct outcome_set *outcomes = outcome_set_new();
	struct delivery_conf *conf;
	size_t i;

	all.fate = world_fate(outcomes, "delivered");
	for (i = 0; i < n; i++) {
		domains[i] = world_domain(names[i]);
		domains[i].fate = all.fate;
	}
	conf = delivery_conf_new(outcomes, &all, domains, n, STR(""));
	fate_unref(all.fate);
	outcome_set_unref(outcomes);
	free(domains);
	return conf;
}

/* name NULL: what holds for everybody. */
static void
expect_found(const struct delivery_conf *conf, struct str domain, const char *name)
{
	const struct domain_conf *found = delivery_conf_find(conf, domain);

	if (!name)
		assert_ptr_equal(found, &conf->all);
	else if (!str_eq(found->name, str_of(name)))
		fail_msg("%.*s: %.*s and not %s", STR_ARG(domain), STR_ARG(found->name), name);
}

static void
test_nearest(void **state)
{
	static const char *const names[] = { "*.org", "mx.Example.org", "*", "*.example.org",
		"example.org", "*.a.b.example.org", "xn--bcher-kva.test" };
	static const struct {
		const char *domain, *name;
	} cases[] = {
		{ "example.org", "example.org" },
		{ "EXAMPLE.Org", "example.org" },
		{ "mx.example.org", "mx.example.org" },
		{ "mx2.example.org", "*.example.org" },
		{ "b.example.org", "*.example.org" },
		{ "a.b.example.org", "*.example.org" },
		{ "x.a.b.example.org", "*.a.b.example.org" },
		{ "Y.x.A.b.example.org", "*.a.b.example.org" },
		{ "x.mx.example.org", "*.example.org" },
		{ "other.org", "*.org" },
		{ "notexample.org", "*.org" },
		{ "org", "*" },
		{ "example.com", "*" },
		{ "xn--bcher-kva.test", "xn--bcher-kva.test" },
		{ "*.example.org", "*.example.org" },
		{ ".org", "*" },
		{ "..org", "*.org" },
	};
	struct delivery_conf *conf = conf_of(names, COUNT(names));
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		expect_found(conf, str_of(cases[i].domain), cases[i].name);
	/* who has no domain is in none */
	expect_found(conf, address_domain(STR("joe")), NULL);
	expect_found(conf, address_domain(STR("joe@")), NULL);
	delivery_conf_unref(conf);
	/* without a * the others are everybody's */
	conf = conf_of(names + 3, 4);
	expect_found(conf, STR("example.com"), NULL);
	expect_found(conf, STR("other.org"), NULL);
	delivery_conf_unref(conf);
	conf = conf_of(names, 0);
	expect_found(conf, STR("example.org"), NULL);
	delivery_conf_unref(conf);
}

/* Up to the longest domain there is; what is longer is nobody's. */
static void
test_long_domains(void **state)
{
	static const char *const names[] = { "*", "*.x.test" };
	struct delivery_conf *conf = conf_of(names, COUNT(names));
	char domain[ADDRESS_DOMAIN_MAX + 1];
	size_t n = sizeof domain;

	(void)state;
	memset(domain, 'a', n);
	memcpy(domain + n - 7, ".x.test", 7);
	expect_found(conf, (struct str){ domain, n }, NULL);
	expect_found(conf, (struct str){ domain + 1, n - 1 }, "*.x.test");
	memset(domain, '.', n - 7);
	expect_found(conf, (struct str){ domain + 1, n - 1 }, "*.x.test");
	memset(domain, '.', n);
	expect_found(conf, (struct str){ domain + 1, n - 1 }, "*");
	delivery_conf_unref(conf);
}

/* As it is described: the exact name, else the longest wildcard that means it. */
static const char *
searched(char names[][24], size_t n, const char *domain)
{
	const char *best = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(names[i], domain) == 0)
			return names[i];
		if (names[i][0] == '*' &&
		    address_domain_matches(str_of(names[i]), str_of(domain)) &&
		    (!best || strlen(names[i]) > strlen(best)))
			best = names[i];
	}
	return best;
}

static void
random_name(char name[24], unsigned short seed[3], bool may_be_wildcard)
{
	static const char *const labels[] = { "a", "b", "aa", "ab", "c" };
	size_t k, n = 1 + (size_t)nrand48(seed) % 4, at = 0;

	if (may_be_wildcard && nrand48(seed) % 2)
		at = (size_t)snprintf(name, 24, "*.");
	for (k = 0; k < n; k++)
		at += (size_t)snprintf(
		    name + at, 24 - at, "%s%s", k > 0 ? "." : "", labels[nrand48(seed) % 5]);
}

static void
test_many_sections(void **state)
{
	enum { SECTIONS = 400 };
	static char names[SECTIONS][24];
	const char *list[SECTIONS];
	unsigned short seed[3] = { 7, 7, 7 };
	struct delivery_conf *conf;
	size_t n = 0, i;

	(void)state;
	while (n < SECTIONS) {
		random_name(names[n], seed, true);
		for (i = 0; strcmp(names[i], names[n]) != 0; i++)
			;
		list[n] = names[n];
		n += i == n;
	}
	conf = conf_of(list, n);
	for (i = 0; i < 20000; i++) {
		char domain[24];

		random_name(domain, seed, false);
		expect_found(conf, str_of(domain), searched(names, n, domain));
	}
	delivery_conf_unref(conf);
}

static void
test_what_a_section_does(void **state)
{
	struct domain_conf d = world_domain("x.test"), all = world_domain(NULL);

	(void)state;
	assert_false(domain_conf_is_limited(&d));
	assert_false(domain_conf_is_watched(&d));
	d.concurrency = 1;
	assert_true(domain_conf_is_limited(&d));
	d.concurrency = DELIVERY_UNLIMITED;
	assert_null(rate_parse(STR("1/h"), &d.rate));
	assert_true(domain_conf_is_limited(&d));
	d.receiver_rate = d.rate;
	assert_true(domain_conf_is_watched(&d));
	/* what is limited over all is so elsewhere */
	all.concurrency = 1;
	all.rate = all.receiver_rate = d.rate;
	assert_false(domain_conf_is_limited(&all));
	assert_false(domain_conf_is_watched(&all));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_long_domains),
		cmocka_unit_test(test_many_sections),
		cmocka_unit_test(test_what_a_section_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
