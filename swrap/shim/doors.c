/* The other doors to the same calls: what _FORTIFY_SOURCE makes of them, many messages at once, and syscall(2). */
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "real.h"
#include "dgram.h"

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
		return sw_real()->sendmmsg(fd, messages, n, flags);
	for (; done < n; done++) {
		ssize_t sent = sendmsg(fd, &messages[done].msg_hdr, flags);

		if (sent < 0)
			return done ? (int)done : -1;
		messages[done].msg_len = (unsigned int)sent;
	}
	return (int)done;
}

SW_EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags, struct timespec *patience)
{
	unsigned int done = 0;
	uint64_t tag;

	if (!sw_lab() || !sw_tag_get(fd, &tag))
		return sw_real()->recvmmsg(fd, messages, n, flags, patience);
	for (; done < n; done++) {
		int now = done && (flags & MSG_WAITFORONE) ? MSG_DONTWAIT : 0;
		ssize_t got = recvmsg(fd, &messages[done].msg_hdr, (flags & ~MSG_WAITFORONE) | now);

		if (got < 0)
			return done ? (int)done : -1;
		messages[done].msg_len = (unsigned int)got;
		if (got == 0 && !(tag & SW_TAG_DGRAM))
			return (int)done + 1;
	}
	return (int)done;
}

SW_EXPORT int bindresvport(int fd, struct sockaddr_in *addr)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int saved = errno;

	if (!addr)
		addr = &any;
	for (in_port_t port = IPPORT_RESERVED - 1; port >= IPPORT_RESERVED / 2; port--) {
		addr->sin_port = htons(port);
		if (bind(fd, (struct sockaddr *)addr, sizeof(*addr)) == 0) {
			errno = saved;
			return 0;
		}
		if (errno != EADDRINUSE)
			return -1;
	}
	return -1;
}

SW_EXPORT int pidfd_getfd(int pidfd, int target, unsigned int flags)
{
	int fd = (int)sw_real()->syscall(SYS_pidfd_getfd, pidfd, target, flags);

	if (fd >= 0)
		sw_dgram_note(fd);
	return fd;
}

/* It reads six arguments, as the kernel does, of which the caller may have given fewer: AddressSanitizer must not look. */
SW_EXPORT __attribute__((no_sanitize_address)) long syscall(long number, ...)
{
	long a[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	switch (number) {
	case SYS_socket:
		return socket((int)a[0], (int)a[1], (int)a[2]);
	case SYS_bind:
		return bind((int)a[0], (void *)a[1], (socklen_t)a[2]);
	case SYS_listen:
		return listen((int)a[0], (int)a[1]);
	case SYS_accept:
		return accept((int)a[0], (void *)a[1], (void *)a[2]);
	case SYS_accept4:
		return accept4((int)a[0], (void *)a[1], (void *)a[2], (int)a[3]);
	case SYS_shutdown:
		return shutdown((int)a[0], (int)a[1]);
	case SYS_connect:
		return connect((int)a[0], (void *)a[1], (socklen_t)a[2]);
	case SYS_getsockname:
		return getsockname((int)a[0], (void *)a[1], (void *)a[2]);
	case SYS_getpeername:
		return getpeername((int)a[0], (void *)a[1], (void *)a[2]);
	case SYS_getsockopt:
		return getsockopt((int)a[0], (int)a[1], (int)a[2], (void *)a[3], (void *)a[4]);
	case SYS_setsockopt:
		return setsockopt((int)a[0], (int)a[1], (int)a[2], (void *)a[3], (socklen_t)a[4]);
	case SYS_sendto:
		return sendto((int)a[0], (void *)a[1], (size_t)a[2], (int)a[3], (void *)a[4], (socklen_t)a[5]);
	case SYS_recvfrom:
		return recvfrom((int)a[0], (void *)a[1], (size_t)a[2], (int)a[3], (void *)a[4], (void *)a[5]);
	case SYS_sendmsg:
		return sendmsg((int)a[0], (void *)a[1], (int)a[2]);
	case SYS_recvmsg:
		return recvmsg((int)a[0], (void *)a[1], (int)a[2]);
	case SYS_ioctl:
		return ioctl((int)a[0], (unsigned long)a[1], (void *)a[2]);
	case SYS_io_uring_setup: /* makes sockets, and reads and writes them, past everybody */
		return sw_lab() ? sw_fail(ENOSYS) : sw_real()->syscall(number, a[0], a[1]);
	case SYS_pidfd_getfd:
		return pidfd_getfd((int)a[0], (int)a[1], (unsigned int)a[2]);
	default:
		return sw_real()->syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}
