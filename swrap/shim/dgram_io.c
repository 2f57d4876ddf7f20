/* Sending and receiving datagrams: a header in front of the payload, ancillary data on both sides. */
#include <alloca.h>
#include <netinet/in.h>
#include <string.h>

#include "dgram.h"
#include "netlink.h"
#include "real.h"

#define MOST_IOV 1023 /* UIO_MAXIOV (readv(2)), less the header's */
#define DEFAULT_TTL 64

static bool is_multicast(const uint8_t ip[16])
{
	return sw_ip_is_v4(ip) ? (ip[12] & 0xf0) == 0xe0 : ip[0] == 0xff;
}

/* is_broadcast() - 255.255.255.255, or the last address of one of the host's subnets. */
static bool is_broadcast(const uint8_t ip[16])
{
	static const uint8_t all[4] = {255, 255, 255, 255};
	struct sw_endpoint mask;
	struct sw_iface iface;
	struct sw_addr addr;

	if (!sw_ip_is_v4(ip))
		return false;
	if (memcmp(ip + 12, all, 4) == 0)
		return true;
	for (uint32_t i = 0; sw_iface_addr(i, &addr, &iface); i++) {
		bool same = !addr.v6 && addr.prefix < 31 && !(iface.flags & SW_IF_LOOPBACK);

		sw_prefix_mask(&addr, &mask);
		for (int b = 12; same && b < 16; b++)
			same = ip[b] == (uint8_t)(addr.ip[b] | ~mask.ip[b]);
		if (same)
			return true;
	}
	return false;
}

bool sw_receivers(uint64_t tag, const struct sw_endpoint *remote, struct sw_receivers *to)
{
	uint32_t iface;

	if (sw_owner(sw_lab(), SW_TAG_HOST(tag), remote->ip, &to->host, &iface) < 0)
		return false;
	to->n = 0;
	to->at[to->n++] = *remote;
	if (sw_ip_is_v4(remote->ip)) {
		to->at[to->n] = *remote;
		memset(to->at[to->n++].ip + 12, 0, 4);
	}
	memset(&to->at[to->n], 0, sizeof(to->at[0]));
	to->at[to->n++].port = remote->port;
	return true;
}

static size_t payload_of(const struct msghdr *msg)
{
	size_t n = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		n += msg->msg_iov[i].iov_len;
	return n;
}

/* read_control() - What the sender wants of this one datagram: IP_PKTINFO, IP_TTL, IP_TOS and their IPv6 kin. */
static int read_control(const struct msghdr *msg, struct sw_dgram *head)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR((struct msghdr *)msg, c)) {
		int value = 0;

		if (c->cmsg_level == SOL_SOCKET)
			return c->cmsg_type == SCM_RIGHTS ? EINVAL : 0;
		memcpy(&value, CMSG_DATA(c),
		       c->cmsg_len - CMSG_LEN(0) < sizeof(value) ? c->cmsg_len - CMSG_LEN(0) : sizeof(value));
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			head->ifindex = (uint16_t)info.ipi_ifindex;
			memset(head->from.ip + 10, 0xff, 2);
			memcpy(head->from.ip + 12, &info.ipi_spec_dst, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			head->ifindex = (uint16_t)info.ipi6_ifindex;
			memcpy(head->from.ip, &info.ipi6_addr, 16);
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			head->ttl = (uint8_t)value;
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)) {
			head->tos = (uint8_t)value;
		} else {
			return EINVAL;
		}
	}
	return 0;
}

/* send_directly() - To the receiver's own socket. A datagram that meets nobody, or a full receiver, is lost. */
static ssize_t send_directly(int fd, uint64_t tag, struct msghdr *whole, const struct sw_endpoint *remote, int flags)
{
	struct sw_receivers to;
	struct sockaddr_un sun;
	ssize_t sent = -1;

	if (!sw_receivers(tag, remote, &to))
		return (ssize_t)payload_of(whole);
	for (int i = 0; i < to.n; i++) {
		struct sw_name name = {.host = to.host, .kind = SW_KIND_UDP, .own = to.at[i]};

		whole->msg_name = &sun;
		whole->msg_namelen = sw_name_encode(sw_lab(), &name, &sun);
		sent = sw_real()->sendmsg(fd, whole, flags | MSG_DONTWAIT);
		if (sent >= 0 || errno != ECONNREFUSED)
			break;
	}
	if (sent < 0 && (errno == ECONNREFUSED || errno == EAGAIN || errno == EPERM))
		return (ssize_t)payload_of(whole);
	return sent;
}

/* address() - Fill in where @msg goes; 0 or an errno. */
static int address(int fd, uint64_t tag, const struct msghdr *msg, struct sw_dgram *head)
{
	uint8_t source[16];
	uint32_t iface;
	int error, on = 0;
	socklen_t len = sizeof(on);

	if (!msg->msg_name && !(tag & SW_TAG_CONNECTED))
		return EDESTADDRREQ;
	if (!msg->msg_name) /* the switch knows the peer; without one the receiver wants to be told */
		return (sw_lab()->flags & SW_DIRECT) && !sw_dgram_peer(fd, &head->to) ? ENOTCONN : 0;
	error = sw_endpoint_read(tag, msg->msg_name, msg->msg_namelen, &head->to);
	if (error)
		return error;
	if (head->to.port == 0)
		return EINVAL;
	if (is_broadcast(head->to.ip)) {
		sw_real()->getsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, &len);
		head->flags |= SW_DGRAM_BROADCAST;
		return on ? 0 : EACCES;
	}
	if (is_multicast(head->to.ip)) {
		head->ttl = 1;
		return 0;
	}
	return -sw_route(sw_lab(), SW_TAG_HOST(tag), head->to.ip, source, &iface);
}

ssize_t sw_dgram_send(int fd, uint64_t tag, const struct msghdr *msg, int flags)
{
	struct sw_dgram head = {.magic = SW_DGRAM_MAGIC, .kind = SW_DGRAM_DATA, .ttl = DEFAULT_TTL};
	struct sw_endpoint any = {0};
	struct msghdr whole = {0};
	struct iovec *iov;
	ssize_t sent;
	int error;

	if (tag & SW_TAG_NETLINK)
		return sw_netlink_send(fd, tag, msg, flags);
	if (msg->msg_iovlen > MOST_IOV || payload_of(msg) > SW_DGRAM_MOST)
		return sw_fail(EMSGSIZE);
	if (flags & MSG_OOB)
		return sw_fail(EOPNOTSUPP);
	if (tag & SW_TAG_NOLOOP)
		head.flags |= SW_DGRAM_NO_LOOP;
	error = address(fd, tag, msg, &head);
	if (!error)
		error = read_control(msg, &head);
	if (!error && !(tag & SW_TAG_BOUND)) {
		if (!(tag & SW_TAG_V6))
			memset(any.ip + 10, 0xff, 2);
		error = sw_dgram_attach(fd, &tag, &any);
	}
	if (error)
		return sw_fail(error);
	iov = alloca((msg->msg_iovlen + 1) * sizeof(*iov));
	iov[0] = (struct iovec){&head, sizeof(head)};
	memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	whole.msg_iov = iov;
	whole.msg_iovlen = msg->msg_iovlen + 1;
	if ((sw_lab()->flags & SW_DIRECT) && msg->msg_name)
		sent = send_directly(fd, tag, &whole, &head.to, flags);
	else
		sent = sw_real()->sendmsg(fd, &whole, flags | MSG_NOSIGNAL);
	if (sent < 0 && errno == ENOTCONN)
		return sw_fail(ENETDOWN); /* the switch is gone, and the twin with it */
	return sent < 0 ? sent : sent - (ssize_t)sizeof(head);
}

/* Ancillary data is appended behind what the kernel put there itself (time stamps). */
static void put_control(struct msghdr *msg, size_t room, int level, int type, const void *data, size_t size)
{
	struct cmsghdr *c = (struct cmsghdr *)((char *)msg->msg_control + msg->msg_controllen);

	if (room - msg->msg_controllen < CMSG_LEN(size)) {
		msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), data, size);
	msg->msg_controllen += room - msg->msg_controllen < CMSG_SPACE(size) ? CMSG_LEN(size) : CMSG_SPACE(size);
}

static void put_controls(uint64_t tag, const struct sw_dgram *head, struct msghdr *msg, size_t room)
{
	bool v6 = tag & SW_TAG_V6;
	int ttl = head->ttl, tos = head->tos;

	if ((tag & SW_TAG_PKTINFO) && v6) {
		struct in6_pktinfo info = {.ipi6_ifindex = head->ifindex};

		memcpy(&info.ipi6_addr, head->to.ip, 16);
		put_control(msg, room, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
	} else if (tag & SW_TAG_PKTINFO) {
		struct in_pktinfo info = {.ipi_ifindex = head->ifindex};

		memcpy(&info.ipi_addr, head->to.ip + 12, 4);
		info.ipi_spec_dst = info.ipi_addr;
		put_control(msg, room, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
	if (tag & SW_TAG_RECVTTL)
		put_control(msg, room, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_HOPLIMIT : IP_TTL, &ttl, sizeof(ttl));
	if ((tag & SW_TAG_RECVTOS) && v6)
		put_control(msg, room, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	else if (tag & SW_TAG_RECVTOS)
		put_control(msg, room, IPPROTO_IP, IP_TOS, &head->tos, sizeof(head->tos));
}

/* sender() - Whose it is: as the switch says; directly, as the sender's name says, which only our lab can make. */
static bool sender(const struct sockaddr_un *sun, socklen_t len, struct sw_dgram *head)
{
	struct sw_name name;
	uint32_t iface;

	if (!(sw_lab()->flags & SW_DIRECT))
		return true;
	if (sw_name_decode(sw_lab(), sun, len, &name) < 0 || name.kind != SW_KIND_UDP)
		return false;
	if (sw_ip_is_any(head->from.ip))
		head->from = name.own;
	if (sw_ip_is_any(head->from.ip) && sw_route(sw_lab(), name.host, head->to.ip, head->from.ip, &iface) < 0)
		memcpy(head->from.ip, sw_addrs(sw_lab())[sw_hosts(sw_lab())[name.host].first_addr].ip, 16);
	head->from.port = name.own.port;
	return true;
}

ssize_t sw_dgram_recv(int fd, uint64_t tag, struct msghdr *msg, int flags)
{
	size_t room = msg->msg_controllen;
	struct iovec *iov = alloca((msg->msg_iovlen + 1) * sizeof(*iov));

	if (tag & SW_TAG_NETLINK)
		return sw_netlink_recv(fd, tag, msg, flags);
	if (msg->msg_iovlen > MOST_IOV)
		return sw_fail(EMSGSIZE);
	memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	for (;;) {
		struct sockaddr_un sun;
		struct sw_dgram head;
		struct msghdr whole = {
			.msg_name = &sun,
			.msg_namelen = sizeof(sun),
			.msg_iov = iov,
			.msg_iovlen = msg->msg_iovlen + 1,
			.msg_control = msg->msg_control,
			.msg_controllen = room,
		};
		ssize_t n;

		iov[0] = (struct iovec){&head, sizeof(head)};
		n = sw_real()->recvmsg(fd, &whole, flags);
		if (n < 0)
			return n;
		if (n == 0) {
			msg->msg_namelen = 0;
			msg->msg_controllen = 0;
			msg->msg_flags = 0;
			return 0; /* shutdown(2) */
		}
		if (n >= (ssize_t)sizeof(head) && head.magic == SW_DGRAM_MAGIC && head.kind == SW_DGRAM_DATA &&
		    sender(&sun, whole.msg_namelen, &head)) {
			if (msg->msg_name)
				sw_endpoint_write(tag, &head.from, msg->msg_name, &msg->msg_namelen);
			msg->msg_controllen = whole.msg_controllen;
			msg->msg_flags = whole.msg_flags;
			if (msg->msg_control)
				put_controls(tag, &head, msg, room);
			return n - (ssize_t)sizeof(head);
		}
		if (flags & MSG_PEEK) /* it must not be met again */
			sw_real()->recv(fd, &head, 0, MSG_DONTWAIT);
		if (n >= (ssize_t)sizeof(head) && head.kind == SW_DGRAM_UNREACHABLE && (tag & SW_TAG_CONNECTED))
			return sw_fail(ECONNREFUSED);
	}
}
