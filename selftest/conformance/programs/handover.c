/*
 * Twenty connections change hands: accepted by one process, passed in one message with two control headers to a
 * process that never called socket(), after which the sender exits. Names, options and data must be right there.
 *
 * handover ADDRESS - exit status 0, or 1 with a word about the first thing that was wrong.
 * The same program runs on the kernel's own network and under libswrap.so.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT 20
#define HALF (COUNT / 2)

#define MUST(what)                                                                                                     \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, strerror(errno));                \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

static socklen_t parse(const char *text, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1) {
		a->any.sa_family = AF_INET;
		return sizeof(a->in);
	}
	MUST(inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1);
	a->any.sa_family = AF_INET6;
	return sizeof(a->in6);
}

static in_port_t port_of(const union address *a)
{
	return a->any.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port;
}

static bool same(const union address *a, const union address *b)
{
	if (a->any.sa_family != b->any.sa_family || port_of(a) != port_of(b))
		return false;
	return a->any.sa_family == AF_INET ? a->in.sin_addr.s_addr == b->in.sin_addr.s_addr
					   : memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
}

static void put_rights(struct cmsghdr *head, const int *fds)
{
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(HALF * sizeof(int));
	memcpy(CMSG_DATA(head), fds, HALF * sizeof(int));
}

/* The acceptor: takes twenty connections, passes them all at once, exits. */
static void acceptor(int listener, int messages)
{
	_Alignas(struct cmsghdr) char control[2 * CMSG_SPACE(HALF * sizeof(int))] = {0};
	struct iovec iov = {"pass", 4};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int fds[COUNT], one = 1;

	for (int i = 0; i < COUNT; i++) {
		MUST((fds[i] = accept(listener, NULL, NULL)) >= 0);
		MUST(setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
	}
	put_rights(CMSG_FIRSTHDR(&msg), fds);
	put_rights(CMSG_NXTHDR(&msg, CMSG_FIRSTHDR(&msg)), fds + HALF);
	MUST(sendmsg(messages, &msg, 0) == 4);
	exit(0);
}

/* The receiver, after exec: whoever holds the fd holds all there is to know. It tells each client both names. */
static void receiver(int messages)
{
	_Alignas(struct cmsghdr) char control[2 * CMSG_SPACE(COUNT * sizeof(int))];
	char word[8];
	struct iovec iov = {word, sizeof(word)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int n = 0;

	MUST(recvmsg(messages, &msg, 0) == 4);
	for (struct cmsghdr *head = CMSG_FIRSTHDR(&msg); head; head = CMSG_NXTHDR(&msg, head)) {
		size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++, n++) {
			union address names[2];
			socklen_t len = sizeof(names[0]);
			int fd, value = 0;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
			memset(names, 0, sizeof(names));
			MUST(getsockname(fd, &names[0].any, &len) == 0);
			len = sizeof(names[1]);
			MUST(getpeername(fd, &names[1].any, &len) == 0);
			len = sizeof(value);
			MUST(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len) == 0 && value == 1);
			MUST(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len) == 0 && value == names[0].any.sa_family);
			MUST(send(fd, names, sizeof(names), 0) == sizeof(names));
			MUST(recv(fd, word, 4, MSG_WAITALL) == 4 && memcmp(word, "ping", 4) == 0);
			MUST(send(fd, "pong", 4, 0) == 4);
			MUST(shutdown(fd, SHUT_WR) == 0);
			MUST(recv(fd, word, 1, 0) == 0);
			close(fd);
		}
	}
	MUST(n == COUNT);
	exit(0);
}

static void client(int fd, const union address *server)
{
	union address names[2], own;
	socklen_t len = sizeof(own);
	char word[4];

	MUST(recv(fd, names, sizeof(names), MSG_WAITALL) == sizeof(names));
	MUST(getsockname(fd, &own.any, &len) == 0);
	MUST(same(&names[0], server));
	MUST(same(&names[1], &own));
	MUST(send(fd, "ping", 4, 0) == 4);
	MUST(recv(fd, word, 4, MSG_WAITALL) == 4 && memcmp(word, "pong", 4) == 0);
	MUST(recv(fd, word, 1, 0) == 0);
	close(fd);
}

static void must_end_well(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0) == pid);
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
	union address server;
	socklen_t len;
	pid_t taker, giver;
	int listener, messages[2], fds[COUNT];

	if (argc == 3 && strcmp(argv[1], "receive") == 0)
		receiver(atoi(argv[2]));
	MUST(argc == 2);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, messages) == 0);
	MUST((taker = fork()) >= 0);
	if (taker == 0) {
		char number[12];

		snprintf(number, sizeof(number), "%d", messages[1]);
		execl("/proc/self/exe", argv[0], "receive", number, NULL);
		MUST(!"exec");
	}
	len = parse(argv[1], &server);
	MUST((listener = socket(server.any.sa_family, SOCK_STREAM, 0)) >= 0);
	MUST(bind(listener, &server.any, len) == 0);
	MUST(listen(listener, COUNT) == 0);
	len = sizeof(server);
	MUST(getsockname(listener, &server.any, &len) == 0);
	MUST((giver = fork()) >= 0);
	if (giver == 0)
		acceptor(listener, messages[0]);
	close(listener);
	close(messages[0]);
	close(messages[1]);
	for (int i = 0; i < COUNT; i++) {
		MUST((fds[i] = socket(server.any.sa_family, SOCK_STREAM, 0)) >= 0);
		MUST(connect(fds[i], &server.any, len) == 0);
	}
	must_end_well(giver);
	for (int i = 0; i < COUNT; i++)
		client(fds[i], &server);
	must_end_well(taker);
	puts("handed over");
	return 0;
}
