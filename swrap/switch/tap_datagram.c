/* Datagrams as a wire carries them, in fragments where they are longer than its mtu. */
#include <string.h>

#include "capture.h"

#define ETHERNET 14u

/* to_group() - The MAC address of a group or of everybody (RFC 1112, 6.4; RFC 2464, 7). */
static void to_group(const uint8_t ip[16], uint8_t mac[6])
{
	static const uint8_t v4[3] = {0x01, 0x00, 0x5e}, v6[2] = {0x33, 0x33};

	if (!sw_ip_is_group(ip)) {
		memset(mac, 0xff, 6);
	} else if (sw_ip_is_v4(ip)) {
		memcpy(mac, v4, 3);
		memcpy(mac + 3, ip + 13, 3);
		mac[3] &= 0x7f;
	} else {
		memcpy(mac, v6, 2);
		memcpy(mac + 2, ip + 12, 4);
	}
}

void sw_tap_datagram(struct sw *sw, const struct sw_parcel *p, const struct sw_packet *packet, int fate)
{
	uint32_t at = 0, iface = packet->path.hop[0].iface, mtu = sw_ifaces(sw->page)[iface].mtu;
	char words[SW_PCAPNG_COMMENT];
	struct sw_packet_route route;
	const char *said;

	if (!sw_captured(sw, packet))
		return;
	said = sw_capture_lost(sw, packet, fate, words, sizeof(words));
	sw_capture_route(sw, packet, &route);
	route.ttl = (uint8_t)(p->ttl + (packet->path.n > 2 ? packet->path.n / 2 - 1 : 0)); /* as it was before its routers */
	route.tos = p->tos;
	if (packet->host[1] == SW_NO_HOST)
		to_group(p->to.ip, route.to_mac);
	sw->capture->id++;
	do {
		uint8_t *room = sw_capture_room(sw, ETHERNET + mtu);

		if (!room)
			return; /* a datagram is no better than its worst fragment */
		sw_capture_frame(sw, room, sw_udp_packet(room, &route, sw->twins->payload, p->size, mtu, &at), iface, said);
	} while (at > 0);
}
