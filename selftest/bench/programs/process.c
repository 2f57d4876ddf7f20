/*
 * What it costs a process to be in a host: process WHAT ADDRESS SECONDS
 *
 *	exec    exec, a first socket, exit: a second
 *	write   bytes written to /dev/null one at a time, a second
 *	memory  KiB of a process that has a socket: what is its own and its share of the rest (Pss)
 */
#include "measure.h"

#include <fcntl.h>
#include <spawn.h>

extern char **environ;
static char *address;

static int first_socket(void)
{
	int family = strcmp(address, "unix") == 0 ? AF_UNIX : AF_INET;

	return socket(family, SOCK_STREAM, 0);
}

static bool one_exec(int unused)
{
	char *argv[] = {"process", "first", address, "0", NULL};
	int status;
	pid_t pid;

	(void)unused;
	return posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) == 0 && waitpid(pid, &status, 0) == pid &&
	       status == 0;
}

static bool one_write(int fd)
{
	return write(fd, "", 1) == 1;
}

static void memory(void)
{
	char line[256];
	long kib = -1;
	FILE *file;

	MUST(first_socket() >= 0);
	MUST((file = fopen("/proc/self/smaps_rollup", "r")));
	while (kib < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %ld", &kib) != 1)
			kib = -1;
	MUST(kib >= 0);
	printf("%ld %ld\n", kib, kib);
}

int main(int argc, char **argv)
{
	double seconds;

	MUST(argc == 4);
	address = argv[2];
	seconds = atof(argv[3]);
	if (strcmp(argv[1], "first") == 0)
		return first_socket() < 0;
	if (strcmp(argv[1], "exec") == 0)
		until(seconds, one_exec, -1, 1);
	else if (strcmp(argv[1], "write") == 0)
		until(seconds, one_write, open("/dev/null", O_WRONLY), 1);
	else if (strcmp(argv[1], "memory") == 0)
		memory();
	else
		return 2;
	return 0;
}
