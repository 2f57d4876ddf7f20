/* Addresses: sockaddr to endpoint and back; bind, getsockname, getpeername. */
#include "dgram.h"
#include "dropin.h"
#include "netlink.h"

#include <netinet/in.h>
#include <string.h>

#include "real.h"

int sw_endpoint_read(uint64_t tag, const struct sockaddr *addr, socklen_t len, struct sw_endpoint *ep)
{
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;

	if (len < sizeof(sa_family_t))
		return EINVAL;
	if (tag & SW_TAG_V6) {
		if (addr->sa_family != AF_INET6)
			return EAFNOSUPPORT;
		if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
			return EINVAL;
		memcpy(ep->ip, &in6->sin6_addr, 16);
		if (sw_ip_is_link_local(ep->ip))
			sw_ip_set_link(ep->ip, len < sizeof(*in6) ? 0 : sw_link_at(in6->sin6_scope_id));
		sw_ip_heard(ep->ip);
		ep->port = ntohs(in6->sin6_port);
		return 0;
	}
	if (addr->sa_family != AF_INET && !(addr->sa_family == AF_UNSPEC && len >= sizeof(*in) && !in->sin_addr.s_addr))
		return EAFNOSUPPORT;
	if (len < sizeof(*in))
		return EINVAL;
	memset(ep->ip, 0, 10);
	memset(ep->ip + 10, 0xff, 2);
	memcpy(ep->ip + 12, &in->sin_addr, 4);
	sw_ip_heard(ep->ip);
	ep->port = ntohs(in->sin_port);
	return 0;
}

int sw_endpoint_link(int fd, uint64_t tag, struct sw_endpoint *ep)
{
	if (!sw_ip_is_link_local(ep->ip) || sw_ip_link(ep->ip))
		return 0;
	sw_ip_set_link(ep->ip, sw_link_at(sw_device(fd, tag)));
	return sw_ip_link(ep->ip) ? 0 : EINVAL;
}

void sw_unspecified_is_here(struct sw_endpoint *ep)
{
	if (!sw_ip_is_any(ep->ip))
		return;
	if (sw_ip_is_v4(ep->ip))
		ep->ip[12] = 127;
	ep->ip[15] = 1;
}

void sw_endpoint_write(uint64_t tag, const struct sw_endpoint *ep, struct sockaddr *addr, socklen_t *len)
{
	union {
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} full;
	socklen_t size;
	uint8_t ip[16];

	memcpy(ip, ep->ip, sizeof(ip));
	sw_ip_shown(ip);
	memset(&full, 0, sizeof(full));
	if (tag & SW_TAG_V6) {
		full.in6.sin6_family = AF_INET6;
		full.in6.sin6_port = htons(ep->port);
		if (sw_ip_is_link_local(ip)) {
			full.in6.sin6_scope_id = sw_link_ifindex(sw_ip_link(ip));
			sw_ip_set_link(ip, 0);
		}
		memcpy(&full.in6.sin6_addr, ip, 16);
		size = sizeof(full.in6);
	} else {
		full.in.sin_family = AF_INET;
		full.in.sin_port = htons(ep->port);
		memcpy(&full.in.sin_addr, ip + 12, 4);
		size = sizeof(full.in);
	}
	memcpy(addr, &full, *len < size ? *len : size);
	*len = size;
}

static void any_address(uint64_t tag, struct sw_endpoint *ep)
{
	memset(ep, 0, sizeof(*ep));
	if (!(tag & SW_TAG_V6))
		memset(ep->ip + 10, 0xff, 2);
}

typedef int name_getter(int fd, struct sockaddr *addr, socklen_t *len);

static bool decode_name(name_getter *get, int fd, struct sw_name *name)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);

	return get(fd, (struct sockaddr *)&sun, &len) == 0 && sw_decode(&sun, len, name);
}

bool sw_own_name(int fd, struct sw_name *name)
{
	if (!decode_name(sw_real(getsockname), fd, name))
		return false;
	if (sw_name_has_slot(name))
		sw_name_slot(name, 0, 0); /* who asks wants the address */
	return true;
}

bool sw_peer_name(int fd, struct sw_name *name)
{
	return decode_name(sw_real(getpeername), fd, name);
}

SW_EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sw_name name = {0};
	uint64_t tag;
	int error, saved = errno;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real(bind)(fd, addr, len);
	if (tag & SW_TAG_NETLINK)
		return sw_netlink_bind(fd, tag, addr, len);
	error = sw_endpoint_read(tag, addr, len, &name.own);
	if (!error)
		error = sw_endpoint_link(fd, tag, &name.own);
	if (error)
		return sw_fail(error);
	if (sw_settle(fd, tag) & (SW_TAG_BOUND | SW_TAG_CONNECTING | SW_TAG_CONNECTED))
		return sw_fail(EINVAL);
	tag = sw_here(tag, &name.own);
	if (!sw_ip_is_any(name.own.ip) && !sw_addr_has(sw_lab(), SW_TAG_HOST(tag), name.own.ip) &&
	    !((tag & SW_TAG_DGRAM) && sw_dgram_many(name.own.ip)))
		return sw_fail(EADDRNOTAVAIL);
	name.host = SW_TAG_HOST(tag);
	name.kind = SW_KIND_TCP;
	tag |= SW_TAG_BOUND;
	if (tag & SW_TAG_DGRAM)
		error = sw_dgram_attach(fd, &tag, &name.own);
	else if ((error = sw_claim(fd, tag, &name)) == 0 && sw_tag_set(fd, tag) < 0)
		error = errno;
	if (error)
		return sw_fail(error);
	errno = saved;
	return 0;
}

/* settle_any() - If @ep is @name's wildcard: its host's one address, in a drop-in network, of the family of @other. */
static void settle_any(const struct sw_name *name, struct sw_endpoint *ep, const struct sw_endpoint *other)
{
	const struct sw_host *host = &sw_hosts(sw_lab())[name->host];

	if (!sw_in_dropin() || !sw_ip_is_any(ep->ip))
		return;
	memcpy(ep->ip, sw_ip_is_loopback(other->ip) ? other->ip
		       : sw_addrs(sw_lab())[host->first_addr + !sw_ip_is_v4(other->ip)].ip, sizeof(ep->ip));
}

/**
 * sw_endpoints() - Both addresses of a socket that is connected or connecting
 *
 * An accepted socket finds them in its peer's name, a connecting one in its own. Where the program bound the socket
 * itself, its name tells one of them at most, and the switch is asked.
 */
bool sw_endpoints(int fd, uint64_t tag, struct sw_endpoint *local, struct sw_endpoint *remote)
{
	struct sw_answer answer;
	struct sw_name name, peer;

	if (tag & SW_TAG_DGRAM) {
		return (tag & SW_TAG_CONNECTED) && sw_dgram_names(fd, tag, local, remote);
	}
	if (tag & SW_TAG_ACCEPTED) {
		if (!sw_peer_name(fd, &name))
			return false;
		*remote = name.own;
		*local = name.peer;
		if (!name.pair && sw_own_name(fd, &name)) /* directly, from a socket that its program had bound */
			*local = name.own;
		settle_any(&name, local, remote);
		return true;
	}
	if (sw_own_name(fd, &name) && name.pair) {
		*local = name.own;
		*remote = name.peer;
		return true;
	}
	if (sw_lab()->flags & SW_DIRECT) { /* the other end is the listener's: as near as one gets */
		*local = name.own;
		if (!sw_peer_name(fd, &peer))
			return false;
		*remote = peer.own;
		settle_any(&peer, remote, local);
		settle_any(&name, local, remote);
		return true;
	}
	sw_ask(fd, &answer);
	*local = answer.local;
	*remote = answer.remote;
	return answer.state != SW_FLOW_NONE;
}

SW_EXPORT int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sw_endpoint local, remote;
	struct sw_name name;
	uint64_t tag;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real(getsockname)(fd, addr, len);
	if (tag & SW_TAG_NETLINK)
		return sw_netlink_getsockname(fd, tag, addr, len);
	any_address(tag, &local);
	tag = sw_settle(fd, tag);
	if (!(tag & (SW_TAG_CONNECTING | SW_TAG_CONNECTED)) || !sw_endpoints(fd, tag, &local, &remote))
		if (sw_own_name(fd, &name))
			local = name.own;
	sw_endpoint_write(tag, &local, addr, len);
	return 0;
}

SW_EXPORT int getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sw_endpoint local, remote;
	uint64_t tag;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real(getpeername)(fd, addr, len);
	if (tag & SW_TAG_NETLINK)
		return sw_netlink_getpeername(addr, len);
	tag = sw_settle(fd, tag);
	if (!(tag & SW_TAG_CONNECTED) || sw_over(fd, tag) || !sw_endpoints(fd, tag, &local, &remote) || !remote.port)
		return sw_fail(ENOTCONN);
	sw_endpoint_write(tag, &remote, addr, len);
	return 0;
}
