/* Netlink sockets: their birth, their port id (in their abstract name) and their groups (which the switch keeps). */
#include "netlink.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include "dgram.h"
#include "real.h"

#define TYPE_MASK 0xf
#define PATIENCE_S 5  /* for a switch that is alive: it answers within a millisecond */
#define PORT_TRIES 64 /* random port ids, when the process id is taken */

enum treatment {
	REFUSED = 0,
	OURS,  /* the switch answers; without one the lab's keeper */
	REAL,  /* the kernel's own */
};

/*
 * What becomes of each netlink protocol in a lab. Whatever is not named is refused with EPROTONOSUPPORT, as by a kernel
 * that was built without it, which programs are prepared for:
 *
 *	GENERIC      nl80211, devlink, ethtool's own: real interfaces. ethtool(8) falls back to ioctl(2), which we answer
 *	SOCK_DIAG    the machine's sockets
 *	NETFILTER, XFRM, FIB_LOOKUP, RDMA, SMC, ISCSI   configure or show the machine's network
 *	AUDIT        nothing of the network, but libaudit takes the refusal for "not in this kernel", and few may use it
 *	USERSOCK     joins programs across hosts and labs
 */
static const uint8_t treatments[MAX_LINKS] = {
	[NETLINK_ROUTE] = OURS,
	[NETLINK_KOBJECT_UEVENT] = OURS, /* network devices among others; in a lab no device comes or goes: silence */
	[NETLINK_SELINUX] = REAL,	 /* access decisions: dbus-daemon needs them */
	[NETLINK_CONNECTOR] = REAL,	 /* processes that fork and exit */
	[NETLINK_CRYPTO] = REAL,	 /* algorithms of the kernel */
};

/* nobody() - Why there is none: the switch is gone; or there never was one, nor a keeper (dropin.h). */
static int nobody(void)
{
	return sw_lab()->flags & SW_DIRECT ? EPROTONOSUPPORT : ENETDOWN;
}

/* door() - Connect @fd to the lab's route service, with a deadline for this and what follows; 0 or an errno. */
static int door(int fd)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	struct sockaddr_un sun;
	socklen_t len = sw_name_service(sw_lab(), SW_SERVICE_ROUTE, &sun);

	sw_real(setsockopt)(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	sw_real(setsockopt)(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (sw_real(connect)(fd, (struct sockaddr *)&sun, len) < 0)
		if (errno != EINTR)
			return nobody();
	return sw_peer_is_ours(fd) ? 0 : ENETDOWN;
}

/* exchange() - One word, one answer, over @door; 0 or an errno. */
static int exchange(int door_fd, int fd, enum sw_route_kind kind, uint32_t value, struct sw_route_answer *answer)
{
	struct sw_route_word word = {.magic = SW_ROUTE_MAGIC, .kind = (uint16_t)kind, .host = sw_self(), .value = value};
	ssize_t n;

	word.ino = sw_inode(fd);
	do
		n = sw_real(send)(door_fd, &word, sizeof(word), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	do
		n = sw_real(recv)(door_fd, answer, sizeof(*answer), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*answer) ? answer->error : ENETDOWN;
}

int sw_netlink_tell(int fd, enum sw_route_kind kind, uint32_t value, uint64_t *groups)
{
	struct sw_route_answer answer = {0};
	int error, aside = sw_real(socket)(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (aside < 0)
		return errno;
	error = door(aside);
	if (!error)
		error = exchange(aside, fd, kind, value, &answer);
	close(aside);
	if (!error && groups)
		*groups = answer.groups;
	return error;
}

/* begin() - Make the fresh socket @fd a netlink socket; 0 or an errno. */
static int begin(int fd, int type, int protocol)
{
	static const struct timeval none;
	unsigned int flags = SW_TAG_DGRAM | SW_TAG_NETLINK;
	struct sw_route_answer answer;
	int error = door(fd);

	if (!error)
		error = exchange(fd, fd, SW_ROUTE_SOCKET, (uint32_t)protocol, &answer);
	if (error)
		return error;
	flags |= (type & TYPE_MASK) == SOCK_RAW ? SW_NL_RAW : 0;
	flags |= protocol == NETLINK_KOBJECT_UEVENT ? SW_NL_UEVENT : 0;
	if (sw_real(setsockopt)(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none)) < 0 ||
	    sw_real(setsockopt)(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none)) < 0 ||
	    sw_tag_set(fd, SW_TAG_MAKE(sw_self(), flags)) < 0 || sw_dgram_set_mark(fd, SW_DGRAM_OTHER) < 0 ||
	    ((type & SOCK_NONBLOCK) && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0))
		return errno;
	sw_dgram_born();
	return 0;
}

int sw_netlink_socket(int type, int protocol)
{
	int fd, error, saved = errno;

	if ((type & TYPE_MASK) != SOCK_RAW && (type & TYPE_MASK) != SOCK_DGRAM)
		return sw_fail(ESOCKTNOSUPPORT);
	if (protocol < 0 || protocol >= MAX_LINKS || treatments[protocol] == REFUSED)
		return sw_fail(EPROTONOSUPPORT);
	if (treatments[protocol] == REAL)
		return sw_real(socket)(AF_NETLINK, type, protocol);
	fd = sw_real(socket)(AF_UNIX, SOCK_SEQPACKET | (type & SOCK_CLOEXEC), 0);
	if (fd < 0)
		return -1;
	error = begin(fd, type, protocol);
	if (error) {
		close(fd);
		return sw_fail(error);
	}
	errno = saved;
	return fd;
}

/* take_port() - Be bound to port id @port; 0 or an errno. */
static int take_port(int fd, uint64_t *tag, uint32_t port)
{
	struct sw_name name = {.host = SW_TAG_HOST(*tag), .kind = SW_KIND_NETLINK};
	int error;

	for (int i = 0; i < 4; i++)
		name.own.ip[12 + i] = (uint8_t)(port >> (24 - 8 * i));
	name.own.port = 1 + (*tag & SW_NL_UEVENT ? NETLINK_KOBJECT_UEVENT : NETLINK_ROUTE);
	error = sw_bind_port(fd, &name);
	if (error)
		return error;
	*tag |= SW_TAG_BOUND;
	return sw_tag_set(fd, *tag) < 0 ? errno : 0;
}

static uint32_t port_of(int fd)
{
	struct sw_name name;
	uint32_t port = 0;

	if (sw_own_name(fd, &name))
		for (int i = 0; i < 4; i++)
			port = port << 8 | name.own.ip[12 + i];
	return port;
}

/* Linux gives the process id to the first socket of a process, and a random negative number to the others. */
int sw_netlink_autobind(int fd, uint64_t *tag)
{
	uint32_t port = (uint32_t)getpid();
	int error = 0;

	if (*tag & SW_TAG_BOUND)
		return 0;
	for (int i = 0; i < PORT_TRIES; i++) {
		error = take_port(fd, tag, port);
		if (error != EADDRINUSE)
			break;
		if (getrandom(&port, sizeof(port), GRND_NONBLOCK) != sizeof(port))
			port = (uint32_t)sw_inode(fd) + (uint32_t)i;
		port |= 1u << 31;
	}
	return error;
}

int sw_netlink_bind(int fd, uint64_t tag, const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_nl *nl = (const void *)addr;
	int error;

	if (len < sizeof(*nl) || nl->nl_family != AF_NETLINK)
		return sw_fail(EINVAL);
	if ((tag & SW_TAG_BOUND) && nl->nl_pid != port_of(fd))
		return sw_fail(EINVAL);
	if (tag & SW_TAG_BOUND)
		error = 0;
	else
		error = nl->nl_pid ? take_port(fd, &tag, nl->nl_pid) : sw_netlink_autobind(fd, &tag);
	if (!error && (nl->nl_groups || (tag & SW_NL_MEMBER))) {
		error = sw_netlink_tell(fd, SW_ROUTE_BIND, nl->nl_groups, NULL);
		if (!error && sw_tag_set(fd, tag | SW_NL_MEMBER) < 0)
			error = errno;
	}
	return error ? sw_fail(error) : 0;
}

/* The kernel is the only one that can be talked to: another port id, or a group, would need CAP_NET_ADMIN. */
int sw_netlink_connect(int fd, uint64_t tag, const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_nl *nl = (const void *)addr;
	int error;

	if (len < sizeof(sa_family_t))
		return sw_fail(EINVAL);
	if (addr->sa_family == AF_UNSPEC)
		return 0;
	if (addr->sa_family != AF_NETLINK || len < sizeof(*nl))
		return sw_fail(EINVAL);
	if (nl->nl_pid || nl->nl_groups)
		return sw_fail(EPERM);
	error = sw_netlink_autobind(fd, &tag);
	return error ? sw_fail(error) : 0;
}

void sw_netlink_address(uint32_t port, uint32_t groups, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};

	memcpy(addr, &nl, *len < sizeof(nl) ? *len : sizeof(nl));
	*len = sizeof(nl);
}

int sw_netlink_getsockname(int fd, uint64_t tag, struct sockaddr *addr, socklen_t *len)
{
	uint64_t groups = 0;

	if (tag & SW_NL_MEMBER)
		sw_netlink_tell(fd, SW_ROUTE_ASK, 0, &groups);
	sw_netlink_address(tag & SW_TAG_BOUND ? port_of(fd) : 0, (uint32_t)groups, addr, len);
	return 0;
}

int sw_netlink_getpeername(struct sockaddr *addr, socklen_t *len)
{
	sw_netlink_address(0, 0, addr, len);
	return 0;
}
