/* What the control side may read: flows. */
#include "switch.h"

struct question {
	uint32_t slot;
	struct sw_info *info;
	int found;
};

static void look(struct sw *sw, void *argument)
{
	struct question *q = argument;
	struct sw_flow *f = sw_flow_here(sw, q->slot);
	struct sw_info *info = q->info;

	if (!f)
		return;
	q->found = 1;
	*info = (struct sw_info){
		.id = f->id,
		.opened = f->since,
		.state = sw_side_state(f, 0),
		.peer_state = sw_side_state(f, 1),
	};
	for (int i = 0; i < 2; i++) {
		struct sw_half *h = &f->half[i];
		struct sw_info_half *out = &info->half[i];

		info->ino[i] = f->side[i].ino;
		info->host[i] = f->host[i];
		info->end[i] = f->end[i];
		out->count = h->count;
		out->count.bytes = h->delivered;
		out->unacked = f->state == SW_FLOWING ? sw_unacked(h) : 0;
		out->blocked = h->dead;
		out->n_ifaces = (uint8_t)h->path.n;
		for (uint32_t hop = 0; hop < h->path.n; hop++)
			out->ifaces[hop] = h->path.hop[hop].iface;
	}
}

int sw_flow_info(struct sw *sw, uint32_t slot, struct sw_info *info)
{
	struct question q = {.slot = slot, .info = info};

	sw_in(sw, sw_flow_at(sw, slot)->table, look, &q);
	return q.found;
}
