/* listen, accept and accept4: what a listener does. */
#include "capture.h"
#include "option.h"
#include "place.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "real.h"

/* The kernel's default net.core.somaxconn. Directly, a full queue would be EAGAIN to a non-blocking connect. */
#define DIRECT_BACKLOG 4096

/* What a listener hands down to the sockets it accepts. */
#define INHERITED (SW_TAG_V6 | SW_TAG_V6ONLY | SW_TAG_NODELAY | SW_TAG_CORK | SW_TAG_KEPT | SW_TAG_ABORT | \
		   SW_TAG_REUSEADDR | SW_TAG_REUSEPORT | SW_TAG_DEVICE)

/* Known by its port, it need not be asked for at each accept. In drop-in networks a table is one of many (dropin.h). */
void sw_listens(int fd, uint64_t tag)
{
	struct sw_name name;

	if (!sw_in_dropin() && sw_own_name(fd, &name))
		sw_port_listens(name.own.port, (tag & ~0xffffffffull) | (tag & INHERITED));
}

/* handed_down() - Of the listener @fd what its tag hands down to who came from @peer, if not NULL; false: it has none. */
static bool handed_down(int fd, const struct sw_name *peer, uint64_t *tag)
{
	bool told = peer && peer->kind == SW_KIND_TCP && peer->pair && !sw_name_has_slot(peer) && !sw_in_dropin();

	*tag = told ? sw_port_listener(peer->peer.port) : 0;
	return *tag || sw_tag_get(fd, tag);
}

SW_EXPORT int listen(int fd, int backlog)
{
	struct sw_name name = {.kind = SW_KIND_TCP};
	uint64_t tag;
	int error;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real(listen)(fd, backlog);
	if (tag & SW_TAG_DGRAM)
		return sw_fail(EOPNOTSUPP);
	if (sw_settle(fd, tag) & (SW_TAG_CONNECTING | SW_TAG_CONNECTED))
		return sw_fail(EINVAL);
	error = tag & SW_TAG_FAILED ? sw_renew(fd, &tag) : 0;
	if (error)
		return sw_fail(error);
	if (!(tag & SW_TAG_BOUND)) {
		tag = sw_here(tag, NULL);
		name.host = SW_TAG_HOST(tag);
		if (!(tag & SW_TAG_V6))
			memset(name.own.ip + 10, 0xff, 2);
		error = sw_claim(fd, tag, &name);
		if (error)
			return sw_fail(error);
	}
	if (sw_lab()->flags & SW_DIRECT)
		sw_listens(fd, tag); /* before anybody can connect */
	if (sw_real(listen)(fd, sw_lab()->flags & SW_DIRECT ? DIRECT_BACKLOG : backlog) < 0)
		return -1;
	return sw_tag_set(fd, tag | SW_TAG_BOUND | SW_TAG_LISTEN);
}

/**
 * welcome() - Make an accepted AF_UNIX socket a virtual one
 * @listener: the listener's tag
 * @peer:     whom the connection is from
 *
 * Return: false for a stranger, who knew the name from /proc/net/unix, and for a peer that has gone already
 */
static bool welcome(int fd, uint64_t listener, const struct sw_name *peer)
{
	bool direct = sw_lab()->flags & SW_DIRECT;
	struct sw_hello hello;

	if (!sw_peer_is_ours(fd) || peer->kind != (direct ? SW_KIND_TCP : SW_KIND_ONWARD))
		return false;
	listener = (listener & ~0xffffffffull) | (listener & INHERITED) | SW_TAG_ACCEPTED | SW_TAG_CONNECTED;
	if (sw_tag_set(fd, direct ? listener : sw_widen(fd, listener)) < 0)
		return false;
	if (direct)
		return true;
	hello.ino = htole64(sw_inode(fd));
	/* If nobody takes it, the flow was reset before we came: such a connection is dropped (accept(2), ECONNABORTED). */
	return sw_real(send)(fd, &hello, sizeof(hello), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(hello);
}

/* plain_result() - accept4(2) of a socket that is not ours, through our own buffer: the name was needed to tell. */
static int plain_result(int fd, const struct sockaddr_un *sun, socklen_t got, struct sockaddr *addr, socklen_t *len)
{
	if (addr && len) {
		memcpy(addr, sun, *len < got ? *len : got);
		*len = got;
	}
	return fd;
}

SW_EXPORT int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct sockaddr_un sun;
	int saved = errno;
	uint64_t tag;

	if (!sw_lab())
		return sw_real(accept4)(fd, addr, len, flags);
	for (;;) {
		struct sw_name peer;
		socklen_t got = sizeof(sun);
		int accepted = sw_real(accept4)(fd, (struct sockaddr *)&sun, &got, flags);
		bool member;

		if (accepted < 0) /* a datagram socket may be one that has no listeners at all, or SOCK_SEQPACKET */
			return errno == EINVAL && sw_tag_get(fd, &tag) && (tag & SW_TAG_DGRAM) ? sw_fail(EOPNOTSUPP) : -1;
		member = sw_decode(&sun, got, &peer);
		if (!handed_down(fd, member ? &peer : NULL, &tag))
			return plain_result(accepted, &sun, got, addr, len);
		if (member && welcome(accepted, tag, &peer)) {
			if (tag & SW_TAG_KEPT)
				sw_kept_copy(fd, accepted, true);
			sw_abort_begin(accepted, tag | SW_TAG_ACCEPTED);
			sw_patience_begin(accepted, tag | SW_TAG_ACCEPTED);
			if (sw_capturing)
				sw_capture_accepted(accepted);
			if (addr && len)
				sw_endpoint_write(tag, &peer.own, addr, len);
			errno = saved;
			return accepted;
		}
		close(accepted);
	}
}

SW_EXPORT int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return accept4(fd, addr, len, 0);
}
