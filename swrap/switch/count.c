/* Packets that interfaces carried and lost. A stream's bytes count as the fullest segments that they fit into. */
#include "packet.h"
#include "switch.h"

uint64_t sw_count_packets(const struct sw *sw, const struct sw_hop *hop, uint64_t bytes)
{
	static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff};
	uint32_t mss = sw_mss(v4, sw_ifaces(sw->page)[hop->iface].mtu);

	return bytes <= mss ? 1 : (bytes + mss - 1) / mss;
}

/* place() - Where a packet on this path gets lost: at the first interface without carrier, or where it is sent. */
static const struct sw_hop *place(const struct sw *sw, const struct sw_path *path)
{
	for (uint32_t i = 0; i < path->n; i++) {
		uint32_t flags = sw_ifaces(sw->page)[path->hop[i].iface].flags;

		if (!(flags & (SW_IF_LOOPBACK | SW_IF_RUNNING)))
			return &path->hop[i];
	}
	return &path->hop[0];
}

uint64_t sw_count_lost(struct sw *sw, const struct sw_path *path, uint64_t bytes)
{
	const struct sw_hop *hop = place(sw, path);
	uint64_t packets;

	if (path->n == 0)
		return 0;
	packets = sw_count_packets(sw, hop, bytes);
	sw->buckets[hop->iface * 2 + hop->dir].count.lost += packets;
	return packets;
}

void sw_iface_counts(const struct sw *sw, uint32_t iface, struct sw_count *tx, struct sw_count *rx)
{
	*tx = sw->buckets[iface * 2 + SW_TX].count;
	*rx = sw->buckets[iface * 2 + SW_RX].count;
}
