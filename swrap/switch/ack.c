/* What a sender knows of its bytes: un-acked, retransmitted, timed out; and the answer to a program that asks. */
#include <string.h>

#include "switch.h"

#define RTO_MIN_US 200000u   /* Linux's TCP_RTO_MIN */
#define RTO_SYN_US 1000000u  /* RFC 6298, 2.1 */
#define RTO_MAX_US 120000000u
#define RTT_US 100u          /* of a local segment; lines add theirs */

/* sw_unacked() - Bytes that the program of @h's sender wrote and that were not acked. */
uint64_t sw_unacked(struct sw_half *h)
{
	uint64_t n = h->stash_len + (uint64_t)sw_fresh(sw_from(h));

	return n + h->delivered - (h->mute ? h->acked : sw_line_acked(h));
}

/* deadline() - When the sender of @h gives up, ns; 0: it does not. TCP_USER_TIMEOUT and SO_KEEPALIVE as in tcp(7). */
static uint64_t deadline(const struct sw *sw, struct sw_half *h)
{
	const struct sw_patience *p = &sw_from(h)->patience;
	uint64_t user = p->user_timeout_ms * SW_MS, probe = h->silent_since + p->idle_s * SW_NS;

	if (h->stall_since)
		return h->stall_since + (user ? user : sw->limits.retransmit_ns);
	if (!h->silent_since || !p->keep_alive)
		return 0;
	if (!user)
		return probe + p->count * (p->interval_s * SW_NS);
	probe += p->interval_s * SW_NS;
	return probe > h->silent_since + user ? probe : h->silent_since + user;
}

/* sw_stall() - Start, keep or stop the clocks that end in ETIMEDOUT. */
void sw_stall(struct sw *sw, struct sw_half *h)
{
	struct sw_side *from = sw_from(h);
	/* A receiver that does not read is no reason: TCP's window probes are acked. */
	bool silent = (h->dead || h->mute) && from->fd >= 0 && !from->reset;
	bool stuck = silent && ((from->fin && !h->done) || sw_unacked(h) > 0);
	uint64_t at;

	if (!silent)
		h->silent_since = 0;
	else if (!h->silent_since)
		h->silent_since = sw->now;
	if (!stuck)
		h->stall_since = 0;
	else if (!h->stall_since)
		h->stall_since = sw->now;
	at = deadline(sw, h);
	if (at == 0)
		sw_timer_clear(sw, &h->patience);
	else if (h->patience.place == 0 || h->patience.at != at)
		sw_timer_set(sw, &h->patience, at);
}

/* sw_side_state() - The state of the flow as the program at @side sees it: enum sw_flow_state. */
uint32_t sw_side_state(const struct sw_flow *f, int side)
{
	if (f->state == SW_PENDING)
		return SW_FLOW_SYN_SENT;
	if (f->state != SW_FLOWING)
		return SW_FLOW_NONE;
	if (f->side[side].fd < 0 || (f->side[side].fin && f->half[!side].done))
		return SW_FLOW_CLOSED;
	if (f->side[side].fin)
		return SW_FLOW_FIN_WAIT;
	return f->half[!side].done ? SW_FLOW_CLOSE_WAIT : SW_FLOW_ESTABLISHED;
}

/* back_off() - Which retransmission @ns without an ACK have led to, and the time-out that runs now. */
static void back_off(struct sw_answer *a, uint32_t first_us, uint64_t ns)
{
	uint64_t us = ns / 1000, rto = first_us;

	a->since_ack_ms = (uint32_t)(us / 1000);
	while (us >= rto) {
		us -= rto;
		rto = rto * 2 < RTO_MAX_US ? rto * 2 : RTO_MAX_US;
		a->backoff++;
	}
	a->retransmits = a->backoff;
	a->rto_us = (uint32_t)rto;
}

/* sw_answer_for() - All that the program whose socket is @ino may know of its flow. */
void sw_answer_for(struct sw *sw, uint64_t ino, struct sw_answer *a)
{
	int side;
	struct sw_flow *f = sw_flow_find(sw, ino, &side);
	const struct sw_ended *ended;
	struct sw_half *h;
	uint32_t rtt_us;

	memset(a, 0, sizeof(*a));
	a->rto_us = RTO_MIN_US;
	a->rtt_us = RTT_US;
	if (!f && sw_twin_answer(sw, ino, a))
		return;
	if (!f) {
		ended = sw_ended_find(sw, ino);
		if (ended) {
			a->state = SW_FLOW_CLOSED;
			a->error = ended->error;
			a->local = ended->local;
			a->remote = ended->remote;
		}
		return;
	}
	h = &f->half[side];
	a->state = sw_side_state(f, side);
	a->local = f->end[side];
	a->remote = f->end[!side];
	if (f->state == SW_PENDING) {
		back_off(a, RTO_SYN_US, sw->now - f->since);
		return;
	}
	a->sent = h->delivered + h->stash_len + (uint64_t)sw_fresh(sw_from(h));
	a->unacked = sw_unacked(h);
	a->received = sw_back(h)->delivered;
	rtt_us = (uint32_t)(sw_line_rtt(h) / 1000);
	a->rtt_us += rtt_us;
	a->rto_us += rtt_us;
	if (!h->stall_since && sw_line_age(h) / 1000 >= a->rto_us)
		back_off(a, a->rto_us, sw_line_age(h));
	if (h->stall_since)
		back_off(a, a->rto_us, sw->now - h->stall_since);
}
