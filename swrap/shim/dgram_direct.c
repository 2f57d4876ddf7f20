/*
 * Without a switch a datagram goes straight into its receiver's queue, with the header as the switch would write it. Who has
 * no room loses it: the sender never waits.
 */
#include "dgram.h"

#include <string.h>
#include <unistd.h>

#include "place.h"
#include "real.h"

#define LARGE 2048 /* bytes: from here on another socket of our own is charged for it */

/* plain_name(), shared_name() - The @n-th name at which @to may be found, from exact to general; false behind the last. */
static bool plain_name(const struct sw_endpoint *to, uint32_t n, struct sw_name *name)
{
	bool v4 = sw_ip_is_v4(to->ip);

	name->own = *to;
	sw_name_slot(name, 0, 0);
	if (n == 0)
		return true;
	if (n == 1 && v4) {
		memset(name->own.ip + 12, 0, 4);
		return true;
	}
	memset(name->own.ip, 0, 16);
	if (n == 2 && !v4)
		sw_name_slot(name, SW_SLOT_V6ONLY, 0);
	return n <= 2;
}

static bool shared_name(const struct sw_endpoint *to, uint32_t n, uint32_t turn, struct sw_name *name)
{
	static const uint16_t how[] = {0, SW_SLOT_EITHER, SW_SLOT_REUSE};
	uint32_t slot = n % SW_SLOTS, kind = n / SW_SLOTS % 3;
	uint16_t base;

	if (!plain_name(to, n / (3 * SW_SLOTS), name))
		return false;
	base = name->pair ? name->peer.port : 0;
	/* SO_REUSEPORT spreads senders; of those that share by SO_REUSEADDR the last has it. */
	slot = kind == 2 ? SW_SLOTS - slot : 1 + (slot + turn) % SW_SLOTS;
	sw_name_slot(name, (uint16_t)(base | how[kind] | slot), 0);
	return true;
}

/* mix() - The same for the same pair of addresses, and else anything. */
static uint32_t mix(const struct sw_endpoint *from, const struct sw_endpoint *to)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (int i = 0; i < 16; i++)
		h = ((h ^ from->ip[i]) * 16777619u ^ to->ip[i]) * 16777619u;
	return ((h ^ from->port) * 16777619u ^ to->port) * 16777619u >> 8;
}

/* by_another() - As sendmsg(), charged to a socket that is closed at once: what waits at one receiver keeps us from none. */
static ssize_t by_another(const struct msghdr *msg, int flags)
{
	int fd = sw_real(socket)(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;
	ssize_t sent;

	if (fd < 0)
		return -1;
	sent = sw_real(sendmsg)(fd, msg, flags);
	error = errno;
	close(fd);
	errno = error;
	return sent;
}

/* A datagram that is to be sent: @head is the first of @msg's vectors. */
struct parcel {
	int fd;
	const struct sw_page *page;
	uint64_t tag;
	struct msghdr *msg;
	struct sw_dgram *head;
	size_t size; /* of the payload */
	int flags;
	uint32_t iface; /* by which it leaves */
};

/* hand() - Into the queue of @name's socket: 0, also where that is full; or an errno, ECONNREFUSED where there is none. */
static int hand(const struct parcel *p, const struct sw_name *name)
{
	int flags = p->flags | MSG_DONTWAIT | MSG_NOSIGNAL;
	struct sockaddr_un sun;
	ssize_t sent = -1;
	uint64_t token;

	p->msg->msg_name = &sun;
	p->msg->msg_namelen = sw_name_sealed(p->page, name, &sun, &token);
	sw_dgram_seal(p->head, token);
	errno = EAGAIN;
	if (p->msg->msg_iovlen == 1) /* one piece costs the kernel less than two */
		sent = sw_real(sendto)(p->fd, p->head, p->msg->msg_iov->iov_len, flags, (struct sockaddr *)&sun,
					 p->msg->msg_namelen);
	else if (p->size < LARGE || (p->tag & SW_TAG_SHUT))
		sent = sw_real(sendmsg)(p->fd, p->msg, flags);
	if (sent < 0 && errno == EAGAIN)
		sent = by_another(p->msg, flags);
	if (sent >= 0 || errno == EAGAIN || errno == EPERM)
		return 0;
	return errno == EPIPE && !(p->tag & SW_TAG_SHUT) ? 0 : errno; /* the receiver may have shut its side */
}

/* offer() - To who is bound to the interface where it comes in, if any may be, or else to who is bound to none. */
static int offer(const struct parcel *p, const struct sw_name *name, uint16_t device)
{
	struct sw_name bound = *name;
	int error = ECONNREFUSED;

	if (device) {
		sw_name_slot(&bound, name->peer.port, device);
		error = hand(p, &bound);
	}
	return error == ECONNREFUSED ? hand(p, name) : error;
}

/* unreachable() - Nobody is there: a connected socket hears of it, as by ICMP. It tells itself. */
static void unreachable(const struct parcel *p)
{
	struct sw_dgram word = {.magic = SW_DGRAM_MAGIC, .kind = SW_DGRAM_UNREACHABLE, .from = p->head->to,
				.ifindex = sw_device(p->fd, p->tag)};
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);

	if (!(p->head->flags & SW_DGRAM_TO_PEER) || sw_real(getsockname)(p->fd, (struct sockaddr *)&sun, &len) < 0)
		return;
	if (!(p->tag & SW_TAG_REFUSED) && sw_tag_set(p->fd, p->tag | SW_TAG_REFUSED) < 0)
		return;
	sw_dgram_seal(&word, sw_name_token(p->page, &sun, len));
	sw_real(sendto)(p->fd, &word, sizeof(word), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&sun, len);
}

static int to_one(const struct parcel *p)
{
	const struct sw_endpoint *to = &p->head->to;
	struct sw_name name = {.kind = SW_KIND_UDP};
	int error = ECONNREFUSED;
	uint16_t device;
	uint32_t iface;

	/* There is no ARP: a host that is not there says nothing. */
	if (sw_owner(sw_lab(), SW_TAG_HOST(p->tag), p->head->ifindex, to->ip, &name.host, &iface) < 0)
		return 0;
	if (name.host != SW_TAG_HOST(p->tag) && sw_ip_is_loopback(p->head->from.ip))
		return 0;
	p->head->ifindex = sw_ifaces(sw_lab())[iface].ifindex;
	device = sw_port_devices(to->port) ? p->head->ifindex : 0;
	for (uint32_t n = 0; error == ECONNREFUSED && plain_name(to, n, &name); n++)
		error = offer(p, &name, device);
	if (error == ECONNREFUSED && sw_port_shared(to->port))
		for (uint32_t n = 0; error == ECONNREFUSED && shared_name(to, n, mix(&p->head->from, to), &name); n++)
			error = offer(p, &name, device);
	if (error == ECONNREFUSED) {
		unreachable(p);
		return 0;
	}
	return error;
}

/* on_segment() - The interface of @host by which it hears what leaves by @p's; for its own host, that one. */
static bool on_segment(const struct parcel *p, uint16_t host, uint32_t *iface)
{
	const struct sw_host *h = &sw_hosts(sw_lab())[host];
	const uint8_t *to = p->head->to.ip;

	*iface = p->iface;
	if (host == SW_TAG_HOST(p->tag))
		return !sw_ip_is_group(to) || !(p->head->flags & SW_DGRAM_NO_LOOP) ||
		       (sw_ifaces(sw_lab())[p->iface].flags & SW_IF_LOOPBACK);
	if (p->head->ttl == 0)
		return false;
	for (*iface = h->first_iface; *iface < h->first_iface + h->n_ifaces; (*iface)++)
		if (sw_same_segment(sw_lab(), p->iface, *iface) && (sw_ip_is_group(to) || sw_iface_broadcast(*iface, to)))
			return true;
	return false;
}

/* is_for() - Is what goes to @to for a socket that is bound to @place? */
static bool is_for(const struct sw_place *place, const struct sw_endpoint *to)
{
	bool v4 = sw_ip_is_v4(to->ip);

	if (place->ifindex || place->own.port != to->port || (v4 && (place->slot & SW_SLOT_V6ONLY)))
		return false;
	return memcmp(place->own.ip, to->ip, 16) == 0 ||
	       (sw_ip_is_any(place->own.ip) && (v4 || !sw_ip_is_v4(place->own.ip)));
}

/* to_many() - To each socket on the segment that is bound to the port and, of a group, is a member. */
static int to_many(const struct parcel *p)
{
	const struct sw_endpoint *to = &p->head->to;
	uint32_t home = sw_place_home(to), iface;
	struct sw_place place;

	if (p->page != sw_lab())
		return 0; /* what is bound in its network does not stand in the table of this one (dropin.h): lost */
	for (uint32_t at = 0; sw_place_next(home, &at, &place);) {
		struct sw_name name = {.host = place.host, .kind = SW_KIND_UDP, .own = place.own};
		uint16_t ifindex;

		if (!is_for(&place, to) || place.host >= sw_lab()->n_hosts || !on_segment(p, place.host, &iface))
			continue;
		ifindex = sw_ifaces(sw_lab())[iface].ifindex;
		if (place.device && place.device != ifindex)
			continue;
		if (sw_ip_is_group(to->ip) && !sw_place_hears(&place, to->ip, ifindex))
			continue;
		p->head->ifindex = ifindex;
		sw_name_slot(&name, place.slot, place.device);
		if (hand(p, &name) == ECONNREFUSED)
			sw_place_gone(home, at, &place);
	}
	return 0;
}

/* life() - The ttl and tos: this datagram's own, or its socket's. */
static void life(const struct parcel *p)
{
	bool v4 = sw_ip_is_v4(p->head->to.ip);

	if (!(p->head->flags & SW_DGRAM_TTL) && sw_ip_is_group(p->head->to.ip))
		p->head->ttl = (uint8_t)sw_dgram_setting(p->fd, p->tag, v4 ? SW_OPTION_GROUP_TTL : SW_OPTION_GROUP_HOPS);
	else if (!(p->head->flags & SW_DGRAM_TTL))
		p->head->ttl = (uint8_t)sw_dgram_setting(p->fd, p->tag, v4 ? SW_OPTION_TTL : SW_OPTION_HOPS);
	if (!(p->head->flags & SW_DGRAM_TOS))
		p->head->tos = (uint8_t)sw_dgram_setting(p->fd, p->tag, v4 ? SW_OPTION_TOS : SW_OPTION_TCLASS);
}

int sw_dgram_deliver(int fd, uint64_t tag, const struct sw_ends *ends, struct msghdr *whole, size_t size, int flags)
{
	struct sw_dgram *head = whole->msg_iov[0].iov_base;
	struct parcel p = {.fd = fd, .tag = tag, .msg = whole, .head = head, .size = size, .flags = flags};
	struct sw_ends found;
	bool many;
	int error = tag & SW_TAG_REFUSED ? sw_twin_pending(fd) : 0;

	if (error)
		return error;
	if (!ends && !sw_dgram_ends(fd, &found.own, &found.peer))
		return ENETDOWN;
	if (!ends)
		ends = &found;
	p.page = sw_lab_of(fd);
	if (head->flags & SW_DGRAM_TO_PEER) {
		head->to = ends->peer;
		if (!head->ifindex)
			head->ifindex = sw_unicast_if(fd, tag, head->to.ip);
	}
	if (sw_ip_is_group(head->to.ip) && !head->ifindex)
		sw_dgram_group_source(fd, tag, head);
	many = sw_dgram_many(head->to.ip);
	if (!sw_dgram_source(SW_TAG_HOST(tag), &ends->own, many, head, &p.iface))
		return ENETUNREACH;
	life(&p);
	return many ? to_many(&p) : to_one(&p);
}
