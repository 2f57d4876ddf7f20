/* getsockopt and setsockopt of netlink sockets: netlink(7). */
#include <linux/netlink.h>
#include <string.h>

#include "netlink.h"
#include "option.h"
#include "real.h"

#ifndef SO_MAX_PACING_RATE
#define SO_MAX_PACING_RATE 47
#endif
#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* Options that are on or off. Those which change what we do: PKTINFO, NO_ENOBUFS (netlink_io.c). */
static const struct {
	int name;
	unsigned int bit;
} options[] = {
	{NETLINK_PKTINFO, SW_NL_PKTINFO},
	{NETLINK_BROADCAST_ERROR, SW_NL_BROADCAST_ERROR},
	{NETLINK_NO_ENOBUFS, SW_NL_NO_ENOBUFS},
	{NETLINK_CAP_ACK, SW_NL_CAP_ACK},
	{NETLINK_EXT_ACK, SW_NL_EXT_ACK},
	{NETLINK_GET_STRICT_CHK, SW_NL_STRICT_CHK},
};

static unsigned int bit_of(int name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].name == name)
			return options[i].bit;
	return 0;
}

static int put(void *value, socklen_t *len, const void *from, socklen_t size)
{
	memcpy(value, from, *len < size ? *len : size);
	*len = size;
	return 0;
}

static int put_int(void *value, socklen_t *len, int n)
{
	if (*len < sizeof(n))
		return sw_fail(EINVAL);
	return put(value, len, &n, sizeof(n));
}

static int get_socket_option(int fd, uint64_t tag, int name, void *value, socklen_t *len)
{
	switch (name) {
	case SO_DOMAIN:
		return put_int(value, len, AF_NETLINK);
	case SO_TYPE:
		return put_int(value, len, tag & SW_NL_RAW ? SOCK_RAW : SOCK_DGRAM);
	case SO_PROTOCOL:
		return put_int(value, len, tag & SW_NL_UEVENT ? NETLINK_KOBJECT_UEVENT : NETLINK_ROUTE);
	case SO_PASSCRED:
		return put_int(value, len, (tag & SW_NL_PASSCRED) != 0);
	case SO_MAX_PACING_RATE:
		return put_int(value, len, -1);
	case SO_PEERCRED:
		return put(value, len, &(struct ucred){0, (uid_t)-1, (gid_t)-1}, sizeof(struct ucred));
	default:
		return sw_real(getsockopt)(fd, SOL_SOCKET, name, value, len);
	}
}

int sw_netlink_getsockopt(int fd, uint64_t tag, int level, int name, void *value, socklen_t *len)
{
	uint64_t groups = 0;
	int error;

	if (!len)
		return sw_fail(EFAULT);
	if (level == SOL_SOCKET)
		return value ? get_socket_option(fd, tag, name, value, len) : sw_fail(EFAULT);
	if (level != SOL_NETLINK)
		return sw_fail(ENOPROTOOPT);
	if (name == NETLINK_LIST_MEMBERSHIPS) { /* with no room: how much is needed */
		error = tag & SW_NL_MEMBER ? sw_netlink_tell(fd, SW_ROUTE_ASK, 0, &groups) : 0;
		if (error)
			return sw_fail(error);
		if (!value)
			*len = 0;
		return put(value, len, &groups, sizeof(groups));
	}
	if (!bit_of(name))
		return sw_gap_fail(ENOPROTOOPT, SW_GAP_GETSOCKOPT, level, (uint32_t)name, 0);
	return value ? put_int(value, len, (tag & bit_of(name)) != 0) : sw_fail(EFAULT);
}

static int set_bit(int fd, uint64_t tag, unsigned int bit, const void *value, socklen_t len)
{
	int on;

	if (!value || len < sizeof(on))
		return sw_fail(EINVAL);
	memcpy(&on, value, sizeof(on));
	return sw_tag_set(fd, on ? tag | bit : tag & ~(uint64_t)bit);
}

static int set_group(int fd, uint64_t tag, enum sw_route_kind kind, const void *value, socklen_t len)
{
	uint32_t group;
	int error;

	if (!value || len < sizeof(group))
		return sw_fail(EINVAL);
	memcpy(&group, value, sizeof(group));
	error = sw_netlink_tell(fd, kind, group, NULL);
	return error ? sw_fail(error) : sw_tag_set(fd, tag | SW_NL_MEMBER);
}

int sw_netlink_setsockopt(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len)
{
	if (level == SOL_SOCKET) {
		if (name == SO_PASSCRED)
			return set_bit(fd, tag, SW_NL_PASSCRED, value, len);
		if (name == SO_MAX_PACING_RATE || name == SO_PASSSEC)
			return 0;
		return sw_real(setsockopt)(fd, SOL_SOCKET, name, value, len);
	}
	if (level != SOL_NETLINK)
		return sw_fail(ENOPROTOOPT);
	switch (name) {
	case NETLINK_ADD_MEMBERSHIP:
		return set_group(fd, tag, SW_ROUTE_JOIN, value, len);
	case NETLINK_DROP_MEMBERSHIP:
		return set_group(fd, tag, SW_ROUTE_LEAVE, value, len);
	case NETLINK_LISTEN_ALL_NSID: /* needs CAP_NET_BROADCAST */
		return sw_fail(EPERM);
	default:
		if (bit_of(name))
			return set_bit(fd, tag, bit_of(name), value, len);
		return sw_gap_fail(ENOPROTOOPT, SW_GAP_SETSOCKOPT, level, (uint32_t)name, 0);
	}
}
