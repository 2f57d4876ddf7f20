/* Retransmissions, as a capture shows them: the first un-acked segment, after each time-out, which doubles (RFC 6298, 5). */
#include <stdlib.h>
#include <string.h>

#include "capture.h"

#define RTO (200 * SW_MS) /* the same as in ack.c, which tells the program */
#define RTO_SYN (1000 * SW_MS)
#define RTO_MOST (120000 * SW_MS)

/* arm() - @t has something to do at @at, which this returns. Without memory it is not done. */
static uint64_t arm(struct sw *sw, struct sw_tap *t, uint64_t at)
{
	t->timer.kind = SW_TIMER_TAP;
	if (t->timer.place == 0 || at < t->timer.at)
		sw_timer_set(sw, &t->timer, at);
	return at;
}

void sw_tap_hold(struct sw *sw, struct sw_tap *t, int dir, const uint8_t *bytes, uint32_t n)
{
	struct sw_sent *s = &t->sent[dir];

	if (s->again)
		return;
	n = n < t->mss ? n : t->mss;
	if (n > 0) {
		s->first = malloc(n); /* without memory it is not shown again */
		if (!s->first)
			return;
		memcpy(s->first, bytes, n);
	}
	s->n_first = n;
	s->rto = t->open ? RTO : RTO_SYN;
	s->again = arm(sw, t, sw->now + s->rto);
}

void sw_tap_acked(struct sw_tap *t, int dir)
{
	struct sw_sent *s = &t->sent[dir];

	s->acked = s->arrived;
	free(s->first);
	s->first = NULL;
	s->n_first = 0;
	s->again = 0;
}

static void again(struct sw *sw, struct sw_tap *t, int dir)
{
	struct sw_sent *s = &t->sent[dir];

	s->rto = s->rto * 2 < RTO_MOST ? s->rto * 2 : RTO_MOST;
	if (!t->open && t->flow->half[0].dead == 0 && t->flow->host[1] != SW_NO_HOST)
		sw_tap_note(t->flow, "lost: the backlog is full");
	sw_tap_segment(sw, t, dir, t->open ? SW_TCP_ACK : SW_TCP_SYN, s->acked, s->first, s->n_first);
	/* Where only ACKs are lost it arrives once more, and is acked once more. */
	if (t->open && s->arrived > s->acked && !t->flow->half[dir].dead)
		sw_tap_segment(sw, t, !dir, SW_TCP_ACK, t->sent[!dir].shown, NULL, 0);
	s->again += s->rto;
}

void sw_tap_full(struct sw *sw, struct sw_half *h)
{
	struct sw_tap *t = sw_flow_of(h)->tap;

	if (t && !t->sent[h->dir].full)
		t->sent[h->dir].full = arm(sw, t, sw->now + RTO);
}

uint16_t sw_tap_table(const struct sw_timer *timer)
{
	return sw_container(timer, struct sw_tap, timer)->flow->table;
}

void sw_tap_due(struct sw *sw, struct sw_timer *timer)
{
	struct sw_tap *t = sw_container(timer, struct sw_tap, timer);

	for (int dir = 0; dir < 2; dir++) {
		struct sw_sent *s = &t->sent[dir];

		if (s->again && sw->now >= s->again)
			again(sw, t, dir);
		if (s->full && sw->now >= s->full) {
			s->full = 0;
			t->sent[!dir].window = 0;
			sw_tap_segment(sw, t, !dir, SW_TCP_ACK, t->sent[!dir].shown, NULL, 0);
		}
		if (s->again)
			arm(sw, t, s->again);
		if (s->full)
			arm(sw, t, s->full);
	}
}
