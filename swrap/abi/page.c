/* Reading the page: hosts, addresses, routes. No lock, no allocation, no libc beyond memory and string compares. */
#include "page.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const uint8_t zero[16];

uint32_t sw_page_begin(const struct sw_page *p)
{
	uint32_t seq;

	do {
		seq = __atomic_load_n(&p->seq, __ATOMIC_ACQUIRE);
	} while (seq & 1);
	return seq;
}

bool sw_page_retry(const struct sw_page *p, uint32_t seq)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&p->seq, __ATOMIC_RELAXED) != seq;
}

bool sw_ip_is_loopback(const uint8_t ip[16])
{
	if (sw_ip_is_v4(ip))
		return ip[12] == 127;
	return memcmp(ip, zero, 15) == 0 && ip[15] == 1;
}

bool sw_ip_is_group(const uint8_t ip[16])
{
	return sw_ip_is_v4(ip) ? (ip[12] & 0xf0) == 0xe0 : ip[0] == 0xff;
}

bool sw_ip_is_limited(const uint8_t ip[16])
{
	static const uint8_t all[4] = {255, 255, 255, 255};

	return sw_ip_is_v4(ip) && memcmp(ip + 12, all, sizeof(all)) == 0;
}

bool sw_addr_broadcast(const struct sw_addr *addr, const uint8_t ip[16])
{
	uint32_t own, asked;

	if (addr->v6 || addr->prefix >= 31 || !sw_ip_is_v4(ip))
		return false;
	memcpy(&own, addr->ip + 12, sizeof(own));
	memcpy(&asked, ip + 12, sizeof(asked));
	return asked == (own | htonl(UINT32_MAX >> addr->prefix));
}

void sw_page_write_begin(struct sw_page *p)
{
	__atomic_fetch_add(&p->seq, 1, __ATOMIC_SEQ_CST);
}

void sw_page_write_end(struct sw_page *p)
{
	__atomic_fetch_add(&p->seq, 1, __ATOMIC_SEQ_CST);
}

static bool is_named(const struct sw_host *host, const char *name)
{
	size_t at = 0;

	while (at < SW_HOST_NAME && name[at] && host->name[at] == name[at])
		at++;
	return at == SW_HOST_NAME || host->name[at] == name[at];
}

uint16_t sw_host_index(const struct sw_page *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_hosts; i++)
		if (is_named(&sw_hosts(p)[i], name))
			return (uint16_t)i;
	return SW_NO_HOST;
}

/* same_subnet() - Do @a and @b agree in the first bits that @addr's prefix counts? */
static bool same_subnet(const struct sw_addr *addr, const uint8_t ip[16])
{
	unsigned int bits = addr->prefix;

	if (addr->v6 == sw_ip_is_v4(ip))
		return false;
	if (!addr->v6)
		bits += 96;
	if (memcmp(addr->ip, ip, bits / 8) != 0)
		return false;
	if (bits % 8 == 0)
		return true;
	uint8_t mask = (uint8_t)(0xff << (8 - bits % 8));
	return ((addr->ip[bits / 8] ^ ip[bits / 8]) & mask) == 0;
}

/* order() - As memcmp(): less than, equal to or greater than 0. */
static int order(const uint8_t a[16], const uint8_t b[16])
{
	for (int at = 0; at < 16; at += 4) {
		uint32_t x = sw_ip_word(a, at), y = sw_ip_word(b, at);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* find() - The address record of @ip on @host (or on any host, for SW_NO_HOST), by bisection over by_ip. */
static const struct sw_addr *find(const struct sw_page *p, uint16_t host, const uint8_t ip[16])
{
	const uint32_t *by_ip = (const uint32_t *)((const char *)p + p->by_ip);
	const struct sw_addr *addrs = sw_addrs(p);
	uint32_t low = 0, high = p->n_addrs;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (order(addrs[by_ip[mid]].ip, ip) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < p->n_addrs && order(addrs[by_ip[low]].ip, ip) == 0; low++)
		if (host == SW_NO_HOST || addrs[by_ip[low]].host == host)
			return &addrs[by_ip[low]];
	return NULL;
}

static bool has(const struct sw_page *p, uint16_t host, const uint8_t ip[16])
{
	return sw_ip_is_loopback(ip) || find(p, host, ip) != NULL;
}

/* has_on() - Does @host own @ip, and if it matters, on this interface? */
static bool has_on(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t ip[16])
{
	const struct sw_addr *a = find(p, host, ip);

	if (a == NULL)
		return sw_ip_is_loopback(ip) && by <= 1;
	return by == 0 || sw_ifaces(p)[a->iface].ifindex == by;
}

/* on_link() - The address of @h in the smallest subnet that has @dst; NULL: none. @first: set to its first of IPv4. */
static const struct sw_addr *on_link(const struct sw_page *p, const struct sw_host *h, uint16_t by,
				     const uint8_t dst[16], const struct sw_addr **first)
{
	const struct sw_addr *best = NULL;

	*first = NULL;
	for (uint32_t i = h->first_addr; i < h->first_addr + h->n_addrs; i++) {
		const struct sw_addr *a = &sw_addrs(p)[i];

		if (!(sw_ifaces(p)[a->iface].flags & SW_IF_UP) || (by && sw_ifaces(p)[a->iface].ifindex != by))
			continue;
		if (*first == NULL && !a->v6)
			*first = a;
		if (same_subnet(a, dst) && (best == NULL || a->prefix > best->prefix))
			best = a;
	}
	return best;
}

/* by_gateway() - May what goes to @dst go by @h's gateway? */
static bool by_gateway(const struct sw_host *h, const uint8_t dst[16])
{
	return !sw_ip_is_any(h->gateway) && sw_ip_is_v4(h->gateway) == sw_ip_is_v4(dst) && !sw_ip_is_group(dst) &&
	       !sw_ip_is_limited(dst) && !sw_ip_is_link_local(dst);
}

static int route(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t dst[16], uint8_t src[16],
		 uint32_t *iface, uint8_t next[16])
{
	const struct sw_host *h = &sw_hosts(p)[host];
	const struct sw_addr *best, *first;

	memcpy(next, dst, 16);
	if (has_on(p, host, by, dst)) {
		memcpy(src, dst, 16);
		*iface = h->first_iface;
		return 0;
	}
	if (by > h->n_ifaces)
		return -ENODEV;
	best = on_link(p, h, by, dst, &first);
	if (best == NULL && by_gateway(h, dst) && (best = on_link(p, h, by, h->gateway, &first)) != NULL)
		memcpy(next, h->gateway, 16);
	if (best == NULL && by && sw_ip_is_v4(dst))
		best = first;
	if (best == NULL)
		return -ENETUNREACH;
	memcpy(src, best->ip, 16);
	*iface = best->iface;
	return 0;
}

bool sw_same_segment(const struct sw_page *p, uint32_t a, uint32_t b)
{
	const struct sw_host *one = &sw_hosts(p)[sw_ifaces(p)[a].host], *other = &sw_hosts(p)[sw_ifaces(p)[b].host];

	if (a == b || (sw_ifaces(p)[a].flags & SW_IF_LOOPBACK) || (sw_ifaces(p)[b].flags & SW_IF_LOOPBACK))
		return a == b;
	for (uint32_t i = one->first_addr; i < one->first_addr + one->n_addrs; i++) {
		const struct sw_addr *mine = &sw_addrs(p)[i];

		for (uint32_t j = other->first_addr; mine->iface == a && j < other->first_addr + other->n_addrs; j++)
			if (sw_addrs(p)[j].iface == b && same_subnet(mine, sw_addrs(p)[j].ip))
				return true;
	}
	return false;
}

/* neighbour() - Who answers for @dst on the link of @host's interface @by: 0, or -EHOSTUNREACH. */
static int neighbour(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t dst[16], uint16_t *owner,
		     uint32_t *iface)
{
	const struct sw_addr *a = find(p, SW_NO_HOST, dst);
	uint32_t out = sw_hosts(p)[host].first_iface + by - 1;
	const struct sw_host *h;

	if (a == NULL || a->host == host)
		return -EHOSTUNREACH;
	*owner = a->host;
	*iface = a->iface;
	if (sw_same_segment(p, out, a->iface))
		return 0;
	h = &sw_hosts(p)[a->host];
	for (*iface = h->first_iface; *iface < h->first_iface + h->n_ifaces; (*iface)++)
		if (sw_same_segment(p, out, *iface))
			return 0;
	return -EHOSTUNREACH;
}

static int owner_of(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t dst[16], uint16_t *owner,
		    uint32_t *iface)
{
	const struct sw_addr *a = find(p, host, dst);

	if (by && !has_on(p, host, by, dst))
		return neighbour(p, host, by, dst, owner, iface);
	if (a == NULL && sw_ip_is_loopback(dst)) {
		*owner = host;
		*iface = sw_hosts(p)[host].first_iface;
		return 0;
	}
	if (a == NULL)
		a = find(p, SW_NO_HOST, dst);
	if (a == NULL)
		return -EHOSTUNREACH;
	*owner = a->host;
	*iface = a->iface;
	return 0;
}

/* Addresses may come and go while somebody reads: then again. */

bool sw_addr_has(const struct sw_page *p, uint16_t host, const uint8_t ip[16])
{
	uint32_t seq;
	bool found;

	do {
		seq = sw_page_begin(p);
		found = has(p, host, ip);
	} while (sw_page_retry(p, seq));
	return found;
}

bool sw_host_broadcast(const struct sw_page *p, uint16_t host, const uint8_t ip[16])
{
	const struct sw_host *h = &sw_hosts(p)[host];
	uint32_t seq;
	bool found;

	do {
		seq = sw_page_begin(p);
		found = false;
		for (uint32_t i = h->first_addr; !found && i < h->first_addr + h->n_addrs; i++)
			found = sw_addr_broadcast(&sw_addrs(p)[i], ip) &&
				!(sw_ifaces(p)[sw_addrs(p)[i].iface].flags & SW_IF_LOOPBACK);
	} while (sw_page_retry(p, seq));
	return found;
}

int sw_next_hop(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t dst[16], uint8_t src[16],
		uint32_t *iface, uint8_t next[16])
{
	uint32_t seq;
	int r;

	do {
		seq = sw_page_begin(p);
		r = route(p, host, by, dst, src, iface, next);
	} while (sw_page_retry(p, seq));
	return r;
}

int sw_route(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t dst[16], uint8_t src[16], uint32_t *iface)
{
	uint8_t next[16];

	return sw_next_hop(p, host, by, dst, src, iface, next);
}

int sw_owner(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t dst[16], uint16_t *owner, uint32_t *iface)
{
	uint32_t seq;
	int r;

	do {
		seq = sw_page_begin(p);
		r = owner_of(p, host, by, dst, owner, iface);
	} while (sw_page_retry(p, seq));
	return r;
}
