/*
 * The read and write family. On a connected stream it is the kernel's own; what is left to do is the reason of an
 * error (the kernel says ECONNRESET where TCP said ETIMEDOUT), and addresses, which TCP neither fills nor heeds.
 */
#include "capture.h"
#include "dgram.h"
#include "option.h"

#include <signal.h>
#include <unistd.h>

#include "kernel.h"
#include "plain.h"
#include "real.h"

/* is_stream() - A virtual stream, whose calls carry no address. */
static bool is_stream(int fd)
{
	uint64_t tag;

	return sw_lab() && sw_tag_get(fd, &tag) && !(tag & SW_TAG_DGRAM);
}

/* ended() - The flow of the stream @fd has ended by itself: errno says why, and a connect that was under way failed. */
static void ended(int fd)
{
	uint64_t tag;

	errno = sw_reason(fd);
	if (!sw_tag_get(fd, &tag))
		return;
	tag |= tag & SW_TAG_CONNECTING ? SW_TAG_FAILED : SW_TAG_PIPE;
	sw_tag_set(fd, tag & ~(uint64_t)SW_TAG_CONNECTING);
}

/* no_peer() - A virtual stream without a peer, of which TCP speaks in other words than AF_UNIX. */
static bool no_peer(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	return is_stream(fd) && sw_real(getpeername)(fd, (struct sockaddr *)&peer, &len) < 0 && errno == ENOTCONN;
}

/* is_refused() - A virtual stream whose connect failed: what AF_UNIX takes for the end of its stream is the switch that said so. */
static bool is_refused(int fd)
{
	const struct sw_page *page = sw_lab();
	uint64_t tag;

	return page && !(page->flags & SW_DIRECT) && sw_tag_get(fd, &tag) && !(tag & SW_TAG_DGRAM) && (tag & SW_TAG_FAILED);
}

/* explain() - After a receive that may have failed: the errno that TCP would have given. */
static ssize_t explain(int fd, ssize_t n)
{
	int error;

	if (__builtin_expect(n < 0 && errno == ECONNRESET, 0) && is_stream(fd)) {
		ended(fd);
		return errno == EPIPE ? 0 : -1; /* its peer's FIN had come before */
	}
	if (__builtin_expect(n < 0 && errno == EINVAL, 0))
		return sw_fail(no_peer(fd) ? ENOTCONN : EINVAL);
	if (__builtin_expect(n == 0, 0)) {
		error = is_refused(fd) ? ENOTCONN : sw_abort_met(fd, true);
		return error ? sw_fail(error) : n;
	}
	return n;
}

/* ended_or_failed() - After a receive by our own instruction that brought nothing: likewise, with -errno in @n. */
static __attribute__((noinline)) ssize_t ended_or_failed(int fd, long n)
{
	return explain(fd, n < 0 ? sw_fail((int)-n) : 0);
}

static size_t size_of(const struct iovec *iov, size_t n)
{
	size_t size = 0;

	while (n-- > 0)
		size += iov[n].iov_len;
	return size;
}

/* lost() - TCP takes one write after its peer has closed, and learns by the answer. Directly nobody answers. */
static bool lost(int fd)
{
	uint64_t tag;

	return (sw_lab()->flags & SW_DIRECT) && sw_tag_get(fd, &tag) && !(tag & (SW_TAG_SHUT | SW_TAG_PIPE)) &&
	       sw_tag_set(fd, tag | SW_TAG_PIPE) == 0;
}

/* Who sends SIGPIPE, where EPIPE calls for it. */
enum { NOBODY, US, KERNEL };

/**
 * explain_failure() - After a send that failed
 * @size:   what was to be sent, bytes
 * @signal: who sends SIGPIPE: us, where the kernel was told not to and the caller wants it
 *
 * AF_UNIX answers EPIPE at once where TCP first tells of the reset, and only then sends SIGPIPE.
 */
static __attribute__((noinline)) ssize_t explain_failure(int fd, size_t size, int signal)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (errno == ENOTCONN && is_stream(fd)) {
		errno = EPIPE;
		signal = signal == NOBODY ? NOBODY : US; /* for the kernel this was no broken pipe */
	} else if (errno != EPIPE && errno != ECONNRESET) {
		return -1;
	} else if (is_stream(fd)) {
		sw_real(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (errno == ECONNRESET || error)
			ended(fd);
		else if ((error = sw_abort_met(fd, false)) != 0)
			errno = error;
		else if (lost(fd))
			return (ssize_t)size;
	}
	if (signal == US && errno == EPIPE) {
		raise(SIGPIPE);
		errno = EPIPE;
	}
	return -1;
}

/* failed() - After a send by our own instruction: likewise, with -errno in @n. */
static __attribute__((noinline)) ssize_t failed(int fd, long n, size_t size, int signal)
{
	errno = (int)-n;
	return explain_failure(fd, size, signal);
}

static inline ssize_t explain_send(int fd, ssize_t n, size_t size, int signal)
{
	return __builtin_expect(n >= 0, 1) ? n : explain_failure(fd, size, signal);
}

/* out() - The result of a send, which the capture takes note of. */
static inline ssize_t out(int fd, ssize_t n, const struct iovec *iov, int flags)
{
	if (__builtin_expect(sw_capturing, 0) && n > 0 && !(flags & MSG_OOB))
		sw_capture_sent(fd, iov, (size_t)n);
	return n;
}

/* in() - The result of a receive into @room bytes. */
static inline ssize_t in(int fd, ssize_t n, const struct iovec *iov, size_t room, int flags)
{
	if (__builtin_expect(!sw_capturing, 1) || (flags & (MSG_OOB | MSG_PEEK | MSG_TRUNC)))
		return n;
	if (n > 0 || (n == 0 && room > 0))
		sw_capture_received(fd, iov, (size_t)n);
	else if (n < 0 && errno == ECONNRESET)
		sw_capture_reset(fd);
	return n;
}

/* put() - Send one buffer from a datagram socket. */
static __attribute__((noinline)) ssize_t put(int fd, uint64_t tag, const struct sw_ends *ends, const void *buf, size_t n,
					     int flags, const struct sockaddr *addr, socklen_t len)
{
	struct iovec iov = {(void *)buf, n};
	struct msghdr msg = {.msg_name = (void *)addr, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1};

	return sw_dgram_send(fd, tag, ends, &msg, flags);
}

/* read_watched() - read(2) in a process that is not plain. */
static __attribute__((noinline)) ssize_t read_watched(int fd, void *buf, size_t n)
{
	uint64_t tag;
	ssize_t got;

	if (sw_dgram_check_data(fd, &tag) && ((got = sw_dgram_take(fd, tag, buf, n, 0, NULL, NULL)) >= 0 || errno != ENOTSOCK))
		return got;
	return in(fd, explain(fd, sw_real(read)(fd, buf, n)), &(struct iovec){(void *)buf, n}, n, 0);
}

SW_EXPORT SW_HOT ssize_t read(int fd, void *buf, size_t n)
{
	long got;

	if (!sw_is_plain())
		return read_watched(fd, buf, n);
	got = sw_kernel3(SYS_read, fd, (long)buf, (long)n);
	return __builtin_expect(got > 0, 1) ? got : ended_or_failed(fd, got);
}

SW_EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};
	uint64_t tag;

	if (sw_dgram_check(fd, &tag))
		return sw_dgram_recv(fd, tag, &msg, 0);
	return in(fd, explain(fd, sw_real(readv)(fd, iov, n)), iov, size_of(iov, (size_t)n), 0);
}

#define LOOK_AT_ALL (MSG_PEEK | MSG_WAITALL)
#define NOWHERE ((size_t)64 << 10) /* bytes */

/**
 * unlike() - Receive from a stream with flags that AF_UNIX does not know, or in another sense
 *
 * MSG_ERRQUEUE: nothing is ever put there. MSG_TRUNC (tcp(7)): the bytes are thrown away, here into a place that nobody reads.
 */
static __attribute__((noinline)) ssize_t unlike(int fd, struct iovec *to, size_t n_to, int flags)
{
	static void *kept;
	struct iovec iov[16];
	struct msghdr msg = {.msg_iov = iov};
	size_t n = size_of(to, n_to);
	void *nowhere;

	if (flags & MSG_ERRQUEUE)
		return sw_fail(EAGAIN);
	if (!(flags & MSG_TRUNC))
		return explain(fd, sw_peek_all(fd, to, n_to, n, flags));
	nowhere = sw_kernel_once(&kept, NOWHERE);
	if (!nowhere)
		return sw_fail(ENOMEM);
	for (; n > 0 && msg.msg_iovlen < 16; n -= iov[msg.msg_iovlen++].iov_len)
		iov[msg.msg_iovlen] = (struct iovec){nowhere, n < NOWHERE ? n : NOWHERE};
	return in(fd, explain(fd, sw_real(recvmsg)(fd, &msg, flags & ~MSG_TRUNC)), iov, size_of(iov, msg.msg_iovlen),
		  flags);
}

/* are_unlike() - Are these such flags? */
static inline bool are_unlike(int flags)
{
	return __builtin_expect((flags & (MSG_TRUNC | MSG_ERRQUEUE)) || (flags & LOOK_AT_ALL) == LOOK_AT_ALL, 0);
}

/* is_unlike() - Is it such a receive? */
static inline bool is_unlike(int fd, int flags)
{
	return are_unlike(flags) && is_stream(fd);
}

/* recv_watched() - recv(2) in a process that is not plain, or with flags that are not. */
static __attribute__((noinline)) ssize_t recv_watched(int fd, void *buf, size_t n, int flags)
{
	uint64_t tag;

	if (sw_dgram_check_data(fd, &tag))
		return sw_dgram_take(fd, tag, buf, n, flags, NULL, NULL);
	if (is_unlike(fd, flags))
		return unlike(fd, &(struct iovec){buf, n}, 1, flags);
	return in(fd, explain(fd, sw_real(recv)(fd, buf, n, flags)), &(struct iovec){(void *)buf, n}, n, flags);
}

SW_EXPORT SW_HOT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	long got;

	if (!sw_is_plain() || are_unlike(flags))
		return recv_watched(fd, buf, n, flags);
	got = sw_kernel(SYS_recvfrom, fd, (long)buf, (long)n, flags, 0, 0);
	return __builtin_expect(got > 0, 1) ? got : ended_or_failed(fd, got);
}

SW_EXPORT ssize_t recvfrom(int fd, void *restrict buf, size_t n, int flags, struct sockaddr *restrict addr,
			   socklen_t *restrict len)
{
	uint64_t tag;
	ssize_t got;

	if (sw_dgram_check_data(fd, &tag))
		return sw_dgram_take(fd, tag, buf, n, flags, addr, len);
	if (is_unlike(fd, flags)) {
		got = unlike(fd, &(struct iovec){buf, n}, 1, flags);
		if (got >= 0 && addr && len)
			*len = 0;
		return got;
	}
	if (!addr || !is_stream(fd))
		return in(fd, explain(fd, sw_real(recvfrom)(fd, buf, n, flags, addr, len)), &(struct iovec){(void *)buf, n}, n, flags);
	got = sw_real(recvfrom)(fd, buf, n, flags, NULL, NULL);
	if (got >= 0 && len)
		*len = 0;
	return in(fd, explain(fd, got), &(struct iovec){(void *)buf, n}, n, flags);
}

SW_EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	void *name = msg->msg_name;
	uint64_t tag;
	ssize_t got;

	if (sw_dgram_check(fd, &tag))
		return sw_dgram_recv(fd, tag, msg, flags);
	if (is_unlike(fd, flags)) {
		got = unlike(fd, msg->msg_iov, msg->msg_iovlen, flags);
		if (got >= 0) {
			msg->msg_namelen = 0;
			msg->msg_controllen = 0;
			msg->msg_flags = 0;
		}
		return got;
	}
	if (!name || !is_stream(fd)) {
		got = sw_real(recvmsg)(fd, msg, flags);
		if (got >= 0 && msg->msg_controllen > 0)
			sw_dgram_note_rights(msg);
		return in(fd, explain(fd, got), msg->msg_iov, size_of(msg->msg_iov, msg->msg_iovlen), flags);
	}
	msg->msg_name = NULL;
	got = sw_real(recvmsg)(fd, msg, flags);
	msg->msg_name = name;
	msg->msg_namelen = 0;
	return in(fd, explain(fd, got), msg->msg_iov, size_of(msg->msg_iov, msg->msg_iovlen), flags);
}

/* write_watched() - write(2) in a process that is not plain. */
static __attribute__((noinline)) ssize_t write_watched(int fd, const void *buf, size_t n)
{
	uint64_t tag;

	if (sw_dgram_check(fd, &tag))
		return put(fd, tag, NULL, buf, n, 0, NULL, 0);
	return out(fd, explain_send(fd, sw_real(write)(fd, buf, n), n, KERNEL), &(struct iovec){(void *)buf, n}, 0);
}

SW_EXPORT SW_HOT ssize_t write(int fd, const void *buf, size_t n)
{
	long sent;

	if (!sw_is_plain())
		return write_watched(fd, buf, n);
	sent = sw_kernel3(SYS_write, fd, (long)buf, (long)n);
	return __builtin_expect(sent >= 0, 1) ? sent : failed(fd, sent, n, KERNEL);
}

SW_EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};
	uint64_t tag;

	if (sw_dgram_check(fd, &tag))
		return sw_dgram_send(fd, tag, NULL, &msg, 0);
	return out(fd, explain_send(fd, sw_real(writev)(fd, iov, n), size_of(iov, (size_t)n), KERNEL), iov, 0);
}

/* whose() - Who sends SIGPIPE for a send with these flags. */
static inline int whose(int flags)
{
	return flags & MSG_NOSIGNAL ? NOBODY : US;
}

/* send_watched() - send(2) in a process that is not plain. */
static __attribute__((noinline)) ssize_t send_watched(int fd, const void *buf, size_t n, int flags)
{
	uint64_t tag;

	if (sw_dgram_check(fd, &tag))
		return put(fd, tag, NULL, buf, n, flags, NULL, 0);
	return out(fd, explain_send(fd, sw_real(send)(fd, buf, n, flags | MSG_NOSIGNAL), n, whose(flags)),
		   &(struct iovec){(void *)buf, n}, flags);
}

SW_EXPORT SW_HOT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	long sent;

	if (!sw_is_plain())
		return send_watched(fd, buf, n, flags);
	sent = sw_kernel(SYS_sendto, fd, (long)buf, (long)n, flags | MSG_NOSIGNAL, 0, 0);
	return __builtin_expect(sent >= 0, 1) ? sent : failed(fd, sent, n, whose(flags));
}

SW_EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len)
{
	struct sw_ends ends;
	uint64_t tag;

	if (addr && buf && __atomic_load_n(&sw_dgram_seen, __ATOMIC_RELAXED) && sw_dgram_again(fd, buf, n, flags, addr, len))
		return (ssize_t)n;
	if (addr && sw_dgram_check_bound(fd, &tag, &ends))
		return put(fd, tag, &ends, buf, n, flags, addr, len);
	if (sw_dgram_check(fd, &tag))
		return put(fd, tag, NULL, buf, n, flags, addr, len);
	if (addr && is_stream(fd)) {
		addr = NULL;
		len = 0;
	}
	return out(fd, explain_send(fd, sw_real(sendto)(fd, buf, n, flags | MSG_NOSIGNAL, addr, len), n, whose(flags)),
		   &(struct iovec){(void *)buf, n}, flags);
}

SW_EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct sw_ends ends;
	struct msghdr plain;
	uint64_t tag;

	if (msg->msg_name && sw_dgram_check_bound(fd, &tag, &ends))
		return sw_dgram_send(fd, tag, &ends, msg, flags);
	if (sw_dgram_check(fd, &tag))
		return sw_dgram_send(fd, tag, NULL, msg, flags);
	if (!msg->msg_name || !is_stream(fd))
		return out(fd, explain_send(fd, sw_real(sendmsg)(fd, msg, flags | MSG_NOSIGNAL),
					    size_of(msg->msg_iov, msg->msg_iovlen), whose(flags)),
			   msg->msg_iov, flags);
	plain = *msg;
	plain.msg_name = NULL;
	plain.msg_namelen = 0;
	return out(fd, explain_send(fd, sw_real(sendmsg)(fd, &plain, flags | MSG_NOSIGNAL),
				    size_of(msg->msg_iov, msg->msg_iovlen), whose(flags)),
		   msg->msg_iov, flags);
}

SW_EXPORT int shutdown(int fd, int how)
{
	uint64_t tag;

	if (!sw_lab() || !sw_tag_get(fd, &tag) || (tag & SW_TAG_NETLINK))
		return sw_real(shutdown)(fd, how);
	if (tag & SW_TAG_DGRAM)
		return sw_dgram_shutdown(fd, tag, how);
	if (how < SHUT_RD || how > SHUT_RDWR)
		return sw_fail(EINVAL);
	tag = sw_settle(fd, tag);
	if (!(tag & (SW_TAG_CONNECTED | SW_TAG_LISTEN)) || sw_over(fd, tag))
		return sw_fail(ENOTCONN);
	if ((tag & SW_TAG_LISTEN) && how == SHUT_WR)
		return 0;
	sw_abort_shut(fd, tag, how);
	if (how != SHUT_RD && !(tag & SW_TAG_LISTEN) && sw_tag_set(fd, tag | SW_TAG_SHUT) < 0)
		return -1;
	if ((tag & SW_TAG_LISTEN) && sw_tag_set(fd, (tag & ~(uint64_t)SW_TAG_LISTEN) | SW_TAG_FAILED) < 0)
		return -1; /* AF_UNIX can neither listen nor connect by it again (sw_renew()) */
	if (sw_capturing && how != SHUT_RD && (tag & SW_TAG_CONNECTED))
		sw_capture_shutdown(fd);
	return sw_real(shutdown)(fd, how);
}
