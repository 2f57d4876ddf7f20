/* The other doors to the same calls: by their numbers, fortified, many messages at once, and the old ways to a low port. */
#define _FORTIFY_SOURCE 2
#include "around.h"

#include <netdb.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int datagrams(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	*at = here;
	MUST(fd >= 0 && bind(fd, (struct sockaddr *)at, sizeof(*at)) == 0);
	MUST(getsockname(fd, (struct sockaddr *)at, &len) == 0);
	return fd;
}

/* A length that the compiler does not know: so it asks for the calls that compare it with the buffer's. */
static volatile size_t four = 4, much = 64;

static void fortified(void)
{
	struct sockaddr_in at, from;
	socklen_t len = sizeof(from);
	int ends[2], fd = datagrams(&at), status;
	char word[8];
	pid_t pid;

	pair(ends);
	MUST(send(ends[0], "onetwo3", 7, 0) == 7);
	MUST(recv(ends[1], word, four, MSG_PEEK) == 4 && memcmp(word, "onet", 4) == 0);
	MUST(read(ends[1], word, four) == 4 && memcmp(word, "onet", 4) == 0);
	MUST(sendto(fd, "abcdef", 6, 0, (struct sockaddr *)&at, sizeof(at)) == 6);
	MUST(recvfrom(fd, word, four, 0, (struct sockaddr *)&from, &len) == 4 && memcmp(word, "abcd", 4) == 0);
	MUST(same(&from, &at));
	for (int i = 0; i < 3; i++) {
		MUST((pid = fork()) >= 0);
		if (pid == 0) {
			fclose(stderr); /* libc says why */
			if (i == 0)
				_exit((int)recv(ends[1], word, much, 0));
			if (i == 1)
				_exit((int)recvfrom(fd, word, much, 0, NULL, NULL));
			_exit((int)read(ends[1], word, much));
		}
		MUST(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

static void by_number(void)
{
	struct sockaddr_in at = here, peer;
	socklen_t len = sizeof(at), size = sizeof(int);
	struct iovec iov = {"word", 4};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct utsname plain, numbered;
	char word[8];
	int listener, fd, other, on = 1, value = 0;

	MUST((listener = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0)) >= 0);
	MUST(syscall(SYS_setsockopt, listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	MUST(syscall(SYS_getsockopt, listener, SOL_SOCKET, SO_DOMAIN, &value, &size) == 0 && value == AF_INET);
	MUST(syscall(SYS_bind, listener, &at, sizeof(at)) == 0);
	MUST(syscall(SYS_listen, listener, 8) == 0);
	MUST(syscall(SYS_getsockname, listener, &at, &len) == 0 && at.sin_port != 0);
	fd = stream(0);
	MUST(syscall(SYS_connect, fd, &at, sizeof(at)) == 0);
	len = sizeof(peer);
	MUST((other = (int)syscall(SYS_accept4, listener, &peer, &len, SOCK_CLOEXEC)) >= 0);
	MUST(syscall(SYS_getpeername, fd, &peer, &len) == 0 && same(&peer, &at));
	MUST(syscall(SYS_sendto, fd, "word", 4L, 0L, NULL, 0L) == 4);
	MUST(syscall(SYS_recvfrom, other, word, 4L, (long)MSG_WAITALL, NULL, NULL) == 4 && memcmp(word, "word", 4) == 0);
	MUST(syscall(SYS_sendmsg, other, &msg, 0L) == 4);
	iov.iov_base = word;
	MUST(syscall(SYS_recvmsg, fd, &msg, 0L) == 4);
	MUST(syscall(SYS_shutdown, fd, SHUT_WR) == 0 && syscall(SYS_read, other, word, 4L) == 0);
	fd = datagrams(&at);
	MUST(syscall(SYS_connect, fd, &at, sizeof(at)) == 0);
	MUST(syscall(SYS_write, fd, "itself", 6L) == 6 && syscall(SYS_read, fd, word, 8L) == 6 && memcmp(word, "itself", 6) == 0);
	MUST(uname(&plain) == 0 && syscall(SYS_uname, &numbered) == 0 && strcmp(plain.nodename, numbered.nodename) == 0);
}

/* many() - Messages of four bytes each, into or out of @words. */
static void many(struct mmsghdr *messages, struct iovec *iov, char (*words)[4], int n)
{
	memset(messages, 0, (size_t)n * sizeof(*messages));
	for (int i = 0; i < n; i++) {
		iov[i] = (struct iovec){words[i], 4};
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static void many_at_once(void)
{
	static char sent[3][4] = {"one.", "two.", "end."}, got[4][4];
	struct mmsghdr messages[4];
	struct iovec iov[4];
	struct timespec patience = {.tv_nsec = 1}, wrong = {.tv_nsec = 1000000000};
	struct sockaddr_in at;
	int ends[2], fd = datagrams(&at);

	pair(ends);
	many(messages, iov, sent, 3);
	MUST(sendmmsg(ends[0], messages, 3, 0) == 3 && messages[2].msg_len == 4);
	MUST(shutdown(ends[0], SHUT_WR) == 0);
	many(messages, iov, got, 4);
	MUST(recvmmsg(ends[1], messages, 3, MSG_WAITALL, NULL) == 3 && memcmp(got, sent, sizeof(sent)) == 0);
	MUST(reach(fd, &at) == 0);
	many(messages, iov, sent, 3);
	for (int i = 0; i < 2; i++)
		MUST(sendmmsg(fd, messages, 3, 0) == 3);
	many(messages, iov, got, 4);
	MUST(recvmmsg(fd, messages, 4, 0, NULL) == 4 && memcmp(got[3], sent[0], 4) == 0);
	/* The time is looked at behind each message: one comes in any case. */
	MUST(recvmmsg(fd, messages, 4, 0, &patience) == 1 && memcmp(got[0], sent[1], 4) == 0);
	FAILS(recvmmsg(fd, messages, 4, 0, &wrong), EINVAL);
	MUST(recvmmsg(fd, messages, 4, MSG_WAITFORONE, NULL) == 1 && memcmp(got[0], sent[2], 4) == 0);
	FAILS(recvmmsg(fd, messages, 4, MSG_DONTWAIT, NULL), EAGAIN);
}

static void reserved(void)
{
	struct sockaddr_in at = here;
	int fd = stream(0), port = 700, other;

	if (bindresvport(fd, &at) < 0 && errno == EACCES) {
		fputs("low ports are root's here\n", stderr);
		exit(CANNOT);
	}
	MUST(ntohs(at.sin_port) >= 512 && ntohs(at.sin_port) < 1024);
	at.sin_addr = name_of(fd, getsockname).sin_addr;
	MUST(same(&at, &(struct sockaddr_in){0}) == 0 && name_of(fd, getsockname).sin_port == at.sin_port);
	MUST((fd = rresvport(&port)) >= 0 && port <= 700 && ntohs(name_of(fd, getsockname).sin_port) == port);
	MUST((other = rresvport(&port)) >= 0 && port < ntohs(name_of(fd, getsockname).sin_port));
	at.sin_family = AF_UNIX;
	FAILS(bindresvport(stream(0), &at), EAFNOSUPPORT);
}

static void mark(void)
{
	int ends[2];
	char byte;

	pair(ends);
	MUST(send(ends[0], "a", 1, 0) == 1 && send(ends[0], "!", 1, MSG_OOB) == 1);
	await(ends[1], POLLPRI);
	MUST(sockatmark(ends[1]) == 0 && recv(ends[1], &byte, 1, 0) == 1 && sockatmark(ends[1]) == 1);
}

/* MPTCP to a peer without it is TCP. */
static void multipath(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 1), fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP), other;

	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ENOPROTOOPT)) {
		fputs("this kernel has no MPTCP\n", stderr);
		exit(CANNOT);
	}
	MUST(fd >= 0 && reach(fd, &at) == 0 && (other = accept(listener, NULL, NULL)) >= 0);
	talk(fd, other);
	talk(other, fd);
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {{"fortified", fortified}, {"by-number", by_number},
						  {"many-at-once", many_at_once}, {"reserved", reserved},
						  {"mark", mark}, {"multipath", multipath}, {0}};

	return keep_one(promises, argc, argv);
}
