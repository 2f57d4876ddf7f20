/* Where a datagram goes out, and which address it comes from. */
#include <string.h>

#include "twin.h"

static bool is_given(const uint8_t ip[16])
{
	return !sw_ip_is_any(ip) && !sw_ip_is_group(ip);
}

/* iface_with() - The interface of @host that has @address; false for broadcast addresses, which none has. */
static bool iface_with(const struct sw *sw, uint16_t host, const uint8_t address[16], uint32_t *iface)
{
	const struct sw_host *h = &sw_hosts(sw->page)[host];

	for (*iface = h->first_iface; *iface < h->first_iface + h->n_ifaces; (*iface)++)
		if (sw_iface_has(sw, *iface, address))
			return true;
	return false;
}

/* for_many() - The way out for a group or a broadcast address: by what was said, by the source, by the first that fits. */
static bool for_many(const struct sw *sw, const struct sw_twin *t, uint16_t ifindex, const struct sw_endpoint *to,
		     struct sw_endpoint *source, uint32_t *iface)
{
	bool group = sw_ip_is_group(to->ip), v4 = sw_ip_is_v4(to->ip);

	if (!ifindex && group)
		ifindex = (uint16_t)t->options[v4 ? SW_OPTION_GROUP_IF : SW_OPTION_GROUP_IF6];
	if (ifindex ? !sw_iface_of(sw, t->host, ifindex, to->ip, iface)
		    : !(is_given(source->ip) && iface_with(sw, t->host, source->ip, iface)) &&
			      !sw_iface_of(sw, t->host, 0, to->ip, iface))
		return false;
	if (!is_given(source->ip) && v4 && group && t->options[SW_OPTION_GROUP_ADDR] &&
	    t->options[SW_OPTION_GROUP_IF] == sw_ifaces(sw->page)[*iface].ifindex) {
		memset(source->ip, 0, 10);
		memset(source->ip + 10, 0xff, 2);
		memcpy(source->ip + 12, &t->options[SW_OPTION_GROUP_ADDR], 4);
	}
	return is_given(source->ip) || sw_iface_address(sw, *iface, to->ip, source->ip);
}

/**
 * sw_source_choose() - Which address a datagram to @to comes from, and for a group or broadcast where it leaves
 * @asked: what the program asked for with IP_PKTINFO, or the unspecified address; the port is @t's in any case
 *
 * Return: false where there is no way, or where the program asks for an address that is not its host's.
 */
bool sw_source_choose(const struct sw *sw, const struct sw_twin *t, uint16_t ifindex, const struct sw_endpoint *asked,
		      const struct sw_endpoint *to, struct sw_endpoint *source, uint32_t *iface)
{
	const uint8_t *own = t->connected ? t->local.ip : t->own.ip;
	const struct sw_host *host = &sw_hosts(sw->page)[t->host];
	bool many = sw_ip_is_group(to->ip);

	*source = t->own;
	for (uint32_t i = host->first_iface; !many && i < host->first_iface + host->n_ifaces; i++)
		many = sw_is_broadcast(sw, i, to->ip);
	if (is_given(asked->ip))
		memcpy(source->ip, asked->ip, 16);
	else if (is_given(own) && sw_addr_has(sw->page, t->host, own))
		memcpy(source->ip, own, 16);
	else
		memset(source->ip, 0, 16);
	if (many) {
		if (!for_many(sw, t, ifindex, to, source, iface))
			return false;
	} else if (sw_ip_is_any(source->ip)) {
		if (sw_route(sw->page, t->host, ifindex, to->ip, source->ip, iface) < 0)
			return false;
	}
	return sw_ip_is_v4(source->ip) == sw_ip_is_v4(to->ip) && sw_addr_has(sw->page, t->host, source->ip);
}
