/* Matching: which directions of which flows a rule or a fault speaks of. Pure: no clock, no sockets. */
#include <string.h>

#include "switch.h"

/* any_end() - Does a field that is no anchor hold at either end of the packet? */
static bool any_end(const struct sw_match *m, const struct sw_flow *f)
{
	bool ip[2] = {true, true};

	for (int i = 0; i < 2; i++) {
		if (m->has_ip && memcmp(m->ip, f->end[i].ip, 16) != 0)
			ip[i] = false;
	}
	if (!ip[0] && !ip[1])
		return false;
	if (m->port != SW_ANY && m->port != f->end[0].port && m->port != f->end[1].port)
		return false;
	if (m->host != SW_ANY && m->host != f->host[0] && m->host != f->host[1])
		return false;
	if (m->between[0] != SW_ANY && !(m->between[0] == f->host[0] && m->between[1] == f->host[1]) &&
	    !(m->between[0] == f->host[1] && m->between[1] == f->host[0]))
		return false;
	return true;
}

static bool crosses(const struct sw_path *path, uint32_t iface, uint32_t dir)
{
	for (uint32_t i = 0; i < path->n; i++)
		if (path->hop[i].iface == iface && path->hop[i].dir == dir)
			return true;
	return false;
}

/* at_end() - Is the anchor at the end @side of the flow (for an interface: does the packet pass it that way)? */
static bool at_end(const struct sw_match *m, const struct sw_flow *f, int dir, int side)
{
	if (m->iface != SW_ANY)
		return crosses(&f->half[dir].path, (uint32_t)m->iface, side == dir ? SW_TX : SW_RX);
	if (m->host != SW_ANY)
		return m->host == f->host[side];
	if (m->has_ip)
		return memcmp(m->ip, f->end[side].ip, 16) == 0;
	if (m->port != SW_ANY)
		return m->port == f->end[side].port;
	if (m->between[0] != SW_ANY) {
		/* Out: from the first to the second. */
		return side == dir ? m->between[0] == f->host[dir] && m->between[1] == f->host[!dir]
				   : m->between[0] == f->host[!dir] && m->between[1] == f->host[dir];
	}
	return true;
}

/* sw_match_half() - Is a packet of @f in direction @dir one that @m means? */
bool sw_match_half(const struct sw_match *m, const struct sw_flow *f, int dir)
{
	if (!any_end(m, f))
		return false;
	return ((m->directions & SW_OUT) && at_end(m, f, dir, dir)) ||
	       ((m->directions & SW_IN) && at_end(m, f, dir, !dir));
}

bool sw_rules_drop(const struct sw *sw, const struct sw_flow *f, int dir)
{
	for (uint32_t i = 0; i < sw->n_rules; i++)
		if (sw_match_half(&sw->rules[i].match, f, dir))
			return true;
	return false;
}
