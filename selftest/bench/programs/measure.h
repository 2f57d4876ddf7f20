/* What the measuring programs share: PROGRAM WHAT ADDRESS SECONDS prints one number, mostly operations a second. */
#ifndef MEASURE_H
#define MEASURE_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64 /* operations between two looks at the clock */

#define MUST(what)                                                                                                     \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			perror(#what);                                                                                 \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* until() - Do it for so many seconds; how often it was done in one. */
static inline double until(double seconds, bool (*once)(int fd), int fd)
{
	double begin = now(), end;
	long n = 0;

	do {
		for (int i = 0; i < BATCH; i++, n++)
			MUST(once(fd));
		end = now();
	} while (end < begin + seconds);
	return (double)n / (end - begin);
}

/* bound() - A socket of @type on a port of its own; @address is an IPv4 address, or `unix` for raw AF_UNIX. */
static inline int bound(const char *address, int type, struct sockaddr_storage *at, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)at;
	int fd;

	at->ss_family = strcmp(address, "unix") == 0 ? AF_UNIX : AF_INET;
	*len = sizeof(*in);
	if (at->ss_family == AF_UNIX)
		*len = sizeof(sa_family_t); /* autobind(unix(7)) */
	else
		MUST(inet_pton(AF_INET, address, &in->sin_addr) == 1);
	MUST((fd = socket(at->ss_family, type, 0)) >= 0);
	MUST(bind(fd, (struct sockaddr *)at, *len) == 0);
	*len = sizeof(*at);
	MUST(getsockname(fd, (struct sockaddr *)at, len) == 0);
	return fd;
}

#endif
