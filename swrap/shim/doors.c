/* The other doors to the same calls: what _FORTIFY_SOURCE makes of them, and many messages at once. By number: syscall.c. */
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dgram.h"
#include "real.h"

#define MOST_MESSAGES 1024 /* UIO_MAXIOV */
#define SECOND 1000000000

/* libc's own for a buffer that is too small; it does not return. */
void __chk_fail(void) __attribute__((noreturn));

ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags, struct sockaddr *addr, socklen_t *len);
int __gethostname_chk(char *name, size_t len, size_t size);
int pidfd_getfd(int pidfd, int target, unsigned int flags); /* since glibc 2.36 */

SW_EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
{
	if (n > size)
		__chk_fail();
	return read(fd, buf, n);
}

SW_EXPORT ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
	if (n > size)
		__chk_fail();
	return recv(fd, buf, n, flags);
}

SW_EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags, struct sockaddr *addr,
				 socklen_t *len)
{
	if (n > size)
		__chk_fail();
	return recvfrom(fd, buf, n, flags, addr, len);
}

SW_EXPORT int __gethostname_chk(char *name, size_t len, size_t size)
{
	if (len > size)
		__chk_fail();
	return gethostname(name, len);
}

SW_EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags)
{
	unsigned int done = 0;
	uint64_t tag;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real(sendmmsg)(fd, messages, n, flags);
	for (; done < n && done < MOST_MESSAGES; done++) {
		ssize_t sent = sendmsg(fd, &messages[done].msg_hdr, flags);

		if (sent < 0)
			return done ? (int)done : -1;
		messages[done].msg_len = (unsigned int)sent;
	}
	return (int)done;
}

/* is_over() - Has the time come? It is looked at behind each message, and what is left of it put down (recvmmsg(2), BUGS). */
static bool is_over(struct timespec *left, const struct timespec *until)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left->tv_sec = until->tv_sec - now.tv_sec - (until->tv_nsec < now.tv_nsec);
	left->tv_nsec = until->tv_nsec - now.tv_nsec + (until->tv_nsec < now.tv_nsec ? SECOND : 0);
	if (left->tv_sec < 0)
		*left = (struct timespec){0};
	return left->tv_sec == 0 && left->tv_nsec == 0;
}

SW_EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags, struct timespec *patience)
{
	struct timespec until = {0};
	unsigned int done = 0;
	uint64_t tag;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real(recvmmsg)(fd, messages, n, flags, patience);
	if (patience && (patience->tv_sec < 0 || patience->tv_nsec < 0 || patience->tv_nsec >= SECOND))
		return sw_fail(EINVAL);
	if (patience) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += patience->tv_nsec;
		until.tv_sec += patience->tv_sec + until.tv_nsec / SECOND;
		until.tv_nsec %= SECOND;
	}
	for (; done < n; done++) {
		int now = done && (flags & MSG_WAITFORONE) ? MSG_DONTWAIT : 0;
		ssize_t got = recvmsg(fd, &messages[done].msg_hdr, (flags & ~MSG_WAITFORONE) | now);

		if (got < 0)
			return done ? (int)done : -1;
		messages[done].msg_len = (unsigned int)got;
		if ((got == 0 && !(tag & SW_TAG_DGRAM)) || (patience && is_over(patience, &until)))
			return (int)done + 1;
	}
	return (int)done;
}

SW_EXPORT int pidfd_getfd(int pidfd, int target, unsigned int flags)
{
	int fd = (int)sw_real(syscall)(SYS_pidfd_getfd, pidfd, target, flags);

	if (fd >= 0)
		sw_dgram_note(fd);
	return fd;
}
