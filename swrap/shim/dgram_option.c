/*
 * Options of datagram sockets that act on what is sent. The tag has no room for them: the twin keeps them, and without a
 * switch the options file.
 */
#include "place.h"

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
	{IPPROTO_IPV6, IPV6_MULTICAST_IF, SW_OPTION_GROUP_IF6, INT_MIN, INT_MAX, -1},
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
	return find(tag, level, name);
}

#define KEPT_LEVEL 0xfff0 /* of no protocol; the names are those of enum sw_dgram_option */

uint32_t sw_dgram_setting(int fd, uint64_t tag, enum sw_dgram_option option)
{
	static const uint32_t defaults[SW_OPTIONS] = SW_OPTION_DEFAULTS;
	uint64_t kept[2];

	return sw_kept_get(fd, tag, KEPT_LEVEL, (int)option, kept) ? (uint32_t)kept[0] : defaults[option];
}

void sw_dgram_group_source(int fd, uint64_t tag, struct sw_dgram *head)
{
	bool v4 = sw_ip_is_v4(head->to.ip);
	uint32_t addr = v4 ? sw_dgram_setting(fd, tag, SW_OPTION_GROUP_ADDR) : 0;

	head->ifindex = (uint16_t)sw_dgram_setting(fd, tag, v4 ? SW_OPTION_GROUP_IF : SW_OPTION_GROUP_IF6);
	if (!addr || !sw_ip_is_any(head->from.ip))
		return;
	memset(head->from.ip, 0, 10);
	memset(head->from.ip + 10, 0xff, 2);
	memcpy(head->from.ip + 12, &addr, sizeof(addr));
}

static int put(int fd, uint64_t *tag, enum sw_dgram_option option, uint32_t value)
{
	if (!(sw_lab()->flags & SW_DIRECT))
		return sw_twin_set(fd, *tag, option, value);
	if ((option == SW_OPTION_GROUP_ALL || option == SW_OPTION_GROUP_ALL6) && (*tag & SW_TAG_BOUND))
		sw_place_hears_all(fd, option == SW_OPTION_GROUP_ALL ? 1 : 2, value);
	if (sw_kept_put(fd, *tag, KEPT_LEVEL, (int)option, (uint64_t[2]){value, 0}) < 0)
		return errno;
	*tag |= SW_TAG_KEPT;
	return 0;
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
	error = put(fd, &tag, SW_OPTION_GROUP_IF, (uint32_t)req.imr_ifindex);
	return error ? error : put(fd, &tag, SW_OPTION_GROUP_ADDR, req.imr_address.s_addr);
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
	if (len < (level == IPPROTO_IP ? known->option != SW_OPTION_TOS : sizeof(n)))
		return sw_fail(EINVAL);
	n = len == 0 ? 0 : len < sizeof(n) ? *(const uint8_t *)value : *(const int *)value; /* IP options may be one byte */
	if (n == -1 && known->usual >= 0)
		n = known->usual;
	if (known->option == SW_OPTION_TOS)
		n &= 0xff;
	if (known->option == SW_OPTION_GROUP_ALL6)
		n = n != 0;
	if (n < known->least || n > known->most)
		return sw_fail(EINVAL);
	if (known->option == SW_OPTION_GROUP_IF6 && !iface_exists((uint32_t)n))
		return sw_fail(ENODEV);
	error = put(fd, &tag, known->option, (uint32_t)n);
	return error ? sw_fail(error) : 0;
}

int sw_get_dgram_option(int fd, uint64_t tag, int level, int name, void *value, socklen_t *len)
{
	static const uint32_t defaults[SW_OPTIONS] = SW_OPTION_DEFAULTS;
	const struct known *known = find(tag, level, name);
	enum sw_dgram_option option = known->option == SW_OPTION_GROUP_IF ? SW_OPTION_GROUP_ADDR : known->option;
	struct sw_answer answer;
	uint32_t n;

	if (sw_lab()->flags & SW_DIRECT) {
		n = sw_dgram_setting(fd, tag, option);
	} else { /* A socket that has said nothing yet is unknown to the switch; IP_TTL is never 0. */
		sw_ask(fd, &answer);
		n = answer.options[SW_OPTION_TTL] ? answer.options[option] : defaults[option];
	}
	if (option == SW_OPTION_GROUP_ADDR)
		return sw_put_value(value, len, &n, sizeof(n));
	return sw_put_number(level, value, len, (int)n);
}
