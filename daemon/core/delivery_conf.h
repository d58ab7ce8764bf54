#ifndef CORE_DELIVERY_CONF_H
#define CORE_DELIVERY_CONF_H

/*
 * How messages are delivered, as the configuration says it. A message keeps the settings it was
 * accepted with, so each batch holds a copy of what concerns it.
 */

#include <stdint.h>

#include "core/latency.h"
#include "core/outcome.h"

#define DELIVERY_UNLIMITED UINT64_MAX

struct delivery_conf {
	struct latency latency;
	struct latency connect;
	enum outcome_id outcome;
	uint64_t concurrency; /* attempts in flight at once, over all */
};

#endif
