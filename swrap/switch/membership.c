/* Multicast groups: which sockets are members, and so which hosts. */
#include <errno.h>
#include <string.h>

#include "twin.h"

bool sw_membership_has(const struct sw_twin *t, const uint8_t ip[16], uint32_t iface)
{
	for (uint32_t i = 0; i < t->n_memberships; i++)
		if (t->memberships[i].iface == iface && memcmp(t->memberships[i].ip, ip, 16) == 0)
			return true;
	return false;
}

/* sw_membership_join() - 0 or an errno, as IP_ADD_MEMBERSHIP gives it. */
int sw_membership_join(struct sw *sw, struct sw_twin *t, const uint8_t ip[16], uint16_t ifindex)
{
	struct sw_membership *m = &t->memberships[t->n_memberships];
	uint32_t iface;

	if (!sw_ip_is_group(ip))
		return EINVAL;
	if (!sw_iface_of(sw, t->host, ifindex, ip, &iface))
		return ENODEV;
	if (sw_membership_has(t, ip, iface))
		return EADDRINUSE;
	if (t->n_memberships == SW_MEMBERSHIPS)
		return ENOBUFS;
	m->iface = iface;
	memcpy(m->ip, ip, sizeof(m->ip));
	t->n_memberships++;
	return 0;
}

/* sw_membership_leave() - 0 or an errno; without an interface, the group that was joined first. */
int sw_membership_leave(struct sw *sw, struct sw_twin *t, const uint8_t ip[16], uint16_t ifindex)
{
	for (uint32_t i = 0; i < t->n_memberships; i++) {
		struct sw_membership *m = &t->memberships[i];

		if (memcmp(m->ip, ip, 16) != 0 || (ifindex && sw_ifaces(sw->page)[m->iface].ifindex != ifindex))
			continue;
		memmove(m, m + 1, (t->n_memberships - i - 1) * sizeof(*m));
		t->n_memberships--;
		return 0;
	}
	return EADDRNOTAVAIL;
}

/* is_all_hosts() - 224.0.0.1, ff01::1 and ff02::1, which nobody has to join. */
static bool is_all_hosts(const uint8_t ip[16])
{
	static const uint8_t v4[4] = {224, 0, 0, 1}, v6[13] = {[12] = 0};

	if (sw_ip_is_v4(ip))
		return memcmp(ip + 12, v4, 4) == 0;
	return ip[0] == 0xff && (ip[1] == 1 || ip[1] == 2) && memcmp(ip + 2, v6, 13) == 0 && ip[15] == 1;
}

bool sw_membership_host(const struct sw *sw, uint16_t host, const uint8_t ip[16], uint32_t iface)
{
	if (is_all_hosts(ip))
		return true;
	for (uint32_t i = 0; i < sw->twins->n_slots; i++) {
		const struct sw_twin *t = sw->twins->slots[i];

		if (t->fd >= 0 && t->host == host && sw_membership_has(t, ip, iface))
			return true;
	}
	return false;
}
