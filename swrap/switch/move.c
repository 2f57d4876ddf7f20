/*
 * Bytes from one side to the other, each step complete in itself.
 *
 * After each step the first byte in the queue of the giving side was already delivered (lag 1), or none of them was
 * (lag 0), but at least one is there: so whenever we die, the program's end is reset. There is no moment in between at
 * which the queue is empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "switch.h"

/* sw_fresh() - Bytes that the program of @s has written and nobody has taken. */
int sw_fresh(const struct sw_side *s)
{
	int queued = 0;

	if (s->fd < 0 || !s->greeted || ioctl(s->fd, FIONREAD, &queued) < 0 || queued <= s->lag)
		return 0;
	return queued - s->lag;
}

/**
 * sw_peek() - Look at up to @want fresh bytes: they are at sw->buffer + from->lag
 *
 * Return: how many; 0 where there are none.
 */
int64_t sw_peek(struct sw *sw, struct sw_side *from, uint32_t want)
{
	for (;;) {
		struct iovec iov = {.iov_base = sw->buffer, .iov_len = from->lag + want};
		struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n = recvmsg(from->fd, &msg, MSG_PEEK | MSG_DONTWAIT);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			from->reset |= errno == ECONNRESET;
			return 0;
		}
		if (msg.msg_flags & MSG_CTRUNC)
			from->odd = true;
		if (n > from->lag || !from->odd)
			return n > from->lag ? n - from->lag : 0;
		/* A peek stops at a mark. Where that is right behind the byte that lags, the byte must go first. */
		if (sw_fresh(from) == 0) {
			from->odd = false;
			return 0;
		}
		if (from->lag == 0 || recv(from->fd, sw->scratch, 1, MSG_DONTWAIT) != 1)
			return 0;
		from->lag = 0;
	}
}

/* sw_at_mark() - Is the first byte of the queue urgent, and not delivered? A peek stops in front of it. */
bool sw_at_mark(const struct sw_side *s)
{
	int mark = 0;

	return s->odd && s->lag == 0 && ioctl(s->fd, SIOCATMARK, &mark) == 0 && mark;
}

/* sw_has_mark() - Is any byte of the queue urgent? */
bool sw_has_mark(const struct sw_side *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLPRI};

	return s->odd || poll(&p, 1, 0) == 1;
}

/* sw_keep_last() - @taken bytes behind the lag are now elsewhere: read all of them but the last. */
void sw_keep_last(struct sw *sw, struct sw_side *from, uint32_t taken)
{
	uint32_t left = from->lag + taken - 1;

	while (left > 0) {
		ssize_t n = recv(from->fd, sw->scratch, left, MSG_DONTWAIT);

		if (n <= 0 && errno != EINTR)
			break; /* cannot be: they were peeked at, and only we read here */
		left -= n > 0 ? (uint32_t)n : 0;
	}
	from->lag = 1;
}

/* refused() - A send to @h's receiver failed with @error. Return: true if the bytes count as taken nevertheless. */
static bool refused(struct sw *sw, struct sw_half *h, int error)
{
	struct sw_side *to = sw_to(h);
	struct pollfd p = {.fd = to->fd, .events = 0};

	if (poll(&p, 1, 0) < 0)
		p.revents = 0;
	/* The first system call that meets the error takes it away, so that epoll may never show it. */
	if (error == ECONNRESET || (p.revents & POLLERR))
		to->reset = true;
	else if (p.revents & POLLHUP)
		to->gone = true;
	else {
		/* shutdown(SHUT_RD) is a private matter with TCP: its peer may go on sending. */
		to->deaf = true;
		return true;
	}
	to->fin = true;
	sw_ready(sw, h);
	sw_ready(sw, sw_back(h));
	return false;
}

/* wait_for_room() - Let EPOLLOUT of @h's receiver make @h ready. Return: -EAGAIN. */
static int wait_for_room(struct sw *sw, struct sw_half *h)
{
	struct sw_side *to = sw_to(h);

	to->full = true;
	sw_tap_full(sw, h);
	/* Changing the mask makes epoll look again, so that room that came meanwhile is seen. */
	if (!to->armed && sw_epoll_side(sw, sw_flow_of(h), to->index, EPOLL_CTL_MOD, true) == 0)
		to->armed = true;
	return -EAGAIN;
}

/* arrived() - @n bytes did, if only at a deaf receiver's host. */
static int64_t arrived(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n)
{
	if (sw_flow_of(h)->tap)
		sw_tap_arrive(sw, h, bytes, n);
	return n;
}

/* give() - sw_deliver(), with MSG_OOB in @flags for an urgent byte. */
static int64_t give(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n, int flags)
{
	struct sw_side *to = sw_to(h);
	ssize_t sent;

	if (to->deaf)
		return arrived(sw, h, bytes, n);
	do {
		sent = send(to->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
	} while (sent < 0 && errno == EINTR);
	if (sent > 0)
		return arrived(sw, h, bytes, (uint32_t)sent);
	if (errno == EAGAIN)
		return wait_for_room(sw, h);
	if (errno == ENOBUFS || errno == ENOMEM) {
		to->armed = false; /* so that epoll looks again, which comes back to us after the others */
		return wait_for_room(sw, h);
	}
	return refused(sw, h, errno) ? arrived(sw, h, bytes, n) : -EPIPE;
}

/* sw_deliver() - @n bytes into the receiver's buffer: how many went; -EAGAIN (EPOLLOUT comes), -EPIPE (it is gone). */
int64_t sw_deliver(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n)
{
	return give(sw, h, bytes, n, 0);
}

/**
 * sw_copy() - Up to @want fresh bytes through our own memory
 * @more: set to whether there may be more of them in the queue
 *
 * Return: bytes delivered, 0 where none are fresh, or what sw_deliver() says.
 */
int64_t sw_copy(struct sw *sw, struct sw_half *h, uint32_t want, bool *more)
{
	struct sw_side *from = sw_from(h);
	int64_t fresh = sw_peek(sw, from, want), sent;
	bool urgent = fresh > 0 && sw_at_mark(from);

	*more = fresh == want || from->odd;
	if (fresh == 0)
		return 0;
	sent = give(sw, h, sw->buffer + from->lag, urgent ? 1 : (uint32_t)fresh, urgent ? MSG_OOB : 0);
	if (sent <= 0)
		return sent;
	sw_keep_last(sw, from, (uint32_t)sent);
	*more |= sent < fresh;
	return sent;
}

/* rest() - What the output would not take out of the pipe goes to the stash, in front of what is still in the queue. */
static void rest(struct sw *sw, struct sw_half *h, uint32_t left)
{
	while (left > 0) {
		ssize_t n = read(sw->pipe[0], sw->buffer, left < SW_BLOCK ? left : SW_BLOCK);

		if (n <= 0)
			break;
		if (sw_stash_put(sw, h, sw->buffer, (uint32_t)n) < 0) {
			/* Bytes are lost, so this is no stream any more. */
			sw_from(h)->reset = true;
			sw_ready(sw, h);
		}
		left -= (uint32_t)n;
	}
}

/* follow() - The one byte that a splice left is copied behind the others in the pipe. Return: 1, or 0 if it did not fit. */
static uint32_t follow(struct sw *sw, struct sw_side *from)
{
	uint8_t last;

	if (recv(from->fd, &last, 1, MSG_PEEK | MSG_DONTWAIT) != 1 || write(sw->pipe[1], &last, 1) != 1)
		return 0;
	from->lag = 1;
	return 1;
}

/* widen() - A receiver of bulk gets a larger buffer: then it, and we, sleep less often. */
static void widen(struct sw_side *s)
{
	int wanted = SW_WIDE_SNDBUF, sndbuf = 0;
	socklen_t size = sizeof(sndbuf);

	s->wide = true;
	if (setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted)) == 0 &&
	    getsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, &size) == 0)
		s->sndbuf = (uint32_t)sndbuf;
}

/**
 * sw_splice() - A part of @fresh bytes without touching them, but for the last one, which is copied and stays unread
 * @more: set to whether some are left
 *
 * Return: bytes delivered, 0 where nothing could be taken, or what sw_deliver() says.
 */
int64_t sw_splice(struct sw *sw, struct sw_half *h, uint32_t fresh, bool *more)
{
	struct sw_side *from = sw_from(h), *to = sw_to(h);
	uint32_t n = fresh - 1, left;
	int queued = 0;
	ssize_t in, out = 0;

	if (!to->wide)
		widen(to);
	if (ioctl(to->fd, SIOCOUTQ, &queued) < 0 || (uint32_t)queued + SW_ROOM + SW_COPY > to->sndbuf)
		return wait_for_room(sw, h);
	if (n > SW_SPLICE)
		n = SW_SPLICE;
	if (n > to->sndbuf - (uint32_t)queued - SW_ROOM)
		n = to->sndbuf - (uint32_t)queued - SW_ROOM;
	if (from->lag && recv(from->fd, sw->scratch, 1, MSG_DONTWAIT) == 1)
		from->lag = 0;
	in = splice(from->fd, NULL, sw->pipe[1], NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (in <= 0)
		return 0;
	if (in == fresh - 1)
		in += follow(sw, from);
	*more = in < fresh;
	left = (uint32_t)in;
	while (left > 0) {
		out = splice(sw->pipe[0], NULL, to->fd, NULL, left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (out <= 0)
			break;
		left -= (uint32_t)out;
	}
	if (left == 0)
		return in;
	if (out < 0 && errno != EAGAIN && errno != EINTR && refused(sw, h, errno)) {
		while (left > 0 && (out = read(sw->pipe[0], sw->buffer, left < SW_BLOCK ? left : SW_BLOCK)) > 0)
			left -= (uint32_t)out;
		return in;
	}
	in -= left;
	rest(sw, h, left);
	return in > 0 ? in : -EAGAIN;
}
