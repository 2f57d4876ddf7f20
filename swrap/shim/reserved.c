/* Ports that were once for root: bindresvport(3) and rresvport(3), which in libc bind past every function here. */
#include "shim.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <unistd.h>

#define LEAST (IPPORT_RESERVED / 2)
#define MOST (IPPORT_RESERVED - 1)

/* take() - Bind @fd to the first port that is free, from *@port downwards and round; the port is left there. False with errno. */
static bool take(int fd, sa_family_t family, int *port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} at = {.any.sa_family = family};
	socklen_t len = family == AF_INET6 ? sizeof(at.in6) : sizeof(at.in);

	for (int tries = LEAST; tries <= MOST; tries++) {
		*(family == AF_INET6 ? &at.in6.sin6_port : &at.in.sin_port) = htons((in_port_t)*port);
		if (bind(fd, &at.any, len) == 0)
			return true;
		if (errno != EADDRINUSE)
			return false;
		*port = *port == LEAST ? MOST : *port - 1;
	}
	errno = EAGAIN;
	return false;
}

SW_EXPORT int bindresvport(int fd, struct sockaddr_in *addr)
{
	int port = MOST, saved = errno;

	if (addr && addr->sin_family != AF_INET)
		return sw_fail(EAFNOSUPPORT);
	if (!take(fd, AF_INET, &port))
		return errno == EAGAIN ? sw_fail(EADDRINUSE) : -1;
	if (addr)
		addr->sin_port = htons((in_port_t)port);
	errno = saved;
	return 0;
}

SW_EXPORT int rresvport_af(int *port, sa_family_t family)
{
	int fd, error;

	if (family != AF_INET && family != AF_INET6)
		return sw_fail(EAFNOSUPPORT);
	fd = socket(family, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	*port = *port < LEAST ? LEAST : *port > MOST ? MOST : *port;
	if (take(fd, family, port))
		return fd;
	error = errno;
	close(fd);
	return sw_fail(error);
}

SW_EXPORT int rresvport(int *port)
{
	return rresvport_af(port, AF_INET);
}
