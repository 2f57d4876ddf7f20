/* How flows end. Each end tells the programs in the kernel's own words, the curious in `ended`, and makes one event. */
#include <errno.h>
#include <sys/socket.h>

#include "switch.h"

#define AT_ONCE 64 /* flows: two closes each, of some microseconds */

/* tell() - One SW_EV_CLOSED a flow, whoever notices first. */
static void tell(struct sw *sw, struct sw_flow *f, int reason)
{
	if (!f->told)
		sw_event(sw, f, SW_EV_CLOSED, reason);
	f->told = true;
}

/* sw_end_clean() - Both FINs have passed: nothing may stay unread, or the close would be a reset. */
void sw_end_clean(struct sw *sw, struct sw_flow *f)
{
	for (int i = 0; i < 2; i++) {
		sw_ended_note(sw, f, i, 0);
		while (f->side[i].fd >= 0 && recv(f->side[i].fd, sw->scratch, sizeof(sw->scratch), MSG_DONTWAIT) > 1)
			; /* nothing is behind the one byte that lags */
	}
	tell(sw, f, 0);
	sw_flow_bury(sw, f);
}

/* announce() - What is known of the end of @f before its programs are told. */
static void announce(struct sw *sw, struct sw_flow *f, int reason)
{
	/* Who has had the other's FIN reads no more: the news is for its writes (tcp(7), EPIPE). */
	for (int i = 0; i < 2; i++)
		if (f->side[i].fd >= 0)
			sw_ended_note(sw, f, i, reason == ECONNRESET && f->half[!i].done ? EPIPE : reason);
	tell(sw, f, reason);
	sw_tap_reset(sw, f);
}

/* sw_end_reset() - Close both with something unread: who still holds an end gets ECONNRESET, and @reason if it asks. */
void sw_end_reset(struct sw *sw, struct sw_flow *f, int reason)
{
	if (f->state != SW_FLOWING) {
		sw_end_syn(sw, f, reason);
		return;
	}
	announce(sw, f, reason);
	sw_flow_bury(sw, f);
}

void sw_end_reset_soon(struct sw *sw, struct sw_flow *f)
{
	announce(sw, f, ECONNRESET);
	for (int i = 0; i < 2; i++) {
		sw_list_del(&f->side[i].by_ino); /* who asks is told of its end */
		sw_timer_clear(sw, &f->half[i].patience);
		sw_shape_leave(sw, &f->half[i]);
		sw_line_drop(sw, &f->half[i]);
	}
	f->state = SW_RESET;
	sw_list_del(&f->link);
	sw_list_add(&sw->tables[f->table].resets, &f->link);
}

void sw_end_resets(struct sw *sw, void *unused)
{
	struct sw_list *resets = &sw->tables[sw->here].resets;

	(void)unused;
	for (int i = 0; i < AT_ONCE && !sw_list_empty(resets); i++)
		sw_flow_bury(sw, sw_container(resets->next, struct sw_flow, link));
}

/* sw_end_syn() - A connect() fails with @reason: its SYN is closed unread. ECANCELED: it was the client that gave up. */
void sw_end_syn(struct sw *sw, struct sw_flow *f, int reason)
{
	if (f->state == SW_PENDING) {
		sw_ended_note(sw, f, 0, reason);
		sw_event(sw, f, reason == ECANCELED ? SW_EV_CLOSED : SW_EV_REFUSED, reason);
		if (reason == ECONNREFUSED)
			sw_tap_refuse(sw, f);
	}
	sw_flow_bury(sw, f);
}

/**
 * sw_vanish() - The sender of @h gives up with @reason, and its peer is not told
 *
 * As TCP does it: the peer learns when it sends something and the path is there again, or gives up by itself.
 */
void sw_vanish(struct sw *sw, struct sw_half *h, int reason)
{
	struct sw_flow *f = sw_flow_of(h);
	struct sw_side *peer = sw_to(h), *s = sw_from(h);

	if (peer->fd < 0 || peer->gone || peer->reset) {
		sw_end_reset(sw, f, reason);
		return;
	}
	sw_ended_note(sw, f, h->dir, reason);
	tell(sw, f, reason);
	sw_side_close(s);
	sw_timer_clear(sw, &h->patience);
	sw_list_del(&h->ready);
	sw_shape_leave(sw, h);
	sw_line_drop(sw, h);
	h->stash_len = 0;
	/* What the peer had under way now meets a machine that knows of no such connection. */
	sw_ready(sw, sw_back(h));
}
