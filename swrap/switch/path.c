/* Which interfaces a flow crosses, and whether a packet of it would arrive. */
#include <errno.h>

#include "switch.h"

#define LONGEST (sizeof(((struct sw_path *)0)->hop) / sizeof(struct sw_hop))

/* leave() - The interface on which @host sends to @ip, @by if that is not 0, and the neighbour there: a hop of @path. */
static int leave(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t ip[16], uint8_t next[16],
		 struct sw_path *path)
{
	uint8_t src[16];
	uint32_t iface;
	int r = sw_next_hop(p, host, by, ip, src, &iface, next);

	if (r == 0)
		path->hop[path->n++] = (struct sw_hop){.iface = iface, .dir = SW_TX};
	return r;
}

/* arrive() - And @iface is where it comes in. */
static void arrive(struct sw_path *path, uint32_t iface)
{
	path->hop[path->n++] = (struct sw_hop){.iface = iface, .dir = SW_RX};
}

/**
 * sw_path_to() - From @host to whoever answers for @ip, @owner: 0, or as sw_path_find(), with @path as far as it goes
 * @by: ifindex of the only interface that will do; 0: any
 * @in: the interface where it comes in: on the host itself too, the address's
 *
 * On the way are the hosts that forward. One that knows no way further, or stands behind too many others, is silent.
 */
int sw_path_to(const struct sw *sw, uint16_t host, uint16_t by, const uint8_t ip[16], uint16_t *owner, uint32_t *in,
	       struct sw_path *path)
{
	uint16_t at = host;
	uint8_t next[16];

	path->n = 0;
	for (;;) {
		int r = leave(sw->page, at, by, ip, next, path);

		if (r < 0)
			return at == host ? r : -EHOSTUNREACH;
		if (sw_owner(sw->page, at, by, next, owner, in) < 0)
			return -EHOSTUNREACH;
		arrive(path, *owner == at ? sw_hosts(sw->page)[at].first_iface : *in);
		if (*owner == at || sw_addr_has(sw->page, *owner, ip))
			return 0;
		if (!(sw_hosts(sw->page)[*owner].flags & SW_HOST_FORWARD) || path->n == LONGEST)
			return -EHOSTUNREACH;
		at = *owner;
		by = 0;
	}
}

/**
 * sw_path_find() - Who answers for the flow's server address, and the interfaces on the way there and back
 *
 * Return: 0; -EHOSTUNREACH where nobody has the address, which is silence to a SYN; -ENETUNREACH where the client's
 * host has no route, which its own kernel would have said at once.
 */
int sw_path_find(const struct sw *sw, struct sw_flow *f)
{
	struct sw_path *there = &f->half[0].path, *back = &f->half[1].path;
	uint16_t owner;
	uint32_t in;
	int r;

	back->n = 0;
	f->host[1] = SW_NO_HOST;
	r = sw_path_to(sw, f->host[0], f->device, f->end[1].ip, &owner, &in, there);
	if (r < 0)
		return r;
	f->host[1] = owner;
	f->arrival = sw_ifaces(sw->page)[in].ifindex;
	/* Where the server has no way back its answer is lost, which is as silent as if it had not heard. */
	if (sw_path_to(sw, owner, 0, f->end[0].ip, &owner, &in, back) < 0 || owner != f->host[0])
		return -EHOSTUNREACH;
	return 0;
}

/* sw_packet_of() - A packet of @f in direction @dir. */
void sw_packet_of(const struct sw_flow *f, int dir, struct sw_packet *p)
{
	*p = (struct sw_packet){
		.flow = f->id,
		.state = f->state == SW_FLOWING ? SW_ESTABLISHED : SW_NEW,
		.host = {f->host[dir], f->host[!dir]},
		.end = {f->end[dir], f->end[!dir]},
		.path = f->half[dir].path,
	};
}

/**
 * sw_judge() - What becomes of a packet
 *
 * Return: 0: it arrives; -ENETDOWN (no carrier), -EPERM (a rule drops it), -EBUSY (one holds it), -ECONNREFUSED (one
 * rejects it).
 */
int sw_judge(const struct sw *sw, const struct sw_packet *p, struct sw_verdict *v)
{
	static const int why[] = {[SW_DROP] = -EPERM, [SW_REJECT] = -ECONNREFUSED, [SW_HOLD] = -EBUSY};

	uint64_t delay = 0;

	for (uint32_t i = 0; i < p->path.n; i++) {
		const struct sw_iface *iface = &sw_ifaces(sw->page)[p->path.hop[i].iface];
		uint32_t flags = iface->flags;

		delay += iface->delay;

		if (!(flags & SW_IF_LOOPBACK) && (flags & (SW_IF_UP | SW_IF_RUNNING)) != (SW_IF_UP | SW_IF_RUNNING)) {
			*v = (struct sw_verdict){.fate = SW_DROP};
			return -ENETDOWN;
		}
	}
	sw_decide(sw->rules, sw->n_rules, p, v);
	v->delay_ns += delay;
	return why[v->fate];
}

/* sw_judge_half() - What becomes of packets of @f in direction @dir, as sw_judge() says it. */
int sw_judge_half(const struct sw *sw, const struct sw_flow *f, int dir, struct sw_verdict *v)
{
	struct sw_packet packet;

	/* An address that has moved away: what is sent to it, and by who had it, meets nobody that knows of the flow. */
	for (int i = 0; i < 2; i++) {
		if (!sw_addr_has(sw->page, f->host[i], f->end[i].ip)) {
			*v = (struct sw_verdict){.fate = SW_DROP};
			return -EHOSTUNREACH;
		}
	}
	sw_packet_of(f, dir, &packet);
	return sw_judge(sw, &packet, v);
}

/* sw_path_again() - Addresses have changed: the interfaces that @f crosses may be others. */
void sw_path_again(struct sw *sw, struct sw_flow *f)
{
	for (int dir = 0; dir < 2; dir++) {
		struct sw_path path;
		uint16_t owner;
	uint32_t in;

		if (sw_path_to(sw, f->host[dir], dir ? 0 : f->device, f->end[!dir].ip, &owner, &in, &path) < 0 || owner != f->host[!dir])
			continue;
		sw_shape_leave(sw, &f->half[dir]);
		f->half[dir].path = path;
		sw_ready(sw, &f->half[dir]);
	}
}
