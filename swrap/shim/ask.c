/* A question to the switch about one flow: asked seldom, so a connection of its own each time, and no state here. */
#include "shim.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "real.h"

/* How long a switch that is alive may take; it answers within microseconds. */
#define PATIENCE_S 5

uint64_t sw_inode(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static bool exchange(int door, const struct sw_syn *question, struct sw_answer *answer)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	struct sockaddr_un sun;
	socklen_t len = sw_name_service(sw_lab(), SW_SERVICE_STREAM, &sun);

	return sw_real(setsockopt)(door, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	       sw_real(connect)(door, (struct sockaddr *)&sun, len) == 0 && sw_peer_is_ours(door) &&
	       sw_real(send)(door, question, sizeof(*question), MSG_NOSIGNAL) == sizeof(*question) &&
	       sw_real(recv)(door, answer, sizeof(*answer), MSG_WAITALL) == sizeof(*answer);
}

bool sw_request(struct sw_syn *question, struct sw_answer *answer)
{
	int saved = errno, door = sw_real(socket)(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered = false;
	sigset_t all, before;

	/* A handler would make it fail, or leave it half done: this is over soon. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	question->magic = SW_SYN_MAGIC;
	question->length = sizeof(*question);
	if (door >= 0) {
		answered = !(sw_lab()->flags & SW_DIRECT) && exchange(door, question, answer);
		close(door);
	}
	if (!answered)
		memset(answer, 0, sizeof(*answer));
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return answered;
}

void sw_ask(int fd, struct sw_answer *answer)
{
	struct sw_syn question = {.opening = SW_ASK, .host = sw_self(), .ino = sw_inode(fd)};

	sw_request(&question, answer);
}

int sw_reason(int fd)
{
	struct sw_answer answer;

	sw_ask(fd, &answer);
	return answer.error ? answer.error : ECONNRESET;
}
