/*
 * Plain processes, whose calls of the read and write family are the kernel's own but for how they end: made here by the
 * instruction itself, such a call costs what libc's costs.
 *
 * A process is plain while it has one thread (in a process with more, a thread that waits in libc's call can be cancelled
 * (pthread_cancel(3)), and one that waits in ours cannot), has no datagram sockets and captures nothing, and while libc is
 * all that there is behind this library.
 */
#ifndef SW_PLAIN_H
#define SW_PLAIN_H

#include <stdbool.h>

/* Where to look: __libc_single_threaded(3), or a byte that is always 0. */
extern const char *sw_plain __attribute__((visibility("hidden")));

static inline bool sw_is_plain(void)
{
	return __builtin_expect(__atomic_load_n(__atomic_load_n(&sw_plain, __ATOMIC_RELAXED), __ATOMIC_RELAXED), 1);
}

/* sw_plain_try() - The first of these functions was found: it may be plain from now on. Safe to race with sw_plain_never(). */
void sw_plain_try(void);
/* sw_plain_never() - It is not plain any more. */
void sw_plain_never(void);

#endif
