/* Segments, and the addresses that mean more than one host. Pure: the page is all that is looked at. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "twin.h"

/* within() - Is @ip in the subnet of @a? */
static bool within(const struct sw_addr *a, const uint8_t ip[16])
{
	unsigned int bits = a->v6 ? a->prefix : a->prefix + 96u;

	if (sw_ip_is_v4(ip) == a->v6 || memcmp(a->ip, ip, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || ((a->ip[bits / 8] ^ ip[bits / 8]) & (uint8_t)(0xff << (8 - bits % 8))) == 0;
}

static bool is_loopback(const struct sw *sw, uint32_t iface)
{
	return sw_ifaces(sw->page)[iface].flags & SW_IF_LOOPBACK;
}

/* sw_segments() - Interfaces in one subnet hang on one segment; 0, or -ENOMEM and all is as it was. */
int sw_segments(struct sw *sw)
{
	const struct sw_page *p = sw->page;
	uint32_t *segment = calloc(p->n_ifaces + 1, sizeof(*segment));
	bool changed = true;

	if (!segment)
		return -ENOMEM;
	free(sw->twins->segment);
	sw->twins->segment = segment;
	for (uint32_t i = 0; i < p->n_ifaces; i++)
		segment[i] = i;
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < p->n_addrs; i++) {
			const struct sw_addr *a = &sw_addrs(p)[i];

			for (uint32_t j = 0; j < p->n_addrs && !is_loopback(sw, a->iface); j++) {
				const struct sw_addr *b = &sw_addrs(p)[j];

				if (is_loopback(sw, b->iface) || segment[b->iface] <= segment[a->iface] ||
				    !within(a, b->ip))
					continue;
				segment[b->iface] = segment[a->iface];
				changed = true;
			}
		}
	}
	return 0;
}

bool sw_is_broadcast(const struct sw *sw, uint32_t iface, const uint8_t ip[16])
{
	const struct sw_host *host = &sw_hosts(sw->page)[sw_ifaces(sw->page)[iface].host];
	bool v4 = false;

	for (uint32_t i = host->first_addr; i < host->first_addr + host->n_addrs; i++) {
		const struct sw_addr *a = &sw_addrs(sw->page)[i];

		if (a->iface != iface || is_loopback(sw, iface))
			continue;
		if (sw_addr_broadcast(a, ip))
			return true;
		v4 |= !a->v6;
	}
	return v4 && sw_ip_is_limited(ip);
}

bool sw_iface_address(const struct sw *sw, uint32_t iface, const uint8_t ip[16], uint8_t address[16])
{
	const struct sw_host *host = &sw_hosts(sw->page)[sw_ifaces(sw->page)[iface].host];

	for (uint32_t i = host->first_addr; i < host->first_addr + host->n_addrs; i++) {
		const struct sw_addr *a = &sw_addrs(sw->page)[i];

		if (a->iface == iface && a->v6 != sw_ip_is_v4(ip)) {
			memcpy(address, a->ip, 16);
			return true;
		}
	}
	return false;
}

bool sw_iface_has(const struct sw *sw, uint32_t iface, const uint8_t address[16])
{
	const struct sw_host *host = &sw_hosts(sw->page)[sw_ifaces(sw->page)[iface].host];

	if (is_loopback(sw, iface) && sw_ip_is_loopback(address))
		return true;
	for (uint32_t i = host->first_addr; i < host->first_addr + host->n_addrs; i++)
		if (sw_addrs(sw->page)[i].iface == iface && memcmp(sw_addrs(sw->page)[i].ip, address, 16) == 0)
			return true;
	return false;
}

bool sw_iface_of(const struct sw *sw, uint16_t host, uint16_t ifindex, const uint8_t ip[16], uint32_t *iface)
{
	const struct sw_host *h = &sw_hosts(sw->page)[host];
	uint8_t any[16];

	for (uint32_t i = h->first_iface; i < h->first_iface + h->n_ifaces; i++) {
		const struct sw_iface *one = &sw_ifaces(sw->page)[i];

		*iface = i;
		if (ifindex && one->ifindex == ifindex)
			return true;
		/* As if every host had a route for groups on the first of its interfaces. */
		if (!ifindex && !is_loopback(sw, i) && (one->flags & SW_IF_UP) && sw_iface_address(sw, i, ip, any) &&
		    (sw_ip_is_group(ip) || sw_is_broadcast(sw, i, ip)))
			return true;
	}
	return false;
}
