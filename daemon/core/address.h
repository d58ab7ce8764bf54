#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

/*
 * Addresses and domains, taken apart and compared: the domain without regard to case, the local
 * part exactly (RFC 5321 §2.4).
 */

#include <stdbool.h>

#include "base/str.h"

#define ADDRESS_DOMAIN_MAX 255 /* octets of a domain (RFC 5321 §4.5.3.1.2) */

/* What stands behind the last '@', or in front of it. Without one, all of it is the local part and
 * the domain is not there. */
struct str address_domain(struct str address);
struct str address_local(struct str address);

/* Whether the domain is meant: NAME means itself, *.NAME all below it, * any. */
bool address_domain_matches(struct str pattern, struct str domain);

/* NULL, or what is wrong with such a pattern. */
const char *address_check_domain(struct str pattern);

/* Whether the address is meant by a pattern in which * stands for any octets, none included. */
bool address_matches(struct str pattern, struct str address);

#endif
