/*
 * Tries to reach the kernel's IP stack behind the shim's back; meant to be linked statically. Exit status 0 if every way is shut, 1 with the way that
 * is open. It makes sockets and sends nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int closed(const char *what, long result, int wanted)
{
	if (result < 0 && errno == wanted)
		return 1;
	fprintf(stderr, "%s: result %ld, errno %d\n", what, result, errno);
	return 0;
}

int main(void)
{
	static const int families[] = {AF_INET, AF_INET6, AF_PACKET, AF_VSOCK, AF_BLUETOOTH};
	char params[256] = {0};

	for (unsigned int i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (!closed("socket", syscall(SYS_socket, families[i], SOCK_STREAM, 0), EAFNOSUPPORT))
			return 1;
	if (!closed("io_uring_setup", syscall(SYS_io_uring_setup, 4, params), ENOSYS))
		return 1;
	puts("kept in");
	return 0;
}
