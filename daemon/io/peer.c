/*
 * Owns the question whether a peer is near.
 */
#include "io/peer.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

bool
peer_is_local(int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t length = sizeof address;
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (getpeername(fd, (struct sockaddr *)&address, &length) == -1)
		return false;
	switch (address.ss_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		memcpy(&v4, &address, sizeof v4);
		return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
	case AF_INET6:
		memcpy(&v6, &address, sizeof v6);
		return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
		    (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
	default:
		return false;
	}
}
