/*
 * The resolver's own doors. libc opens its sockets to a name server by itself, past every function here, and in a drop-in
 * network (dropin.h) no guard stands behind us: so none of these ever gets an answer. Names are resolved in netdb.c.
 */
#include <netdb.h>

#include "shim.h"

/* no_answer() - As from a machine whose name servers are all out of reach. */
__attribute__((used)) static int no_answer(void)
{
	h_errno = TRY_AGAIN;
	return sw_fail(ECONNREFUSED);
}

/* Whatever their arguments are: nobody looks at them. */
#define NO_ANSWER(name) SW_EXPORT int name(void) __attribute__((alias("no_answer")));

NO_ANSWER(res_query)
NO_ANSWER(res_search)
NO_ANSWER(res_querydomain)
NO_ANSWER(res_send)
NO_ANSWER(res_nquery)
NO_ANSWER(res_nsearch)
NO_ANSWER(res_nquerydomain)
NO_ANSWER(res_nsend)
NO_ANSWER(__res_query)
NO_ANSWER(__res_search)
NO_ANSWER(__res_querydomain)
NO_ANSWER(__res_send)
NO_ANSWER(__res_nquery)
NO_ANSWER(__res_nsearch)
NO_ANSWER(__res_nquerydomain)
NO_ANSWER(__res_nsend)

SW_EXPORT int getaddrinfo_a(int mode, struct gaicb *list[restrict], int n, struct sigevent *restrict event)
{
	(void)mode, (void)list, (void)n, (void)event;
	return sw_fail(ENOSYS), EAI_SYSTEM;
}
