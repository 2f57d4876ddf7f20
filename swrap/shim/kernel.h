/*
 * System calls by our own instruction: for what every program that starts has to do, since to find one of libc's functions
 * for the first time costs more than most of the calls; and for what is asked of a socket again and again.
 */
#ifndef SW_KERNEL_H
#define SW_KERNEL_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* sw_kernel() - The result, or -errno; errno itself stays. */
static inline long sw_kernel(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#else
#error "how does one call the kernel here?"
#endif
}

/* sw_kernel3() - The same with three arguments, for who makes nothing but that call. */
static inline long sw_kernel3(long number, long a, long b, long c)
{
#if defined(__x86_64__)
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
#else
	return sw_kernel(number, a, b, c, 0, 0, 0);
#endif
}

static inline int sw_kernel_open(const char *path, int flags)
{
	return (int)sw_kernel(SYS_openat, AT_FDCWD, (long)path, flags, 0, 0, 0);
}

static inline void sw_kernel_close(int fd)
{
	sw_kernel(SYS_close, fd, 0, 0, 0, 0, 0);
}

/*
 * sw_kernel_fresh() - So much memory for life, all zeros; NULL where there is none. What few processes need in addition comes
 * from here: to lie in .bss, it would have to be mapped by all of them.
 */
static inline void *sw_kernel_fresh(size_t size)
{
	long at = sw_kernel(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at < 0 && at > -4096 ? NULL : (void *)at;
}

/* sw_kernel_once() - What @kept points to, which whoever asks first makes of such memory. */
static inline void *sw_kernel_once(void **kept, size_t size)
{
	void *known = __atomic_load_n(kept, __ATOMIC_ACQUIRE), *fresh;

	if (known)
		return known;
	fresh = sw_kernel_fresh(size);
	if (!fresh || __atomic_compare_exchange_n(kept, &known, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return fresh;
	sw_kernel(SYS_munmap, (long)fresh, (long)size, 0, 0, 0, 0);
	return known;
}

/* sw_kernel_size() - Of a regular file; -1 of anything else. */
static inline off_t sw_kernel_size(int fd, struct stat *st)
{
	return sw_kernel(SYS_fstat, fd, (long)st, 0, 0, 0, 0) == 0 && S_ISREG(st->st_mode) ? st->st_size : -1;
}

/* sw_kernel_map() - mmap(2) of the file @fd, shared: where it is, or -errno. */
static inline long sw_kernel_map(size_t size, int access, int fd)
{
	return sw_kernel(SYS_mmap, 0, (long)size, access, MAP_SHARED, fd, 0);
}

#endif
