/* connect(2): to the switch, which connects on; or, in a lab without one, straight to the listener. */
#include "capture.h"
#include "dgram.h"
#include "netlink.h"
#include "option.h"
#include "place.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "real.h"

/* outcome() - 0 established, EINPROGRESS still waiting, or the errno that ended the attempt. */
static int outcome(int fd, int timeout_ms)
{
	struct pollfd one = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t len = sizeof(error);
	int n = poll(&one, 1, timeout_ms);

	if (n < 0)
		return errno;
	if (n == 0)
		return EINPROGRESS;
	if (!(one.revents & POLLERR))
		return 0;
	sw_real(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error ? sw_reason(fd) : 0;
}

/* has_peer() - A connect that was under way has come to its end; or, in a direct lab, was made without a word in the tag. */
static bool has_peer(int fd, uint64_t tag)
{
	struct pollfd one = {.fd = fd, .events = POLLOUT};
	struct sockaddr_un sun;
	socklen_t len = 0;

	if (tag & (SW_TAG_DGRAM | SW_TAG_CONNECTED | SW_TAG_LISTEN))
		return false;
	if (tag & SW_TAG_CONNECTING)
		return poll(&one, 1, 0) == 1 && !(one.revents & (POLLERR | POLLHUP));
	return (sw_lab()->flags & SW_DIRECT) && sw_real(getpeername)(fd, (struct sockaddr *)&sun, &len) == 0;
}

uint64_t sw_settle(int fd, uint64_t tag)
{
	int saved = errno;

	if (has_peer(fd, tag)) {
		tag = (tag & ~(uint64_t)SW_TAG_CONNECTING) | SW_TAG_CONNECTED;
		sw_tag_set(fd, tag);
	}
	errno = saved;
	return tag;
}

bool sw_over(int fd, uint64_t tag)
{
	struct pollfd one = {.fd = fd};
	struct sw_answer answer;
	int saved = errno;

	if (!(tag & SW_TAG_CONNECTED))
		return false;
	if ((tag & SW_TAG_PIPE) || poll(&one, 1, 0) != 1 || (one.revents & POLLERR))
		return (tag & SW_TAG_PIPE) || one.revents & POLLERR;
	/* The peer's FIN and ours look like shutdown(SHUT_RDWR): the switch can tell. */
	if (!(one.revents & POLLHUP) || !(tag & SW_TAG_SHUT) || (sw_lab()->flags & SW_DIRECT))
		return false;
	sw_ask(fd, &answer);
	errno = saved;
	return answer.state == SW_FLOW_CLOSED || answer.state == SW_FLOW_NONE;
}

int sw_reach(int fd, const struct sockaddr_un *sun, socklen_t len)
{

	for (;;) {
		if (sw_real(connect)(fd, (const struct sockaddr *)sun, len) == 0)
			break;
		if (errno != EAGAIN)
			return errno;
		/* Only a non-blocking socket comes here; the switch accepts within microseconds. */
		struct pollfd nothing = {.fd = -1};
		poll(&nothing, 1, 1);
	}
	return sw_peer_is_ours(fd) ? 0 : ECONNREFUSED;
}

/* reach_directly() - To the listener itself, wherever it may be bound. */
static int reach_directly(int fd, uint64_t tag, const struct sw_endpoint *remote)
{
	const struct sw_page *page = sw_lab_of(fd);
	struct sockaddr_un sun;
	struct sw_name name;
	uint32_t iface, turn = 0;
	uint16_t owner, device;

	if (sw_owner(page, SW_TAG_HOST(tag), sw_device(fd, tag), remote->ip, &owner, &iface) < 0)
		return EHOSTUNREACH;
	device = sw_port_devices(remote->port) ? sw_ifaces(page)[iface].ifindex : 0;
	for (uint32_t n = 0; sw_listener(owner, SW_KIND_TCP, remote, device, n, turn, &name); n++) {
		int error = sw_reach(fd, &sun, sw_name_encode(page, &name, &sun));

		if (error != ECONNREFUSED)
			return error;
		if (n == 0) /* no name but the plain one has turns, and most listeners have that */
			turn = (uint32_t)sw_inode(fd);
	}
	return ECONNREFUSED;
}

/* name_self() - Choose the local address, and bind the pair's name unless the program bound one itself. */
static int name_self(int fd, uint64_t tag, struct sw_endpoint *local, const struct sw_endpoint *remote)
{
	struct sw_name name = {0};
	uint8_t source[16];
	uint32_t iface;
	int error = sw_route(sw_lab(), SW_TAG_HOST(tag), sw_device(fd, tag), remote->ip, source, &iface);

	if (error)
		return -error;
	if (tag & SW_TAG_BOUND) {
		if (!sw_own_name(fd, &name))
			return EINVAL;
	} else {
		name = (struct sw_name){.host = SW_TAG_HOST(tag), .kind = SW_KIND_TCP, .pair = true, .peer = *remote};
		memcpy(name.own.ip, source, 16);
		error = sw_bind_port(fd, &name);
		if (error)
			return error == EADDRINUSE ? EADDRNOTAVAIL : error;
	}
	*local = name.own;
	if (sw_ip_is_any(local->ip))
		memcpy(local->ip, source, 16);
	return 0;
}

int sw_renew(int fd, uint64_t *tag)
{
	struct sw_name name;
	bool bound = (*tag & SW_TAG_BOUND) && sw_own_name(fd, &name);
	int flags = fcntl(fd, F_GETFL), cloexec = fcntl(fd, F_GETFD);
	int fresh = sw_real(socket)(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (flags & O_NONBLOCK ? SOCK_NONBLOCK : 0), 0);
	int error = 0;

	if (fresh < 0)
		return errno;
	*tag &= ~(uint64_t)(SW_TAG_FAILED | SW_TAG_CONNECTING | SW_TAG_CONNECTED | SW_TAG_ACCEPTED | SW_TAG_SHUT | SW_TAG_PIPE);
	if (*tag & SW_TAG_KEPT)
		sw_kept_copy(fd, fresh, false);
	if (dup3(fresh, fd, cloexec & FD_CLOEXEC ? O_CLOEXEC : 0) < 0 || sw_tag_set(fd, *tag) < 0)
		error = errno;
	close(fresh);
	return error ? error : bound ? sw_claim(fd, *tag, &name) : 0;
}

/* disconnect() - To nobody: what there was ends as by SO_LINGER 0, and the socket may connect again. */
static int disconnect(int fd, uint64_t tag)
{
	int error;

	tag = sw_settle(fd, tag);
	if (!(tag & (SW_TAG_CONNECTED | SW_TAG_CONNECTING)))
		return 0;
	sw_abort_begin(fd, tag | SW_TAG_ABORT);
	error = sw_renew(fd, &tag);
	return error ? sw_fail(error) : 0;
}

/* under_way() - connect(2) on a socket that is connecting already. */
static int under_way(int fd, uint64_t tag)
{
	int error = outcome(fd, 0);

	if (error == EINPROGRESS)
		return sw_fail(EALREADY);
	tag &= ~(uint64_t)SW_TAG_CONNECTING;
	sw_tag_set(fd, tag | (error ? SW_TAG_FAILED : SW_TAG_CONNECTED));
	return error ? sw_fail(error) : 0;
}

/* patience_ms() - SO_SNDTIMEO; -1 where there is none. */
static int patience_ms(int fd)
{
	struct timeval limit = {0};
	socklen_t len = sizeof(limit);

	sw_real(getsockopt)(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, &len);
	if (limit.tv_sec == 0 && limit.tv_usec == 0)
		return -1;
	return limit.tv_sec > INT_MAX / 1000 - 1 ? INT_MAX : (int)(limit.tv_sec * 1000 + (limit.tv_usec + 999) / 1000);
}

/* open_flow() - 0 established, EINPROGRESS, EINTR (still under way), or why it failed. */
static int open_flow(int fd, uint64_t tag, const struct sw_endpoint *remote)
{
	struct sw_endpoint local;
	struct sockaddr_un sun;
	int error = name_self(fd, tag, &local, remote), patience;

	if (error)
		return error;
	if (sw_lab()->flags & SW_DIRECT) {
		if (sw_capturing)
			sw_capture_syn(fd, &local, remote);
		error = reach_directly(fd, tag, remote);
		if (sw_capturing)
			sw_capture_connected(fd, &local, remote, error);
		return error;
	}
	error = sw_reach(fd, &sun, sw_name_service(sw_lab(), SW_SERVICE_STREAM, &sun));
	if (error)
		return error == ECONNREFUSED ? ENETDOWN : error; /* the switch is gone */
	patience = fcntl(fd, F_GETFL) & O_NONBLOCK ? 0 : patience_ms(fd);
	if (patience < 0)
		return sw_syn_await(fd, tag, &local, remote);
	sw_tag_set(fd, tag | SW_TAG_CONNECTING);
	error = sw_syn_send(fd, tag, &local, remote);
	if (error)
		return error == EPIPE || error == ECONNRESET ? sw_reason(fd) : error;
	return patience ? outcome(fd, patience) : EINPROGRESS;
}

SW_EXPORT int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sw_endpoint remote;
	uint64_t tag;
	int error, saved = errno;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real(connect)(fd, addr, len);
	if (tag & SW_TAG_NETLINK)
		return sw_netlink_connect(fd, tag, addr, len);
	if ((tag & SW_TAG_DGRAM) && len >= sizeof(sa_family_t) && addr->sa_family == AF_UNSPEC)
		return sw_dgram_connect(fd, tag, NULL);
	if (!(tag & SW_TAG_DGRAM) && len >= sizeof(sa_family_t) && addr->sa_family == AF_UNSPEC)
		return disconnect(fd, tag);
	if (!(tag & SW_TAG_DGRAM) && (tag & (SW_TAG_CONNECTED | SW_TAG_LISTEN)))
		return sw_fail(EISCONN);
	if (tag & SW_TAG_CONNECTING)
		return under_way(fd, tag);
	error = sw_endpoint_read(tag, addr, len, &remote);
	if (!error)
		error = sw_endpoint_link(fd, tag, &remote);
	if (error)
		return sw_fail(error);
	if ((tag & SW_TAG_V6ONLY) && sw_ip_is_v4(remote.ip))
		return sw_fail(ENETUNREACH);
	sw_unspecified_is_here(&remote);
	tag = sw_here(tag, NULL);
	if (tag & SW_TAG_DGRAM)
		return sw_dgram_connect(fd, tag, &remote);
	if (!remote.port)
		return sw_fail(ECONNREFUSED); /* nobody ever listens there */
	error = tag & SW_TAG_FAILED ? sw_renew(fd, &tag) : 0;
	if (!error)
		error = open_flow(fd, tag, &remote);
	if (error && (sw_settle(fd, tag) & SW_TAG_CONNECTED))
		return sw_fail(EISCONN);
	if (!error || error == EINPROGRESS || error == EINTR) {
		sw_abort_begin(fd, tag);
	}
	/* Directly, the kernel knows as much (has_peer()), and is asked by those few who want to know. */
	if (error ? error != EINPROGRESS && error != EINTR : !(sw_lab()->flags & SW_DIRECT))
		sw_tag_set(fd, error ? tag | SW_TAG_FAILED : sw_widen(fd, tag | SW_TAG_CONNECTED));
	if (error)
		return sw_fail(error);
	errno = saved;
	return 0;
}
