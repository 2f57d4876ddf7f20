/* The switch's end towards a listener. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switch.h"

bool sw_peer_is_ours(const struct sw *sw, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == sw->uid;
}

static int connect_any(struct sw *sw, int fd, const struct sw_flow *f)
{
	uint16_t port = f->end[1].port, device = sw->devices[port / 8] & 1 << port % 8 ? f->arrival : 0;
	struct sw_name name;
	bool full = false;

	for (uint32_t n = 0; sw_listener(f->host[1], SW_KIND_TCP, &f->end[1], device, n, (uint32_t)f->id, &name); n++) {
		struct sockaddr_un sun;
		socklen_t len = sw_name_encode(sw->page, &name, &sun);

		/* Those that share an address have its connections among them; a more general address is another's. */
		if (full && n % (SW_SLOTS + 1) == 0)
			break;
		if (connect(fd, (struct sockaddr *)&sun, len) == 0)
			return sw_peer_is_ours(sw, fd) ? 0 : -ECONNREFUSED;
		full |= errno == EAGAIN;
		/* EPROTOTYPE: the name belongs to something that is no stream. */
		if (errno != ECONNREFUSED && errno != EPROTOTYPE && !(errno == EAGAIN && sw_name_has_slot(&name)))
			return -errno;
	}
	return full ? -EAGAIN : -ECONNREFUSED;
}

/**
 * sw_onward() - Connect to the listener of @f's server address
 *
 * Return: the connected, non-blocking socket, named `client>server`; -ECONNREFUSED where nobody listens; -EAGAIN where
 * the backlog is full; another -errno where the switch is short of something.
 */
int sw_onward(struct sw *sw, const struct sw_flow *f)
{
	struct sw_name name = {
		.host = f->host[1], .kind = SW_KIND_ONWARD, .pair = 1, .own = f->end[0], .peer = f->end[1]};
	struct sockaddr_un sun;
	socklen_t len = sw_name_encode(sw->page, &name, &sun);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), r = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sun, len) < 0)
		r = -errno;
	if (r == 0)
		r = connect_any(sw, fd, f);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
