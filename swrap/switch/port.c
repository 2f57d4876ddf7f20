/* Ports of datagram sockets: who may have one beside whom, and whose a datagram is. */
#include <errno.h>
#include <string.h>

#include "twin.h"

/* The kernel's default net.ipv4.ip_local_port_range */
#define EPHEMERAL_FIRST 32768
#define EPHEMERAL_COUNT 28232

static struct sw_list *bucket(struct sw *sw, uint16_t port)
{
	return &sw->twins->by_port[port % SW_PORTS];
}

/* is_all() - `::`, which unlike 0.0.0.0 stands for both families. */
static bool is_all(const uint8_t ip[16])
{
	return sw_ip_is_any(ip) && !sw_ip_is_v4(ip);
}

/* overlap() - Is there an address that both stand for? */
static bool overlap(const uint8_t a[16], bool a_v6only, const uint8_t b[16], bool b_v6only)
{
	if (is_all(a))
		return !(a_v6only && sw_ip_is_v4(b));
	if (is_all(b))
		return !(b_v6only && sw_ip_is_v4(a));
	if (sw_ip_is_v4(a) && sw_ip_is_v4(b) && (sw_ip_is_any(a) || sw_ip_is_any(b)))
		return true;
	return memcmp(a, b, 16) == 0;
}

/* differ() - Are they bound to interfaces, and not to the same? */
static bool differ(uint32_t a, uint32_t b)
{
	return a && b && a != b;
}

/* holder() - A socket that keeps @t from having @own. */
static struct sw_twin *holder(struct sw *sw, const struct sw_twin *t, const struct sw_endpoint *own, bool share)
{
	struct sw_list *head = bucket(sw, own->port);

	for (struct sw_list *l = head->next; l != head; l = l->next) {
		struct sw_twin *o = sw_container(l, struct sw_twin, by_port);

		if (o->host != t->host || o->own.port != own->port)
			continue;
		if (share && ((t->reuse_addr && o->reuse_addr) || (t->reuse_port && o->reuse_port)))
			continue;
		if (differ(t->options[SW_OPTION_DEVICE], o->options[SW_OPTION_DEVICE]))
			continue;
		if (overlap(own->ip, t->v6only, o->own.ip, o->v6only))
			return o;
	}
	return NULL;
}

static bool is_free(struct sw *sw, const struct sw_twin *t, const struct sw_endpoint *own, bool share)
{
	for (;;) {
		struct sw_twin *o = holder(sw, t, own, share);

		if (!o || !sw_twin_gone(sw, o))
			return !o;
	}
}

int sw_port_take(struct sw *sw, struct sw_twin *t, const struct sw_endpoint *own)
{
	struct sw_endpoint at = *own;
	bool found = own->port && is_free(sw, t, &at, true);

	/* Nobody is given a port that is shared by chance. */
	for (uint32_t i = 0; !own->port && !found && i < EPHEMERAL_COUNT; i++) {
		at.port = (uint16_t)(EPHEMERAL_FIRST + sw->twins->port++ % EPHEMERAL_COUNT);
		found = is_free(sw, t, &at, false);
	}
	if (!found)
		return EADDRINUSE;
	t->own = t->local = at;
	t->bound = true;
	sw_list_add(bucket(sw, at.port), &t->by_port);
	return 0;
}

int sw_port_hears(const struct sw_twin *t, const struct sw_endpoint *from, const struct sw_endpoint *to, uint16_t arrival)
{
	uint32_t device = t->options[SW_OPTION_DEVICE];
	const uint8_t *own = t->connected ? t->local.ip : t->own.ip;
	bool v4 = sw_ip_is_v4(to->ip);
	int score = t->v6 == v4 ? 1 : 2; /* of the datagram's own family, or of the other */

	if (t->own.port != to->port || (v4 && t->v6only) || (device && device != arrival))
		return 0;
	score += device ? 4 : 0;
	if (memcmp(own, to->ip, 16) == 0)
		score += 16;
	else if (!sw_ip_is_any(own) || (!v4 && sw_ip_is_v4(own)))
		return 0;
	if (t->connected) {
		if (t->peer.port != from->port || memcmp(t->peer.ip, from->ip, 16) != 0)
			return 0;
		score += 8;
	}
	return score;
}

/* mix() - The same for the same pair of addresses, and else anything. */
static uint32_t mix(const struct sw_endpoint *from, const struct sw_endpoint *to)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (int i = 0; i < 16; i++)
		h = ((h ^ from->ip[i]) * 16777619u ^ to->ip[i]) * 16777619u;
	return ((h ^ from->port) * 16777619u ^ to->port) * 16777619u >> 8;
}

/* one_of() - SO_REUSEPORT: those that fit as well as @best share what comes, each sender keeping to one of them. */
static struct sw_twin *one_of(struct sw *sw, struct sw_twin *best, int score, const struct sw_endpoint *from,
			      const struct sw_endpoint *to, uint16_t arrival)
{
	struct sw_list *head = bucket(sw, to->port), *l;
	uint32_t n = 0, turn = 0;

	for (int round = 0; round < 2; round++) {
		for (l = head->next; l != head; l = l->next) {
			struct sw_twin *t = sw_container(l, struct sw_twin, by_port);

			if (t->host != best->host || !t->reuse_port || sw_port_hears(t, from, to, arrival) != score)
				continue;
			if (round == 1 && turn-- == 0)
				return t;
			n++;
		}
		turn = mix(from, to) % n;
	}
	return best;
}

struct sw_twin *sw_port_find(struct sw *sw, uint16_t host, const struct sw_endpoint *from,
			     const struct sw_endpoint *to, uint16_t arrival)
{
	struct sw_list *head = bucket(sw, to->port);
	struct sw_twin *best = NULL;
	int most = 0;

	for (struct sw_list *l = head->prev; l != head; l = l->prev) {
		struct sw_twin *t = sw_container(l, struct sw_twin, by_port);
		int score = t->host == host ? sw_port_hears(t, from, to, arrival) : 0;

		if (score > most) { /* of equals, the last that was bound */
			best = t;
			most = score;
		}
	}
	return best && best->reuse_port && !best->connected ? one_of(sw, best, most, from, to, arrival) : best;
}
