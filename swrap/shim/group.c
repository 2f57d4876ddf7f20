/* Multicast groups: setsockopt() with a struct ip_mreq, ip_mreqn, ipv6_mreq or group_req (ip(7), ipv6(7)). */
#include <netinet/in.h>
#include <string.h>

#include "dgram.h"
#include "place.h"

bool sw_group_option(int level, int name)
{
	if (level == IPPROTO_IP)
		return name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP || name == MCAST_JOIN_GROUP ||
		       name == MCAST_LEAVE_GROUP;
	return level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP ||
					 name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP);
}

static void put_v4(uint8_t ip[16], const struct in_addr *addr)
{
	memset(ip, 0, 10);
	memset(ip + 10, 0xff, 2);
	memcpy(ip + 12, addr, 4);
}

uint16_t sw_iface_with(const struct in_addr *addr)
{
	struct sw_iface iface;
	struct sw_addr own;
	uint8_t ip[16];

	put_v4(ip, addr);
	for (uint32_t i = 0; sw_iface_addr(i, &own, &iface); i++)
		if (memcmp(own.ip, ip, 16) == 0)
			return iface.ifindex;
	return 0;
}

/* read_group() - 0 with @group and @ifindex filled, or an errno. */
static int read_group(int level, int name, const void *value, socklen_t len, struct sw_endpoint *group,
		      uint16_t *ifindex)
{
	memset(group, 0, sizeof(*group));
	*ifindex = 0;
	if (name == MCAST_JOIN_GROUP || name == MCAST_LEAVE_GROUP) {
		const struct group_req *req = value;

		if (len < sizeof(*req))
			return EINVAL;
		*ifindex = (uint16_t)req->gr_interface;
		return sw_endpoint_read(level == IPPROTO_IPV6 ? SW_TAG_V6 : 0, (const void *)&req->gr_group,
					sizeof(req->gr_group), group);
	}
	if (level == IPPROTO_IPV6) {
		const struct ipv6_mreq *req = value;

		if (len < sizeof(*req))
			return EINVAL;
		memcpy(group->ip, &req->ipv6mr_multiaddr, 16);
		*ifindex = (uint16_t)req->ipv6mr_interface;
		return 0;
	}
	const struct ip_mreqn *req = value;

	if (len < sizeof(struct ip_mreq))
		return EINVAL;
	put_v4(group->ip, &req->imr_multiaddr);
	if (len >= sizeof(*req) && req->imr_ifindex) {
		*ifindex = (uint16_t)req->imr_ifindex;
	} else if (req->imr_address.s_addr) {
		*ifindex = sw_iface_with(&req->imr_address);
		return *ifindex ? 0 : ENODEV;
	}
	return 0;
}

static int change_directly(int fd, uint64_t tag, bool join, const uint8_t group[16], uint16_t ifindex)
{
	uint32_t iface;

	if (!join)
		return sw_place_leave(fd, group, ifindex);
	if (!sw_iface_index(SW_TAG_HOST(tag), ifindex, group, &iface))
		return ENODEV;
	return sw_place_join(fd, SW_TAG_HOST(tag), group, sw_ifaces(sw_lab())[iface].ifindex);
}

int sw_set_group(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len)
{
	bool join = name == IP_ADD_MEMBERSHIP || name == IPV6_JOIN_GROUP || name == MCAST_JOIN_GROUP;
	struct sw_endpoint group;
	uint16_t ifindex;
	int error;

	if (!(tag & SW_TAG_DGRAM))
		return sw_fail(EPROTO);
	error = read_group(level, name, value, len, &group, &ifindex);
	if (!error && !sw_ip_is_group(group.ip))
		error = EINVAL;
	if (!error)
		error = sw_lab()->flags & SW_DIRECT
				? change_directly(fd, tag, join, group.ip, ifindex)
				: sw_twin_group(fd, tag, join ? SW_DGRAM_JOIN : SW_DGRAM_LEAVE, &group, ifindex);
	return error ? sw_fail(error) : 0;
}
