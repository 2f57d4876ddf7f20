/*
 * What many flows carry at once: flows COUNT ADDRESS SECONDS prints bytes a second, of all together.
 *
 * A flow is a process that writes 64 KiB at a time and one that reads, both blocking. What has arrived counts, from when
 * every flow has begun: not what lies in buffers. With BENCH_PORT and BENCH_RELAY in the environment the readers listen
 * on the one port and the writers connect to the other, behind which a relay is.
 */
#include "measure.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define BULK (64 << 10)

static struct sockaddr_storage server;
static socklen_t server_len;
static char buffer[BULK];

static in_port_t port_from(const char *variable)
{
	const char *value = getenv(variable);

	return htons(value ? (in_port_t)atoi(value) : 0);
}

static void write_on(void)
{
	int fd = socket(server.ss_family, SOCK_STREAM, 0);

	MUST(fd >= 0 && connect(fd, (struct sockaddr *)&server, server_len) == 0);
	while (send(fd, buffer, sizeof(buffer), 0) > 0)
		;
	exit(1);
}

static void read_on(int listener, atomic_long *received)
{
	int fd = accept(listener, NULL, NULL);
	ssize_t n;

	MUST(fd >= 0);
	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		*received += n;
	exit(1);
}

/* child() - As fork(2), but the child does not outlive us. */
static pid_t child(void)
{
	pid_t parent = getpid(), pid = fork();

	MUST(pid >= 0);
	if (pid == 0)
		MUST(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent);
	return pid;
}

static bool all_live(void)
{
	return waitpid(-1, NULL, WNOHANG) == 0;
}

static void pause_for(double seconds)
{
	struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	MUST(nanosleep(&t, NULL) == 0);
}

/* all() - Bytes of all flows together; -1 where one of them has not begun. */
static long all(const atomic_long *received, int count)
{
	long sum = 0;

	for (int i = 0; i < count; i++) {
		if (received[i] == 0)
			return -1;
		sum += received[i];
	}
	return sum;
}

int main(int argc, char **argv)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&server;
	double begin, give_up = now() + 30, speed;
	int count, listener;
	atomic_long *received;
	pid_t *pids;
	long before;

	MUST(argc == 4 && (count = atoi(argv[1])) > 0);
	in->sin_port = port_from("BENCH_PORT");
	listener = bound(argv[2], SOCK_STREAM, &server, &server_len);
	MUST(listen(listener, count) == 0);
	if (getenv("BENCH_RELAY"))
		in->sin_port = port_from("BENCH_RELAY");
	received = mmap(NULL, (size_t)count * sizeof(*received), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(received != MAP_FAILED && (pids = calloc(2 * (size_t)count, sizeof(*pids))));
	for (int i = 0; i < count; i++) {
		if ((pids[2 * i] = child()) == 0)
			read_on(listener, &received[i]);
		if ((pids[2 * i + 1] = child()) == 0)
			write_on();
	}
	while (all(received, count) < 0) {
		MUST(now() < give_up && all_live());
		pause_for(0.001);
	}
	begin = now();
	before = all(received, count);
	pause_for(atof(argv[3]));
	MUST(all_live());
	speed = (double)(all(received, count) - before) / (now() - begin);
	for (int i = 0; i < 2 * count; i++)
		kill(pids[i], SIGKILL);
	for (int i = 0; i < 2 * count; i++)
		MUST(waitpid(pids[i], NULL, 0) == pids[i]);
	printf("%.1f %.1f\n", speed, speed);
	return 0;
}
