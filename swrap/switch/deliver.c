/* Into the receivers' buffers: who has no room loses it. */
#include <sys/socket.h>
#include <sys/uio.h>

#include "twin.h"

/* sw_deliver_one() - To @t, having come in on @iface. False: it had no room. */
bool sw_deliver_one(struct sw *sw, const struct sw_parcel *p, struct sw_twin *t, uint32_t iface)
{
	struct sw_dgram head = {
		.magic = SW_DGRAM_MAGIC,
		.kind = SW_DGRAM_DATA,
		.ttl = p->ttl,
		.tos = p->tos,
		.ifindex = sw_ifaces(sw->page)[iface].ifindex,
		.from = p->source,
		.to = p->to,
	};
	struct iovec iov[2] = {{&head, sizeof(head)}, {sw->twins->payload, p->size}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	return sendmsg(t->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* wants() - Does @t take what goes to a group that others on its host may have joined (IP_MULTICAST_ALL)? */
static bool wants(const struct sw_twin *t, const uint8_t ip[16], uint32_t iface)
{
	if (!sw_ip_is_group(ip) || t->options[sw_ip_is_v4(ip) ? SW_OPTION_GROUP_ALL : SW_OPTION_GROUP_ALL6])
		return true;
	return sw_membership_has(t, ip, iface);
}

/* sw_deliver_all() - To all sockets of @host that it is for: groups and broadcasts. */
void sw_deliver_all(struct sw *sw, const struct sw_parcel *p, uint16_t host, uint32_t iface)
{
	struct sw_list *head = &sw->twins->by_port[p->to.port % SW_PORTS];

	for (struct sw_list *l = head->next; l != head; l = l->next) {
		struct sw_twin *t = sw_container(l, struct sw_twin, by_port);

		if (t->host == host && sw_port_hears(t, &p->source, &p->to, sw_ifaces(sw->page)[iface].ifindex) &&
		    wants(t, p->to.ip, iface))
			sw_deliver_one(sw, p, t, iface);
	}
}
