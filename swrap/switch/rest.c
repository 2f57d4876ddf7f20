/*
 * The rest between two events: the loop looks again for a moment before it sleeps, when what it waits for has lately come at
 * once.
 *
 * Of a small message's way most is falling asleep and being woken, and a request and its answer wake the switch once each. As the
 * kernel does for devices (SO_BUSY_POLL, socket(7)) it looks instead, as long as that pays: one long wait, and it sleeps.
 */
#include <errno.h>
#include <time.h>

#include "switch.h"

#define PATIENCE (50 * SW_MS / 1000)
#define CONVINCING 8 /* short waits in a row after which it looks before it sleeps */

static int come(int n)
{
	return n >= 0 ? n : errno == EINTR ? 0 : -errno;
}

/* look() - Until something comes or it is @until; returns as epoll_wait(2). */
static int look(struct sw *sw, struct epoll_event *events, int most, uint64_t until)
{
	int n;

	do {
		n = epoll_wait(sw->epoll, events, most, 0);
		if (n != 0)
			return n;
		sw_clock(sw);
	} while (sw->now < until);
	return 0;
}

int sw_rest(struct sw *sw, struct epoll_event *events, int most, uint64_t at)
{
	uint64_t began, wait;
	struct timespec t;
	int n;

	sw_clock(sw);
	began = sw->now;
	if (at <= began) /* there is work */
		return come(epoll_wait(sw->epoll, events, most, 0));
	if (sw->convinced == CONVINCING) {
		uint64_t until = began + PATIENCE;

		n = look(sw, events, most, until < at ? until : at);
		if (n != 0)
			return come(n);
	}
	wait = at > sw->now ? at - sw->now : 0;
	t = (struct timespec){.tv_sec = (time_t)(wait / SW_NS), .tv_nsec = (long)(wait % SW_NS)};
	n = come(epoll_pwait2(sw->epoll, events, most, at == UINT64_MAX ? NULL : &t, NULL));
	sw_clock(sw);
	if (sw->now - began > PATIENCE)
		sw->convinced = 0;
	else if (sw->convinced < CONVINCING)
		sw->convinced++;
	return n;
}
