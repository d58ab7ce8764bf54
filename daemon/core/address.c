/*
 * Owns the comparison of addresses and domains.
 */
#include "core/address.h"

struct str
address_domain(struct str address)
{
	const char *at = address.n > 0 ? memrchr(address.p, '@', address.n) : NULL;

	return at ? str_from(address, (size_t)(at - address.p) + 1) : (struct str){ NULL, 0 };
}

struct str
address_local(struct str address)
{
	struct str domain = address_domain(address);

	return domain.p ? str_head(address, address.n - domain.n - 1) : address;
}

bool
address_domain_matches(struct str pattern, struct str domain)
{
	struct str tail;

	if (str_eq(pattern, STR("*")))
		return domain.p != NULL;
	if (!str_has_prefix(pattern, STR("*.")))
		return domain.p && str_eq_nocase(pattern, domain);
	tail = str_from(pattern, 1);
	return domain.n > tail.n && str_eq_nocase(tail, str_from(domain, domain.n - tail.n));
}

const char *
address_check_domain(struct str pattern)
{
	struct str name = str_has_prefix(pattern, STR("*.")) ? str_from(pattern, 2) : pattern;
	size_t i;

	if (str_eq(pattern, STR("*")))
		return NULL;
	if (name.n == 0 || name.p[0] == '.' || name.p[name.n - 1] == '.')
		return "is no domain such as example.org, *.example.org or *";
	if (name.n > ADDRESS_DOMAIN_MAX)
		return "is longer than 255 octets";
	for (i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f || name.p[i] == '@' ||
		    name.p[i] == '*')
			return "is no domain such as example.org, *.example.org or *";
	return NULL;
}

static bool
is_same_octet(char a, char b, bool is_domain)
{
	return is_domain ? str_small(a) == str_small(b) : a == b;
}

/* Greedy with one step back, which is enough where * is the only wildcard: time is at most the
 * product of the two lengths. */
static bool
glob(struct str pattern, struct str text, bool is_domain)
{
	size_t p = 0, t = 0, star = pattern.n, mark = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.n && is_same_octet(pattern.p[p], text.p[t], is_domain)) {
			p++;
			t++;
		} else if (star < pattern.n) {
			p = star + 1;
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

bool
address_matches(struct str pattern, struct str address)
{
	struct str wanted = address_domain(pattern), domain = address_domain(address);

	if (!wanted.p)
		return glob(pattern, address, false);
	return domain.p && glob(wanted, domain, true) &&
	    glob(address_local(pattern), address_local(address), false);
}
