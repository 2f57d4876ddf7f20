/* Descriptors: a copy is the same socket, and what closes one leaves the others; and streams of stdio on top. */
#include "around.h"

#include <linux/close_range.h>

static int ends[2];
static struct sockaddr_in own, peer;

static void prepare(void)
{
	pair(ends);
	own = name_of(ends[0], getsockname);
	peer = name_of(ends[0], getpeername);
}

static void must_work(int fd)
{
	MUST(fd >= 0);
	must_be(fd, own, peer);
	talk(fd, ends[1]);
	talk(ends[1], fd);
}

static void copies(void)
{
	int one, two, three, four;

	prepare();
	MUST((one = dup(ends[0])) >= 0);
	MUST((two = dup2(ends[0], 100)) == 100);
	MUST((three = dup3(ends[0], 101, O_CLOEXEC)) == 101);
	MUST((four = fcntl(ends[0], F_DUPFD_CLOEXEC, 200)) == 200);
	MUST(fcntl(one, F_GETFD) == 0 && fcntl(two, F_GETFD) == 0);
	MUST(fcntl(three, F_GETFD) == FD_CLOEXEC && fcntl(four, F_GETFD) == FD_CLOEXEC);
	close(ends[0]);
	must_work(one);
	must_work(two);
	must_work(three);
	must_work(four);
}

/* close_range leaves what is outside, and the last close is the end. */
static void ranges(void)
{
	char byte;

	prepare();
	for (int fd = 100; fd < 120; fd++)
		MUST(dup2(ends[0], fd) == fd);
	MUST(close_range(101, 118, 0) == 0);
	FAILS(fcntl(101, F_GETFD), EBADF);
	must_work(100);
	must_work(119);
	MUST(close_range(119, 119, CLOSE_RANGE_CLOEXEC) == 0);
	MUST(fcntl(119, F_GETFD) == FD_CLOEXEC);
	must_work(119);
	close(ends[0]);
	MUST(close_range(100, 200, 0) == 0);
	MUST(recv(ends[1], &byte, 1, 0) == 0);
}

/* A number that was a socket becomes a file, and a file's number a socket: nothing sticks to the number. */
static void numbers(void)
{
	struct sockaddr_in name;
	socklen_t len = sizeof(name);
	int fds[2];

	prepare();
	MUST(pipe(fds) == 0);
	MUST(dup2(ends[0], fds[0]) == fds[0]);
	must_work(fds[0]);
	MUST(dup2(fds[1], ends[0]) == ends[0]);
	FAILS(getsockname(ends[0], (struct sockaddr *)&name, &len), ENOTSOCK);
	FAILS(recv(ends[0], &name, 1, 0), ENOTSOCK);
	must_work(fds[0]);
	close(fds[0]);
	FAILS(getsockname(fds[0], (struct sockaddr *)&name, &len), EBADF);
	FAILS(send(fds[0], "x", 1, 0), EBADF);
}

static void stdio(void)
{
	FILE *in, *out;
	char line[32];

	prepare();
	MUST((in = fdopen(ends[0], "r+")) != NULL && (out = fdopen(ends[1], "r+")) != NULL);
	MUST(fprintf(out, "GET %d\r\n", 17) == 8 && fflush(out) == 0);
	MUST(fgets(line, sizeof(line), in) && strcmp(line, "GET 17\r\n") == 0);
	must_be(fileno(in), own, peer);
	MUST(fclose(out) == 0);
	MUST(fgets(line, sizeof(line), in) == NULL && feof(in) && !ferror(in));
	MUST(fclose(in) == 0);
	FAILS(fcntl(ends[0], F_GETFD), EBADF);
}

/* A reset is an error of the stream and no end of it. */
static void stdio_reset(void)
{
	FILE *in;

	prepare();
	MUST((in = fdopen(ends[0], "r")) != NULL);
	abort_by(ends, 1);
	errno = 0;
	MUST(fgetc(in) == EOF && ferror(in) && !feof(in) && errno == ECONNRESET);
	fclose(in);
}

/* What stdio could not send is an error of fflush. */
static void stdio_broken(void)
{
	FILE *out;

	prepare();
	signal(SIGPIPE, SIG_IGN);
	MUST((out = fdopen(ends[0], "w")) != NULL);
	abort_by(ends, 1);
	await(ends[0], POLLIN);
	MUST(fputs("lost", out) >= 0);
	MUST(fflush(out) == EOF && ferror(out) && (errno == ECONNRESET || errno == EPIPE));
	fclose(out);
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {{"copies", copies},
						  {"close-range", ranges},
						  {"numbers", numbers},
						  {"stdio", stdio},
						  {"stdio-reset", stdio_reset},
						  {"stdio-broken", stdio_broken},
						  {0}};

	return keep_one(promises, argc, argv);
}
