/*
 * Owns the destinations. Invariant: one that has messages waiting or in flight, or whose rate
 * remembers something, is in the table; idle ones are swept out whenever the table has doubled, so
 * it is bounded by what is under way however many domains there are.
 */
#include "core/destination.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/address.h"

#define BUCKETS_MIN 64
#define SWEEP_MIN 1024

void
destinations_init(struct destinations *ds, uint64_t hash_seed)
{
	*ds = (struct destinations){
		.n_buckets = BUCKETS_MIN,
		.sweep_at = SWEEP_MIN,
		.hash_seed = hash_seed,
	};
	ds->buckets = mem_alloc_array(ds->n_buckets, sizeof(struct destination *));
}

void
destinations_fini(struct destinations *ds)
{
	size_t i;

	for (i = 0; i < ds->n_buckets; i++)
		while (ds->buckets[i]) {
			struct destination *d = ds->buckets[i];

			ds->buckets[i] = d->same_hash;
			free(d);
		}
	free(ds->buckets);
	*ds = (struct destinations){ 0 };
}

static struct destination **
bucket_of(const struct destinations *ds, struct str domain)
{
	uint64_t h = ds->hash_seed;
	size_t i;

	for (i = 0; i < domain.n; i++)
		h = (h ^ (unsigned char)str_small(domain.p[i])) * 0x100000001b3ULL;
	h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93ULL;
	return &ds->buckets[(h >> 32) & (ds->n_buckets - 1)];
}

struct destination *
destinations_find(const struct destinations *ds, struct str domain)
{
	struct destination *d = *bucket_of(ds, domain);

	while (d && !str_eq_nocase(domain, (struct str){ d->name, d->n }))
		d = d->same_hash;
	return d;
}

static bool
is_idle(const struct destination *d, int64_t now_ns)
{
	return d->limiter.in_flight == 0 && d->limiter.n_lanes == 0 &&
	    rate_is_idle(&d->limiter.pace, now_ns) && rate_is_idle(&d->receiver, now_ns);
}

static void
sweep(struct destinations *ds, struct lanes *lanes, int64_t now_ns)
{
	size_t i;

	for (i = 0; i < ds->n_buckets; i++) {
		struct destination **at = &ds->buckets[i];

		while (*at) {
			struct destination *d = *at;

			if (!is_idle(d, now_ns)) {
				at = &d->same_hash;
				continue;
			}
			*at = d->same_hash;
			lanes_forget_limiter(lanes, &d->limiter);
			free(d);
			ds->n--;
		}
	}
	ds->sweep_at = ds->n * 2 > SWEEP_MIN ? ds->n * 2 : SWEEP_MIN;
}

static void
grow(struct destinations *ds)
{
	struct destination **old = ds->buckets;
	size_t n = ds->n_buckets, i;

	ds->n_buckets *= 2;
	ds->buckets = mem_alloc_array(ds->n_buckets, sizeof(struct destination *));
	for (i = 0; i < n; i++)
		while (old[i]) {
			struct destination *d = old[i];
			struct destination **at = bucket_of(ds, (struct str){ d->name, d->n });

			old[i] = d->same_hash;
			d->same_hash = *at;
			*at = d;
		}
	free(old);
}

struct destination *
destinations_get(struct destinations *ds, struct lanes *lanes, struct str domain,
    const struct domain_conf *conf, int64_t now_ns)
{
	struct destination *d = destinations_find(ds, domain), **at;
	size_t i;

	if (d)
		return d;
	if (ds->n >= ds->sweep_at)
		sweep(ds, lanes, now_ns);
	if (ds->n >= ds->n_buckets)
		grow(ds);
	d = mem_alloc(sizeof *d + domain.n);
	d->n = domain.n;
	for (i = 0; i < domain.n; i++)
		d->name[i] = str_small(domain.p[i]);
	limiter_init(&d->limiter, conf->concurrency, &conf->rate);
	at = bucket_of(ds, domain);
	d->same_hash = *at;
	*at = d;
	ds->n++;
	return d;
}

void
destinations_configure(
    struct destinations *ds, struct lanes *lanes, const struct delivery_conf *conf, int64_t now_ns)
{
	static const struct rate unlimited = { 0 };
	size_t i;

	for (i = 0; i < ds->n_buckets; i++) {
		struct destination *d = ds->buckets[i];

		for (; d; d = d->same_hash) {
			const struct domain_conf *c =
			    delivery_conf_find(conf, (struct str){ d->name, d->n });
			bool is_limited = domain_conf_is_limited(c);

			lanes_set_limits(lanes, &d->limiter,
			    is_limited ? c->concurrency : DELIVERY_UNLIMITED,
			    is_limited ? &c->rate : &unlimited, now_ns);
		}
	}
}
