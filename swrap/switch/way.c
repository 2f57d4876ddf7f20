/* A datagram on its way to one host: past the rules, what chance does to it, rate, delay, and its arrival. */
#include <errno.h>
#include <string.h>

#include "late.h"

/* arrival() - The ifindex of the interface where it comes in. */
static uint16_t arrival(const struct sw *sw, const struct sw_way *w)
{
	return sw_ifaces(sw->page)[w->iface].ifindex;
}

/* tracked() - The state of its conversation: new until the other end has answered. */
static uint32_t tracked(struct sw *sw, const struct sw_way *w)
{
	const struct sw_parcel *p = &w->parcel;
	const struct sw_twin *o = sw_port_find(sw, w->packet.host[1], &p->source, &p->to, arrival(sw, w));

	return o && o->talk.host == p->from->host && memcmp(&o->talk.to, &p->source, sizeof(p->source)) == 0
		       ? SW_ESTABLISHED
		       : SW_NEW;
}

/* unreachable() - Nobody listens there: the sender hears of it if it is connected, and if there is a way back. */
static void unreachable(struct sw *sw, const struct sw_way *w)
{
	const struct sw_parcel *p = &w->parcel;
	struct sw_dgram word = {.magic = SW_DGRAM_MAGIC, .kind = SW_DGRAM_UNREACHABLE, .to = p->to};
	struct sw_packet back = {
		.state = SW_ESTABLISHED, .host = {w->packet.host[1], w->packet.host[0]}, .end = {p->to, p->source}};
	struct sw_verdict verdict;
	struct sw_twin *t = p->from;
	uint16_t to;
	uint32_t in;

	if (w->many || !t || !t->connected || memcmp(&t->peer, &p->to, sizeof(p->to)) != 0)
		return;
	if (sw_path_to(sw, back.host[0], 0, p->source.ip, &to, &in, &back.path) == 0 && to == t->host &&
	    sw_judge(sw, &back, &verdict) == 0)
		sw_twin_tell(t, &word);
}

void sw_way_end(struct sw *sw, const struct sw_way *w)
{
	const struct sw_parcel *p = &w->parcel;
	uint16_t host = w->packet.host[1];
	struct sw_twin *t;

	if (w->many) {
		sw_deliver_all(sw, p, host, w->iface);
		return;
	}
	t = sw_port_find(sw, host, &p->source, &p->to, arrival(sw, w));
	if (t)
		sw_deliver_one(sw, p, t, w->iface);
	else
		unreachable(sw, w);
}

/* shown() - It is counted if it is lost; the capture sees it, unless it is one of the many that a segment carries at once. */
static void shown(struct sw *sw, const struct sw_way *w, int fate)
{
	if (fate < 0 && fate != -EBUSY)
		sw_count_lost(sw, &w->packet.path, w->parcel.size);
	if (sw->capture && !w->many)
		sw_tap_datagram(sw, &w->parcel, &w->packet, fate);
}

static bool chance(const struct sw *sw, const struct sw_way *w, uint32_t kind, uint64_t of)
{
	return of > 0 && sw_draw(sw->seed, kind, w->parcel.key, w->parcel.n) < of;
}

/* flip() - One bit of the payload is another; again: it is what it was. */
static void flip(struct sw *sw, const struct sw_way *w)
{
	uint64_t bits = (uint64_t)w->parcel.size * 8, bit;

	if (bits == 0)
		return;
	bit = sw_draw(sw->seed, SW_DRAW_BIT, w->parcel.key, w->parcel.n) * bits >> 32;
	sw->twins->payload[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* transmit() - One copy: as fast as rates allow, and as late as the verdict says. */
static void transmit(struct sw *sw, const struct sw_way *w, const struct sw_verdict *v)
{
	const struct sw_path *path = &w->packet.path;
	uint64_t delay = v->delay_ns;

	if (!sw_shape_pass(sw, path->hop + w->first_hop, path->n - w->first_hop, w->parcel.size)) {
		shown(sw, w, -ENOBUFS);
		return;
	}
	shown(sw, w, 0);
	if (v->jitter_ns > 0)
		delay += sw_spread(sw_draw(sw->seed, SW_DRAW_JITTER, w->parcel.key, w->parcel.n), v->jitter_ns) -
			 v->jitter_ns;
	if (chance(sw, w, SW_DRAW_REORDER, v->reorder))
		delay += v->late_ns;
	if (delay == 0) {
		sw_way_end(sw, w);
		return;
	}
	sw_clock(sw); /* it may have been sent since this turn began */
	sw_late_add(sw, w, sw->now + delay);
}

void sw_way_go(struct sw *sw, const struct sw_way *w, const struct sw_verdict *v)
{
	bool damaged = chance(sw, w, SW_DRAW_CORRUPT, v->corrupt);

	if (chance(sw, w, SW_DRAW_LOSS, v->loss)) {
		shown(sw, w, -EIO);
		return;
	}
	if (damaged)
		flip(sw, w);
	transmit(sw, w, v);
	if (chance(sw, w, SW_DRAW_DUPLICATE, v->duplicate))
		transmit(sw, w, v);
	if (damaged)
		flip(sw, w); /* for the other hosts that get it */
}

void sw_way_start(struct sw *sw, struct sw_way *w)
{
	struct sw_verdict verdict;
	int r;

	w->packet.host[0] = w->parcel.from->host;
	w->packet.end[0] = w->parcel.source;
	w->packet.end[1] = w->parcel.to;
	w->packet.state = sw->n_rules > 0 ? tracked(sw, w) : SW_NEW;
	r = sw_judge(sw, &w->packet, &verdict);
	if (r < 0)
		shown(sw, w, r);
	if (r == 0)
		sw_way_go(sw, w, &verdict);
	else if (r == -EBUSY)
		sw_late_add(sw, w, 0);
	else if (r == -ECONNREFUSED)
		unreachable(sw, w);
}
