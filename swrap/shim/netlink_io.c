/*
 * Messages of netlink sockets. They travel as they are, so that a socket filter of the program's sees what it expects;
 * what is left to do is the kernel's address, ancillary data, and ENOBUFS.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netlink.h"
#include "real.h"

static size_t room_of(const struct msghdr *msg)
{
	size_t n = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		n += msg->msg_iov[i].iov_len;
	return n;
}

/* gone() - After a call that failed: a switch that has ended is a network that is down. */
static ssize_t gone(ssize_t n)
{
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN))
		errno = ENETDOWN;
	return n;
}

ssize_t sw_netlink_send(int fd, uint64_t tag, const struct msghdr *msg, int flags)
{
	struct msghdr plain = {.msg_iov = msg->msg_iov, .msg_iovlen = msg->msg_iovlen};
	int error;

	if (flags & MSG_OOB)
		return sw_fail(EOPNOTSUPP);
	if (msg->msg_name && msg->msg_namelen) {
		const struct sockaddr_nl *nl = msg->msg_name;

		if (msg->msg_namelen < sizeof(*nl) || nl->nl_family != AF_NETLINK)
			return sw_fail(EINVAL);
		if (nl->nl_pid || nl->nl_groups)
			return sw_fail(EPERM);
	}
	if (room_of(msg) == 0)
		return sw_fail(ENODATA);
	if (tag & SW_NL_UEVENT)
		return sw_fail(ECONNREFUSED);
	error = sw_netlink_autobind(fd, &tag);
	if (error)
		return sw_fail(error);
	return gone(sw_real(sendmsg)(fd, &plain, flags | MSG_NOSIGNAL));
}

/* gather() - The first @n bytes of what was received. */
static bool gather(const struct msghdr *msg, ssize_t got, void *to, size_t n)
{
	size_t done = 0;

	if (got < (ssize_t)n)
		return false;
	for (size_t i = 0; i < msg->msg_iovlen && done < n; i++) {
		size_t part = msg->msg_iov[i].iov_len < n - done ? msg->msg_iov[i].iov_len : n - done;

		memcpy((char *)to + done, msg->msg_iov[i].iov_base, part);
		done += part;
	}
	return done == n;
}

/* group_of() - The group that a message came to; 0 for an answer, which has the program's own port id. */
static unsigned int group_of(const struct msghdr *msg, ssize_t got)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg body;
	} start;

	if (!gather(msg, got, &start, NLMSG_HDRLEN + sizeof(start.body)) || start.head.nlmsg_pid)
		return 0;
	switch (start.head.nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return RTNLGRP_LINK;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return start.body.rtgen_family == AF_INET6 ? RTNLGRP_IPV6_IFADDR : RTNLGRP_IPV4_IFADDR;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return start.body.rtgen_family == AF_INET6 ? RTNLGRP_IPV6_ROUTE : RTNLGRP_IPV4_ROUTE;
	default:
		return 0;
	}
}

static void put_control(struct msghdr *msg, size_t room, int level, int type, const void *data, size_t size)
{
	struct cmsghdr *c = (struct cmsghdr *)((char *)msg->msg_control + msg->msg_controllen);
	size_t left = room - msg->msg_controllen;

	if (left < CMSG_LEN(size)) {
		msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), data, size);
	msg->msg_controllen += left < CMSG_SPACE(size) ? left : CMSG_SPACE(size);
}

/* put_controls() - What the kernel tells of itself: that it is process 0 and root. */
static void put_controls(uint64_t tag, unsigned int group, struct msghdr *msg)
{
	static const struct ucred kernel;
	struct nl_pktinfo info = {.group = group};
	size_t room = msg->msg_control ? msg->msg_controllen : 0;

	msg->msg_controllen = 0;
	if (tag & SW_NL_PKTINFO)
		put_control(msg, room, SOL_NETLINK, NETLINK_PKTINFO, &info, sizeof(info));
	if (tag & SW_NL_PASSCRED)
		put_control(msg, room, SOL_SOCKET, SCM_CREDENTIALS, &kernel, sizeof(kernel));
}

ssize_t sw_netlink_recv(int fd, uint64_t tag, struct msghdr *msg, int flags)
{
	struct msghdr plain;
	unsigned int group;
	ssize_t n, got;

	for (;;) {
		plain = (struct msghdr){.msg_iov = msg->msg_iov, .msg_iovlen = msg->msg_iovlen};
		n = sw_real(recvmsg)(fd, &plain, flags | MSG_TRUNC);
		if (n < 0)
			return gone(n);
		if (n == 0)
			return sw_fail(ENETDOWN);
		if (n != SW_ROUTE_OVERRUN_LENGTH)
			break;
		if (flags & MSG_PEEK) /* an error is met once */
			sw_real(recv)(fd, NULL, 0, MSG_DONTWAIT);
		if (!(tag & SW_NL_NO_ENOBUFS))
			return sw_fail(ENOBUFS);
	}
	got = (plain.msg_flags & MSG_TRUNC) ? (ssize_t)room_of(msg) : n;
	group = group_of(msg, got);
	if (msg->msg_name)
		sw_netlink_address(0, group && group <= 32 ? 1u << (group - 1) : 0, msg->msg_name, &msg->msg_namelen);
	msg->msg_flags = plain.msg_flags & MSG_TRUNC;
	put_controls(tag, group, msg);
	return flags & MSG_TRUNC ? n : got;
}
