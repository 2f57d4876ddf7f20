#include "plain.h"

#include <pthread.h>
#include <sys/single_threaded.h>

#include "real.h"
#include "shim.h"

extern __typeof(__libc_single_threaded) __libc_single_threaded __attribute__((weak)); /* since glibc 2.32 */

static const char unknown, never;
const char *sw_plain SW_EARLY = &unknown;

void sw_plain_try(void)
{
	const char *expected = &unknown, *found = sw_real_is_libc(&__libc_single_threaded) ? &__libc_single_threaded : &never;

	__atomic_compare_exchange_n(&sw_plain, &expected, found, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void sw_plain_never(void)
{
	__atomic_store_n(&sw_plain, &never, __ATOMIC_RELAXED);
}

/* A thread may be cancelled by itself, the only one that there is: then in its next call, which has to be libc's. */
SW_EXPORT int pthread_cancel(pthread_t thread)
{
	sw_plain_never();
	return sw_real(pthread_cancel)(thread);
}
