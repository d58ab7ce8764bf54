#ifndef CTL_CONNECT_H
#define CTL_CONNECT_H

/*
 * A connection to the daemon, for mailsimctl.
 */

#include <stdint.h>

#include "base/buf.h"

struct ctl_address {
	const char *text; /* as the user wrote it */
	char *path;       /* of a Unix socket, or NULL */
	char *host;
	char *port;
};

/* host:port, [v6]:port or unix:PATH into *a, all zero before, which keeps the pointer to text.
 * NULL, or what is wrong. ctl_address_fini() in any case. */
const char *ctl_address_parse(struct ctl_address *a, const char *text);
void ctl_address_fini(struct ctl_address *a);

/*
 * A connection, or -1 with what went wrong last in why. wait_ns -1: one try. Else it is tried for
 * so long until one is there that also answers a ping.
 */
int ctl_connect(const struct ctl_address *a, int64_t wait_ns, struct buf *why);

#endif
