/* The edges of a connection's life: looking without taking, waiting for all, half an end, and an end by force. */
#include "around.h"

#include <netinet/tcp.h>
#include <sched.h>

static int ends[2];

static void peek(void)
{
	char word[8];

	pair(ends);
	MUST(send(ends[0], "12345678", 8, 0) == 8);
	MUST(recv(ends[1], word, 4, MSG_PEEK | MSG_WAITALL) == 4 && memcmp(word, "1234", 4) == 0);
	MUST(recv(ends[1], word, 2, 0) == 2 && memcmp(word, "12", 2) == 0);
	MUST(recv(ends[1], word, 8, MSG_PEEK) == 6 && memcmp(word, "345678", 6) == 0);
	MUST(recv(ends[1], word, 8, 0) == 6);
	FAILS(recv(ends[1], word, 8, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
}

/* Both at once wait until all can be seen, and are content with less at the end, after SO_RCVTIMEO, and if nobody may wait. */
static void peek_all(void)
{
	struct timeval patience = {.tv_usec = 50000};
	char word[8];
	pid_t pid;

	pair(ends);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		close(ends[1]);
		for (int i = 0; i < 5; i++) {
			MUST(send(ends[0], "01234567" + i * 2 % 8, 2, 0) == 2);
			usleep(10000); /* a pace, so that there is something to wait for */
		}
		_exit(0);
	}
	close(ends[0]);
	MUST(recv(ends[1], word, 8, MSG_PEEK | MSG_WAITALL) == 8 && memcmp(word, "01234567", 8) == 0);
	MUST(recv(ends[1], word, 8, MSG_WAITALL) == 8 && memcmp(word, "01234567", 8) == 0);
	MUST(recv(ends[1], word, 8, MSG_PEEK | MSG_WAITALL) == 2 && memcmp(word, "01", 2) == 0);
	must_end_well(pid);
	pair(ends);
	MUST(send(ends[0], "1234", 4, 0) == 4);
	await(ends[1], POLLIN);
	MUST(recv(ends[1], word, 8, MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT) == 4);
	MUST(setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	MUST(recv(ends[1], word, 8, MSG_PEEK | MSG_WAITALL) == 4 && memcmp(word, "1234", 4) == 0);
}

/* A socket that connects to its own address is its own peer (RFC 9293, 3.5). */
static void oneself(void)
{
	struct sockaddr_in at = here;
	int fd = stream(0);
	socklen_t len = sizeof(at);

	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	MUST(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	MUST(reach(fd, &at) == 0);
	must_be(fd, at, at);
	talk(fd, fd);
}

/* MSG_WAITALL waits for what comes in pieces, and is content with less at the end. */
static void wait_all(void)
{
	static char got[5000], piece[100];
	pid_t pid;

	pair(ends);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		int one = 1;

		MUST(setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
		for (int i = 0; i < 70; i++) {
			MUST(send(ends[0], piece, sizeof(piece), 0) == sizeof(piece));
			sched_yield();
		}
		_exit(0);
	}
	close(ends[0]);
	MUST(recv(ends[1], got, sizeof(got), MSG_WAITALL) == sizeof(got));
	MUST(recv(ends[1], got, sizeof(got), MSG_WAITALL) == 2000);
	must_end_well(pid);
}

static void half_close(void)
{
	char byte;

	pair(ends);
	signal(SIGPIPE, SIG_IGN);
	MUST(shutdown(ends[0], SHUT_WR) == 0);
	MUST(recv(ends[1], &byte, 1, 0) == 0 && recv(ends[1], &byte, 1, 0) == 0);
	talk(ends[1], ends[0]);
	FAILS(send(ends[0], "x", 1, 0), EPIPE);
	MUST(shutdown(ends[1], SHUT_WR) == 0);
	MUST(recv(ends[0], &byte, 1, 0) == 0);
}

/* shutdown() ends what another process sleeps in. */
static void shut_from_elsewhere(void)
{
	char byte;
	pid_t pid;

	pair(ends);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		MUST(recv(ends[0], &byte, 1, 0) == 0);
		_exit(0);
	}
	MUST(shutdown(ends[0], SHUT_RDWR) == 0);
	must_end_well(pid);
	MUST(recv(ends[1], &byte, 1, 0) == 0);
}

static void be_abrupt(int fd, bool abrupt)
{
	struct linger how = {.l_onoff = abrupt}, back = {0};
	socklen_t len = sizeof(back);

	MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &how, sizeof(how)) == 0);
	MUST(getsockopt(fd, SOL_SOCKET, SO_LINGER, &back, &len) == 0 && back.l_onoff == abrupt && back.l_linger == 0);
}

/* must_be_reset() - It is said once, and never again. */
static void must_be_reset(int fd)
{
	char byte;

	FAILS(recv(fd, &byte, 1, 0), ECONNRESET);
	MUST(recv(fd, &byte, 1, 0) == 0 && pending_error(fd) == 0);
	FAILS(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
}

/* SO_LINGER 0: the peer's next receive is ECONNRESET, though all was read; from either end. */
static void linger(void)
{
	for (int which = 0; which < 2; which++) {
		pair(ends);
		talk(ends[0], ends[1]);
		talk(ends[1], ends[0]);
		be_abrupt(ends[which], true);
		talk(ends[which], ends[!which]);
		close(ends[which]);
		await(ends[!which], POLLIN);
		must_be_reset(ends[!which]);
	}
}

/* What was sent before can still be read. */
static void linger_last_words(void)
{
	char word[4];

	pair(ends);
	be_abrupt(ends[0], true);
	MUST(send(ends[0], "last", 4, 0) == 4);
	close(ends[0]);
	MUST(recv(ends[1], word, 4, MSG_WAITALL) == 4 && memcmp(word, "last", 4) == 0);
	must_be_reset(ends[1]);
}

static void linger_send(void)
{
	struct pollfd one;

	pair(ends);
	be_abrupt(ends[1], true);
	close(ends[1]);
	one = (struct pollfd){.fd = ends[0], .events = POLLRDHUP};
	MUST(poll(&one, 1, 10000) == 1);
	FAILS(send(ends[0], "x", 1, 0), ECONNRESET);
	FAILS(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	pair(ends);
	be_abrupt(ends[1], true);
	close(ends[1]);
	one = (struct pollfd){.fd = ends[0], .events = POLLRDHUP};
	MUST(poll(&one, 1, 10000) == 1);
	MUST(pending_error(ends[0]) == ECONNRESET && pending_error(ends[0]) == 0);
}

/* Set before there is a connection it is in force for it; a listener hands it down. */
static void linger_before(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 1);

	be_abrupt(listener, true);
	ends[0] = dial(&at);
	MUST((ends[1] = accept(listener, NULL, NULL)) >= 0);
	close(ends[1]);
	must_be_reset(ends[0]);
	be_abrupt(listener, false);
	ends[0] = stream(0);
	be_abrupt(ends[0], true);
	MUST(reach(ends[0], &at) == 0);
	MUST((ends[1] = accept(listener, NULL, NULL)) >= 0);
	close(ends[0]);
	must_be_reset(ends[1]);
}

static void linger_undone(void)
{
	char byte;

	pair(ends);
	be_abrupt(ends[0], true);
	be_abrupt(ends[0], false);
	close(ends[0]);
	MUST(recv(ends[1], &byte, 1, 0) == 0 && recv(ends[1], &byte, 1, 0) == 0);
}

/* Behind its own FIN it is a reset still, unless the peer's FIN has come: then both are through with each other. */
static void linger_shut(void)
{
	char byte;

	pair(ends);
	be_abrupt(ends[0], true);
	MUST(shutdown(ends[0], SHUT_WR) == 0);
	MUST(recv(ends[1], &byte, 1, 0) == 0);
	close(ends[0]);
	await(ends[1], 0);
	MUST(pending_error(ends[1]) == EPIPE); /* the receiver is done: only a sender minds */
	MUST(recv(ends[1], &byte, 1, 0) == 0);
	pair(ends);
	be_abrupt(ends[0], true);
	MUST(shutdown(ends[0], SHUT_WR) == 0);
	MUST(recv(ends[1], &byte, 1, 0) == 0);
	close(ends[0]);
	await(ends[1], 0);
	MUST(recv(ends[1], &byte, 1, 0) == 0);
	FAILS(send(ends[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	pair(ends);
	be_abrupt(ends[0], true);
	MUST(shutdown(ends[1], SHUT_WR) == 0);
	MUST(recv(ends[0], &byte, 1, 0) == 0);
	close(ends[0]);
	FAILS(recv(ends[1], &byte, 1, 0), ECONNRESET);
	for (int first = 0; first < 2; first++) {
		pair(ends);
		be_abrupt(ends[0], true);
		MUST(shutdown(ends[first], SHUT_WR) == 0);
		MUST(recv(ends[!first], &byte, 1, 0) == 0);
		MUST(shutdown(ends[!first], SHUT_WR) == 0);
		MUST(recv(ends[first], &byte, 1, 0) == 0);
		close(ends[0]);
		MUST(recv(ends[1], &byte, 1, 0) == 0 && pending_error(ends[1]) == 0);
	}
}

/* Whoever closes it last: a copy delays it, and the end of a process is a close. */
static void linger_killed(void)
{
	int report[2];
	char byte;
	pid_t pid;

	pair(ends);
	MUST(pipe(report) == 0);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		close(ends[1]);
		be_abrupt(ends[0], true);
		MUST(write(report[1], "x", 1) == 1);
		pause();
	}
	MUST(read(report[0], &byte, 1) == 1);
	close(ends[0]);
	FAILS(recv(ends[1], &byte, 1, MSG_DONTWAIT), EAGAIN);
	MUST(kill(pid, SIGKILL) == 0);
	must_be_reset(ends[1]);
	waitpid(pid, NULL, 0);
}

/* A connection with the names of one that was reset is not reset itself. */
static void linger_again(void)
{
	struct sockaddr_in at, own = here;
	int listener = listening(&at, 1), on = 1;
	socklen_t len = sizeof(own);
	char byte;

	for (int round = 0; round < 2; round++) {
		ends[0] = stream(0);
		MUST(setsockopt(ends[0], SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
		MUST(bind(ends[0], (struct sockaddr *)&own, sizeof(own)) == 0);
		MUST(getsockname(ends[0], (struct sockaddr *)&own, &len) == 0);
		MUST(reach(ends[0], &at) == 0);
		MUST((ends[1] = accept(listener, NULL, NULL)) >= 0);
		if (round == 0) {
			be_abrupt(ends[0], true);
			be_abrupt(ends[1], true);
		}
		close(ends[0]);
		if (round == 1)
			MUST(recv(ends[1], &byte, 1, 0) == 0 && pending_error(ends[1]) == 0);
		else
			await(ends[1], POLLIN);
		close(ends[1]);
	}
}

/* A process that is killed has said what it said, and its end is an orderly one. */
static void killed(void)
{
	char word[4];
	int report[2];
	pid_t pid;

	pair(ends);
	MUST(pipe(report) == 0);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		close(ends[1]);
		MUST(send(ends[0], "last", 4, 0) == 4);
		MUST(write(report[1], "x", 1) == 1);
		pause();
	}
	close(ends[0]);
	MUST(read(report[0], word, 1) == 1);
	MUST(kill(pid, SIGKILL) == 0);
	MUST(recv(ends[1], word, 4, MSG_WAITALL) == 4 && memcmp(word, "last", 4) == 0);
	MUST(recv(ends[1], word, 4, 0) == 0);
	waitpid(pid, NULL, 0);
}

/* A connection that is in nobody's hands when its listener closes is reset. */
static void orphaned(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 1), fd = dial(&at);
	char byte;

	close(listener);
	FAILS(recv(fd, &byte, 1, 0), ECONNRESET);
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {{"peek", peek},
						  {"peek-all", peek_all},
						  {"oneself", oneself},
						  {"wait-all", wait_all},
						  {"half-close", half_close},
						  {"shut-from-elsewhere", shut_from_elsewhere},
						  {"linger", linger},
						  {"linger-last-words", linger_last_words},
						  {"linger-send", linger_send},
						  {"linger-before", linger_before},
						  {"linger-undone", linger_undone},
						  {"linger-shut", linger_shut},
						  {"linger-killed", linger_killed},
						  {"linger-again", linger_again},
						  {"killed", killed},
						  {"orphaned", orphaned},
						  {0}};

	return keep_one(promises, argc, argv);
}
