/* Rules: which packets they mean, and what all of them decide together. Pure: no clock, no sockets, no chance. */
#include <string.h>

#include "switch.h"

static bool has(const uint8_t *hosts, uint16_t host)
{
	return host != SW_NO_HOST && (hosts[host / 8] & 1u << host % 8);
}

/* has_ip() - A link-local address without a link is meant on any. */
static bool has_ip(const struct sw_match *m, const struct sw_packet *p, int end)
{
	uint8_t ip[16];

	memcpy(ip, p->end[end].ip, sizeof(ip));
	if (sw_ip_is_link_local(m->ip) && !sw_ip_link(m->ip) && sw_ip_is_link_local(ip))
		sw_ip_set_link(ip, 0);
	return memcmp(m->ip, ip, sizeof(ip)) == 0;
}

/* spans() - Does the packet go from the @first set to the other one? */
static bool spans(const struct sw_match *m, const struct sw_packet *p, int first)
{
	return has(m->between[first], p->host[0]) && has(m->between[!first], p->host[1]);
}

/* any_end() - Does every field that is given hold, at whichever end? */
static bool any_end(const struct sw_match *m, const struct sw_packet *p)
{
	return (m->states & p->state) && (m->flow == 0 || m->flow == p->flow) &&
	       (!m->hosts || has(m->hosts, p->host[0]) || has(m->hosts, p->host[1])) &&
	       (!m->has_ip || has_ip(m, p, 0) || has_ip(m, p, 1)) &&
	       (m->port == SW_ANY || m->port == p->end[0].port || m->port == p->end[1].port) &&
	       (m->sport == SW_ANY || m->sport == p->end[0].port) && (m->dport == SW_ANY || m->dport == p->end[1].port) &&
	       (!m->between[0] || spans(m, p, 0) || spans(m, p, 1));
}

static bool crosses(const struct sw_path *path, uint32_t iface, uint32_t dir)
{
	for (uint32_t i = 0; i < path->n; i++)
		if (path->hop[i].iface == iface && path->hop[i].dir == dir)
			return true;
	return false;
}

/* at_end() - Is the anchor where the packet comes from (@end 0), or where it goes to (1)? */
static bool at_end(const struct sw_match *m, const struct sw_packet *p, int end)
{
	if (m->iface != SW_ANY)
		return crosses(&p->path, (uint32_t)m->iface, end == 0 ? SW_TX : SW_RX);
	if (m->hosts)
		return has(m->hosts, p->host[end]);
	if (m->has_ip)
		return has_ip(m, p, end);
	if (m->port != SW_ANY)
		return m->port == p->end[end].port;
	return !m->between[0] || spans(m, p, end);
}

bool sw_matches(const struct sw_match *m, const struct sw_packet *p)
{
	return any_end(m, p) &&
	       (((m->directions & SW_OUT) && at_end(m, p, 0)) || ((m->directions & SW_IN) && at_end(m, p, 1)));
}

uint64_t sw_either(uint64_t a, uint64_t b)
{
	if ((a | b) >> 32)
		return 1ull << 32;
	return a + b - (a * b >> 32);
}

/* add() - What an effect that ends nothing adds to the verdict. */
static void add(struct sw_verdict *v, const struct sw_effect *e)
{
	switch (e->kind) {
	case SW_LOSE_ACKS:
		v->lose_acks = 1;
		break;
	case SW_DELAY:
		v->delay_ns += e->time_ns;
		v->jitter_ns += e->jitter_ns;
		break;
	case SW_LOSS:
		v->loss = sw_either(v->loss, e->chance);
		break;
	case SW_CORRUPT:
		v->corrupt = sw_either(v->corrupt, e->chance);
		break;
	case SW_DUPLICATE:
		v->duplicate = sw_either(v->duplicate, e->chance);
		break;
	case SW_REORDER:
		v->reorder = sw_either(v->reorder, e->chance);
		if (v->late_ns < e->time_ns)
			v->late_ns = e->time_ns;
		break;
	}
}

void sw_decide(const struct sw_rule *rules, uint32_t n, const struct sw_packet *p, struct sw_verdict *v)
{
	*v = (struct sw_verdict){0};
	for (uint32_t i = 0; i < n; i++) {
		if (!sw_matches(&rules[i].match, p))
			continue;
		if (rules[i].effect.kind <= SW_HOLD) {
			v->fate = rules[i].effect.kind;
			return;
		}
		add(v, &rules[i].effect);
	}
}
