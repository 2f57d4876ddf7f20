/* Without a switch the sender finds out itself which address a datagram comes from, and by which interface it leaves. */
#include "dgram.h"

#include <string.h>

static bool is_given(const uint8_t ip[16])
{
	return !sw_ip_is_any(ip) && !sw_dgram_many(ip);
}

static bool is_loopback(uint32_t iface)
{
	return sw_ifaces(sw_lab())[iface].flags & SW_IF_LOOPBACK;
}

/* address_on() - The first address of @iface of the same family as @ip. */
static const struct sw_addr *address_on(uint32_t iface, const uint8_t ip[16])
{
	const struct sw_host *host = &sw_hosts(sw_lab())[sw_ifaces(sw_lab())[iface].host];

	for (uint32_t i = host->first_addr; i < host->first_addr + host->n_addrs; i++) {
		const struct sw_addr *addr = &sw_addrs(sw_lab())[i];

		if (addr->iface == iface && addr->v6 != sw_ip_is_v4(ip))
			return addr;
	}
	return NULL;
}

/* hears() - Is @ip a group, or a broadcast address of this interface? */
static bool hears(uint32_t iface, const uint8_t ip[16])
{
	return sw_ip_is_group(ip) || (!is_loopback(iface) && sw_iface_broadcast(iface, ip));
}

bool sw_iface_broadcast(uint32_t iface, const uint8_t ip[16])
{
	const struct sw_host *host = &sw_hosts(sw_lab())[sw_ifaces(sw_lab())[iface].host];

	for (uint32_t i = host->first_addr; i < host->first_addr + host->n_addrs; i++) {
		const struct sw_addr *addr = &sw_addrs(sw_lab())[i];

		if (addr->iface == iface && !addr->v6 && (sw_ip_is_limited(ip) || sw_addr_broadcast(addr, ip)))
			return true;
	}
	return false;
}

bool sw_iface_index(uint16_t host, uint16_t ifindex, const uint8_t ip[16], uint32_t *iface)
{
	const struct sw_host *h = &sw_hosts(sw_lab())[host];

	for (*iface = h->first_iface; *iface < h->first_iface + h->n_ifaces; (*iface)++) {
		const struct sw_iface *one = &sw_ifaces(sw_lab())[*iface];

		if (ifindex ? one->ifindex == ifindex
			    : !is_loopback(*iface) && (one->flags & SW_IF_UP) && address_on(*iface, ip) && hears(*iface, ip))
			return true;
	}
	return false;
}

/* iface_with() - The interface of @host that has this address. */
static bool iface_with(uint16_t host, const uint8_t ip[16], uint32_t *iface)
{
	const struct sw_host *h = &sw_hosts(sw_lab())[host];

	for (uint32_t i = h->first_addr; i < h->first_addr + h->n_addrs; i++)
		if (memcmp(sw_addrs(sw_lab())[i].ip, ip, 16) == 0) {
			*iface = sw_addrs(sw_lab())[i].iface;
			return true;
		}
	*iface = h->first_iface;
	return sw_ip_is_loopback(ip);
}

bool sw_dgram_source(uint16_t host, const struct sw_endpoint *own, bool many, struct sw_dgram *head, uint32_t *iface)
{
	const struct sw_addr *addr;
	uint8_t any[16];
	bool given = is_given(head->from.ip);

	if (!given) {
		memcpy(head->from.ip, own->ip, 16);
		given = is_given(own->ip);
	}
	head->from.port = own->port;
	if (!many) {
		if (sw_route(sw_lab(), host, head->ifindex, head->to.ip, given ? any : head->from.ip, iface) < 0)
			return false;
	} else {
		if (head->ifindex ? !sw_iface_index(host, head->ifindex, head->to.ip, iface)
				  : !(given && iface_with(host, head->from.ip, iface)) &&
					    !sw_iface_index(host, 0, head->to.ip, iface))
			return false;
		if (!given) {
			addr = address_on(*iface, head->to.ip);
			if (!addr)
				return false;
			memcpy(head->from.ip, addr->ip, 16);
		}
	}
	return sw_ip_is_v4(head->from.ip) == sw_ip_is_v4(head->to.ip) && sw_addr_has(sw_lab(), host, head->from.ip);
}
