/* What a datagram socket says to its twin in the switch (syn.h): who it is, its address, its peer, groups and options. */
#include "dgram.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "real.h"

#define PATIENCE_MS 5000 /* for a switch that is alive; it answers within microseconds */

static const struct sw_dgram plain = {.magic = SW_DGRAM_MAGIC};

/* say() - A word with @n bytes behind it. Returns 0 or an errno. */
static int say(int fd, const struct sw_dgram *word, const void *more, size_t n)
{
	struct iovec iov[2] = {{(void *)word, sizeof(*word)}, {(void *)more, n}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	for (;;) {
		if (sw_real(sendmsg)(fd, &msg, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return errno == ENOTCONN || errno == EPIPE || errno == ECONNRESET ? ENETDOWN : errno;
		poll(&room, 1, -1); /* our own datagrams are still in the way */
	}
}

/* introduce() - Connect to the switch, and say who we are. Not yet bound; done again, it does no harm. */
static int introduce(int fd, uint64_t tag)
{
	struct sw_dgram word = plain;
	struct sw_dgram_hello hello = {.ino = sw_inode(fd), .host = SW_TAG_HOST(tag), .v6 = (tag & SW_TAG_V6) != 0};
	struct sw_name proof = {.host = SW_TAG_HOST(tag), .kind = SW_KIND_TWIN};
	struct sockaddr_un sun = {0};
	socklen_t len = sizeof(sun);
	int error;

	if (sw_real(getpeername)(fd, (struct sockaddr *)&sun, &len) < 0) {
		len = sw_name_service(sw_lab(), SW_SERVICE_DATAGRAM, &sun);
		error = sw_reach(fd, &sun, len);
		if (error && error != EISCONN)
			return error == ECONNREFUSED ? ENETDOWN : error;
	}
	word.kind = SW_DGRAM_HELLO;
	memcpy(proof.own.ip, &hello.ino, sizeof(hello.ino));
	memset(&sun, 0, sizeof(sun));
	hello.length = (uint16_t)sw_name_encode(sw_lab(), &proof, &sun);
	memcpy(hello.proof, &sun, sizeof(sun));
	return say(fd, &word, &hello, sizeof(hello));
}

/* await_bound() - The answer to SW_DGRAM_BIND, which is the first that comes down. */
static int await_bound(int fd, struct sw_endpoint *own)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	struct sw_dgram reply;

	for (;;) {
		int n = poll(&one, 1, PATIENCE_MS);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (one.revents & (POLLHUP | POLLERR)))
			return ENETDOWN;
		if (sw_real(recv)(fd, &reply, sizeof(reply), MSG_DONTWAIT) != sizeof(reply) ||
		    reply.kind != SW_DGRAM_BOUND)
			continue;
		*own = reply.to;
		return reply.error;
	}
}

/* take_name() - The switch gave us @own; where others share it, the name has a slot. */
static int take_name(int fd, uint64_t tag, const struct sw_endpoint *own)
{
	struct sw_name name = {.host = SW_TAG_HOST(tag), .kind = SW_KIND_UDP, .own = *own};
	struct sockaddr_un sun;

	for (uint16_t slot = 0; slot < UINT16_MAX; slot++) {
		socklen_t len;

		sw_name_slot(&name, slot, 0);
		len = sw_name_encode(sw_lab(), &name, &sun);
		if (sw_real(bind)(fd, (struct sockaddr *)&sun, len) == 0 || errno == EINVAL)
			return 0; /* EINVAL: another thread was faster */
		if (errno != EADDRINUSE)
			return errno;
	}
	return EADDRINUSE;
}

int sw_twin_bind(int fd, uint64_t tag, struct sw_endpoint *own)
{
	struct sw_dgram word = plain;
	int error = introduce(fd, tag);

	if (error)
		return error;
	word.kind = SW_DGRAM_BIND;
	word.to = *own;
	word.flags = (sw_reuses_address(fd) ? SW_DGRAM_REUSE_ADDR : 0) | (tag & SW_TAG_REUSEPORT ? SW_DGRAM_REUSE_PORT : 0) |
		     (tag & SW_TAG_V6ONLY ? SW_DGRAM_V6ONLY : 0);
	error = say(fd, &word, NULL, 0);
	if (!error)
		error = await_bound(fd, own);
	return error ? error : take_name(fd, tag, own);
}

int sw_twin_connect(int fd, const struct sw_endpoint *remote, uint16_t by, bool broadcast)
{
	struct sw_dgram word = plain;

	word.kind = SW_DGRAM_CONNECT;
	if (remote) {
		word.to = *remote;
		word.ifindex = by;
		word.flags = SW_DGRAM_TO_PEER | (broadcast ? SW_DGRAM_BROADCAST : 0);
	}
	return say(fd, &word, NULL, 0);
}

int sw_twin_group(int fd, uint64_t tag, enum sw_dgram_kind kind, const struct sw_endpoint *group, uint16_t ifindex)
{
	struct sw_dgram word = plain;
	struct sw_answer answer;
	int error = tag & SW_TAG_BOUND ? 0 : introduce(fd, tag);

	word.kind = (uint8_t)kind;
	word.ifindex = ifindex;
	word.to = *group;
	if (!error)
		error = say(fd, &word, NULL, 0);
	if (!error)
		sw_ask(fd, &answer);
	return error ? error : answer.error;
}

int sw_twin_set(int fd, uint64_t tag, enum sw_dgram_option option, uint32_t value)
{
	struct sw_dgram_setting setting = {.option = option, .value = value};
	struct sw_dgram word = plain;
	int error = tag & SW_TAG_BOUND ? 0 : introduce(fd, tag);

	word.kind = SW_DGRAM_OPTION;
	return error ? error : say(fd, &word, &setting, sizeof(setting));
}

int sw_twin_pending(int fd)
{
	struct sw_dgram head;
	int saved = errno, error = 0;

	if (sw_real(recv)(fd, &head, sizeof(head), MSG_PEEK | MSG_DONTWAIT) == sizeof(head) &&
	    head.magic == SW_DGRAM_MAGIC && head.kind == SW_DGRAM_UNREACHABLE) {
		sw_real(recv)(fd, &head, sizeof(head), MSG_DONTWAIT);
		error = ECONNREFUSED;
	}
	errno = saved;
	return error;
}
