/*
 * getsockopt and setsockopt. Most of SOL_SOCKET is the kernel's own: AF_UNIX keeps it as TCP would. What AF_UNIX has
 * not, or would take in another sense, is answered here.
 */
#include "dgram.h"
#include "netlink.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "real.h"

#ifndef SO_MAX_PACING_RATE
#define SO_MAX_PACING_RATE 47
#endif

/* An option of TCP, IP or IPv6: what it reads as, and the tag's bit that says it was changed, where it can be. */
struct option {
	int level, name, value;
	unsigned int bit;
};

/* The defaults of Linux. An option without a bit is accepted, and reads as its default. */
static const struct option options[] = {
	{IPPROTO_TCP, TCP_NODELAY, 0, SW_TAG_NODELAY},
	{IPPROTO_TCP, TCP_CORK, 0, SW_TAG_CORK},
	{IPPROTO_TCP, TCP_MAXSEG, 1448, 0},
	{IPPROTO_TCP, TCP_KEEPIDLE, 7200, 0},
	{IPPROTO_TCP, TCP_KEEPINTVL, 75, 0},
	{IPPROTO_TCP, TCP_KEEPCNT, 9, 0},
	{IPPROTO_TCP, TCP_SYNCNT, 6, 0},
	{IPPROTO_TCP, TCP_LINGER2, 60, 0},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 0},
	{IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, 0},
	{IPPROTO_TCP, TCP_QUICKACK, 1, 0},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 0},
	{IPPROTO_TCP, TCP_FASTOPEN, 0, 0},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT, -1, 0},
	{IPPROTO_IP, IP_TOS, 0, 0},
	{IPPROTO_IP, IP_TTL, 64, 0},
	{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT, 0},
	{IPPROTO_IP, IP_RECVERR, 0, 0},
	{IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0, 0},
	{IPPROTO_IP, IP_PKTINFO, 0, SW_TAG_PKTINFO},
	{IPPROTO_IP, IP_RECVTTL, 0, SW_TAG_RECVTTL},
	{IPPROTO_IP, IP_RECVTOS, 0, SW_TAG_RECVTOS},
	{IPPROTO_IP, IP_MULTICAST_LOOP, 1, SW_TAG_NOLOOP},
	{IPPROTO_IP, IP_MULTICAST_TTL, 1, 0},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO, 0, SW_TAG_PKTINFO},
	{IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 0, SW_TAG_RECVTTL},
	{IPPROTO_IPV6, IPV6_RECVTCLASS, 0, SW_TAG_RECVTOS},
	{IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, SW_TAG_NOLOOP},
	{IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, 0},
	{IPPROTO_IPV6, IPV6_V6ONLY, 0, SW_TAG_V6ONLY},
	{IPPROTO_IPV6, IPV6_TCLASS, 0, 0},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, 0},
	{IPPROTO_IPV6, IPV6_RECVERR, 0, 0},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT, 0},
	{SOL_SOCKET, SO_REUSEPORT, 0, SW_TAG_REUSEPORT},
};

static const struct option *find(uint64_t tag, int level, int name)
{
	if (level == IPPROTO_IPV6 && !(tag & SW_TAG_V6))
		return NULL;
	if (level == IPPROTO_TCP && (tag & SW_TAG_DGRAM))
		return NULL;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].name == name)
			return &options[i];
	return NULL;
}

static int put(void *value, socklen_t *len, const void *from, socklen_t size)
{
	if (!value || !len)
		return sw_fail(EFAULT);
	if (*len > size)
		*len = size;
	memcpy(value, from, *len);
	return 0;
}

static int put_int(void *value, socklen_t *len, int n)
{
	return put(value, len, &n, sizeof(n));
}

/* get_error() - SO_ERROR: the pending error, in TCP's words; it settles a connect that was under way. */
static int get_error(int fd, uint64_t tag, void *value, socklen_t *len)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (sw_real()->getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -1;
	if (tag & SW_TAG_DGRAM)
		return put_int(value, len, error == ECONNRESET ? ENETDOWN : error ? error : sw_twin_pending(fd));
	if (error == ECONNRESET)
		error = sw_reason(fd);
	if (!error)
		sw_settle(fd, tag);
	else if (tag & SW_TAG_CONNECTING)
		sw_tag_set(fd, (tag & ~(uint64_t)SW_TAG_CONNECTING) | SW_TAG_FAILED);
	return put_int(value, len, error);
}

static int protocol_of(uint64_t tag)
{
	if (tag & SW_TAG_UDPLITE)
		return IPPROTO_UDPLITE;
	return tag & SW_TAG_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
}

static int get_socket_option(int fd, uint64_t tag, int name, void *value, socklen_t *len)
{
	switch (name) {
	case SO_DOMAIN:
		return put_int(value, len, tag & SW_TAG_V6 ? AF_INET6 : AF_INET);
	case SO_TYPE:
		return put_int(value, len, tag & SW_TAG_DGRAM ? SOCK_DGRAM : SOCK_STREAM);
	case SO_PROTOCOL:
		return put_int(value, len, protocol_of(tag));
	case SO_ERROR:
		return get_error(fd, tag, value, len);
	case SO_MAX_PACING_RATE: /* the tag's place; it reads as unlimited */
		return put_int(value, len, -1);
	case SO_PEERCRED: /* nobody's, as with TCP */
		return put(value, len, &(struct ucred){0, (uid_t)-1, (gid_t)-1}, sizeof(struct ucred));
	default:
		return sw_real()->getsockopt(fd, SOL_SOCKET, name, value, len);
	}
}

SW_EXPORT int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
	const struct option *option;
	uint64_t tag;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real()->getsockopt(fd, level, name, value, len);
	if (tag & SW_TAG_NETLINK)
		return sw_netlink_getsockopt(fd, tag, level, name, value, len);
	if (sw_dgram_option(tag, level, name))
		return sw_get_dgram_option(fd, tag, level, name, value, len);
	option = find(tag, level, name);
	if (option)
		return put_int(value, len, tag & option->bit ? !option->value : option->value);
	if (level == IPPROTO_TCP && name == TCP_INFO && !(tag & SW_TAG_DGRAM))
		return sw_tcp_info(fd, tag, value, len);
	if (level == SOL_SOCKET)
		return get_socket_option(fd, tag, name, value, len);
	return sw_fail(ENOPROTOOPT);
}

static int set_socket_option(int fd, int name, const void *value, socklen_t len)
{
	switch (name) {
	case SO_MAX_PACING_RATE:
	case SO_SNDBUF: /* the opening message and the unread byte need the kernel's own size */
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return 0;
	case SO_PASSCRED:
	case SO_PASSSEC:
		return sw_fail(EOPNOTSUPP);
	default:
		return sw_real()->setsockopt(fd, SOL_SOCKET, name, value, len);
	}
}

SW_EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	const struct option *option;
	uint64_t tag;
	int on;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real()->setsockopt(fd, level, name, value, len);
	if (tag & SW_TAG_NETLINK)
		return sw_netlink_setsockopt(fd, tag, level, name, value, len);
	if (sw_group_option(level, name))
		return sw_set_group(fd, tag, level, name, value, len);
	if (sw_dgram_option(tag, level, name))
		return sw_set_dgram_option(fd, tag, level, name, value, len);
	option = find(tag, level, name);
	if (!option && level == SOL_SOCKET)
		return set_socket_option(fd, name, value, len);
	if (!option)
		return sw_fail(ENOPROTOOPT);
	if (!option->bit)
		return 0;
	if (len < 1)
		return sw_fail(EINVAL);
	on = len < sizeof(on) ? *(const uint8_t *)value : *(const int *)value; /* IP_MULTICAST_LOOP may be one byte */
	return sw_tag_set(fd, !on == !option->value ? tag & ~(uint64_t)option->bit : tag | option->bit);
}
