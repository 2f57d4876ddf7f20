/* A full backlog: who knocks waits as for any SYN that is not answered, and comes in when there is room. */
#include "around.h"

/* knock() - A connect that is under way, and must not be over. */
static int knock(const struct sockaddr_in *at)
{
	int fd = stream(SOCK_NONBLOCK);
	struct pollfd one = {.fd = fd, .events = POLLOUT};

	FAILS(reach(fd, at), EINPROGRESS);
	MUST(poll(&one, 1, 100) == 0);
	FAILS(reach(fd, at), EALREADY);
	MUST(pending_error(fd) == 0);
	return fd;
}

static void must_come_in(int fd, int listener)
{
	int other;

	MUST(await(fd, POLLOUT) == POLLOUT && pending_error(fd) == 0);
	MUST((other = accept(listener, NULL, NULL)) >= 0);
	MUST(fcntl(fd, F_SETFL, 0) == 0);
	talk(fd, other);
	talk(other, fd);
	close(fd);
	close(other);
}

/* A backlog of 0 is room for one. */
static void room(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 0), first = dial(&at), second = knock(&at), other;

	MUST((other = accept(listener, NULL, NULL)) >= 0);
	talk(first, other);
	must_come_in(second, listener);
}

/* listen() again: more room for those that wait. */
static void grown(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 0), first = dial(&at), second = knock(&at), other;

	MUST(listen(listener, 5) == 0);
	MUST(await(second, POLLOUT) == POLLOUT);
	MUST((other = accept(listener, NULL, NULL)) >= 0);
	talk(first, other);
	must_come_in(second, listener);
}

/* What the listener leaves behind is refused. */
static void closed(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 0), first = dial(&at), second = knock(&at);
	char byte;

	close(listener);
	FAILS(recv(first, &byte, 1, 0), ECONNRESET);
	MUST(await(second, POLLOUT) & POLLERR);
	MUST(pending_error(second) == ECONNREFUSED);
}

/* Less than nothing is as much as there may be. */
static void negative(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, -1);

	for (int i = 0; i < 300; i++)
		dial(&at);
	(void)listener;
}

/* Who gives up has had no place. */
static void given_up(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 0), first = dial(&at), second = knock(&at), third = knock(&at), other;

	close(second);
	MUST((other = accept(listener, NULL, NULL)) >= 0);
	talk(first, other);
	must_come_in(third, listener);
	MUST(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
	FAILS(accept(listener, NULL, NULL), EAGAIN);
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {
		{"room", room},		{"grown", grown},	{"closed", closed},
		{"negative", negative}, {"given-up", given_up}, {0}};

	return keep_one(promises, argc, argv);
}
