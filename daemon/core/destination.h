#ifndef CORE_DESTINATION_H
#define CORE_DESTINATION_H

/*
 * What must be remembered of recipients' domains that have limits of their own: how much is under
 * way, and how fast it went. One exists from the first message bound for it until it is as if none
 * had ever been.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "core/delivery_conf.h"
#include "core/lane.h"

struct destination {
	struct limiter limiter;
	struct pace receiver; /* what it took, for receiver_rate */
	struct destination *same_hash;
	size_t n;
	char name[]; /* n octets, in small letters */
};

struct destinations {
	struct destination **buckets;
	size_t n_buckets, n;
	size_t sweep_at; /* when there are that many, idle ones are freed */
	uint64_t hash_seed;
};

void destinations_init(struct destinations *ds, uint64_t hash_seed);

/* Nobody waits or is in flight any more. */
void destinations_fini(struct destinations *ds);

/* NULL when it is not remembered. */
struct destination *destinations_find(const struct destinations *ds, struct str domain);

/* It is made when it is not there. */
struct destination *destinations_get(struct destinations *ds, struct lanes *lanes,
    struct str domain, const struct domain_conf *conf, int64_t now_ns);

/* Other settings from now on. */
void destinations_configure(
    struct destinations *ds, struct lanes *lanes, const struct delivery_conf *conf, int64_t now_ns);

#endif
