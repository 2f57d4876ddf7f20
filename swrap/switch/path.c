/* Which interfaces a flow crosses, and whether a packet of it would arrive. */
#include <errno.h>

#include "switch.h"

/* find_one() - From @host to @ip, which @owner answers for on @far. */
static int find_one(const struct sw_page *p, uint16_t host, const uint8_t ip[16], uint32_t far, struct sw_path *path)
{
	uint8_t src[16];
	uint32_t near;
	int r = sw_route(p, host, ip, src, &near);

	path->n = 0;
	if (r < 0)
		return r;
	if (sw_ifaces(p)[near].flags & SW_IF_LOOPBACK)
		far = near;
	path->hop[path->n++] = (struct sw_hop){.iface = near, .dir = SW_TX};
	path->hop[path->n++] = (struct sw_hop){.iface = far, .dir = SW_RX};
	return 0;
}

/**
 * sw_path_find() - Who answers for the flow's server address, and the interfaces on the way there and back
 *
 * Return: 0; -EHOSTUNREACH where nobody has the address, which is silence to a SYN; -ENETUNREACH where the client's
 * host has no route, which its own kernel would have said at once.
 */
int sw_path_find(const struct sw *sw, struct sw_flow *f)
{
	const struct sw_page *p = sw->page;
	uint32_t server_iface, client_iface;
	uint16_t owner;
	int r = find_one(p, f->host[0], f->end[1].ip, 0, &f->half[0].path);

	f->routed = false;
	if (r < 0)
		return r;
	if (sw_owner(p, f->host[0], f->end[1].ip, &f->host[1], &server_iface) < 0 ||
	    /* Asked from the server: to itself, the client's host would be lo. */
	    sw_owner(p, f->host[1], f->end[0].ip, &owner, &client_iface) < 0 || owner != f->host[0])
		return -EHOSTUNREACH;
	find_one(p, f->host[0], f->end[1].ip, server_iface, &f->half[0].path);
	/* Where the server has no way back its answer is lost, and so is the SYN to its sender. */
	if (find_one(p, f->host[1], f->end[0].ip, client_iface, &f->half[1].path) < 0)
		return -EHOSTUNREACH;
	f->routed = true;
	return 0;
}

/* sw_path_dead() - Why no packet of direction @dir arrives: -ENETDOWN (no carrier), -EPERM (a rule), or 0: it does. */
int sw_path_dead(const struct sw *sw, struct sw_flow *f, int dir)
{
	const struct sw_path *path = &f->half[dir].path;

	for (uint32_t i = 0; i < path->n; i++) {
		uint32_t flags = sw_ifaces(sw->page)[path->hop[i].iface].flags;

		if (!(flags & SW_IF_LOOPBACK) && (flags & (SW_IF_UP | SW_IF_RUNNING)) != (SW_IF_UP | SW_IF_RUNNING))
			return -ENETDOWN;
	}
	return sw_rules_drop(sw, f, dir) ? -EPERM : 0;
}
