/* What a datagram costs: datagram udp ADDRESS SECONDS prints round trips of 64 bytes, a second. */
#include "measure.h"

#include <signal.h>

static struct sockaddr_storage server;
static socklen_t server_len;

static bool round_trip(int fd)
{
	char data[64] = {0};

	return sendto(fd, data, sizeof(data), 0, (struct sockaddr *)&server, server_len) == sizeof(data) &&
	       recv(fd, data, sizeof(data), 0) == sizeof(data);
}

static void echo(int fd)
{
	struct sockaddr_storage from;
	char data[64];

	for (;;) {
		socklen_t len = sizeof(from);

		MUST(recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &len) == sizeof(data));
		MUST(sendto(fd, data, sizeof(data), 0, (struct sockaddr *)&from, len) == sizeof(data));
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_storage own;
	socklen_t own_len;
	int fd, peer;
	pid_t child;

	MUST(argc == 4);
	peer = bound(argv[2], SOCK_DGRAM, &server, &server_len);
	fd = bound(argv[2], SOCK_DGRAM, &own, &own_len);
	MUST((child = fork()) >= 0);
	if (child == 0)
		echo(peer);
	printf("%.1f\n", until(atof(argv[3]), round_trip, fd));
	kill(child, SIGKILL);
	MUST(waitpid(child, NULL, 0) == child);
	return 0;
}
