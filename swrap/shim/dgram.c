/* Datagram sockets: how they get a twin, a peer and groups. The messages themselves are in dgram_io.c. */
#include "dgram.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "real.h"

#define FEW_FDS 1024 /* looked at when a program begins */

bool sw_dgram_seen;

void sw_dgram_note(int fd)
{
	uint64_t tag;

	if (!sw_dgram_seen && sw_lab() && sw_tag_get(fd, &tag) && (tag & SW_TAG_DGRAM))
		__atomic_store_n(&sw_dgram_seen, true, __ATOMIC_RELAXED);
}

void sw_dgram_note_rights(const struct msghdr *msg)
{
	if (sw_dgram_seen)
		return;
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

/* What exec left open. The highest fd is not known, but fds are given out from below. */
__attribute__((constructor)) static void note_inherited(void)
{
	int saved = errno;

	for (int fd = 0, gap = 0; sw_lab() && fd < FEW_FDS && gap < 16; fd++) {
		socklen_t len = sizeof(int);
		int type;

		if (sw_real()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
		    (type == SOCK_DGRAM || type == SOCK_SEQPACKET)) /* netlink sockets are of the latter kind */
			sw_dgram_note(fd);
		gap = errno == EBADF ? gap + 1 : 0;
		errno = 0;
	}
	errno = saved;
}

/* connect_twin() - Ask the switch for @fd's twin, and connect to it. */
static int connect_twin(int fd, uint64_t tag, const struct sw_endpoint *own)
{
	struct sw_name twin = {.host = SW_TAG_HOST(tag), .kind = SW_KIND_TWIN, .own = *own};
	struct sw_syn question = {.opening = SW_BIND, .host = SW_TAG_HOST(tag), .local = *own};
	struct sw_answer answer;
	struct sockaddr_un sun;
	socklen_t len;

	question.ino = sw_inode(fd);
	if (!sw_request(&question, &answer))
		return ENETDOWN;
	if (answer.error)
		return answer.error;
	len = sw_name_encode(sw_lab(), &twin, &sun);
	return sw_real()->connect(fd, (struct sockaddr *)&sun, len) == 0 ? 0 : errno;
}

int sw_dgram_attach(int fd, uint64_t *tag, const struct sw_endpoint *own)
{
	struct sw_name name = {.host = SW_TAG_HOST(*tag), .kind = SW_KIND_UDP, .own = *own};
	int error = sw_bind_port(fd, &name);

	if (!error && !(sw_lab()->flags & SW_DIRECT))
		error = connect_twin(fd, *tag, &name.own);
	if (error)
		return error;
	*tag |= SW_TAG_BOUND;
	return sw_tag_set(fd, *tag) < 0 ? errno : 0;
}

/* tell() - A word to the switch that is no payload. */
static int tell(int fd, enum sw_dgram_kind kind, const struct sw_endpoint *to, uint16_t ifindex)
{
	struct sw_dgram word = {.magic = SW_DGRAM_MAGIC, .kind = (uint8_t)kind, .ifindex = ifindex, .to = *to};

	return sw_real()->send(fd, &word, sizeof(word), MSG_NOSIGNAL) == sizeof(word) ? 0 : errno;
}

/* connect_directly() - The kernel keeps the peer, and who else may send. Nobody there yet is ECONNREFUSED at once. */
static int connect_directly(int fd, uint64_t tag, const struct sw_endpoint *remote)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	struct sw_receivers to;
	struct sockaddr_un sun;

	if (!remote)
		return sw_real()->connect(fd, &nobody, sizeof(nobody)) == 0 ? 0 : errno;
	if (!sw_receivers(tag, remote, &to))
		return EHOSTUNREACH;
	for (int i = 0; i < to.n; i++) {
		struct sw_name name = {.host = to.host, .kind = SW_KIND_UDP, .own = to.at[i]};
		socklen_t len = sw_name_encode(sw_lab(), &name, &sun);

		if (sw_real()->connect(fd, (struct sockaddr *)&sun, len) == 0)
			return 0;
		if (errno != ECONNREFUSED)
			return errno;
	}
	return ECONNREFUSED;
}

int sw_dgram_connect(int fd, uint64_t tag, const struct sw_endpoint *remote)
{
	static const struct sw_endpoint nobody;
	struct sw_endpoint own = {0};
	uint32_t iface;
	int error = 0;

	if (remote)
		error = -sw_route(sw_lab(), SW_TAG_HOST(tag), remote->ip, own.ip, &iface);
	if (!error && !(tag & SW_TAG_BOUND) && remote)
		error = sw_dgram_attach(fd, &tag, &own);
	if (!error && (tag & SW_TAG_BOUND))
		error = sw_lab()->flags & SW_DIRECT ? connect_directly(fd, tag, remote)
						     : tell(fd, SW_DGRAM_CONNECT, remote ? remote : &nobody, 0);
	if (error)
		return sw_fail(error);
	return sw_tag_set(fd, remote ? tag | SW_TAG_CONNECTED : tag & ~(uint64_t)SW_TAG_CONNECTED);
}

bool sw_dgram_peer(int fd, struct sw_endpoint *remote)
{
	struct sw_answer answer;
	struct sw_name name;

	if (sw_lab()->flags & SW_DIRECT) {
		if (!sw_peer_name(fd, &name))
			return false;
		*remote = name.own;
		return true;
	}
	sw_ask(fd, &answer);
	*remote = answer.remote;
	return answer.remote.port != 0;
}

int sw_dgram_group(int fd, uint64_t tag, enum sw_dgram_kind kind, const struct sw_endpoint *group, uint16_t ifindex)
{
	struct sw_endpoint any = {0};

	if (sw_lab()->flags & SW_DIRECT)
		return EOPNOTSUPP;
	if (!(tag & SW_TAG_V6))
		memset(any.ip + 10, 0xff, 2);
	if (!(tag & SW_TAG_BOUND)) {
		int error = sw_dgram_attach(fd, &tag, &any);

		if (error)
			return error;
	}
	return tell(fd, kind, group, ifindex);
}
