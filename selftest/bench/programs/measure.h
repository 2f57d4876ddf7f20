/*
 * What the measuring programs share: PROGRAM WHAT ADDRESS SECONDS prints two numbers, mostly operations a second: of the
 * clock, and of CPU time. On one CPU the two are the same, unless others use it too.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

static pid_t peer; /* the other process, whose time counts too */

/* spent() - CPU time of this process, of @peer, and of children that have ended. */
static inline double spent(void)
{
	struct rusage ended;
	struct timespec t;
	clockid_t clock;
	double sum;

	MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0 && getrusage(RUSAGE_CHILDREN, &ended) == 0);
	sum = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	sum += (double)(ended.ru_utime.tv_sec + ended.ru_stime.tv_sec);
	sum += (double)(ended.ru_utime.tv_usec + ended.ru_stime.tv_usec) / 1e6;
	if (peer) {
		MUST(clock_getcpuclockid(peer, &clock) == 0 && clock_gettime(clock, &t) == 0);
		sum += (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	}
	return sum;
}

/* until() - Do it for so many seconds, and print how often it was done. */
static inline void until(double seconds, bool (*once)(int fd), int fd, double unit)
{
	double begin = now(), used = spent(), end;
	long n = 0;

	do {
		for (int i = 0; i < BATCH; i++, n++)
			MUST(once(fd));
		end = now();
	} while (end < begin + seconds);
	printf("%.1f %.1f\n", (double)n * unit / (end - begin), (double)n * unit / (spent() - used));
}

/* bound() - A socket of @type on @at's port, or one of its own; @address is an IPv4 address, or `unix` for raw AF_UNIX. */
static inline int bound(const char *address, int type, struct sockaddr_storage *at, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)at;
	int fd, one = 1;

	at->ss_family = strcmp(address, "unix") == 0 ? AF_UNIX : AF_INET;
	*len = sizeof(*in);
	if (at->ss_family == AF_UNIX)
		*len = sizeof(sa_family_t); /* autobind(unix(7)) */
	else
		MUST(inet_pton(AF_INET, address, &in->sin_addr) == 1);
	MUST((fd = socket(at->ss_family, type, 0)) >= 0);
	if (at->ss_family == AF_INET && in->sin_port)
		MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
	MUST(bind(fd, (struct sockaddr *)at, *len) == 0);
	*len = sizeof(*at);
	MUST(getsockname(fd, (struct sockaddr *)at, len) == 0);
	return fd;
}

#endif
