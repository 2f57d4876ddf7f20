/* What loss does to a stream: the time of its retransmissions. */
#include "line.h"

#define TRIES 15 /* as net.ipv4.tcp_retries2 */
#define SYN_RTO SW_NS

uint64_t sw_lost(const struct sw *sw, uint64_t key, uint64_t n, uint64_t loss, uint64_t rto)
{
	uint64_t late = 0;

	for (int i = 0; i < TRIES && sw_draw(sw->seed, SW_DRAW_LOSS, key, n * TRIES + (uint64_t)i) < loss; i++) {
		late += rto;
		rto *= 2;
	}
	return late;
}

uint64_t sw_line_syn(const struct sw *sw, const struct sw_flow *f, const struct sw_verdict v[2])
{
	uint64_t rtt = v[0].delay_ns + v[1].delay_ns, late = 0;

	for (uint64_t dir = 0; dir < 2; dir++)
		if (v[dir].loss > 0 || v[dir].corrupt > 0)
			late += sw_lost(sw, f->id * 2 + dir, UINT32_MAX, sw_loss_of(&v[dir]), SYN_RTO);
	return rtt + late;
}

uint64_t sw_loss_of(const struct sw_verdict *v)
{
	return sw_either(v->loss, v->corrupt);
}
