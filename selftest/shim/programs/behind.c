/* A library that writes a dot for each byte: preloaded behind another, it is what that one calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

ssize_t write(int fd, const void *buf, size_t n)
{
	ssize_t (*next)(int fd, const void *buf, size_t n) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	char dots[64];

	(void)buf;
	if (n > sizeof(dots))
		n = sizeof(dots);
	memset(dots, '.', n);
	return next(fd, dots, n);
}
