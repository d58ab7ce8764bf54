#ifndef TESTS_SMTP_SETUP_H
#define TESTS_SMTP_SETUP_H

/*
 * What the first octets of an input choose: how SMTP, the clock and the simulator are configured.
 */

#include <stdint.h>

#include "core/simulator.h"
#include "front/smtp.h"
#include "smtp_peer.h"

#define SETUP_OCTETS 4

struct setup {
	struct smtp_conf smtp;
	struct smtp_peer_rules rules;
	struct simulator_conf simulator;
	struct clock_conf clock;
	uint64_t connections;
	bool may_drop; /* faults close without a word… */
	bool may_lose; /* …also after mail was accepted */
};

/*
 * Six bits of each octet, those below '@'. The first: 1 LMTP, 2 inband, 4 bare newlines are
 * rejected, 8 at most 100 octets, 16 at most 2 recipients, 32 TLS. The second: 3 authentication
 * off, any or by a file, 4 TLS is required, 24 the clock stands, runs, runs fast or jumps, 32 two
 * messages may be pending. The third: faults. The fourth: outcomes; 32 one connection at a time.
 */
void setup_read(struct setup *s, const uint8_t *octets);

/* What a reload may change while sessions go on: mode, TLS and authentication from the first two,
 * faults and outcomes from the third. */
void setup_change(struct setup *s, const uint8_t *octets);

#endif
