/*
 * The functions behind the ones that we interpose: the next in the search order, mostly libc's. Each is found when it is
 * first called (real.c).
 */
#ifndef SW_REAL_H
#define SW_REAL_H

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#define SW_REAL(X)                                                                                                     \
	X(int, socket, (int domain, int type, int protocol))                                                           \
	X(int, bind, (int fd, const struct sockaddr *addr, socklen_t len))                                             \
	X(int, listen, (int fd, int backlog))                                                                          \
	X(int, shutdown, (int fd, int how))                                                                            \
	X(int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags))                                    \
	X(int, connect, (int fd, const struct sockaddr *addr, socklen_t len))                                          \
	X(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *len))                                           \
	X(int, getpeername, (int fd, struct sockaddr *addr, socklen_t *len))                                           \
	X(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *len))                                 \
	X(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len))                            \
	X(ssize_t, read, (int fd, void *buf, size_t n))                                                                \
	X(ssize_t, recv, (int fd, void *buf, size_t n, int flags))                                                     \
	X(ssize_t, write, (int fd, const void *buf, size_t n))                                                         \
	X(ssize_t, send, (int fd, const void *buf, size_t n, int flags))                                               \
	X(ssize_t, readv, (int fd, const struct iovec *iov, int n))                                                    \
	X(ssize_t, recvfrom, (int fd, void *buf, size_t n, int flags, struct sockaddr *addr, socklen_t *len))          \
	X(ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags))                                                   \
	X(ssize_t, writev, (int fd, const struct iovec *iov, int n))                                                   \
	X(ssize_t, sendto, (int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len)) \
	X(ssize_t, sendmsg, (int fd, const struct msghdr *msg, int flags))                                             \
	X(ssize_t, sendfile, (int out, int in, off_t *offset, size_t n))                                               \
	X(ssize_t, splice, (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n, unsigned int flags))   \
	X(int, sendmmsg, (int fd, struct mmsghdr * messages, unsigned int n, int flags))                               \
	X(int, recvmmsg, (int fd, struct mmsghdr * messages, unsigned int n, int flags, struct timespec *patience))    \
	X(int, pthread_cancel, (pthread_t thread))                                                                     \
	X(long, syscall, (long number, ...))                                                                           \
	X(int, execve, (const char *path, char *const argv[], char *const env[]))                                      \
	X(int, execvpe, (const char *file, char *const argv[], char *const env[]))                                     \
	X(int, fexecve, (int fd, char *const argv[], char *const env[]))                                               \
	X(int, posix_spawn,                                                                                            \
	  (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,    \
	   char *const argv[], char *const env[]))                                                                     \
	X(int, posix_spawnp,                                                                                           \
	  (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,    \
	   char *const argv[], char *const env[]))                                                                     \
	X(int, ioctl, (int fd, unsigned long request, ...))                                                            \
	X(int, getaddrinfo,                                                                                            \
	  (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **list))               \
	X(void, freeaddrinfo, (struct addrinfo *list))                                                                 \
	X(int, getnameinfo,                                                                                            \
	  (const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len, char *service,                  \
	   socklen_t service_len, int flags))                                                                          \
	X(int, gethostbyname2_r,                                                                                       \
	  (const char *name, int family, struct hostent *entry, char *buffer, size_t size, struct hostent **result,    \
	   int *h_error))                                                                                              \
	X(int, gethostbyaddr_r,                                                                                        \
	  (const void *addr, socklen_t len, int family, struct hostent *entry, char *buffer, size_t size,              \
	   struct hostent **result, int *h_error))                                                                     \
	X(int, gethostname, (char *name, size_t len))                                                                  \
	X(int, uname, (struct utsname * names))                                                                        \
	X(int, getifaddrs, (struct ifaddrs **list))                                                                    \
	X(void, freeifaddrs, (struct ifaddrs *list))                                                                   \
	X(unsigned int, if_nametoindex, (const char *name))                                                            \
	X(char *, if_indextoname, (unsigned int index, char *name))                                                    \
	X(struct if_nameindex *, if_nameindex, (void))                                                                 \
	X(void, if_freenameindex, (struct if_nameindex *list))

struct sw_real {
#define SW_REAL_FIELD(ret, name, args) ret(*name) args;
	SW_REAL(SW_REAL_FIELD)
#undef SW_REAL_FIELD
};

extern struct sw_real sw_real_table __attribute__((visibility("hidden")));

/* sw_real_find() - Find the @n-th of the table, and keep it there; safe in a signal handler, and to race. */
void *sw_real_find(size_t n);

static inline void *sw_real_at(size_t n)
{
	void *kept = __atomic_load_n((void **)&sw_real_table + n, __ATOMIC_RELAXED);

	return __builtin_expect(kept != NULL, 1) ? kept : sw_real_find(n);
}

/* sw_real() - The function behind the one of this name. */
#define sw_real(name) ((__typeof__(sw_real_table.name))sw_real_at(offsetof(struct sw_real, name) / sizeof(void *)))

/*
 * sw_real_is_libc() - Are read, recv, write and send behind ours those of the libc that has __libc_single_threaded(3) where
 * @single is? False also of a program that has a copy of that variable.
 */
bool sw_real_is_libc(const char *single);

#endif
