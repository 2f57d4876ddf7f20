/* Sending datagrams: a header in front of the payload, with what the ancillary data asks for. */
#include <alloca.h>
#include <netinet/in.h>
#include <string.h>

#include "capture.h"
#include "dgram.h"
#include "dropin.h"
#include "netlink.h"
#include "option.h"
#include "real.h"

#define MOST_IOV 1023 /* UIO_MAXIOV (readv(2)), less the header's */
#define DEFAULT_TTL 64
#define SMALL 1024 /* bytes: less than this is copied behind its header */

static size_t payload_of(const struct msghdr *msg)
{
	size_t n = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		n += msg->msg_iov[i].iov_len;
	return n;
}

/* take_int() - An int or a byte, from @least to @most. */
static bool take_int(const struct cmsghdr *c, int least, int most, int *value)
{
	size_t size = c->cmsg_len - CMSG_LEN(0);

	if (size != sizeof(*value) && size != 1)
		return false;
	*value = size == 1 ? *(const uint8_t *)CMSG_DATA(c) : *(const int *)(const void *)CMSG_DATA(c);
	return *value >= least && *value <= most;
}

/* take_pktinfo() - Where it goes out, and as whose: 0 or an errno. */
static int take_pktinfo(uint64_t tag, const struct cmsghdr *c, struct sw_dgram *head)
{
	size_t size = c->cmsg_len - CMSG_LEN(0);
	bool v6 = c->cmsg_level == IPPROTO_IPV6;

	if (v6) {
		struct in6_pktinfo info;

		if (size < sizeof(info))
			return EINVAL;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		if (info.ipi6_ifindex)
			head->ifindex = (uint16_t)info.ipi6_ifindex;
		memcpy(head->from.ip, &info.ipi6_addr, 16);
		if (sw_ip_is_link_local(head->from.ip))
			sw_ip_set_link(head->from.ip, sw_link_at(head->ifindex));
	} else {
		struct in_pktinfo info;

		if (size < sizeof(info))
			return EINVAL;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		if (info.ipi_ifindex)
			head->ifindex = (uint16_t)info.ipi_ifindex;
		memset(head->from.ip, 0, sizeof(head->from.ip));
		memset(head->from.ip + 10, 0xff, 2);
		memcpy(head->from.ip + 12, &info.ipi_spec_dst, 4);
	}
	sw_ip_heard(head->from.ip);
	if (sw_ip_is_any(head->from.ip) || sw_addr_has(sw_lab(), SW_TAG_HOST(tag), head->from.ip))
		return 0;
	return v6 ? EINVAL : ENETUNREACH;
}

/* take_one() - What one control message wants of this datagram: 0 or an errno. */
static int take_one(uint64_t tag, const struct cmsghdr *c, struct sw_dgram *head)
{
	bool v6 = c->cmsg_level == IPPROTO_IPV6, v4 = !(tag & SW_TAG_V6) || sw_ip_is_v4(head->to.ip);
	int value;

	if (c->cmsg_level == SOL_SOCKET && (c->cmsg_type == SCM_RIGHTS || c->cmsg_type == SCM_CREDENTIALS))
		return EINVAL;
	if (c->cmsg_level == SOL_SOCKET) {
		sw_gap(SW_GAP_CONTROL, c->cmsg_level, (uint32_t)c->cmsg_type, 1);
		return 0;
	}
	if (c->cmsg_level == IPPROTO_UDP) { /* UDP_SEGMENT: as one datagram it would be another message */
		sw_gap(SW_GAP_CONTROL, c->cmsg_level, (uint32_t)c->cmsg_type, 0);
		return EINVAL;
	}
	if (v6 && v4 && (tag & SW_TAG_V6) && c->cmsg_type == IPV6_PKTINFO)
		return take_pktinfo(tag, c, head);
	if (c->cmsg_level != (v4 ? IPPROTO_IP : IPPROTO_IPV6))
		return 0; /* what is for the other family means nothing here, and is no error either */
	if (c->cmsg_type == (v6 ? IPV6_PKTINFO : IP_PKTINFO))
		return take_pktinfo(tag, c, head);
	if (c->cmsg_type == (v6 ? IPV6_HOPLIMIT : IP_TTL)) {
		if (!take_int(c, v6 ? -1 : 1, 255, &value))
			return EINVAL;
		head->ttl = (uint8_t)value;
		head->flags |= value < 0 ? 0 : SW_DGRAM_TTL;
		return 0;
	}
	if (c->cmsg_type != (v6 ? IPV6_TCLASS : IP_TOS)) {
		sw_gap(SW_GAP_CONTROL, c->cmsg_level, (uint32_t)c->cmsg_type, 0);
		return EINVAL;
	}
	if (!take_int(c, v6 ? -1 : 0, 255, &value))
		return EINVAL;
	head->tos = value < 0 ? 0 : (uint8_t)value;
	head->flags |= value < 0 ? 0 : SW_DGRAM_TOS;
	return 0;
}

static int read_control(uint64_t tag, const struct msghdr *msg, struct sw_dgram *head)
{
	int error = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c && !error; c = CMSG_NXTHDR((struct msghdr *)msg, c)) {
		size_t left = msg->msg_controllen - (size_t)((char *)c - (char *)msg->msg_control);

		error = c->cmsg_len < CMSG_LEN(0) || c->cmsg_len > left ? EINVAL : take_one(tag, c, head);
	}
	return error;
}

/* read_name() - The address in @msg; an IPv6 socket may be given an IPv4 one. */
static int read_name(int fd, uint64_t tag, const struct msghdr *msg, struct sw_dgram *head)
{
	const struct sockaddr *addr = msg->msg_name;
	const struct sockaddr_in6 *in6 = msg->msg_name;
	int error;

	if (msg->msg_namelen >= sizeof(sa_family_t) && addr->sa_family == AF_INET && !(tag & SW_TAG_V6ONLY))
		tag &= ~(uint64_t)SW_TAG_V6;
	error = sw_endpoint_read(tag, addr, msg->msg_namelen, &head->to);
	if (!error && !head->ifindex)
		head->ifindex = sw_unicast_if(fd, tag, head->to.ip);
	if (!error && sw_ip_is_link_local(head->to.ip) && !sw_ip_link(head->to.ip))
		sw_ip_set_link(head->to.ip, head->ifindex ? sw_link_at(head->ifindex) : sw_link_first());
	if (!error)
		error = sw_endpoint_link(fd, tag, &head->to);
	if (error)
		return error;
	if (!head->to.port)
		return EINVAL;
	if ((tag & SW_TAG_V6) && msg->msg_namelen >= sizeof(*in6) &&
	    in6->sin6_scope_id && (sw_ip_is_group(head->to.ip) || IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr)))
		head->ifindex = (uint16_t)in6->sin6_scope_id;
	sw_unspecified_is_here(&head->to);
	return (tag & SW_TAG_V6ONLY) && sw_ip_is_v4(head->to.ip) ? ENETUNREACH : 0;
}

/* address() - Fill in where @msg goes; 0 or an errno. */
static int address(int fd, uint64_t tag, bool bound, const struct msghdr *msg, struct sw_dgram *head)
{
	uint8_t source[16];
	uint32_t iface;
	int error, on = 0;
	socklen_t len = sizeof(on);

	if (!msg->msg_name && !(tag & SW_TAG_CONNECTED))
		return tag & SW_TAG_SHUT ? EPIPE : EDESTADDRREQ;
	if (!msg->msg_name) { /* the twin knows the peer; without one, its own filter */
		head->flags |= SW_DGRAM_TO_PEER;
		return 0;
	}
	error = read_name(fd, tag, msg, head);
	if (error)
		return error;
	if (!sw_dgram_many(head->to.ip)) /* of what is bound, without a switch, sw_dgram_source() asks the same */
		return bound && !head->ifindex ? 0 : -sw_route(sw_lab(), SW_TAG_HOST(tag), head->ifindex, head->to.ip, source, &iface);
	if (!sw_ip_is_group(head->to.ip)) {
		sw_real(getsockopt)(fd, SOL_SOCKET, SO_BROADCAST, &on, &len);
		head->flags |= SW_DGRAM_BROADCAST;
		if (!on)
			return EACCES;
	}
	return 0;
}

/* over() - Through the twin. What the last datagram met is told now, as Linux does, and this one is not sent. */
static ssize_t over(int fd, uint64_t tag, const struct msghdr *whole, int flags)
{
	int error = tag & SW_TAG_CONNECTED ? sw_twin_pending(fd) : 0;
	ssize_t sent;

	if (error)
		return sw_fail(error);
	sent = sw_real(sendmsg)(fd, whole, flags | MSG_NOSIGNAL);
	if (sent < 0 && (errno == ENOTCONN || errno == ECONNRESET || (errno == EPIPE && !(tag & SW_TAG_SHUT))))
		return sw_fail(ENETDOWN); /* the switch is gone, and the twin with it */
	return sent;
}

static int protocol_level(uint64_t tag)
{
	return tag & SW_TAG_UDPLITE ? IPPROTO_UDPLITE : IPPROTO_UDP;
}

/* directly() - Without a switch: 0 or an errno. A small datagram in one buffer is sent as one piece. */
static int directly(int fd, uint64_t tag, const struct sw_ends *ends, struct sw_dgram *head, const struct msghdr *msg,
		    int flags)
{
	size_t size = payload_of(msg), n = size < SMALL && msg->msg_iovlen == 1 && msg->msg_iov->iov_base ? 0 : msg->msg_iovlen;
	struct iovec *iov = alloca((n + 1) * sizeof(*iov));
	struct msghdr whole = {.msg_iov = iov, .msg_iovlen = n + 1};
	struct {
		struct sw_dgram head;
		char data[SMALL];
	} piece;
	int error;

	if (n == 0) {
		piece.head = *head;
		memcpy(piece.data, msg->msg_iov->iov_base, size);
		iov[0] = (struct iovec){&piece, sizeof(piece.head) + size};
	} else {
		iov[0] = (struct iovec){head, sizeof(*head)};
		memcpy(iov + 1, msg->msg_iov, n * sizeof(*iov));
	}
	error = sw_dgram_deliver(fd, tag, ends, &whole, size, flags);
	if (n == 0)
		*head = piece.head; /* which knows its source now */
	return error;
}

ssize_t sw_dgram_send(int fd, uint64_t tag, const struct sw_ends *ends, const struct msghdr *msg, int flags)
{
	struct sw_dgram head = {.magic = SW_DGRAM_MAGIC, .kind = SW_DGRAM_DATA, .ttl = DEFAULT_TTL};
	struct msghdr whole = {0};
	struct iovec *iov;
	ssize_t sent;
	int error;

	if (tag & SW_TAG_NETLINK)
		return sw_netlink_send(fd, tag, msg, flags);
	if (msg->msg_iovlen > MOST_IOV)
		return sw_fail(EMSGSIZE);
	if (flags & MSG_OOB)
		return sw_fail(EOPNOTSUPP);
	if (flags & MSG_MORE)
		return sw_gap_fail(EOPNOTSUPP, SW_GAP_SEND, protocol_level(tag), MSG_MORE, 0);
	head.ifindex = sw_device(fd, tag);
	error = address(fd, tag, ends != NULL, msg, &head);
	if (tag & ((tag & SW_TAG_V6) && sw_ip_is_v4(head.to.ip) ? SW_TAG_NOLOOP_V4 : SW_TAG_NOLOOP))
		head.flags |= SW_DGRAM_NO_LOOP;
	if (!error && payload_of(msg) > ((tag & SW_TAG_V6) && !sw_ip_is_v4(head.to.ip) ? SW_DGRAM_MOST6 : SW_DGRAM_MOST))
		error = EMSGSIZE;
	if (!error)
		error = read_control(tag, msg, &head);
	if (!error && !(tag & SW_TAG_BOUND))
		error = sw_dgram_autobind(fd, &tag);
	if (error)
		return sw_fail(error);
	if (sw_lab()->flags & SW_DIRECT) {
		error = directly(fd, tag, ends, &head, msg, flags);
		if (sw_capturing && !error)
			sw_capture_datagram(fd, &head.from, &head.to, msg->msg_iov, payload_of(msg), true);
		return error ? sw_fail(error) : (ssize_t)payload_of(msg);
	}
	iov = alloca((msg->msg_iovlen + 1) * sizeof(*iov));
	iov[0] = (struct iovec){&head, sizeof(head)};
	memcpy(iov + 1, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	whole.msg_iov = iov;
	whole.msg_iovlen = msg->msg_iovlen + 1;
	sent = over(fd, tag, &whole, flags);
	return sent < 0 ? sent : sent - (ssize_t)sizeof(head);
}
