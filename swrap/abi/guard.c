#include "guard.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the guard does not know this architecture"
#endif

#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#endif

#define X32_BIT 0x40000000u
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define JUMP(op, value, yes, no) BPF_JUMP(BPF_JMP | (op) | BPF_K, (value), (yes), (no))
#define VERDICT(value) BPF_STMT(BPF_RET | BPF_K, (value))

int sw_guard_install(void)
{
	/* Offsets count instructions from the next one; the verdicts stand at the end, in this order. */
	struct sock_filter code[] = {
		/* 0 */ LOAD(arch),
		/* 1 */ JUMP(BPF_JEQ, NATIVE_ARCH, 0, 11),
		/* 2 */ LOAD(nr),
#if defined(__x86_64__)
		/* 3 */ JUMP(BPF_JGE, X32_BIT, 9, 0),
#else
		/* 3 */ JUMP(BPF_JA, 0, 0, 0),
#endif
		/* 4 */ JUMP(BPF_JEQ, __NR_socket, 2, 0),
		/* 5 */ JUMP(BPF_JEQ, __NR_io_uring_setup, 5, 0),
		/* 6 */ JUMP(BPF_JA, 2, 0, 0), /* anything else: allowed */
		/* 7 */ LOAD(args[0]),
		/* 8 */ JUMP(BPF_JEQ, AF_UNIX, 0, 1),
		/* 9 */ VERDICT(SECCOMP_RET_ALLOW),
		/* 10 */ JUMP(BPF_JEQ, AF_NETLINK, 3, 1),
		/* 11 */ VERDICT(SECCOMP_RET_ERRNO | ENOSYS),
		/* 12 */ VERDICT(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		/* 13 */ VERDICT(SECCOMP_RET_KILL_PROCESS),
		/* 14 */ VERDICT(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
	return 0;
}

int sw_die_with_parent(pid_t ppid)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return getppid() == ppid ? 0 : -ESRCH;
}
