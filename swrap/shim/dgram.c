/* Datagram sockets: how they come in, get an address and a peer, and end. Their messages: dgram_send.c, dgram_recv.c. */
#include "dgram.h"
#include "option.h"
#include "place.h"
#include "plain.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "real.h"

bool sw_dgram_seen SW_EARLY;

static void see(void)
{
	__atomic_store_n(&sw_dgram_seen, true, __ATOMIC_RELAXED);
	sw_plain_never();
}

void sw_dgram_born(void)
{
	struct sw_options *options = sw_options();

	see();
	if (options)
		__atomic_store_n(&options->datagrams, 1, __ATOMIC_RELAXED);
}

int sw_dgram_set_mark(int fd, enum sw_dgram_mark mark)
{
	uint64_t hint = mark;

	return fcntl(fd, F_SET_RW_HINT, &hint);
}

void sw_dgram_note(int fd)
{
	uint64_t tag;

	if (!sw_dgram_seen && sw_lab() && sw_tag_get(fd, &tag) && (tag & SW_TAG_DGRAM))
		see();
}

void sw_dgram_note_rights(const struct msghdr *msg)
{
	const struct sw_options *options = sw_lab() ? sw_options() : NULL;

	if (sw_dgram_seen || (options && !sw_in_dropin() && !__atomic_load_n(&options->datagrams, __ATOMIC_RELAXED)))
		return; /* where there has never been one, none comes in; of drop-in networks a process may be in several */
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR((struct msghdr *)msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			sw_dgram_note(fd);
		}
	}
}

/* note_listed() - The fds that @n bytes of directory entries name. */
static void note_listed(const char *entries, long n)
{
	for (long at = 0; at < n;) {
		unsigned short length;
		int fd = 0;

		/* struct linux_dirent64: inode and offset, eight bytes each, then the length, the type and the name */
		memcpy(&length, entries + at + 16, sizeof(length));
		for (const char *c = entries + at + 19; *c >= '0' && *c <= '9'; c++)
			fd = fd * 10 + (*c - '0');
		if (entries[at + 19] != '.')
			sw_dgram_note(fd);
		at += length;
	}
}

/*
 * What exec left open: as the kernel lists it, since it may be any fd. Without /proc, any may be one. Where the lab has
 * never had such a socket there is nothing to list, and a program starts the sooner.
 */
__attribute__((constructor)) static void note_inherited(void)
{
	_Alignas(8) char entries[2048];
	int saved, list;
	long n = -1;

	if (!sw_lab() || (sw_options() && !sw_in_dropin() && !sw_datagrams_before()))
		return;
	saved = errno;
	list = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (list >= 0 && (n = sw_real(syscall)(SYS_getdents64, list, entries, sizeof(entries))) > 0)
		note_listed(entries, n);
	if (list >= 0)
		close(list);
	if (n < 0)
		see();
	errno = saved;
}

bool sw_dgram_many(const uint8_t ip[16])
{
	return sw_ip_is_group(ip) || sw_ip_is_limited(ip) || (sw_ip_is_v4(ip) && sw_host_broadcast(sw_lab(), sw_self(), ip));
}

bool sw_reuses_address(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return sw_real(getsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &on, &len) == 0 && on;
}

/* bind_directly() - What came in before the filter was there is nobody's, or lost as if it had come before. */
static int bind_directly(int fd, uint64_t tag, struct sw_name *name)
{
	bool many = sw_ip_is_any(name->own.ip) || sw_dgram_many(name->own.ip);
	bool wished = name->own.port || (tag & SW_TAG_REUSEPORT) || sw_reuses_address(fd);
	int error = wished ? sw_claim(fd, tag, name) : sw_bind_port(fd, name);
	struct sw_endpoint own, peer;
	char byte;

	if (error == EINVAL) /* another thread was faster, though it may not have come further */
		return sw_dgram_ends(fd, &own, &peer) ? 0 : sw_dgram_admit(fd, NULL, sw_device(fd, tag));
	if (!error)
		error = sw_dgram_admit(fd, NULL, sw_device(fd, tag));
	while (!error && sw_real(recv)(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0)
		;
	if (!error && many)
		sw_place_bound(fd, name, (uint16_t)(sw_dgram_setting(fd, tag, SW_OPTION_GROUP_ALL) |
						    sw_dgram_setting(fd, tag, SW_OPTION_GROUP_ALL6) << 1));
	return error;
}

int sw_dgram_attach(int fd, uint64_t *tag, const struct sw_endpoint *own)
{
	struct sw_name name = {.host = SW_TAG_HOST(*tag), .kind = SW_KIND_UDP, .own = *own};
	int error;

	error = sw_lab()->flags & SW_DIRECT ? bind_directly(fd, *tag, &name) : sw_twin_bind(fd, *tag, &name.own);
	if (error)
		return error;
	*tag |= SW_TAG_BOUND;
	return sw_tag_set(fd, *tag) < 0 ? errno : 0;
}

int sw_dgram_autobind(int fd, uint64_t *tag)
{
	struct sw_endpoint any = {0};
	struct sw_name name;
	int error;

	*tag = sw_here(*tag, NULL);
	if (!(*tag & SW_TAG_V6))
		memset(any.ip + 10, 0xff, 2);
	error = sw_dgram_attach(fd, tag, &any);
	if (error != EINVAL || !(sw_lab()->flags & SW_DIRECT) || !sw_own_name(fd, &name))
		return error;
	*tag |= SW_TAG_BOUND; /* another thread was first, and its port is the socket's */
	return sw_tag_set(fd, *tag) < 0 ? errno : 0;
}

/* by() - The ifindex of the only interface by which @fd reaches its peer @ip; 0: any. */
static uint16_t by(int fd, uint64_t tag, const uint8_t ip[16])
{
	uint16_t device = sw_device(fd, tag);

	return device ? device : sw_unicast_if(fd, tag, ip);
}

/* may_reach() - What connect(2) can say at once: 0 or an errno. */
static int may_reach(int fd, uint64_t tag, const struct sw_endpoint *remote, bool *broadcast)
{
	uint8_t source[16];
	uint32_t iface;
	int on = 0;
	socklen_t len = sizeof(on);

	*broadcast = false;
	if (!sw_dgram_many(remote->ip))
		return -sw_route(sw_lab(), SW_TAG_HOST(tag), by(fd, tag, remote->ip), remote->ip, source, &iface);
	if (sw_ip_is_group(remote->ip))
		return 0;
	sw_real(getsockopt)(fd, SOL_SOCKET, SO_BROADCAST, &on, &len);
	*broadcast = true;
	return on ? 0 : EACCES;
}

int sw_dgram_connect(int fd, uint64_t tag, const struct sw_endpoint *remote)
{
	bool broadcast = false;
	int error = remote ? may_reach(fd, tag, remote, &broadcast) : 0;

	if (!error && !(tag & SW_TAG_BOUND) && remote)
		error = sw_dgram_autobind(fd, &tag);
	if (!error && (tag & SW_TAG_BOUND))
		error = sw_lab()->flags & SW_DIRECT ? sw_dgram_admit(fd, remote, sw_device(fd, tag))
						     : sw_twin_connect(fd, remote, remote ? sw_unicast_if(fd, tag, remote->ip) : 0, broadcast);
	if (error)
		return sw_fail(error);
	return sw_tag_set(fd, remote ? tag | SW_TAG_CONNECTED : tag & ~(uint64_t)SW_TAG_CONNECTED);
}

bool sw_dgram_names(int fd, uint64_t tag, struct sw_endpoint *local, struct sw_endpoint *remote)
{
	struct sw_dgram head = {0};
	struct sw_answer answer;
	uint32_t iface;

	if (!(sw_lab()->flags & SW_DIRECT)) {
		sw_ask(fd, &answer);
		*local = answer.local;
		*remote = answer.remote;
		return answer.state != SW_FLOW_NONE;
	}
	if (!sw_dgram_ends(fd, local, remote))
		return false;
	head.to = *remote;
	head.ifindex = by(fd, tag, remote->ip);
	if (sw_dgram_source(SW_TAG_HOST(tag), local, sw_dgram_many(head.to.ip), &head, &iface))
		*local = head.from;
	return true;
}

int sw_dgram_device(int fd, uint64_t tag, uint16_t device)
{
	struct sw_endpoint own, peer;

	if (!(sw_lab()->flags & SW_DIRECT))
		return sw_twin_set(fd, tag, SW_OPTION_DEVICE, device);
	return sw_dgram_ends(fd, &own, &peer) ? sw_dgram_admit(fd, peer.port ? &peer : NULL, device) : 0;
}

int sw_dgram_queued(int fd)
{
	struct sw_dgram head;
	int saved = errno;
	ssize_t n = sw_real(recv)(fd, &head, sizeof(head), MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	errno = saved;
	return n < (ssize_t)sizeof(head) || head.kind != SW_DGRAM_DATA ? 0 : (int)(n - (ssize_t)sizeof(head));
}

int sw_dgram_shutdown(int fd, uint64_t tag, int how)
{
	if (sw_tag_set(fd, tag | SW_TAG_SHUT) < 0 || sw_real(shutdown)(fd, how) < 0)
		return -1;
	/* Without a peer it is an error, and done all the same. */
	return tag & SW_TAG_CONNECTED ? 0 : sw_fail(ENOTCONN);
}
