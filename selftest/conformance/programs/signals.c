/* Signals: what they interrupt, what is taken up again, and sockets that are used in their handlers. */
#include "around.h"

#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t came;
static int inside[2];

static void note(int number)
{
	(void)number;
	came++;
}

static void handle(void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	MUST(sigaction(SIGUSR1, &action, NULL) == 0);
}

/* strike_then() - A process that sends SIGUSR1 once this one sleeps in a system call, and then does what is asked, if anything. */
static pid_t strike_then(void (*then)(int fd), int fd)
{
	pid_t parent = getpid(), child = fork();
	char path[64], state[512] = "";

	MUST(child >= 0);
	if (child != 0)
		return child;
	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)parent);
	for (int asleep = 0; asleep < 20;) {
		struct timespec soon = {.tv_nsec = 1000000};
		int file = open(path, O_RDONLY);
		ssize_t n = read(file, state, sizeof(state) - 1);

		MUST(n > 0);
		state[n] = 0;
		close(file);
		asleep = strstr(state, ") S ") ? asleep + 1 : 0;
		nanosleep(&soon, NULL);
	}
	MUST(kill(parent, SIGUSR1) == 0);
	if (then) {
		struct timespec soon = {.tv_nsec = 20000000};

		nanosleep(&soon, NULL); /* the handler has run by now, or the receive would be right for the wrong reason */
		then(fd);
	}
	_exit(0);
}

static void say_late(int fd)
{
	MUST(send(fd, "late", 4, 0) == 4);
}

static pid_t strike(int fd)
{
	return strike_then(fd >= 0 ? say_late : NULL, fd);
}

static void interrupted(void)
{
	struct sockaddr_in at;
	int ends[2], listener;
	char word[4];
	pid_t child;

	pair(ends);
	handle(note, 0);
	child = strike(-1);
	FAILS(recv(ends[0], word, 4, 0), EINTR);
	must_end_well(child);
	listener = listening(&at, 1);
	child = strike(-1);
	FAILS(accept(listener, NULL, NULL), EINTR);
	must_end_well(child);
	MUST(came == 2);
	talk(ends[0], ends[1]);
}

static void restarted(void)
{
	int ends[2];
	char word[4];
	pid_t child;

	pair(ends);
	handle(note, SA_RESTART);
	child = strike(ends[1]);
	MUST(recv(ends[0], word, 4, 0) == 4 && memcmp(word, "late", 4) == 0 && came == 1);
	must_end_well(child);
	child = strike(ends[1]);
	MUST(read(ends[0], word, 4) == 4 && came == 2);
	must_end_well(child);
}

/* An interrupted send tells how much it took, or EINTR if that was nothing. */
static void send_interrupted(void)
{
	static char much[32 << 20];
	ssize_t n;
	int ends[2];
	pid_t child;

	pair(ends);
	handle(note, 0);
	child = strike(-1);
	n = send(ends[0], much, sizeof(much), 0);
	MUST(n > 0 && n < (ssize_t)sizeof(much) && came == 1);
	must_end_well(child);
	while (send(ends[0], much, sizeof(much), MSG_DONTWAIT) > 0)
		;
	MUST(errno == EAGAIN);
	child = strike(-1);
	n = send(ends[0], much, sizeof(much), 0);
	MUST(n < (ssize_t)sizeof(much) && (n > 0 || errno == EINTR) && came == 2);
	must_end_well(child);
}

static void whole_life(int number)
{
	int ends[2], saved = errno;

	pair(ends);
	talk(ends[0], ends[1]);
	talk(inside[0], inside[1]);
	close(ends[0]);
	close(ends[1]);
	errno = saved;
	came += number > 0;
}

/* While a receive waits, the handler makes a connection of its own, and uses another. */
static void in_handler(void)
{
	int ends[2];
	char word[4];
	pid_t child;

	pair(ends);
	pair(inside);
	handle(whole_life, SA_RESTART);
	child = strike(ends[1]);
	MUST(recv(ends[0], word, 4, 0) == 4 && came == 1);
	must_end_well(child);
}

/* A timer goes off every 200 µs in the middle of everything that the main program does, and does the same itself. */
static void in_the_middle(void)
{
	struct itimerval often = {{0, 200}, {0, 200}}, never = {0};
	struct sigaction action = {.sa_handler = whole_life, .sa_flags = SA_RESTART};

	pair(inside);
	MUST(sigaction(SIGVTALRM, &action, NULL) == 0);
	MUST(setitimer(ITIMER_VIRTUAL, &often, NULL) == 0);
	for (int i = 0; i < 100000 && came < 20; i++) {
		struct sockaddr_in at;
		int listener = listening(&at, 1), fd = stream(0), other;

		while (reach(fd, &at) < 0 && errno != EISCONN)
			MUST(errno == EINTR || errno == EALREADY);
		MUST((other = accept(listener, NULL, NULL)) >= 0);
		talk(fd, other);
		close(fd);
		close(other);
		close(listener);
	}
	MUST(setitimer(ITIMER_VIRTUAL, &never, NULL) == 0);
	MUST(came >= 20);
}

/* silence() - An address that does not answer: SILENT=ADDRESS:PORT, or a listener whose backlog is full. */
static struct sockaddr_in silence(void)
{
	struct sockaddr_in at = here;
	const char *given = getenv("SILENT");
	char text[64];

	if (given) {
		snprintf(text, sizeof(text), "%s", given);
		at.sin_port = htons((in_port_t)atoi(strchr(text, ':') + 1));
		*strchr(text, ':') = 0;
		MUST(inet_pton(AF_INET, text, &at.sin_addr) == 1);
		return at;
	}
	listening(&at, 0);
	dial(&at);
	return at;
}

/* An interrupted connect goes on: it is EALREADY, and neither failed nor connected. */
static void connect_interrupted(void)
{
	struct sockaddr_in at = silence();
	int fd = stream(0);
	struct pollfd one = {.fd = fd, .events = POLLOUT};
	pid_t child;

	handle(note, 0);
	child = strike(-1);
	FAILS(reach(fd, &at), EINTR);
	must_end_well(child);
	MUST(came == 1);
	MUST(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	FAILS(reach(fd, &at), EALREADY);
	MUST(poll(&one, 1, 0) == 0);
	MUST(pending_error(fd) == 0);
}

/* let_in() - Two connections by @listener; a word to the second. */
static void let_in(int listener)
{
	MUST(accept(listener, NULL, NULL) >= 0);
	say_late(accept(listener, NULL, NULL));
}

static void must_be_late(int fd)
{
	char word[5];

	MUST(recv(fd, word, 5, 0) == 4 && memcmp(word, "late", 4) == 0);
}

/* With SA_RESTART a connect is taken up again behind the handler. */
static void connect_restarted(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 0), fd = stream(0);
	pid_t child;

	dial(&at);
	handle(note, SA_RESTART);
	child = strike_then(let_in, listener);
	MUST(reach(fd, &at) == 0 && came == 1);
	must_be_late(fd);
	must_end_well(child);
}

/* Without, it is EINTR, and comes to its end by itself: what poll() says of it is true. */
static void connect_goes_on(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 0), fd = stream(0);
	struct pollfd one = {.fd = fd, .events = POLLOUT};
	pid_t child;

	dial(&at);
	handle(note, 0);
	child = strike_then(let_in, listener);
	FAILS(reach(fd, &at), EINTR);
	MUST(came == 1 && poll(&one, 1, 10000) == 1 && one.revents == POLLOUT && pending_error(fd) == 0);
	must_be_late(fd);
	must_end_well(child);
}

/* SO_SNDTIMEO ends the wait for a connect, and not the connect. */
static void connect_patience(void)
{
	struct sockaddr_in at = silence();
	struct timeval patience = {.tv_usec = 100000};
	int fd = stream(0);

	MUST(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0);
	FAILS(reach(fd, &at), EINPROGRESS);
	FAILS(reach(fd, &at), EALREADY);
}

/* SO_RCVTIMEO: EAGAIN, and an interrupted wait is not taken up again even with SA_RESTART. */
static void receive_patience(void)
{
	struct timeval patience = {.tv_usec = 50000}, long_patience = {.tv_sec = 15};
	int ends[2];
	char word[4];
	pid_t child;

	pair(ends);
	MUST(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	FAILS(recv(ends[0], word, 4, 0), EAGAIN);
	MUST(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &long_patience, sizeof(patience)) == 0);
	handle(note, SA_RESTART);
	child = strike(-1);
	FAILS(recv(ends[0], word, 4, 0), EINTR);
	must_end_well(child);
}

/* SO_SNDTIMEO of a send, SO_RCVTIMEO of an accept: likewise. */
static void patience_elsewhere(void)
{
	static char much[1 << 20];
	struct timeval patience = {.tv_usec = 50000}, long_patience = {.tv_sec = 15};
	int ends[2], listener;
	struct sockaddr_in at;
	pid_t child;

	pair(ends);
	MUST(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0);
	while (send(ends[0], much, sizeof(much), 0) > 0)
		;
	MUST(errno == EAGAIN);
	listener = listening(&at, 1);
	MUST(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	FAILS(accept(listener, NULL, NULL), EAGAIN);
	MUST(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &long_patience, sizeof(patience)) == 0);
	MUST(setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &long_patience, sizeof(patience)) == 0);
	handle(note, SA_RESTART);
	child = strike(-1);
	FAILS(accept(listener, NULL, NULL), EINTR);
	must_end_well(child);
	child = strike(-1);
	MUST(send(ends[0], much, sizeof(much), 0) < (ssize_t)sizeof(much) && came == 2);
	must_end_well(child);
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {{"interrupted", interrupted},
						  {"restarted", restarted},
						  {"send-interrupted", send_interrupted},
						  {"in-handler", in_handler},
						  {"in-the-middle", in_the_middle},
						  {"connect-interrupted", connect_interrupted},
						  {"connect-patience", connect_patience},
						  {"receive-patience", receive_patience},
						  {"patience-elsewhere", patience_elsewhere},
						  {"connect-restarted", connect_restarted},
						  {"connect-goes-on", connect_goes_on},
						  {0}};

	return keep_one(promises, argc, argv);
}
