/* socket(2), and the tag that makes an AF_UNIX socket a virtual one. */
#include "dgram.h"
#include "netlink.h"
#include "option.h"

#include <netinet/in.h>
#include <unistd.h>

#include "kernel.h"
#include "real.h"

#ifndef SO_MAX_PACING_RATE
#define SO_MAX_PACING_RATE 47
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define TYPE_MASK 0xf

bool sw_tag_get(int fd, uint64_t *tag)
{
	socklen_t len = sizeof(*tag);

	return sw_kernel(SYS_getsockopt, fd, SOL_SOCKET, SO_MAX_PACING_RATE, (long)tag, (long)&len, 0) == 0 &&
	       len == sizeof(*tag) && SW_TAG_IS(*tag);
}

SW_START int sw_tag_set(int fd, uint64_t tag)
{
	const uint64_t sort = tag & (SW_TAG_DGRAM | SW_TAG_BOUND | SW_TAG_NETLINK);
	int error;

	if (__builtin_expect(tag & SW_TAG_LISTEN, 0) && (sw_lab()->flags & SW_DIRECT))
		sw_listens(fd, tag);
	error = -(int)sw_kernel(SYS_setsockopt, fd, SOL_SOCKET, SO_MAX_PACING_RATE, (long)&tag, sizeof(tag), 0);
	if (error)
		return sw_fail(error);
	if (__builtin_expect(sort != (SW_TAG_DGRAM | SW_TAG_BOUND), 1) || !(sw_lab()->flags & SW_DIRECT))
		return 0;
	error = sw_dgram_retag(fd, tag);
	return error ? sw_fail(error) : 0;
}

/* check() - Which virtual socket is asked for: 0 with @flags filled, or an errno. */
static int check(int domain, int type, int protocol, unsigned int *flags)
{
	*flags = domain == AF_INET6 ? SW_TAG_V6 : 0;
	switch (type) {
	case SOCK_STREAM:
		if (protocol != 0 && protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
			return EPROTONOSUPPORT;
		return 0;
	case SOCK_DGRAM:
		if (protocol != 0 && protocol != IPPROTO_UDP && protocol != IPPROTO_UDPLITE)
			return EPROTONOSUPPORT;
		*flags |= SW_TAG_DGRAM | (protocol == IPPROTO_UDPLITE ? SW_TAG_UDPLITE : 0);
		sw_dgram_born();
		return 0;
	case SOCK_RAW:
		return EPERM;
	default:
		return ESOCKTNOSUPPORT;
	}
}

/* mark() - Returns 0, or -1 with errno set. */
static int mark(int fd, unsigned int flags)
{
	return sw_dgram_set_mark(fd, !(flags & SW_TAG_V6) && (sw_lab()->flags & SW_DIRECT) ? SW_DGRAM_PLAIN : SW_DGRAM_OTHER);
}

SW_EXPORT SW_START int socket(int domain, int type, int protocol)
{
	unsigned int flags;
	int error, fd;

	if (domain != AF_INET && domain != AF_INET6) {
		if (domain == AF_UNIX || !sw_lab())
			return sw_real(socket)(domain, type, protocol);
		if (domain == AF_NETLINK)
			return sw_netlink_socket(type, protocol);
		sw_gap(SW_GAP_SOCKET, domain, (uint32_t)type & TYPE_MASK, (uint32_t)protocol);
		return sw_fail(domain == AF_PACKET ? EPERM : EAFNOSUPPORT);
	}
	if (!sw_lab_now())
		return -1; /* fail closed: never the machine's own network */
	error = check(domain, type & TYPE_MASK, protocol, &flags);
	if (error)
		return sw_gap_fail(error, SW_GAP_SOCKET, domain, (uint32_t)type & TYPE_MASK, (uint32_t)protocol);
	/* Connected to its twin, if there is a switch (syn.h). */
	if ((flags & SW_TAG_DGRAM) && !(sw_lab()->flags & SW_DIRECT))
		type = (type & ~TYPE_MASK) | SOCK_SEQPACKET;
	fd = sw_real(socket)(AF_UNIX, type, 0);
	if (fd >= 0 && (sw_tag_set(fd, SW_TAG_MAKE(sw_self(), flags)) < 0 || ((flags & SW_TAG_DGRAM) && mark(fd, flags) < 0))) {
		error = errno;
		close(fd);
		return sw_fail(error);
	}
	return fd;
}
