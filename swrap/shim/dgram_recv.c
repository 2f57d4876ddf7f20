/* Receiving datagrams: the header comes off, and becomes the sender's address and ancillary data. */
#include <alloca.h>
#include <netinet/in.h>
#include <string.h>

#include "capture.h"
#include "dgram.h"
#include "dropin.h"
#include "netlink.h"
#include "real.h"

#define MOST_IOV 1023 /* UIO_MAXIOV (readv(2)), less the header's */
#define SMALL 2048 /* bytes of room: no more than this is copied from behind the header */

/* put_control() - Behind what the kernel put there itself; what does not fit is cut, as put_cmsg() in Linux does. */
static void put_control(struct msghdr *msg, size_t room, int level, int type, const void *data, size_t size)
{
	struct cmsghdr *c = (struct cmsghdr *)((char *)msg->msg_control + msg->msg_controllen);
	size_t left = room - msg->msg_controllen;

	if (!msg->msg_control || left < sizeof(*c)) {
		msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	if (left < CMSG_LEN(size)) {
		msg->msg_flags |= MSG_CTRUNC;
		size = left - sizeof(*c);
	}
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), data, size);
	msg->msg_controllen += left < CMSG_SPACE(size) ? left : CMSG_SPACE(size);
}

/* local_address() - ipi_spec_dst: the host's own address, where the datagram was for many. */
static void local_address(const struct sw_dgram *head, struct in_addr *addr)
{
	struct sw_iface iface;
	struct sw_addr own;
	uint8_t ip[16];
	bool many = sw_dgram_many(head->to.ip);

	memcpy(ip, head->to.ip, sizeof(ip));
	for (uint32_t i = 0; many && sw_iface_addr(i, &own, &iface); i++)
		if (iface.ifindex == head->ifindex && !own.v6) {
			memcpy(ip, own.ip, sizeof(ip));
			break;
		}
	sw_ip_shown(ip);
	memcpy(addr, ip + 12, sizeof(*addr));
}

/* put_v4() - What a datagram of IPv4 tells, by the options at that level. */
static void put_v4(const struct sw_dgram *head, struct msghdr *msg, size_t room, bool info, bool life, bool service)
{
	int ttl = head->ttl;

	if (info) {
		struct in_pktinfo told = {.ipi_ifindex = head->ifindex};

		memcpy(&told.ipi_addr, head->to.ip + 12, 4);
		local_address(head, &told.ipi_spec_dst);
		put_control(msg, room, IPPROTO_IP, IP_PKTINFO, &told, sizeof(told));
	}
	if (life)
		put_control(msg, room, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (service)
		put_control(msg, room, IPPROTO_IP, IP_TOS, &head->tos, sizeof(head->tos));
}

static void put_controls(uint64_t tag, const struct sw_dgram *head, struct msghdr *msg, size_t room)
{
	int ttl = head->ttl, tos = head->tos;

	if (!(tag & SW_TAG_V6)) {
		put_v4(head, msg, room, tag & SW_TAG_PKTINFO, tag & SW_TAG_RECVTTL, tag & SW_TAG_RECVTOS);
		return;
	}
	if (tag & SW_TAG_PKTINFO) {
		struct in6_pktinfo info = {.ipi6_ifindex = head->ifindex};

		memcpy(&info.ipi6_addr, head->to.ip, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
			sw_ip_set_link(info.ipi6_addr.s6_addr, 0);
		put_control(msg, room, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	}
	if (sw_ip_is_v4(head->to.ip)) {
		put_v4(head, msg, room, tag & SW_TAG_PKTINFO_V4, tag & SW_TAG_RECVTTL_V4, tag & SW_TAG_RECVTOS_V4);
		return;
	}
	if (tag & SW_TAG_RECVTTL)
		put_control(msg, room, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
	if (tag & SW_TAG_RECVTOS)
		put_control(msg, room, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
}

/* put_name() - The sender's address; a link-local one is nothing without its scope. */
static void put_name(uint64_t tag, const struct sw_dgram *head, struct msghdr *msg)
{
	struct sockaddr_in6 *in6 = msg->msg_name;
	socklen_t room = msg->msg_namelen;

	if (!msg->msg_name)
		return;
	sw_endpoint_write(tag, &head->from, msg->msg_name, &msg->msg_namelen);
	if ((tag & SW_TAG_V6) && room >= sizeof(*in6) && IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		in6->sin6_scope_id = head->ifindex;
}

/* nothing() - A receive that met the end: shutdown(2), or a switch that is gone. False: a stranger's empty message. */
static bool nothing(int fd, uint64_t tag, ssize_t *result)
{
	struct pollfd one = {.fd = fd, .events = POLLRDHUP};

	if ((sw_lab()->flags & SW_DIRECT) && !(poll(&one, 1, 0) == 1 && (one.revents & POLLRDHUP)))
		return false;
	*result = (tag & SW_TAG_SHUT) || (sw_lab()->flags & SW_DIRECT) ? 0 : sw_fail(ENETDOWN);
	return true;
}

/* in_pieces() - recvmsg(2): the header, and into @msg what is behind it. */
static ssize_t in_pieces(int fd, struct msghdr *msg, size_t room, int flags, struct sw_dgram *head)
{
	struct iovec *iov = alloca((msg->msg_iovlen + 1) * sizeof(*iov));
	struct msghdr whole = {
		.msg_iov = iov,
		.msg_iovlen = msg->msg_iovlen + 1,
		.msg_control = msg->msg_control,
		.msg_controllen = room,
	};
	ssize_t n;

	iov[0] = (struct iovec){head, sizeof(*head)};
	memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	n = sw_real(recvmsg)(fd, &whole, flags);
	if (n >= 0) {
		msg->msg_controllen = whole.msg_controllen;
		msg->msg_flags = whole.msg_flags;
	}
	return n;
}

/* in_one_piece() - The same, for one small buffer and no ancillary data: one piece costs the kernel less than two. */
static inline ssize_t in_one_piece(int fd, void *buf, size_t room, int flags, struct sw_dgram *head, int *told)
{
	struct {
		struct sw_dgram head;
		char data[SMALL];
	} piece;
	ssize_t n = sw_real(recv)(fd, &piece, sizeof(piece.head) + room, flags | MSG_TRUNC);
	size_t size;

	if (n < (ssize_t)sizeof(piece.head))
		return n;
	*head = piece.head;
	size = (size_t)n - sizeof(piece.head);
	*told = size > room ? MSG_TRUNC : 0;
	memcpy(buf, piece.data, size < room ? size : room);
	return size <= room || (flags & MSG_TRUNC) ? n : (ssize_t)(sizeof(piece.head) + room);
}

static inline bool is_data(ssize_t n, const struct sw_dgram *head)
{
	return n >= (ssize_t)sizeof(*head) && head->magic == SW_DGRAM_MAGIC && head->kind == SW_DGRAM_DATA;
}

/* is_over() - What came is no data. Does that end the call, with @result? */
static bool is_over(int fd, uint64_t tag, int flags, ssize_t n, struct sw_dgram *head, ssize_t *result)
{
	*result = n;
	if (n < 0) {
		if (errno == ECONNRESET && !(sw_lab()->flags & SW_DIRECT))
			errno = ENETDOWN;
		return true;
	}
	if (n == 0 && nothing(fd, tag, result))
		return true;
	if (flags & MSG_PEEK) /* it must not be met again */
		sw_real(recv)(fd, head, 0, MSG_DONTWAIT);
	if (n < (ssize_t)sizeof(*head) || head->kind != SW_DGRAM_UNREACHABLE || !sw_tag_get(fd, &tag) ||
	    !(tag & SW_TAG_CONNECTED))
		return false;
	*result = sw_fail(ECONNREFUSED);
	return true;
}

ssize_t sw_dgram_recv(int fd, uint64_t tag, struct msghdr *msg, int flags)
{
	bool direct = sw_lab()->flags & SW_DIRECT;
	size_t room = msg->msg_controllen;
	bool one = room == 0 && msg->msg_iovlen == 1 && msg->msg_iov->iov_base && msg->msg_iov->iov_len <= SMALL;
	int error;

	if (tag & SW_TAG_NETLINK)
		return sw_netlink_recv(fd, tag, msg, flags);
	if (msg->msg_iovlen > MOST_IOV)
		return sw_fail(EMSGSIZE);
	if (flags & MSG_ERRQUEUE)
		return sw_fail(EAGAIN); /* nothing is ever put there */
	if (!direct && !(tag & SW_TAG_BOUND)) {
		error = sw_dgram_autobind(fd, &tag);
		if (error)
			return sw_fail(error);
	}
	for (;;) {
		struct sw_dgram head;
		ssize_t n = one ? in_one_piece(fd, msg->msg_iov->iov_base, msg->msg_iov->iov_len, flags, &head, &msg->msg_flags)
				: in_pieces(fd, msg, room, flags, &head);

		if (is_data(n, &head)) {
			/* What is for many its sender captures: it is sent once. */
			if (sw_capturing && !(flags & (MSG_PEEK | MSG_TRUNC)) && !(msg->msg_flags & MSG_TRUNC) &&
			    !sw_dgram_many(head.to.ip))
				sw_capture_datagram(fd, &head.from, &head.to, msg->msg_iov,
						    (size_t)n - sizeof(head), false);
			put_name(tag, &head, msg);
			put_controls(tag, &head, msg, room);
			return n - (ssize_t)sizeof(head);
		}
		if (!is_over(fd, tag, flags, n, &head, &n))
			continue;
		if (n == 0) {
			msg->msg_namelen = 0;
			msg->msg_controllen = 0;
			msg->msg_flags = 0;
		}
		return n;
	}
}

/* take_plain() - recvfrom(2) of the plain sort of socket, into a small buffer. */
static ssize_t take_plain(int fd, void *buf, size_t room, int flags, struct sockaddr *addr, socklen_t *len)
{
	for (;;) {
		struct sw_dgram head;
		int told;
		ssize_t n = in_one_piece(fd, buf, room, flags, &head, &told);

		if (is_data(n, &head)) {
			if (addr)
				sw_endpoint_write(SW_TAG_DGRAM, &head.from, addr, len);
			return n - (ssize_t)sizeof(head);
		}
		if (!is_over(fd, SW_TAG_DGRAM, flags, n, &head, &n))
			continue;
		if (n == 0 && addr)
			*len = 0;
		return n;
	}
}

ssize_t sw_dgram_take(int fd, uint64_t tag, void *buf, size_t n, int flags, struct sockaddr *addr, socklen_t *len)
{
	struct iovec iov = {buf, n};
	struct msghdr msg = {.msg_name = addr, .msg_namelen = len ? *len : 0, .msg_iov = &iov, .msg_iovlen = 1};
	ssize_t got;

	if (!SW_TAG_IS(tag) && buf && n <= SMALL && !(flags & MSG_ERRQUEUE) && !sw_capturing && (!addr || len))
		return take_plain(fd, buf, n, flags, addr, len);
	got = sw_dgram_recv(fd, tag, &msg, flags);
	if (got >= 0 && addr && len)
		*len = msg.msg_namelen;
	return got;
}
