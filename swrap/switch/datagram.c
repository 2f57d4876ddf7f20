/* One datagram on its way: over the interfaces that it crosses, past the rules, to one host or to all of a segment. */
#include <errno.h>
#include <string.h>

#include "twin.h"

/* tracked() - The state of the conversation that @p is of: it is new until the other end has answered. */
static uint32_t tracked(struct sw *sw, const struct sw_parcel *p, uint16_t host)
{
	const struct sw_twin *o = sw_port_find(sw, host, &p->source, &p->to);

	return o && o->talk.host == p->from->host && memcmp(&o->talk.to, &p->source, sizeof(p->source)) == 0
		       ? SW_ESTABLISHED
		       : SW_NEW;
}

/* judge() - What becomes of it on its way to @host, over the path that stands in the packet? As sw_judge(). */
static int judge(struct sw *sw, const struct sw_parcel *p, uint16_t host, struct sw_verdict *verdict)
{
	struct sw_packet *packet = &sw->twins->packet;

	packet->host[0] = p->from->host;
	packet->host[1] = host;
	packet->end[0] = p->source;
	packet->end[1] = p->to;
	packet->state = sw->n_rules > 0 ? tracked(sw, p, host) : SW_NEW;
	return sw_judge(sw, packet, verdict);
}

/* passes() - Does it get there? It is counted then. */
static bool passes(struct sw *sw, const struct sw_parcel *p, uint16_t host, uint32_t first_hop)
{
	const struct sw_path *path = &sw->twins->packet.path;
	struct sw_verdict verdict;

	return judge(sw, p, host, &verdict) == 0 &&
	       sw_shape_pass(sw, path->hop + first_hop, path->n - first_hop, p->size);
}

/* unreachable() - Nobody listens on @owner: the sender hears of it if it is connected, and if there is a way back. */
static void unreachable(struct sw *sw, const struct sw_parcel *p, uint16_t owner)
{
	struct sw_dgram word = {.magic = SW_DGRAM_MAGIC, .kind = SW_DGRAM_UNREACHABLE, .to = p->to};
	struct sw_packet back = {
		.state = SW_ESTABLISHED, .host = {owner, p->from->host}, .end = {p->to, p->source}};
	struct sw_verdict verdict;
	struct sw_twin *t = p->from;
	uint16_t to;

	if (!t->connected || memcmp(&t->peer, &p->to, sizeof(p->to)) != 0)
		return;
	if (sw_path_to(sw, owner, p->source.ip, &to, &back.path) == 0 && to == t->host &&
	    sw_judge(sw, &back, &verdict) == 0)
		sw_twin_tell(t, &word);
}

static void to_one(struct sw *sw, struct sw_parcel *p)
{
	struct sw_path *path = &sw->twins->packet.path;
	struct sw_verdict verdict;
	struct sw_twin *t;
	uint32_t routers, iface;
	uint16_t owner;
	int fate;

	if (sw_path_to(sw, p->from->host, p->to.ip, &owner, path) < 0)
		return;
	if (owner != p->from->host && sw_ip_is_loopback(p->source.ip))
		return;
	p->from->talk.host = owner;
	p->from->talk.source = p->source;
	p->from->talk.to = p->to;
	routers = path->n / 2 - 1;
	if (p->ttl <= routers)
		return;
	fate = judge(sw, p, owner, &verdict);
	if (fate == -ECONNREFUSED)
		unreachable(sw, p, owner);
	if (fate < 0 || !sw_shape_pass(sw, path->hop, path->n, p->size))
		return;
	p->ttl -= (uint8_t)routers;
	t = sw_port_find(sw, owner, &p->source, &p->to);
	if (t && sw_owner(sw->page, owner, p->to.ip, &owner, &iface) == 0)
		sw_deliver_one(sw, p, t, iface); /* from the host to itself too, the interface told is the address's */
	else
		unreachable(sw, p, owner);
}

/* to_many() - To the own host at once, and to all others on the segment that listen. */
static void to_many(struct sw *sw, const struct sw_parcel *p)
{
	struct sw_path *path = &sw->twins->packet.path;
	const struct sw_page *page = sw->page;
	bool group = sw_ip_is_group(p->to.ip), lo = sw_ifaces(page)[p->iface].flags & SW_IF_LOOPBACK;
	struct sw_hop out = {.iface = p->iface, .dir = SW_TX};

	/* On lo it comes back in any case. */
	if (!group || ((!p->no_loop || lo) && sw_membership_host(sw, p->from->host, p->to.ip, p->iface)))
		sw_deliver_all(sw, p, p->from->host, p->iface);
	if (p->ttl == 0 || lo || !sw_shape_pass(sw, &out, 1, p->size))
		return;
	for (uint32_t i = 0; i < page->n_ifaces; i++) {
		uint16_t host = sw_ifaces(page)[i].host;

		if (sw->twins->segment[i] != sw->twins->segment[p->iface] || host == p->from->host)
			continue;
		if (group ? !sw_membership_host(sw, host, p->to.ip, i) : !sw_is_broadcast(sw, i, p->to.ip))
			continue;
		path->hop[0] = out;
		path->hop[1] = (struct sw_hop){.iface = i, .dir = SW_RX};
		path->n = 2;
		if (passes(sw, p, host, 1))
			sw_deliver_all(sw, p, host, i);
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
	struct sw_parcel p = {.from = t, .size = size, .no_loop = head->flags & SW_DGRAM_NO_LOOP};
	bool allowed = to_peer ? t->to_broadcast : head->flags & SW_DGRAM_BROADCAST;

	p.to = to_peer ? t->peer : head->to;
	v4 = sw_ip_is_v4(p.to.ip);
	if (!t->bound || (to_peer && !t->connected) || p.to.port == 0 || (t->v6 ? v4 && t->v6only : !v4) ||
	    size > (v4 ? SW_DGRAM_MOST : SW_DGRAM_MOST6) ||
	    !sw_source_choose(sw, t, head->ifindex, &head->from, &p.to, &p.source, &p.iface))
		return;
	p.ttl = life(t, head, p.to.ip);
	p.tos = head->flags & SW_DGRAM_TOS ? head->tos : (uint8_t)t->options[v4 ? SW_OPTION_TOS : SW_OPTION_TCLASS];
	if (sw_ip_is_group(p.to.ip) || (allowed && sw_is_broadcast(sw, p.iface, p.to.ip)))
		to_many(sw, &p);
	else
		to_one(sw, &p);
}
