/* Sockets that other processes have from this one: by fork, vfork, posix_spawn and exec, whatever environment they get. */
#include "around.h"

#include <spawn.h>

static int ends[2];
static struct sockaddr_in own, peer;
static char number[12];
static char *const again[] = {"processes", "127.0.0.1", "child", number, NULL};
static char *const empty[] = {NULL};

static void prepare(void)
{
	pair(ends);
	own = name_of(ends[1], getsockname);
	peer = name_of(ends[1], getpeername);
	snprintf(number, sizeof(number), "%d", ends[1]);
}

/* The program after exec: it says by which names it knows its socket, and it opens a connection of its own. */
static int child(int fd)
{
	struct sockaddr_in names[2] = {name_of(fd, getsockname), name_of(fd, getpeername)};
	int mine[2];

	here.sin_addr = names[0].sin_addr;
	pair(mine);
	talk(mine[0], mine[1]);
	MUST(send(fd, names, sizeof(names), 0) == sizeof(names));
	return 0;
}

/* hear() - What the child said; it had the accepted end. */
static void hear(pid_t pid)
{
	struct sockaddr_in names[2];

	MUST(pid > 0);
	must_end_well(pid);
	MUST(recv(ends[0], names, sizeof(names), MSG_WAITALL) == sizeof(names));
	MUST(same(&names[0], &own) && same(&names[1], &peer));
	must_be(ends[1], own, peer);
	talk(ends[1], ends[0]);
}

/* Both use the socket; its end is the last one's close. */
static void by_fork(void)
{
	int whole = 0;
	char byte;
	pid_t pid;

	prepare();
	MUST((pid = fork()) >= 0);
	for (int i = 0; i < 100; i++)
		MUST(send(ends[1], pid ? "p" : "c", 1, 0) == 1);
	if (pid == 0) {
		must_be(ends[1], own, peer);
		_exit(0);
	}
	must_end_well(pid);
	close(ends[1]);
	while (recv(ends[0], &byte, 1, 0) == 1)
		whole += byte == 'p' ? 1 : 1000;
	MUST(whole == 100100);
}

static void by_fork_accepting(void)
{
	struct sockaddr_in at;
	int listener = listening(&at, 4), mine = 0;
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		MUST((pids[i] = fork()) >= 0);
		if (pids[i] == 0) {
			int fd = accept(listener, NULL, NULL);

			MUST(fd >= 0 && send(fd, &i, sizeof(i), 0) == sizeof(i));
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++) {
		int who = -1, fd = dial(&at);

		MUST(recv(fd, &who, sizeof(who), MSG_WAITALL) == sizeof(who));
		mine |= 1 << who;
	}
	MUST(mine == 15);
	for (int i = 0; i < 4; i++)
		must_end_well(pids[i]);
}

static void by_vfork(void)
{
	pid_t pid;

	prepare();
	pid = vfork();
	if (pid == 0) {
		execv("/proc/self/exe", again);
		_exit(1);
	}
	hear(pid);
}

static void by_vfork_with_nothing(void)
{
	pid_t pid;

	prepare();
	pid = vfork();
	if (pid == 0) {
		execve("/proc/self/exe", again, empty);
		_exit(1);
	}
	hear(pid);
}

static void by_spawn(void)
{
	pid_t pid;

	prepare();
	MUST(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, again, environ) == 0);
	hear(pid);
}

static void by_spawn_with_nothing(void)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	prepare();
	MUST(posix_spawn_file_actions_init(&actions) == 0);
	MUST(posix_spawn_file_actions_adddup2(&actions, ends[1], 50) == 0);
	strcpy(number, "50");
	MUST(posix_spawnp(&pid, "/proc/self/exe", &actions, NULL, again, empty) == 0);
	posix_spawn_file_actions_destroy(&actions);
	hear(pid);
}

static void by_exec_with_nothing(void)
{
	pid_t pid;

	prepare();
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		clearenv();
		execl("/proc/self/exe", again[0], again[1], again[2], number, NULL);
		_exit(1);
	}
	hear(pid);
}

static void by_execle(void)
{
	pid_t pid;

	prepare();
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		execle("/proc/self/exe", again[0], again[1], again[2], number, NULL, empty);
		_exit(1);
	}
	hear(pid);
}

/* A shell, env -i, and then the program: two programs of Debian's stand between. */
static void by_shell(void)
{
	char command[4200], path[4096];
	struct sockaddr_in names[2];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	MUST(len > 0);
	path[len] = 0;
	prepare();
	snprintf(command, sizeof(command), "env -i '%s' 127.0.0.1 child %s", path, number);
	MUST(system(command) == 0);
	MUST(recv(ends[0], names, sizeof(names), MSG_WAITALL) == sizeof(names));
	MUST(same(&names[0], &own) && same(&names[1], &peer));
}

/* A socket with FD_CLOEXEC does not come through; its twin without it does. */
static void close_on_exec(void)
{
	pid_t pid;
	int kept;

	prepare();
	MUST(fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0);
	MUST((kept = dup(ends[1])) >= 0);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		execv("/proc/self/exe", again);
		_exit(1);
	}
	int status;
	MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1);
	snprintf(number, sizeof(number), "%d", kept);
	MUST((pid = fork()) >= 0);
	if (pid == 0) {
		execv("/proc/self/exe", again);
		_exit(1);
	}
	hear(pid);
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {{"fork", by_fork},
						  {"fork-accepting", by_fork_accepting},
						  {"vfork", by_vfork},
						  {"vfork-empty-environment", by_vfork_with_nothing},
						  {"spawn", by_spawn},
						  {"spawn-empty-environment", by_spawn_with_nothing},
						  {"exec-cleared-environment", by_exec_with_nothing},
						  {"execle-empty-environment", by_execle},
						  {"env-i", by_shell},
						  {"close-on-exec", close_on_exec},
						  {0}};

	if (argc == 4 && strcmp(argv[2], "child") == 0)
		return child(atoi(argv[3]));
	return keep_one(promises, argc, argv);
}
