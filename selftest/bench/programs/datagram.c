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
	struct sockaddr_storage own = {0};
	socklen_t own_len;
	int fd, echoing;

	MUST(argc == 4);
	echoing = bound(argv[2], SOCK_DGRAM, &server, &server_len);
	fd = bound(argv[2], SOCK_DGRAM, &own, &own_len);
	MUST((peer = fork()) >= 0);
	if (peer == 0)
		echo(echoing);
	until(atof(argv[3]), round_trip, fd, 1);
	kill(peer, SIGKILL);
	MUST(waitpid(peer, NULL, 0) == peer);
	return 0;
}
