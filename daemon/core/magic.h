#ifndef CORE_MAGIC_H
#define CORE_MAGIC_H

/*
 * Addresses that choose their outcome, so that a test needs no configuration: the last tag
 * (joe+greylisted@…, joe+greylisted=3@…), else the local part without its tags: an outcome's name,
 * what the simulators of mail providers call one (bounce@, success@), or an SMTP code
 * (450-anything@). In which domains they do so is not known here.
 */

#include "base/buf.h"
#include "base/str.h"
#include "core/fate.h"

enum magic_status {
	MAGIC_NONE, /* the address says nothing of an outcome */
	MAGIC_CHOSEN,
	MAGIC_MALFORMED, /* a tag names an outcome, but what stands behind its = is wrong */
};

/* On MAGIC_MALFORMED what is wrong is added to *why, which may be NULL. */
enum magic_status magic_read(
    const struct outcome_set *set, struct str address, struct fate_step *out, struct buf *why);

/* Whether the address may have a tag: without one nothing in it is malformed. */
static inline bool
magic_may_have_tag(struct str address)
{
	return str_find(address, '+') < address.n;
}

#endif
