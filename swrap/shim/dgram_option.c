/*
 * Options of datagram sockets that act on what is sent: the twin keeps them, since the tag has no room. Without a switch
 * nobody does: there they read as their defaults, and the multicast ones are refused.
 */
#include "dgram.h"

#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

static const struct known {
	int level, name;
	enum sw_dgram_option option;
	int least, most;
	int usual; /* what -1 stands for; -1: nothing */
} table[] = {
	{IPPROTO_IP, IP_TTL, SW_OPTION_TTL, 1, 255, 64},
	{IPPROTO_IP, IP_TOS, SW_OPTION_TOS, 0, 255, -1},
	{IPPROTO_IP, IP_MULTICAST_TTL, SW_OPTION_GROUP_TTL, 0, 255, 1},
	{IPPROTO_IP, IP_MULTICAST_IF, SW_OPTION_GROUP_IF, 0, 0, -1},
	{IPPROTO_IP, IP_MULTICAST_ALL, SW_OPTION_GROUP_ALL, 0, 1, -1},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, SW_OPTION_HOPS, 0, 255, 64},
	{IPPROTO_IPV6, IPV6_TCLASS, SW_OPTION_TCLASS, 0, 255, 0},
	{IPPROTO_IPV6, IPV6_MULTICAST_HOPS, SW_OPTION_GROUP_HOPS, 0, 255, 1},
	{IPPROTO_IPV6, IPV6_MULTICAST_IF, SW_OPTION_GROUP_IF6, 0, 0xffff, -1},
	{IPPROTO_IPV6, IPV6_MULTICAST_ALL, SW_OPTION_GROUP_ALL6, 0, 1, -1},
};

static const struct known *find(uint64_t tag, int level, int name)
{
	if (!(tag & SW_TAG_DGRAM) || (level == IPPROTO_IPV6 && !(tag & SW_TAG_V6)))
		return NULL;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].level == level && table[i].name == name)
			return &table[i];
	return NULL;
}

bool sw_dgram_option(uint64_t tag, int level, int name)
{
	return !(sw_lab()->flags & SW_DIRECT) && find(tag, level, name);
}

static bool iface_exists(uint32_t ifindex)
{
	struct sw_iface iface;

	for (uint32_t i = 0; sw_iface_at(i, &iface); i++)
		if (iface.ifindex == ifindex)
			return true;
	return ifindex == 0;
}

/* set_group_if() - IP_MULTICAST_IF: a struct in_addr, ip_mreq or ip_mreqn. */
static int set_group_if(int fd, uint64_t tag, const void *value, socklen_t len)
{
	struct ip_mreqn req = {0};
	int error;

	if (len < sizeof(req.imr_address))
		return EINVAL;
	if (len >= sizeof(struct ip_mreq))
		memcpy(&req, value, len < sizeof(req) ? sizeof(struct ip_mreq) : sizeof(req));
	else
		memcpy(&req.imr_address, value, sizeof(req.imr_address));
	if (!req.imr_ifindex && req.imr_address.s_addr) {
		req.imr_ifindex = sw_iface_with(&req.imr_address);
		if (!req.imr_ifindex)
			return EADDRNOTAVAIL;
	}
	if (req.imr_ifindex < 0 || !iface_exists((uint32_t)req.imr_ifindex))
		return EADDRNOTAVAIL;
	error = sw_twin_set(fd, tag, SW_OPTION_GROUP_IF, (uint32_t)req.imr_ifindex);
	return error ? error : sw_twin_set(fd, tag, SW_OPTION_GROUP_ADDR, req.imr_address.s_addr);
}

int sw_set_dgram_option(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len)
{
	const struct known *known = find(tag, level, name);
	int n, error;

	if (!value)
		return sw_fail(EFAULT);
	if (known->option == SW_OPTION_GROUP_IF) {
		error = set_group_if(fd, tag, value, len);
		return error ? sw_fail(error) : 0;
	}
	if (len < (level == IPPROTO_IP ? 1 : sizeof(n)))
		return sw_fail(EINVAL);
	n = len < sizeof(n) ? *(const uint8_t *)value : *(const int *)value; /* IP options may be one byte */
	if (n == -1 && known->usual >= 0)
		n = known->usual;
	if (known->option == SW_OPTION_TOS)
		n &= 0xff;
	if (n < known->least || n > known->most)
		return sw_fail(EINVAL);
	if (known->option == SW_OPTION_GROUP_IF6 && !iface_exists((uint32_t)n))
		return sw_fail(ENODEV);
	error = sw_twin_set(fd, tag, known->option, (uint32_t)n);
	return error ? sw_fail(error) : 0;
}

int sw_get_dgram_option(int fd, uint64_t tag, int level, int name, void *value, socklen_t *len)
{
	static const uint32_t defaults[SW_OPTIONS] = SW_OPTION_DEFAULTS;
	const struct known *known = find(tag, level, name);
	enum sw_dgram_option option = known->option == SW_OPTION_GROUP_IF ? SW_OPTION_GROUP_ADDR : known->option;
	struct sw_answer answer;
	uint32_t n;

	if (!value || !len)
		return sw_fail(EFAULT);
	/* A socket that has said nothing yet is unknown to the switch; IP_TTL is never 0. */
	sw_ask(fd, &answer);
	n = answer.options[SW_OPTION_TTL] ? answer.options[option] : defaults[option];
	if (*len > sizeof(n))
		*len = sizeof(n);
	memcpy(value, &n, *len);
	return 0;
}
