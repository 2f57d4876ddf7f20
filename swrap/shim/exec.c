/*
 * exec and posix_spawn: a program's children are in its host too, whatever environment it gives them.
 *
 * If LD_PRELOAD, SWRAP_LAB or SWRAP_HOST went missing, they are put back, on the stack: this may run after vfork(2). Of
 * a drop-in network (dropin.h) the variables that went missing together with LD_PRELOAD are put back, so that a cleared
 * environment takes nobody out; a program that was left without SOCKET_WRAPPER_DIR alone is meant to be in none.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "real.h"
#include "shim.h"

#define MOST_ARGUMENTS 4096

enum { PRELOAD, LAB, HOST, DIR, IFACE, NETWORK, PCAP, MTU, N_NAMES };

static char names[][sizeof("SOCKET_WRAPPER_DEFAULT_IFACE")] SW_EARLY = {
	[PRELOAD] = "LD_PRELOAD",
	[LAB] = "SWRAP_LAB",
	[HOST] = "SWRAP_HOST",
	[DIR] = "SOCKET_WRAPPER_DIR",
	[IFACE] = "SOCKET_WRAPPER_DEFAULT_IFACE",
	[NETWORK] = "SOCKET_WRAPPER_IPV4_NETWORK",
	[PCAP] = "SOCKET_WRAPPER_PCAP_FILE",
	[MTU] = "SOCKET_WRAPPER_MTU",
};

/* As they were when this program began: NAME=value, or NULL. What we were loaded as stands in LD_PRELOAD at least. */
static const char *kept[N_NAMES] SW_EARLY;
static char near[512] SW_EARLY; /* where they stand, if they are not too long */

/* is_set() - Does @entry set @name? */
static bool is_set(const char *entry, const char *name)
{
	while (*name && *entry == *name)
		entry++, name++;
	return !*name && *entry == '=';
}

/* copy() - A string to @to, where there is @room; the bytes it takes, or 0. */
static size_t copy(char *to, size_t room, const char *from)
{
	for (size_t n = 0; n < room; n++)
		if ((to[n] = from[n]) == '\0')
			return n + 1;
	return 0;
}

/* far() - A copy of a string in memory of its own; NULL where there is none. */
static const char *far(const char *from)
{
	size_t size = strlen(from) + 1;
	char *to = sw_kernel_fresh(size);

	return to ? memcpy(to, from, size) : NULL;
}

__attribute__((constructor)) static void keep(void)
{
	size_t used = 0, size;

	for (char **entry = environ; entry && *entry; entry++)
		for (size_t i = 0; (**entry == 'S' || **entry == 'L') && i < N_NAMES; i++) {
			if (kept[i] || !is_set(*entry, names[i]))
				continue;
			size = copy(near + used, sizeof(near) - used, *entry);
			kept[i] = size ? near + used : far(*entry);
			used += size;
		}
}

static SW_START const char *find(char *const *env, const char *name)
{
	for (; env && *env; env++)
		if (is_set(*env, name))
			return *env;
	return NULL;
}

SW_START const char *sw_environment(const char *name)
{
	const char *entry = find(environ, name);

	for (; entry && *entry; entry++)
		if (*entry == '=')
			return entry + 1;
	return NULL;
}

/* ours() - The path by which this library was loaded. */
static const char *ours(void)
{
	Dl_info info;

	return dladdr((void *)names, &info) && info.dli_fname ? info.dli_fname : "";
}

static size_t count(char *const *env)
{
	size_t n = 0;

	while (env && env[n])
		n++;
	return n;
}

/* room_for() - Bytes that joined() may need: the array, and LD_PRELOAD with our path in front. */
static size_t room_for(char *const *env)
{
	const char *preload = find(env, names[PRELOAD]);

	return (count(env) + N_NAMES + 1) * sizeof(char *) + (preload ? strlen(preload) : 0) + strlen(ours()) + 2;
}

/* missing() - What is to be put into @env for names[@i]; NULL where nothing is. */
static const char *missing(char *const *env, size_t i, bool loaded)
{
	if (find(env, names[i]))
		return NULL;
	if (i < DIR)
		return kept[i];
	if (loaded || kept[LAB])
		return NULL;
	return find(environ, names[DIR]) ? find(environ, names[i]) : kept[i];
}

/* joined() - @env with what must be in it, made in @room; or @env itself where nothing is missing. */
static char *const *joined(char *const *env, void *room)
{
	const char *preload = find(env, names[PRELOAD]), *path = ours();
	bool loaded = preload && strstr(preload, path);
	size_t n = count(env);
	char **list = room;
	char *text;

	if (!kept[PRELOAD] || (loaded && !missing(env, LAB, true) && !missing(env, HOST, true)))
		return env;
	if (n > 0) /* clearenv(3) leaves no array at all */
		memcpy(list, env, n * sizeof(*list));
	for (size_t i = 0; i < N_NAMES; i++)
		if (missing(env, i, loaded))
			list[n++] = (char *)missing(env, i, loaded);
	list[n] = NULL;
	if (preload && !loaded) {
		size_t head = strlen(names[PRELOAD]) + 1;

		text = (char *)(list + n + 1);
		memcpy(text, preload, head);
		strcpy(text + head, path);
		strcat(text, ":");
		strcat(text, preload + head);
		for (size_t i = 0; i < n; i++)
			if (is_set(list[i], names[PRELOAD]))
				list[i] = text;
	}
	return list;
}

/* The room must be in the frame of the caller, so this is a macro. */
#define JOINED(env) (sw_lab() ? joined(env, alloca(room_for(env))) : (env))

SW_EXPORT int execve(const char *path, char *const argv[], char *const env[])
{
	return sw_real(execve)(path, argv, JOINED(env));
}

SW_EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

SW_EXPORT int execvpe(const char *file, char *const argv[], char *const env[])
{
	return sw_real(execvpe)(file, argv, JOINED(env));
}

SW_EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

SW_EXPORT int fexecve(int fd, char *const argv[], char *const env[])
{
	return sw_real(fexecve)(fd, argv, JOINED(env));
}

int execveat(int dir, const char *path, char *const argv[], char *const env[], int flags); /* since glibc 2.34 */

SW_EXPORT int execveat(int dir, const char *path, char *const argv[], char *const env[], int flags)
{
	return (int)sw_real(syscall)(SYS_execveat, dir, path, argv, JOINED(env), flags);
}

SW_EXPORT int posix_spawn(pid_t *restrict pid, const char *restrict path,
			  const posix_spawn_file_actions_t *restrict actions, const posix_spawnattr_t *restrict attr,
			  char *const argv[restrict], char *const env[restrict])
{
	return sw_real(posix_spawn)(pid, path, actions, attr, argv, JOINED(env));
}

SW_EXPORT int posix_spawnp(pid_t *restrict pid, const char *restrict file,
			   const posix_spawn_file_actions_t *restrict actions, const posix_spawnattr_t *restrict attr,
			   char *const argv[restrict], char *const env[restrict])
{
	return sw_real(posix_spawnp)(pid, file, actions, attr, argv, JOINED(env));
}

/* gather() - The arguments of an execl(3) as an array; the position behind the NULL is left in @args. */
static int gather(char **argv, const char *first, va_list *args)
{
	argv[0] = (char *)first;
	for (int n = 0; argv[n]; n++) {
		if (n + 1 == MOST_ARGUMENTS)
			return sw_fail(E2BIG);
		argv[n + 1] = va_arg(*args, char *);
	}
	return 0;
}

#define GATHERED(first)                                                                                                \
	char *argv[MOST_ARGUMENTS];                                                                                    \
	va_list args;                                                                                                  \
	int error;                                                                                                     \
                                                                                                                       \
	va_start(args, first);                                                                                         \
	error = gather(argv, first, &args);

SW_EXPORT int execl(const char *path, const char *first, ...)
{
	GATHERED(first)
	va_end(args);
	return error ? error : execve(path, argv, environ);
}

SW_EXPORT int execlp(const char *file, const char *first, ...)
{
	GATHERED(first)
	va_end(args);
	return error ? error : execvpe(file, argv, environ);
}

SW_EXPORT int execle(const char *path, const char *first, ...)
{
	char *const *env;

	GATHERED(first)
	env = error ? NULL : va_arg(args, char *const *);
	va_end(args);
	return error ? error : execve(path, argv, env);
}
