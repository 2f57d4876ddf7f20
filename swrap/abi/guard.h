/*
 * The guard: a small seccomp filter under which no program can reach the machine's real network, whatever it is and
 * however it enters the kernel. Inherited through fork and exec; needs no privilege, but sets no_new_privs.
 */
#ifndef SW_GUARD_H
#define SW_GUARD_H

#include <sys/types.h>

/**
 * sw_guard_install() - From now on socket(2) makes only AF_UNIX and AF_NETLINK sockets in this thread and its children
 *
 * Other families are EAFNOSUPPORT, io_uring_setup(2) is ENOSYS, and a call through another ABI (int 0x80, x32) kills the
 * process. Async-signal-safe: meant to be called between fork(2) and execve(2).
 *
 * Return: 0, or -errno (EINVAL: the kernel has no seccomp filters)
 */
int sw_guard_install(void);

/* sw_die_with_parent() - SIGKILL for this process when its parent @ppid dies; -ESRCH if that has happened already. */
int sw_die_with_parent(pid_t ppid);

#endif
