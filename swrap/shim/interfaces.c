/* The host's interfaces, as the lab's page has them at this moment: getifaddrs(3), if_nametoindex(3) and their kin. */
#include "shim.h"

#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "real.h"

bool sw_iface_at(uint32_t n, struct sw_iface *iface)
{
	const struct sw_page *page = sw_lab();
	const struct sw_host *host = &sw_hosts(page)[sw_self()];
	uint32_t seq;

	if (n >= host->n_ifaces)
		return false;
	do {
		seq = sw_page_begin(page);
		*iface = sw_ifaces(page)[host->first_iface + n];
	} while (sw_page_retry(page, seq));
	return true;
}

uint16_t sw_link_at(uint32_t ifindex)
{
	struct sw_iface iface;

	return ifindex && sw_iface_at(ifindex - 1, &iface) ? iface.link : 0;
}

uint16_t sw_link_first(void)
{
	struct sw_iface iface;
	struct sw_addr addr;

	for (uint32_t i = 0; sw_iface_addr(i, &addr, &iface); i++)
		if (sw_ip_is_link_local(addr.ip))
			return sw_ip_link(addr.ip);
	return 0;
}

uint16_t sw_link_ifindex(uint16_t link)
{
	struct sw_iface iface;

	for (uint32_t i = 0; link && sw_iface_at(i, &iface); i++)
		if (iface.link == link)
			return iface.ifindex;
	return 0;
}

bool sw_iface_named(const char *name, struct sw_iface *iface)
{
	for (uint32_t i = 0; sw_iface_at(i, iface); i++)
		if (strncmp(iface->name, name, SW_IFACE_NAME) == 0)
			return true;
	return false;
}

bool sw_iface_addr(uint32_t n, struct sw_addr *addr, struct sw_iface *iface)
{
	const struct sw_page *page = sw_lab();
	const struct sw_host *host = &sw_hosts(page)[sw_self()];
	uint32_t seq;
	bool found;

	do {
		seq = sw_page_begin(page);
		found = n < host->n_addrs;
		if (found) {
			*addr = sw_addrs(page)[host->first_addr + n];
			*iface = sw_ifaces(page)[addr->iface];
		}
	} while (sw_page_retry(page, seq));
	return found;
}

unsigned int sw_iface_iff(const struct sw_iface *iface)
{
	unsigned int flags = iface->flags & SW_IF_LOOPBACK ? IFF_LOOPBACK : IFF_BROADCAST | IFF_MULTICAST;

	if (iface->flags & SW_IF_UP)
		flags |= IFF_UP;
	if ((iface->flags & SW_IF_UP) && (iface->flags & SW_IF_RUNNING))
		flags |= IFF_RUNNING;
	return flags;
}

void sw_prefix_mask(const struct sw_addr *addr, struct sw_endpoint *mask)
{
	unsigned int bits = addr->v6 ? addr->prefix : 96u + addr->prefix;

	memset(mask, 0, sizeof(*mask));
	memset(mask->ip, 0xff, bits / 8);
	if (bits % 8)
		mask->ip[bits / 8] = (uint8_t)(0xff00 >> bits % 8);
}

/* One entry of a list, with all that it points to. The list is one block, so freeifaddrs(3) is free(3). */
struct entry {
	struct ifaddrs head;
	char name[SW_IFACE_NAME];
	struct sockaddr_storage addr, mask, broadcast;
	struct rtnl_link_stats stats;
};

static void begin_entry(struct entry *e, const struct sw_iface *iface)
{
	memset(e, 0, sizeof(*e));
	memcpy(e->name, iface->name, sizeof(e->name));
	e->head.ifa_name = e->name;
	e->head.ifa_flags = sw_iface_iff(iface);
	e->head.ifa_addr = (struct sockaddr *)&e->addr;
}

static void link_entry(struct entry *e, const struct sw_iface *iface)
{
	struct sockaddr_ll *ll = (struct sockaddr_ll *)&e->addr;
	struct sockaddr_ll *broadcast = (struct sockaddr_ll *)&e->broadcast;

	begin_entry(e, iface);
	ll->sll_family = AF_PACKET;
	ll->sll_ifindex = iface->ifindex;
	ll->sll_hatype = iface->flags & SW_IF_LOOPBACK ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
	ll->sll_halen = sizeof(iface->mac);
	memcpy(ll->sll_addr, iface->mac, sizeof(iface->mac));
	*broadcast = *ll;
	memset(broadcast->sll_addr, iface->flags & SW_IF_LOOPBACK ? 0 : 0xff, sizeof(iface->mac));
	e->head.ifa_broadaddr = (struct sockaddr *)broadcast;
	e->head.ifa_data = &e->stats;
}

static void address_entry(struct entry *e, const struct sw_addr *addr, const struct sw_iface *iface)
{
	uint64_t tag = addr->v6 ? SW_TAG_V6 : 0;
	struct sw_endpoint ep = {0}, mask;
	socklen_t len = sizeof(e->addr);

	begin_entry(e, iface);
	memcpy(ep.ip, addr->ip, sizeof(ep.ip));
	sw_endpoint_write(tag, &ep, (struct sockaddr *)&e->addr, &len);
	sw_prefix_mask(addr, &mask);
	len = sizeof(e->mask);
	sw_endpoint_write(tag, &mask, (struct sockaddr *)&e->mask, &len);
	e->head.ifa_netmask = (struct sockaddr *)&e->mask;
	if (addr->v6 || (iface->flags & SW_IF_LOOPBACK))
		return;
	for (int i = 12; i < 16; i++)
		ep.ip[i] |= (uint8_t)~mask.ip[i];
	len = sizeof(e->broadcast);
	sw_endpoint_write(tag, &ep, (struct sockaddr *)&e->broadcast, &len);
	e->head.ifa_broadaddr = (struct sockaddr *)&e->broadcast;
}

SW_EXPORT int getifaddrs(struct ifaddrs **list)
{
	const struct sw_host *host;
	struct entry *entries;
	struct sw_iface iface;
	struct sw_addr addr;
	size_t n = 0, room;

	if (!sw_lab_at_hand())
		return sw_real(getifaddrs)(list);
	host = &sw_hosts(sw_lab())[sw_self()];
	room = host->n_ifaces + host->n_addrs; /* one that comes meanwhile is not told */
	entries = malloc(room * sizeof(*entries));
	if (!entries)
		return -1;
	for (uint32_t i = 0; sw_iface_at(i, &iface); i++)
		link_entry(&entries[n++], &iface);
	for (uint32_t i = 0; n < room && sw_iface_addr(i, &addr, &iface); i++)
		address_entry(&entries[n++], &addr, &iface);
	for (size_t i = 0; i + 1 < n; i++)
		entries[i].head.ifa_next = &entries[i + 1].head;
	*list = &entries[0].head;
	return 0;
}

SW_EXPORT void freeifaddrs(struct ifaddrs *list)
{
	if (!sw_lab_at_hand())
		sw_real(freeifaddrs)(list);
	else
		free(list);
}

SW_EXPORT unsigned int if_nametoindex(const char *name)
{
	struct sw_iface iface;

	if (!sw_lab_at_hand())
		return sw_real(if_nametoindex)(name);
	if (sw_iface_named(name, &iface))
		return iface.ifindex;
	errno = ENODEV;
	return 0;
}

SW_EXPORT char *if_indextoname(unsigned int index, char name[IF_NAMESIZE])
{
	struct sw_iface iface;

	if (!sw_lab_at_hand())
		return sw_real(if_indextoname)(index, name);
	for (uint32_t i = 0; sw_iface_at(i, &iface); i++)
		if (iface.ifindex == index)
			return memcpy(name, iface.name, IF_NAMESIZE);
	errno = ENXIO;
	return NULL;
}

SW_EXPORT struct if_nameindex *if_nameindex(void)
{
	struct if_nameindex *list;
	struct sw_iface iface;
	uint32_t n;
	char *names;

	if (!sw_lab_at_hand())
		return sw_real(if_nameindex)();
	n = sw_hosts(sw_lab())[sw_self()].n_ifaces;
	list = calloc(n + 1, sizeof(*list) + IF_NAMESIZE);
	if (!list) {
		errno = ENOBUFS;
		return NULL;
	}
	names = (char *)(list + n + 1);
	for (uint32_t i = 0; sw_iface_at(i, &iface); i++, names += IF_NAMESIZE) {
		memcpy(names, iface.name, IF_NAMESIZE);
		list[i] = (struct if_nameindex){.if_index = iface.ifindex, .if_name = names};
	}
	return list;
}

SW_EXPORT void if_freenameindex(struct if_nameindex *list)
{
	if (!sw_lab_at_hand())
		sw_real(if_freenameindex)(list);
	else
		free(list);
}
