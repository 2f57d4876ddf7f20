/*
 * MSG_PEEK with MSG_WAITALL: TCP waits until there is as much to be seen as was asked for. AF_UNIX shows what there is, and
 * poll(2) is content with one byte; but an edge comes with all that arrives (epoll(7)).
 */
#include "shim.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "real.h"

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* deadline() - By SO_RCVTIMEO from now on; INT64_MAX without one. */
static int64_t deadline(int fd)
{
	struct timeval limit = {0};
	socklen_t len = sizeof(limit);

	sw_real(getsockopt)(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &len);
	if (limit.tv_sec == 0 && limit.tv_usec == 0)
		return INT64_MAX;
	return now_ms() + (int64_t)limit.tv_sec * 1000 + (limit.tv_usec + 999) / 1000;
}

/* more() - Until something has arrived: true, with @last where nothing will follow. False: no longer, or a signal. */
static bool more(int set, int64_t until, bool *last)
{
	int64_t left = until == INT64_MAX ? -1 : until - now_ms();
	struct epoll_event event;

	if (until != INT64_MAX && left < 0)
		left = 0;
	if (epoll_wait(set, &event, 1, left > INT_MAX ? INT_MAX : (int)left) != 1)
		return false;
	*last = event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	return true;
}

ssize_t sw_peek_all(int fd, struct iovec *iov, size_t n_iov, size_t room, int flags)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n_iov};
	int64_t until = deadline(fd);
	ssize_t got = sw_real(recvmsg)(fd, &msg, flags & ~MSG_WAITALL), again;
	struct epoll_event edge = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};
	int saved = errno, set;
	bool last = false;

	if (got <= 0 || (size_t)got >= room || (flags & MSG_DONTWAIT) || (fcntl(fd, F_GETFL) & O_NONBLOCK))
		return got;
	set = epoll_create1(EPOLL_CLOEXEC);
	if (set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &edge) == 0)
		while ((size_t)got < room && !last && more(set, until, &last)) {
			again = sw_real(recvmsg)(fd, &msg, (flags & ~MSG_WAITALL) | MSG_DONTWAIT);
			got = again > got ? again : got; /* less: another reader took what was seen */
		}
	if (set >= 0)
		close(set);
	errno = saved;
	return got;
}
