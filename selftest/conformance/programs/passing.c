/* Sockets of every sort change hands: in SCM_RIGHTS messages as large as they can be, and by pidfd_getfd(2). */
#include "around.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#define MOST 253 /* SCM_MAX_FD */

static void give(int messages, const int *fds, size_t n)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MOST * sizeof(int))] = {0};
	struct iovec iov = {"pass", 4};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(head), fds, n * sizeof(int));
	MUST(sendmsg(messages, &msg, 0) == 4);
}

static void take(int messages, int *fds, size_t n)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MOST * sizeof(int))] = {0};
	char word[4];
	struct iovec iov = {word, sizeof(word)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head;

	MUST(recvmsg(messages, &msg, MSG_CMSG_CLOEXEC) == 4 && !(msg.msg_flags & MSG_CTRUNC));
	head = CMSG_FIRSTHDR(&msg);
	MUST(head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(n * sizeof(int)));
	memcpy(fds, CMSG_DATA(head), n * sizeof(int));
}

static int messages[2];

/* receiver() - A fresh program that knows only its end of @messages, after which it is the receiver of @what. */
static pid_t receiver(const char *what)
{
	char number[12], address[INET_ADDRSTRLEN];
	pid_t pid;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, messages) == 0);
	MUST(inet_ntop(AF_INET, &here.sin_addr, address, sizeof(address)));
	snprintf(number, sizeof(number), "%d", messages[1]);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		execl("/proc/self/exe", "passing", address, what, number, NULL);
		_exit(1);
	}
	return pid;
}

/* Each connection carries both its names to who takes it. */
static void receive_many(size_t n)
{
	static int fds[MOST];

	take(messages[1], fds, n);
	for (size_t i = 0; i < n; i++) {
		struct sockaddr_in names[2];

		MUST(recv(fds[i], names, sizeof(names), MSG_WAITALL) == sizeof(names));
		must_be(fds[i], names[0], names[1]);
		MUST(send(fds[i], names, sizeof(names), 0) == sizeof(names));
	}
}

static void receive_200(void)
{
	receive_many(200);
}

static void receive_most(void)
{
	receive_many(MOST);
}

static void many(const char *what, size_t n)
{
	static int fds[MOST], mine[MOST];
	struct rlimit room = {2048, 2048};
	struct sockaddr_in at;
	int listener;
	pid_t pid;

	MUST(setrlimit(RLIMIT_NOFILE, &room) == 0);
	listener = listening(&at, MOST);
	pid = receiver(what);
	for (size_t i = 0; i < n; i++) {
		mine[i] = dial(&at);
		MUST((fds[i] = accept(listener, NULL, NULL)) >= 0);
	}
	give(messages[0], fds, n);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	for (size_t i = 0; i < n; i++) {
		struct sockaddr_in names[2] = {name_of(mine[i], getpeername), name_of(mine[i], getsockname)}, back[2];

		MUST(send(mine[i], names, sizeof(names), 0) == sizeof(names));
		MUST(recv(mine[i], back, sizeof(back), MSG_WAITALL) == sizeof(back));
		MUST(memcmp(names, back, sizeof(names)) == 0);
	}
	must_end_well(pid);
}

static void pass_200(void)
{
	many("receive-200", 200);
}

static void pass_most(void)
{
	many("receive-most", MOST);
}

static void receive_listener(void)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	int listener, fd, value = 0;

	take(messages[1], &listener, 1);
	for (int i = 0; i < 2; i++) {
		MUST((fd = accept(listener, (struct sockaddr *)&peer, &len)) >= 0);
		must_be(fd, name_of(listener, getsockname), peer);
		MUST(send(fd, &peer, sizeof(peer), 0) == sizeof(peer));
	}
	len = sizeof(value);
	MUST(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value == 1);
}

/* A listener changes hands with a connection in its queue; that one is accepted there, and so is the next. */
static void pass_listener(void)
{
	struct sockaddr_in at, own, said;
	int listener = listening(&at, 4), fds[2];
	pid_t pid;

	fds[0] = dial(&at);
	pid = receiver("receive-listener");
	give(messages[0], &listener, 1);
	close(listener);
	fds[1] = dial(&at);
	for (int i = 0; i < 2; i++) {
		own = name_of(fds[i], getsockname);
		MUST(recv(fds[i], &said, sizeof(said), MSG_WAITALL) == sizeof(said) && same(&own, &said));
	}
	must_end_well(pid);
	MUST(reach(stream(0), &at) == -1 && errno == ECONNREFUSED);
}

static void receive_datagrams(void)
{
	struct sockaddr_in from, own;
	socklen_t len = sizeof(from);
	char word[4];
	int fd;

	take(messages[1], &fd, 1);
	own = name_of(fd, getsockname);
	MUST(own.sin_addr.s_addr == here.sin_addr.s_addr && own.sin_port != 0);
	for (int i = 0; i < 2; i++) {
		MUST(recvfrom(fd, word, 4, 0, (struct sockaddr *)&from, &len) == 4 && memcmp(word, "ping", 4) == 0);
		MUST(sendto(fd, &from, sizeof(from), 0, (struct sockaddr *)&from, len) == sizeof(from));
	}
}

/* A datagram socket changes hands with a datagram in its queue. */
static void pass_datagrams(void)
{
	struct sockaddr_in at = here, mine = here, said, from;
	socklen_t len = sizeof(at);
	int bound = socket(AF_INET, SOCK_DGRAM, 0), fd = socket(AF_INET, SOCK_DGRAM, 0);
	pid_t pid;

	MUST(bound >= 0 && fd >= 0);
	MUST(bind(bound, (struct sockaddr *)&at, len) == 0 && bind(fd, (struct sockaddr *)&mine, len) == 0);
	at = name_of(bound, getsockname);
	mine = name_of(fd, getsockname);
	MUST(sendto(fd, "ping", 4, 0, (struct sockaddr *)&at, len) == 4);
	await(bound, POLLIN);
	pid = receiver("receive-datagrams");
	give(messages[0], &bound, 1);
	close(bound);
	MUST(sendto(fd, "ping", 4, 0, (struct sockaddr *)&at, len) == 4);
	for (int i = 0; i < 2; i++) {
		MUST(recvfrom(fd, &said, sizeof(said), 0, (struct sockaddr *)&from, &len) == sizeof(said));
		MUST(same(&said, &mine) && same(&from, &at));
	}
	must_end_well(pid);
}

/* taken() - The @fd of @pid, out of its hands. */
static int taken(pid_t pid, int fd)
{
	int handle = (int)syscall(SYS_pidfd_open, pid, 0), copy;

	MUST(handle >= 0);
	copy = (int)syscall(SYS_pidfd_getfd, handle, fd, 0);
	if (copy < 0 && (errno == EPERM || errno == ENOSYS)) {
		fprintf(stderr, "pidfd_getfd: %s\n", strerror(errno));
		exit(CANNOT);
	}
	MUST(copy >= 0);
	close(handle);
	return copy;
}

/* A child connects and accepts; its parent takes both ends, which the child then leaves. */
static void pidfd(void)
{
	int ends[2], report[2], copies[2];
	struct sockaddr_in names[2];
	pid_t pid;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, report) == 0);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		close(report[0]);
		pair(ends);
		names[0] = name_of(ends[0], getsockname);
		names[1] = name_of(ends[0], getpeername);
		MUST(send(report[1], ends, sizeof(ends), 0) == sizeof(ends));
		MUST(send(report[1], names, sizeof(names), 0) == sizeof(names));
		recv(report[1], ends, 1, 0);
		_exit(0);
	}
	MUST(recv(report[0], ends, sizeof(ends), MSG_WAITALL) == sizeof(ends));
	MUST(recv(report[0], names, sizeof(names), MSG_WAITALL) == sizeof(names));
	for (int i = 0; i < 2; i++)
		copies[i] = taken(pid, ends[i]);
	close(report[0]);
	close(report[1]);
	must_end_well(pid);
	must_be(copies[0], names[0], names[1]);
	must_be(copies[1], names[1], names[0]);
	talk(copies[0], copies[1]);
	talk(copies[1], copies[0]);
}

int pidfd_getfd(int handle, int fd, unsigned int flags) __attribute__((weak)); /* since glibc 2.36 */

/* A process that never had a datagram socket takes one by libc's own call, and what comes in is whole. */
static void pidfd_datagrams(void)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int report[2], ends[2], handle, fd;
	char said[64];
	pid_t pid;

	if (!pidfd_getfd) {
		fprintf(stderr, "libc has no pidfd_getfd\n");
		exit(CANNOT);
	}
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, report) == 0);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		struct sockaddr_in at = here;

		close(report[0]);
		MUST((ends[0] = socket(AF_INET, SOCK_DGRAM, 0)) >= 0);
		MUST(bind(ends[0], (struct sockaddr *)&at, sizeof(at)) == 0);
		at = name_of(ends[0], getsockname);
		MUST(sendto(ends[0], "ping", 4, 0, (struct sockaddr *)&at, sizeof(at)) == 4);
		await(ends[0], POLLIN);
		MUST(send(report[1], ends, sizeof(ends[0]), 0) == sizeof(ends[0]));
		recv(report[1], ends, 1, 0);
		_exit(0);
	}
	close(report[1]);
	MUST(recv(report[0], ends, sizeof(ends[0]), MSG_WAITALL) == sizeof(ends[0]));
	MUST((handle = (int)syscall(SYS_pidfd_open, pid, 0, 0, 0, 0, 0)) >= 0);
	fd = pidfd_getfd(handle, ends[0], 0);
	if (fd < 0 && (errno == EPERM || errno == ENOSYS)) {
		fprintf(stderr, "pidfd_getfd: %s\n", strerror(errno));
		exit(CANNOT);
	}
	MUST(recvfrom(fd, said, sizeof(said), 0, (struct sockaddr *)&from, &len) == 4 && memcmp(said, "ping", 4) == 0);
	MUST(from.sin_family == AF_INET);
	close(report[0]);
	must_end_well(pid);
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {{"200-at-once", pass_200},
						  {"253-at-once", pass_most},
						  {"listener", pass_listener},
						  {"datagrams", pass_datagrams},
						  {"pidfd", pidfd},
						  {"pidfd-datagrams", pidfd_datagrams},
						  {0}};
	static const struct promise receivers[] = {{"receive-200", receive_200},
						   {"receive-most", receive_most},
						   {"receive-listener", receive_listener},
						   {"receive-datagrams", receive_datagrams},
						   {0}};

	if (argc == 4) {
		MUST(freopen("/dev/null", "w", stdout)); /* the last word is the sender's */
		messages[1] = atoi(argv[3]);
		return keep_one(receivers, 3, argv);
	}
	return keep_one(promises, argc, argv);
}
