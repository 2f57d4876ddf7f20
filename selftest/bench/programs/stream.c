/*
 * What a stream costs: stream WHAT ADDRESS SECONDS prints one number.
 *
 *	rtt      round trips of one byte, a second
 *	bulk     bytes a second, written 64 KiB at a time
 *	connect  connect + accept + close, a second
 *	socket   socket + close, a second
 *	rights   a connected socket passed by SCM_RIGHTS and closed, a second
 *
 * ADDRESS is an IPv4 address, or `unix` for raw AF_UNIX. Two processes, blocking calls, nothing else: the same program
 * runs on kernel TCP, on AF_UNIX, and under each preloaded library.
 */
#include "measure.h"

#include <netinet/tcp.h>
#include <signal.h>

#define BULK (64 << 10)

static struct sockaddr_storage server;
static socklen_t server_len;
static char buffer[BULK];

static int open_socket(void)
{
	int fd = socket(server.ss_family, SOCK_STREAM, 0);

	MUST(fd >= 0);
	return fd;
}

static int dial(void)
{
	int fd = open_socket();

	MUST(connect(fd, (struct sockaddr *)&server, server_len) == 0);
	return fd;
}

static void serve_echo(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) == 1)
		MUST(send(fd, &byte, 1, 0) == 1);
}

static void serve_sink(int fd)
{
	while (recv(fd, buffer, sizeof(buffer), 0) > 0)
		;
}

static bool one_round_trip(int fd)
{
	char byte = 0;

	return send(fd, &byte, 1, 0) == 1 && recv(fd, &byte, 1, 0) == 1;
}

/* socket_wrapper sends 1,500 bytes of what it is given. */
static bool send_all(int fd)
{
	for (size_t done = 0; done < BULK;) {
		ssize_t n = send(fd, buffer + done, BULK - done, 0);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* The server closes first, so that no port of the client's waits (TIME_WAIT). */
static bool one_connection(int unused)
{
	int fd = dial();
	char byte;

	(void)unused;
	MUST(recv(fd, &byte, 1, 0) == 0);
	close(fd);
	return true;
}

static void connections(int listener, double seconds)
{
	MUST((peer = fork()) >= 0);
	while (peer == 0) {
		int fd = accept(listener, NULL, NULL);

		MUST(fd >= 0);
		close(fd);
	}
	until(seconds, one_connection, -1, 1);
	kill(peer, SIGKILL);
	MUST(waitpid(peer, NULL, 0) == peer);
}

static bool one_socket(int unused)
{
	(void)unused;
	return close(open_socket()) == 0;
}

static int passed = -1;

static bool one_pass(int messages)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &passed, sizeof(int));
	return sendmsg(messages, &msg, 0) == 1 && recv(messages, &byte, 1, 0) == 1;
}

static void take_rights(int messages)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char byte;

	for (;;) {
		struct iovec iov = {&byte, 1};
		struct msghdr msg = {
			.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
		int fd;

		if (recvmsg(messages, &msg, 0) != 1)
			return;
		MUST(CMSG_FIRSTHDR(&msg));
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
		close(fd);
		MUST(send(messages, &byte, 1, 0) == 1);
	}
}

static void rights(int listener, double seconds)
{
	int messages[2], fd = dial(), accepted = accept(listener, NULL, NULL);

	MUST(accepted >= 0);
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, messages) == 0);
	MUST((peer = fork()) >= 0);
	if (peer == 0) {
		close(messages[0]);
		take_rights(messages[1]);
		exit(0);
	}
	close(messages[1]);
	passed = fd;
	until(seconds, one_pass, messages[0], 1);
	close(messages[0]);
	MUST(waitpid(peer, NULL, 0) == peer);
}

static void with_server(int listener, void (*serve)(int fd), bool (*once)(int fd), double seconds, double unit)
{
	int fd, one = 1;

	MUST((peer = fork()) >= 0);
	if (peer == 0) {
		MUST((fd = accept(listener, NULL, NULL)) >= 0);
		serve(fd);
		exit(0);
	}
	fd = dial();
	if (server.ss_family == AF_INET)
		MUST(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
	until(seconds, once, fd, unit);
	close(fd);
	MUST(waitpid(peer, NULL, 0) == peer);
}

int main(int argc, char **argv)
{
	double seconds;
	int listener;

	MUST(argc == 4);
	seconds = atof(argv[3]);
	listener = bound(argv[2], SOCK_STREAM, &server, &server_len);
	MUST(listen(listener, 128) == 0);
	if (strcmp(argv[1], "rtt") == 0)
		with_server(listener, serve_echo, one_round_trip, seconds, 1);
	else if (strcmp(argv[1], "bulk") == 0)
		with_server(listener, serve_sink, send_all, seconds, BULK);
	else if (strcmp(argv[1], "connect") == 0)
		connections(listener, seconds);
	else if (strcmp(argv[1], "socket") == 0)
		until(seconds, one_socket, -1, 1);
	else if (strcmp(argv[1], "rights") == 0)
		rights(listener, seconds);
	else
		return 2;
	return 0;
}
