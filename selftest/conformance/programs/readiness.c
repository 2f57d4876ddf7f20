/* Readiness: poll and epoll, level and edge, say of a connection what they say of TCP. */
#include "around.h"

#include <sys/epoll.h>

static int set;

static void watch(int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	if (!set)
		MUST((set = epoll_create1(EPOLL_CLOEXEC)) >= 0);
	MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* next() - The events that come next, within 10 s. */
static uint32_t next(void)
{
	struct epoll_event event;

	MUST(epoll_wait(set, &event, 1, 10000) == 1);
	return event.events;
}

static bool quiet(void)
{
	struct epoll_event event;

	return epoll_wait(set, &event, 1, 0) == 0;
}

/* until() - Wait till all of @wanted are there at once: TCP may tell of them one after another. */
static uint32_t until(uint32_t wanted)
{
	uint32_t events;

	do
		events = next();
	while ((events & wanted) != wanted);
	return events;
}

/* start() - A connect that does not wait. */
static int start(const struct sockaddr_in *at)
{
	int fd = stream(SOCK_NONBLOCK);

	MUST(reach(fd, at) == 0 || errno == EINPROGRESS);
	return fd;
}

#define ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP)

static void connected(uint32_t edge)
{
	struct sockaddr_in at;
	int listener = listening(&at, 1), fd = start(&at), other;

	watch(fd, ALL | edge);
	MUST(next() == EPOLLOUT);
	MUST(pending_error(fd) == 0);
	MUST(quiet() == (edge != 0));
	MUST((other = accept(listener, NULL, NULL)) >= 0);
	MUST(send(other, "hello", 5, 0) == 5);
	MUST(until(EPOLLIN) == (EPOLLIN | EPOLLOUT));
	MUST(quiet() == (edge != 0));
}

static void level_connected(void)
{
	connected(0);
}

static void edge_connected(void)
{
	connected(EPOLLET);
}

/* SO_RCVLOWAT: less than that wakes nobody. */
static void low_water(void)
{
	int ends[2], least = 4;

	pair(ends);
	MUST(setsockopt(ends[1], SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least)) == 0);
	MUST(send(ends[0], "12", 2, 0) == 2);
	MUST(recv(ends[1], (char[2]){0}, 2, MSG_PEEK | MSG_WAITALL) == 2);
	watch(ends[1], EPOLLIN);
	MUST(quiet());
	MUST(send(ends[0], "34", 2, 0) == 2);
	MUST(next() == EPOLLIN);
}

/* A new edge comes with new data, though the old was not read. */
static void edge_again(void)
{
	int ends[2];

	pair(ends);
	watch(ends[0], EPOLLIN | EPOLLET);
	for (int i = 0; i < 5; i++) {
		MUST(quiet());
		MUST(send(ends[1], "x", 1, 0) == 1);
		MUST(next() == EPOLLIN);
	}
}

/* Full, then read from: writable again. */
static void edge_writable(void)
{
	static char much[1 << 16];
	ssize_t total = 0, n;
	int ends[2];

	pair(ends);
	while ((n = send(ends[0], much, sizeof(much), MSG_DONTWAIT)) > 0)
		total += n;
	MUST(errno == EAGAIN);
	watch(ends[0], EPOLLOUT | EPOLLET);
	while (total > 0) {
		MUST((n = recv(ends[1], much, sizeof(much), 0)) > 0);
		total -= n;
	}
	MUST(next() == EPOLLOUT);
}

static void refused(uint32_t edge)
{
	struct sockaddr_in at;
	int fd = stream(SOCK_NONBLOCK);

	close(listening(&at, 1));
	if (reach(fd, &at) < 0 && errno == ECONNREFUSED)
		return; /* known at once: nothing to wait for */
	MUST(errno == EINPROGRESS);
	watch(fd, ALL | edge);
	MUST(until(EPOLLERR) & EPOLLHUP);
	MUST(pending_error(fd) == ECONNREFUSED);
	MUST(pending_error(fd) == 0);
}

static void level_refused(void)
{
	refused(0);
}

static void edge_refused(void)
{
	refused(EPOLLET);
}

static void reset(void)
{
	int ends[2];
	char byte;

	pair(ends);
	watch(ends[0], ALL);
	MUST(next() == EPOLLOUT);
	abort_by(ends, 1);
	MUST(until(EPOLLERR) == (EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLOUT | EPOLLRDHUP));
	FAILS(recv(ends[0], &byte, 1, 0), ECONNRESET);
	MUST(recv(ends[0], &byte, 1, 0) == 0);
	MUST(!(next() & EPOLLERR));
}

/* The peer has said all: readable, and EPOLLRDHUP, but no EPOLLHUP before this side has said all too. */
static void ended(void)
{
	int ends[2];
	char byte;

	pair(ends);
	watch(ends[0], ALL);
	MUST(shutdown(ends[1], SHUT_WR) == 0);
	MUST(until(EPOLLRDHUP) == (EPOLLIN | EPOLLOUT | EPOLLRDHUP));
	MUST(recv(ends[0], &byte, 1, 0) == 0);
	talk(ends[0], ends[1]);
	MUST(shutdown(ends[0], SHUT_WR) == 0);
	MUST(until(EPOLLHUP) == (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP));
	MUST(pending_error(ends[0]) == 0);
}

/* The peer is gone altogether, politely: this side may still write. */
static void closed(void)
{
	int ends[2];

	pair(ends);
	watch(ends[0], ALL);
	close(ends[1]);
	MUST(until(EPOLLRDHUP) == (EPOLLIN | EPOLLOUT | EPOLLRDHUP));
}

static void accepting(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 4);

	MUST(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
	watch(listener, EPOLLIN | EPOLLET);
	MUST(quiet());
	FAILS(accept(listener, NULL, NULL), EAGAIN);
	dial(&at);
	dial(&at);
	MUST(next() == EPOLLIN);
	await(listener, POLLIN);
	MUST(accept(listener, NULL, NULL) >= 0);
	await(listener, POLLIN);
	MUST(accept4(listener, NULL, NULL, SOCK_NONBLOCK) >= 0);
	FAILS(accept(listener, NULL, NULL), EAGAIN);
}

/* A socket that nobody connected or bound. */
static void unconnected(void)
{
	struct pollfd one = {.fd = stream(0), .events = POLLIN | POLLOUT};

	MUST(poll(&one, 1, 0) == 1 && one.revents == (POLLOUT | POLLHUP));
}

static void oneshot(void)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
	int ends[2];

	pair(ends);
	watch(ends[0], EPOLLIN | EPOLLONESHOT);
	MUST(send(ends[1], "x", 1, 0) == 1);
	MUST(next() == EPOLLIN && quiet());
	MUST(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event) == 0);
	MUST(next() == EPOLLIN && quiet());
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {{"low-water", low_water},
						  {"connected-level", level_connected},
						  {"connected-edge", edge_connected},
						  {"edge-again", edge_again},
						  {"edge-writable", edge_writable},
						  {"refused-level", level_refused},
						  {"refused-edge", edge_refused},
						  {"reset", reset},
						  {"ended", ended},
						  {"closed", closed},
						  {"accepting", accepting},
						  {"unconnected", unconnected},
						  {"oneshot", oneshot},
						  {0}};

	return keep_one(promises, argc, argv);
}
