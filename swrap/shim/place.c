/* The table of places (place.h). As in kept.c nobody waits: who is killed while writing costs one entry. */
#include "place.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "real.h"

enum { PHASE = 3, TURN = 4 };

static struct sw_place *entry(uint32_t home, uint32_t at)
{
	return &sw_options()->places[(home + at) % SW_PLACES];
}

uint32_t sw_place_home(const struct sw_endpoint *own)
{
	uint32_t h = own->port;

	for (size_t i = 0; !own->port && i < sizeof(own->ip); i++)
		h = (h ^ own->ip[i]) * 16777619u;
	return h % SW_PLACES;
}

bool sw_place_next(uint32_t home, uint32_t *at, struct sw_place *copy)
{
	if (!sw_options())
		return false;
	while (*at < SW_PLACES) {
		struct sw_place *place = entry(home, (*at)++);
		uint32_t state = __atomic_load_n(&place->state, __ATOMIC_ACQUIRE);

		if ((state & PHASE) == SW_PLACE_FREE)
			return false;
		if ((state & PHASE) != SW_PLACE_VALID)
			continue;
		*copy = *place;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		copy->state = state;
		if (__atomic_load_n(&place->state, __ATOMIC_RELAXED) == state)
			return true;
	}
	return false;
}

void sw_place_gone(uint32_t home, uint32_t at, const struct sw_place *copy)
{
	uint32_t state = copy->state;

	__atomic_compare_exchange_n(&entry(home, at - 1)->state, &state, (state & ~PHASE) | SW_PLACE_GONE, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* put() - Into the first entry that is not in use. False: there is none. */
static bool put(const struct sw_place *new)
{
	uint32_t home = sw_place_home(&new->own);

	for (uint32_t at = 0; at < SW_PLACES; at++) {
		struct sw_place *place = entry(home, at);
		uint32_t state = __atomic_load_n(&place->state, __ATOMIC_RELAXED), mine = (state & ~PHASE) + TURN;
		struct sw_place filled = *new;

		if (((state & PHASE) != SW_PLACE_FREE && (state & PHASE) != SW_PLACE_GONE) ||
		    !__atomic_compare_exchange_n(&place->state, &state, mine | SW_PLACE_WRITING, false,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		filled.state = mine | SW_PLACE_WRITING;
		*place = filled;
		__atomic_store_n(&place->state, mine | SW_PLACE_VALID, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

void sw_place_bound(int fd, const struct sw_name *name, uint16_t all)
{
	struct sw_place new = {.host = name->host, .cookie = sw_cookie(fd), .own = name->own, .all = all,
			       .slot = name->peer.port, .device = sw_name_device(name)},
			old;
	uint32_t home = sw_place_home(&name->own);

	if (!new.cookie)
		return;
	/* There is one holder of a name: whoever stands there has gone. */
	for (uint32_t at = 0; sw_place_next(home, &at, &old);)
		if (!old.ifindex && old.host == new.host && old.slot == new.slot && old.device == new.device &&
		    memcmp(&old.own, &new.own, sizeof(old.own)) == 0)
			sw_place_gone(home, at, &old);
	put(&new);
}

void sw_place_hears_all(int fd, uint16_t bit, bool on)
{
	uint64_t cookie = sw_cookie(fd);

	for (struct sw_place *place = sw_options()->places; cookie && place < sw_options()->places + SW_PLACES; place++)
		if ((place->state & PHASE) == SW_PLACE_VALID && place->cookie == cookie && !place->ifindex)
			place->all = (uint16_t)(on ? place->all | bit : place->all & ~bit);
}

/* is_member() - An entry of this group and socket; with @ifindex, on that interface. */
static bool is_member(const struct sw_place *place, uint64_t cookie, const uint8_t group[16], uint16_t ifindex)
{
	return place->cookie == cookie && place->ifindex && (!ifindex || place->ifindex == ifindex) &&
	       memcmp(place->own.ip, group, sizeof(place->own.ip)) == 0;
}

int sw_place_join(int fd, uint16_t host, const uint8_t group[16], uint16_t ifindex)
{
	struct sw_place new = {.host = host, .ifindex = ifindex, .cookie = sw_cookie(fd), .pid = getpid()}, old;
	uint32_t home;

	memcpy(new.own.ip, group, sizeof(new.own.ip));
	home = sw_place_home(&new.own);
	for (uint32_t at = 0; sw_place_next(home, &at, &old);)
		if (is_member(&old, new.cookie, group, ifindex))
			return EADDRINUSE;
	return new.cookie && put(&new) ? 0 : ENOBUFS;
}

int sw_place_leave(int fd, const uint8_t group[16], uint16_t ifindex)
{
	struct sw_endpoint own = {0};
	struct sw_place old;
	uint32_t home;

	memcpy(own.ip, group, sizeof(own.ip));
	home = sw_place_home(&own);
	for (uint32_t at = 0; sw_place_next(home, &at, &old);)
		if (is_member(&old, sw_cookie(fd), group, ifindex)) {
			sw_place_gone(home, at, &old);
			return 0;
		}
	return EADDRNOTAVAIL;
}

/* is_all_hosts() - 224.0.0.1, ff01::1 and ff02::1, which nobody has to join. */
static bool is_all_hosts(const uint8_t ip[16])
{
	static const uint8_t v4[4] = {224, 0, 0, 1}, rest[13];

	if (sw_ip_is_v4(ip))
		return memcmp(ip + 12, v4, 4) == 0;
	return (ip[1] == 1 || ip[1] == 2) && memcmp(ip + 2, rest, 13) == 0 && ip[15] == 1;
}

/* is_reached() - Does a socket have this address? A datagram socket that connects there does nothing to it. */
static bool is_reached(const struct sw_place *place)
{
	struct sw_name name = {.host = place->host, .kind = SW_KIND_UDP, .own = place->own};
	int fd = sw_real(socket)(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sun;
	socklen_t len;
	bool reached;

	sw_name_slot(&name, place->slot, place->device);
	len = sw_name_encode(sw_lab(), &name, &sun);
	reached = fd < 0 || sw_real(connect)(fd, (struct sockaddr *)&sun, len) == 0;
	if (fd >= 0)
		close(fd);
	return reached;
}

/* is_held() - Does the socket that joined still exist? Where it has an address here that can be seen, else by its process. */
static bool is_held(const struct sw_place *member)
{
	int saved = errno;
	bool lives = kill(member->pid, 0) == 0 || errno == EPERM;

	for (struct sw_place *place = sw_options()->places; place < sw_options()->places + SW_PLACES; place++)
		if ((place->state & PHASE) == SW_PLACE_VALID && place->cookie == member->cookie && !place->ifindex) {
			lives = is_reached(place);
			break;
		}
	errno = saved;
	return lives;
}

bool sw_place_hears(const struct sw_place *place, const uint8_t group[16], uint16_t ifindex)
{
	struct sw_endpoint own = {0};
	bool others = place->all & (sw_ip_is_v4(group) ? 1 : 2);
	struct sw_place member;
	uint32_t home;

	if (others && is_all_hosts(group))
		return true;
	memcpy(own.ip, group, sizeof(own.ip));
	home = sw_place_home(&own);
	for (uint32_t at = 0; sw_place_next(home, &at, &member);) {
		if (member.host != place->host || member.ifindex != ifindex || memcmp(member.own.ip, group, 16) != 0)
			continue;
		if (member.cookie == place->cookie)
			return true;
		if (others && is_held(&member))
			return true;
		if (others)
			sw_place_gone(home, at, &member);
	}
	return false;
}

/* Bits of ports, of which none is ever cleared. */
static bool is_marked(const uint8_t *ports, uint16_t port)
{
	return __atomic_load_n(&ports[port / 8], __ATOMIC_RELAXED) & 1 << port % 8;
}

static void mark(uint8_t *ports, uint16_t port)
{
	__atomic_fetch_or(&ports[port / 8], (uint8_t)(1 << port % 8), __ATOMIC_RELAXED);
}

bool sw_port_shared(uint16_t port)
{
	return !sw_options() || is_marked(sw_options()->shared, port);
}

void sw_port_share(uint16_t port)
{
	if (sw_options())
		mark(sw_options()->shared, port);
}

bool sw_port_devices(uint16_t port)
{
	return !sw_options() || is_marked(sw_options()->devices, port);
}

void sw_port_device(uint16_t port)
{
	if (sw_options())
		mark(sw_options()->devices, port);
}

bool sw_port_particular(uint16_t port)
{
	return !sw_options() || is_marked(sw_options()->particular, port);
}

void sw_port_particularise(uint16_t port)
{
	if (sw_options())
		mark(sw_options()->particular, port);
}

void sw_port_listens(uint16_t port, uint64_t tag)
{
	uint64_t known = 0;

	if (sw_options() &&
	    !__atomic_compare_exchange_n(&sw_options()->listeners[port], &known, tag, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) &&
	    known != tag)
		__atomic_store_n(&sw_options()->listeners[port], SW_UNLIKE, __ATOMIC_RELAXED);
}

uint64_t sw_port_listener(uint16_t port)
{
	uint64_t known = sw_options() ? __atomic_load_n(&sw_options()->listeners[port], __ATOMIC_RELAXED) : 0;

	return known == SW_UNLIKE ? 0 : known;
}
