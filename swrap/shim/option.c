/* getsockopt and setsockopt: whose option is it? What nobody knows is counted as a gap. */
#include "option.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "dgram.h"
#include "netlink.h"
#include "real.h"

/* unknown() - Linux refuses a level that is not the socket's own; anything else that comes here is a gap. */
static int unknown(uint64_t tag, enum sw_gap_kind kind, int level, int name)
{
	bool own = level == IPPROTO_IP || (level == IPPROTO_IPV6 && (tag & SW_TAG_V6)) ||
		   (tag & SW_TAG_DGRAM ? level == IPPROTO_UDP || level == IPPROTO_UDPLITE : level == IPPROTO_TCP);

	if (own)
		return sw_gap_fail(ENOPROTOOPT, kind, level, (uint32_t)name, 0);
	return sw_fail(kind == SW_GAP_GETSOCKOPT && !(tag & SW_TAG_V6) ? EOPNOTSUPP : ENOPROTOOPT);
}

SW_EXPORT int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
	uint64_t tag;
	int done;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real(getsockopt)(fd, level, name, value, len);
	if (tag & SW_TAG_NETLINK)
		return sw_netlink_getsockopt(fd, tag, level, name, value, len);
	if (sw_device_option(tag, level, name))
		return sw_get_device_option(fd, tag, level, name, value, len);
	if (sw_dgram_option(tag, level, name))
		return sw_get_dgram_option(fd, tag, level, name, value, len);
	if (level == IPPROTO_TCP && name == TCP_INFO && !(tag & SW_TAG_DGRAM))
		return sw_tcp_info(fd, tag, value, len);
	done = sw_get_inet_option(fd, tag, level, name, value, len);
	if (done != SW_NOT_KNOWN)
		return done;
	if (level == SOL_SOCKET)
		return sw_get_socket_option(fd, tag, name, value, len);
	return unknown(tag, SW_GAP_GETSOCKOPT, level, name);
}

SW_EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	uint64_t tag;
	int done;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real(setsockopt)(fd, level, name, value, len);
	if (tag & SW_TAG_NETLINK)
		return sw_netlink_setsockopt(fd, tag, level, name, value, len);
	if (sw_group_option(level, name) && (level == IPPROTO_IP || (tag & SW_TAG_V6)))
		return sw_set_group(fd, tag, level, name, value, len);
	if (sw_device_option(tag, level, name))
		return sw_set_device_option(fd, tag, level, name, value, len);
	if (sw_dgram_option(tag, level, name))
		return sw_set_dgram_option(fd, tag, level, name, value, len);
	done = sw_set_inet_option(fd, tag, level, name, value, len);
	if (done == SW_NOT_KNOWN && level == SOL_SOCKET)
		done = sw_set_socket_option(fd, tag, name, value, len);
	if (done == 0)
		sw_patience_set(fd, level, name);
	return done == SW_NOT_KNOWN ? unknown(tag, SW_GAP_SETSOCKOPT, level, name) : done;
}
