#ifndef CORE_DELIVERY_CONF_H
#define CORE_DELIVERY_CONF_H

/*
 * How messages are delivered, as the configuration says it: for everybody, and for the domains
 * that have a section of their own. One of these is made at each start and reload and never
 * changes; messages hold on to the one they were accepted with.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fate.h"
#include "core/latency.h"
#include "core/outage.h"
#include "core/outcome.h"
#include "core/rate.h"
#include "core/retry.h"

#define DELIVERY_UNLIMITED UINT64_MAX
#define DELIVERY_ATTEMPTS_MAX 1000000000           /* that may be asked for */
#define DELIVERY_WORK_MAX_NS (3600LL * 1000000000) /* of one dispatch */

/* For everybody, or for the recipients in one domain. */
struct domain_conf {
	struct str name; /* "example.org", "*.example.org", "*", in small letters; p is NULL: all */
	struct latency latency;
	struct latency connect;
	struct fate *fate;
	struct retry retry;
	int64_t jitter; /* millionths of a delay */
	int64_t expire_ns;
	uint64_t max_attempts; /* 0: no limit */
	int64_t work_ns;       /* real processor time per dispatch */
	uint64_t concurrency;  /* attempts in flight at once */
	struct rate rate;      /* of dispatches */
	struct rate receiver_rate;
	struct windows down;
};

/* Domains and patterns, in order. */
struct domain_names {
	struct str *at;
	size_t n;
};

struct delivery_conf {
	uint64_t refs;
	struct outcome_set *outcomes;
	struct domain_conf all;
	struct domain_conf *domains; /* by name */
	size_t n;
	struct domain_names names; /* of the domains, in the same order */
	struct domain_names magic; /* where addresses choose outcomes */
	char *text;                /* what the names point into */
};

/*
 * Takes copies; fates and outcomes are counted. The domains may come in any order; names are put
 * into small letters. magic: domain patterns with blanks between them, of which the words reserved
 * and providers stand for many.
 */
struct delivery_conf *delivery_conf_new(struct outcome_set *outcomes, const struct domain_conf *all,
    const struct domain_conf *domains, size_t n, struct str magic);
struct delivery_conf *delivery_conf_ref(struct delivery_conf *conf);
void delivery_conf_unref(struct delivery_conf *conf);

/* What holds for that domain, which may be not there: an exact name before the longest
 * *.example.org before *; else what holds for everybody. */
const struct domain_conf *delivery_conf_find(const struct delivery_conf *conf, struct str domain);

/* Whether addresses of that domain choose their outcome. */
bool delivery_conf_is_magic(const struct delivery_conf *conf, struct str domain);

/* Whether a domain's section limits it, by itself, on the sender's side; or watches what the
 * receiver would take. */
bool domain_conf_is_limited(const struct domain_conf *d);
bool domain_conf_is_watched(const struct domain_conf *d);

/* Whether any dispatch costs real processor time. */
bool delivery_conf_has_work(const struct delivery_conf *conf);

/* NULL, or what is wrong with a list of domain patterns. */
const char *delivery_conf_check_magic(struct str patterns);

#endif
