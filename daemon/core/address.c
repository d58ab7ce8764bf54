/*
 * Owns the comparison of addresses and domains.
 */
#include "core/address.h"

#define SMALL_MAX 320 /* octets: no address is longer */

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

/* Whether the text is what stands between the stars, in that order: the first piece at its
 * beginning, the last at its end, each other at the first place there is. Time is linear. */
static bool
glob(struct str pattern, struct str text)
{
	size_t n = str_find(pattern, '*');
	struct str piece = str_head(pattern, n);

	if (n == pattern.n)
		return str_eq(pattern, text);
	if (!str_has_prefix(text, piece))
		return false;
	text = str_from(text, n);
	for (pattern = str_from(pattern, n + 1); (n = str_find(pattern, '*')) < pattern.n;
	     pattern = str_from(pattern, n + 1)) {
		const char *at = n > 0 ? memmem(text.p, text.n, pattern.p, n) : text.p;

		if (!at)
			return false;
		text = str_from(text, (size_t)(at - text.p) + n);
	}
	return str_has_suffix(text, pattern);
}

/* The domain, at most SMALL_MAX octets, in small letters. */
static struct str
small(char *text, struct str domain)
{
	size_t i;

	for (i = 0; i < domain.n; i++)
		text[i] = str_small(domain.p[i]);
	return (struct str){ text, i };
}

bool
address_matches(struct str pattern, struct str address)
{
	struct str wanted = address_domain(pattern), domain = address_domain(address);
	char wanted_text[SMALL_MAX], domain_text[SMALL_MAX];

	if (!wanted.p)
		return glob(pattern, address);
	return domain.p && domain.n <= SMALL_MAX && wanted.n <= SMALL_MAX &&
	    glob(small(wanted_text, wanted), small(domain_text, domain)) &&
	    glob(address_local(pattern), address_local(address));
}
