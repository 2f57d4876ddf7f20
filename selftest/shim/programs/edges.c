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

/* SO_LINGER 0: the peer's next receive is ECONNRESET, though all was read. */
static void linger(void)
{
	struct linger now = {.l_onoff = 1}, back = {0};
	socklen_t len = sizeof(back);
	char byte;

	pair(ends);
	talk(ends[0], ends[1]);
	MUST(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
	MUST(getsockopt(ends[0], SOL_SOCKET, SO_LINGER, &back, &len) == 0 && back.l_onoff == 1 && back.l_linger == 0);
	close(ends[0]);
	FAILS(recv(ends[1], &byte, 1, 0), ECONNRESET);
	MUST(recv(ends[1], &byte, 1, 0) == 0);
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
						  {"wait-all", wait_all},
						  {"half-close", half_close},
						  {"shut-from-elsewhere", shut_from_elsewhere},
						  {"linger", linger},
						  {"killed", killed},
						  {"orphaned", orphaned},
						  {0}};

	return keep_one(promises, argc, argv);
}
