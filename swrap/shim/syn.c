/*
 * The opening message (syn.h), as the program's socket waits for its answer: by POLLOUT, which comes when the switch has
 * read it, or asleep in a receive, which a signal handler interrupts and SA_RESTART takes up again as it would a connect.
 */
#include "shim.h"

#include "real.h"

/* More than this behind the default of any sane machine: then the socket gets a smaller buffer (see syn.h). */
#define SNDBUF_MOST (4 << 20)
#define SNDBUF_USUAL 212992

static const char padding[64 << 10];

static struct sw_syn syn_of(int fd, uint64_t tag, const struct sw_endpoint *local, const struct sw_endpoint *remote)
{
	return (struct sw_syn){
		.magic = SW_SYN_MAGIC,
		.opening = SW_OPEN,
		.flags = tag & SW_TAG_BOUND ? SW_SYN_BOUND : 0,
		.length = sizeof(struct sw_syn),
		.host = SW_TAG_HOST(tag),
		.device = sw_device(fd, tag),
		.ino = sw_inode(fd),
		.local = *local,
		.remote = *remote,
		.patience = sw_patience_of(fd, tag),
	};
}

/* screen() - How many unread bytes keep the socket from being ready for POLLOUT; 0 with errno set. */
static uint32_t screen(int fd)
{
	int sndbuf = 0;
	socklen_t len = sizeof(sndbuf);

	if (sw_real(getsockopt)(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, &len) < 0)
		return 0;
	if (sndbuf > SNDBUF_MOST) {
		sndbuf = SNDBUF_USUAL / 2; /* the kernel doubles what it is given */
		sw_real(setsockopt)(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
		sndbuf *= 2;
	}
	return (uint32_t)sndbuf / 4;
}

/* send_padded() - @head and padding, @size bytes in all, and a tail byte. Returns 0 or an errno. */
static int send_padded(int fd, const void *head, size_t head_size, size_t size)
{

	for (size_t left = size; left > 0; head_size = 0) {
		size_t n = left < sizeof(padding) ? left : sizeof(padding);
		struct iovec iov[2] = {{(void *)head, head_size}, {(void *)padding, n - head_size}};
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
		ssize_t sent = sw_real(sendmsg)(fd, &msg, MSG_NOSIGNAL);

		if (sent != (ssize_t)n)
			return sent < 0 ? errno : EPIPE;
		left -= n;
	}
	/* By itself, so that the byte which stays unread holds no more memory than it must. */
	return sw_real(send)(fd, padding, 1, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

int sw_syn_send(int fd, uint64_t tag, const struct sw_endpoint *local, const struct sw_endpoint *remote)
{
	struct sw_syn syn = syn_of(fd, tag, local, remote);

	syn.length = screen(fd);
	return syn.length ? send_padded(fd, &syn, sizeof(syn), syn.length) : errno;
}

/* answer() - The byte that says that the SYN was answered: 0, EINTR, EAGAIN, or why it will never come. */
static int answer(int fd, int flags)
{
	char byte;
	ssize_t n;

	do {
		n = sw_real(recv)(fd, &byte, 1, flags);
	} while (n < 0 && errno == EAGAIN && !flags); /* SO_RCVTIMEO is not for connect(2) */
	if (n == 1)
		return 0;
	return n < 0 && (errno == EINTR || errno == EAGAIN) ? errno : sw_reason(fd);
}

/**
 * interrupted() - The program is told of a signal, and its connect goes on as a non-blocking one would
 *
 * So the switch must not send that byte any more, and the socket must not be ready for POLLOUT.
 */
static int interrupted(int fd, uint64_t tag)
{
	struct sw_syn word = {.opening = SW_UNAWAIT, .host = sw_self(), .ino = sw_inode(fd), .more = screen(fd) + 1};
	struct sw_answer reply;
	int error;

	sw_request(&word, &reply);
	if (reply.state == SW_FLOW_SYN_SENT) {
		sw_tag_set(fd, tag | SW_TAG_CONNECTING);
		error = send_padded(fd, NULL, 0, word.more - 1);
		return error ? error : EINTR;
	}
	error = answer(fd, MSG_DONTWAIT);
	return error == EAGAIN ? EINTR : error;
}

int sw_syn_await(int fd, uint64_t tag, const struct sw_endpoint *local, const struct sw_endpoint *remote)
{
	struct {
		struct sw_syn syn;
		char tail;
	} message = {.syn = syn_of(fd, tag, local, remote)};
	const size_t size = sizeof(message.syn) + 1;
	int error;

	message.syn.flags |= SW_SYN_AWAITED;
	if (sw_real(send)(fd, &message, size, MSG_NOSIGNAL) != (ssize_t)size)
		return errno == EPIPE || errno == ECONNRESET ? sw_reason(fd) : errno;
	error = answer(fd, 0);
	return error == EINTR ? interrupted(fd, tag) : error;
}
