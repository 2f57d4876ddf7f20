/*
 * What the programs around the shim have in common: PROGRAM ADDRESS PROMISE keeps one promise and prints "kept", or says
 * which line broke it and exits with 1 (77: the machine does not let it be tried). The same program runs on the kernel's
 * own network and under libswrap.so, so it is right about Linux before it is asked of the shim.
 */
#ifndef AROUND_H
#define AROUND_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANNOT 77

#define MUST(what)                                                                                                     \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #what, strerror(errno));                \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

/* The call fails, and with this errno. */
#define FAILS(what, error) MUST((errno = 0, (what) == -1) && errno == (error))

struct promise {
	const char *name;
	void (*keep)(void);
};

static struct sockaddr_in here = {.sin_family = AF_INET};

/* stream() - An unconnected socket. */
static inline int stream(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	MUST(fd >= 0);
	return fd;
}

/* listening() - A listener on a port of its own, whose address is left in @at. */
static inline int listening(struct sockaddr_in *at, int backlog)
{
	socklen_t len = sizeof(*at);
	int fd = stream(0);

	*at = here;
	MUST(bind(fd, (struct sockaddr *)at, sizeof(*at)) == 0);
	MUST(listen(fd, backlog) == 0);
	MUST(getsockname(fd, (struct sockaddr *)at, &len) == 0);
	return fd;
}

static inline int reach(int fd, const struct sockaddr_in *at)
{
	return connect(fd, (const struct sockaddr *)at, sizeof(*at));
}

/* dial() - A connection to @at. */
static inline int dial(const struct sockaddr_in *at)
{
	int fd = stream(0);

	MUST(reach(fd, at) == 0);
	return fd;
}

/* pair() - Both ends of a connection: [0] connected, [1] was accepted. */
static inline void pair(int ends[2])
{
	struct sockaddr_in at;
	int listener = listening(&at, 1);

	ends[0] = dial(&at);
	MUST((ends[1] = accept(listener, NULL, NULL)) >= 0);
	close(listener);
}

static inline bool same(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_family == AF_INET && b->sin_family == AF_INET && a->sin_port == b->sin_port &&
	       a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static inline struct sockaddr_in name_of(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in at = {0};
	socklen_t len = sizeof(at);

	MUST(ask(fd, (struct sockaddr *)&at, &len) == 0 && len == sizeof(at));
	return at;
}

/* must_be() - @fd has these two names, and is a TCP socket. */
static inline void must_be(int fd, struct sockaddr_in own, struct sockaddr_in peer)
{
	struct sockaddr_in a = name_of(fd, getsockname), b = name_of(fd, getpeername);
	int value = -1;
	socklen_t len = sizeof(value);

	MUST(same(&a, &own) && same(&b, &peer));
	MUST(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len) == 0 && value == AF_INET);
}

/* talk() - A word goes from one end to the other. */
static inline void talk(int from, int to)
{
	char word[4];

	MUST(send(from, "word", 4, 0) == 4);
	MUST(recv(to, word, 4, MSG_WAITALL) == 4 && memcmp(word, "word", 4) == 0);
}

static inline int pending_error(int fd)
{
	int error = -1;
	socklen_t len = sizeof(error);

	MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
	return error;
}

/* await() - Until @fd is ready for one of @events; what poll(2) said. */
static inline short await(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	MUST(poll(&one, 1, 10000) == 1);
	return one.revents;
}

/* abort_by() - End the connection with a reset: closed while something has come that nobody read. */
static inline void abort_by(int *ends, int which)
{
	MUST(send(ends[!which], "?", 1, 0) == 1);
	await(ends[which], POLLIN);
	close(ends[which]);
}

static inline void must_end_well(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0) == pid);
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static inline int keep_one(const struct promise *promises, int argc, char **argv)
{
	MUST(argc == 3 && inet_pton(AF_INET, argv[1], &here.sin_addr) == 1);
	alarm(20);
	for (; promises->name; promises++) {
		if (strcmp(promises->name, argv[2]) == 0) {
			promises->keep();
			puts("kept");
			return 0;
		}
	}
	fprintf(stderr, "%s: no such promise\n", argv[2]);
	return 1;
}

#endif
