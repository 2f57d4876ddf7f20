/* One datagram on its way: over the interfaces that it crosses, past the rules, to one host or to all of a segment. */
#include "twin.h"

static void to_one(struct sw *sw, const struct sw_parcel *p)
{
	struct sw_way way = {.parcel = *p};
	struct sw_path *path = &way.packet.path;
	uint32_t routers;
	uint16_t owner;

	if (sw_path_to(sw, p->from->host, p->by, p->to.ip, &owner, &way.iface, path) < 0)
		return;
	if (owner != p->from->host && sw_ip_is_loopback(p->source.ip))
		return;
	p->from->talk.host = owner;
	p->from->talk.arrival = sw_ifaces(sw->page)[way.iface].ifindex;
	p->from->talk.source = p->source;
	p->from->talk.to = p->to;
	routers = path->n / 2 - 1;
	if (p->ttl <= routers)
		return;
	way.parcel.ttl -= (uint8_t)routers;
	way.packet.host[1] = owner;
	sw_way_start(sw, &way);
}

/* to_many() - To the own host at once, and to all others on the segment that listen. */
static void to_many(struct sw *sw, const struct sw_parcel *p)
{
	const struct sw_page *page = sw->page;
	bool group = sw_ip_is_group(p->to.ip), lo = sw_ifaces(page)[p->iface].flags & SW_IF_LOOPBACK;
	struct sw_hop out = {.iface = p->iface, .dir = SW_TX};

	if (sw->capture) {
		struct sw_packet packet = {.host = {p->from->host, SW_NO_HOST},
					   .end = {p->source, p->to},
					   .state = SW_NEW,
					   .path = {.n = 1, .hop = {out}}};

		sw_tap_datagram(sw, p, &packet, 0);
	}
	/* On lo it comes back in any case. */
	if (!group || ((!p->no_loop || lo) && sw_membership_host(sw, p->from->host, p->to.ip, p->iface)))
		sw_deliver_all(sw, p, p->from->host, p->iface);
	if (p->ttl == 0 || lo || !sw_shape_pass(sw, &out, 1, p->size))
		return;
	for (uint32_t i = 0; i < page->n_ifaces; i++) {
		struct sw_way way = {.parcel = *p, .iface = i, .first_hop = 1, .many = true};
		uint16_t host = sw_ifaces(page)[i].host;

		if (sw->twins->segment[i] != sw->twins->segment[p->iface] || host == p->from->host)
			continue;
		if (group ? !sw_membership_host(sw, host, p->to.ip, i) : !sw_is_broadcast(sw, i, p->to.ip))
			continue;
		way.packet.host[1] = host;
		way.packet.path = (struct sw_path){.n = 2, .hop = {out, {.iface = i, .dir = SW_RX}}};
		sw_way_start(sw, &way);
	}
}

/* life() - The ttl: this datagram's own, or its socket's. */
static uint8_t life(const struct sw_twin *t, const struct sw_dgram *head, const uint8_t ip[16])
{
	bool v4 = sw_ip_is_v4(ip);

	if (head->flags & SW_DGRAM_TTL)
		return head->ttl;
	if (sw_ip_is_group(ip))
		return (uint8_t)t->options[v4 ? SW_OPTION_GROUP_TTL : SW_OPTION_GROUP_HOPS];
	return (uint8_t)t->options[v4 ? SW_OPTION_TTL : SW_OPTION_HOPS];
}

/* sw_datagram() - @t's program sent what is in the buffer. What cannot be, since our shim would have refused it, is lost. */
void sw_datagram(struct sw *sw, struct sw_twin *t, const struct sw_dgram *head, uint32_t size)
{
	bool to_peer = head->flags & SW_DGRAM_TO_PEER, v4;
	uint16_t by = head->ifindex || !to_peer ? head->ifindex : t->by;
	struct sw_parcel p = {.from = t,
			      .size = size,
			      .no_loop = head->flags & SW_DGRAM_NO_LOOP,
			      .by = by,
			      .key = t->serial | 1ull << 63,
			      .n = t->sent++};
	bool allowed = to_peer ? t->to_broadcast : head->flags & SW_DGRAM_BROADCAST;

	p.to = to_peer ? t->peer : head->to;
	v4 = sw_ip_is_v4(p.to.ip);
	if (!t->bound || (to_peer && !t->connected) || p.to.port == 0 || (t->v6 ? v4 && t->v6only : !v4) ||
	    size > (v4 ? SW_DGRAM_MOST : SW_DGRAM_MOST6) ||
	    !sw_source_choose(sw, t, by, &head->from, &p.to, &p.source, &p.iface))
		return;
	p.ttl = life(t, head, p.to.ip);
	p.tos = head->flags & SW_DGRAM_TOS ? head->tos : (uint8_t)t->options[v4 ? SW_OPTION_TOS : SW_OPTION_TCLASS];
	if (sw_ip_is_group(p.to.ip) || (allowed && sw_is_broadcast(sw, p.iface, p.to.ip)))
		to_many(sw, &p);
	else
		to_one(sw, &p);
}
