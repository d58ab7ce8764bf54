#ifndef CORE_SEQUEL_H
#define CORE_SEQUEL_H

/*
 * How many messages without an id each recipient has had: such a message is known, to the draws, as
 * the first, second, third of its recipient.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct sequel {
	uint64_t hash;  /* of the recipient; two that share one share a count, which is no harm */
	uint64_t count; /* 0: the place is free */
};

/* An open-addressed table, 16 octets a recipient. */
struct sequels {
	struct sequel *places;
	size_t cap, n;
};

void sequel_init(struct sequels *s);
void sequel_fini(struct sequels *s);

/* One more for that recipient (which may be not there): its number, from 1. */
uint64_t sequel_next(struct sequels *s, struct str recipient);

#endif
