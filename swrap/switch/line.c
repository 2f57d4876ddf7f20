/* Streams whose packets take time, or get lost (line.h). */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "line.h"

#define SEGMENT 1460u
#define RTO (200 * SW_MS)
#define FEW 3		  /* segments behind a lost one tell the sender of it at once (RFC 5681, 3.2) */
#define QUICK SW_MS	  /* how long that takes where there is no delay */

/* leave() - The bytes of @mark arrive at @at, but not before those in front of them. */
static int leave(struct sw_line *l, struct sw_mark *mark, uint64_t at)
{
	mark->at = at > l->last ? at : l->last;
	if (sw_mark_push(&l->bytes, mark) < 0)
		return -ENOMEM;
	l->last = mark->at;
	l->marked += mark->n;
	return 0;
}

/* sent() - @n bytes leave now: the marks that say when they arrive. */
static int sent(struct sw *sw, struct sw_line *l, uint64_t n)
{
	uint64_t key = sw_flow_of(l->half)->id * 2 + l->half->dir, rtt = l->delay_ns + l->back_ns, rest = n;
	uint64_t at = sw->now + l->delay_ns - l->jitter_ns +
		      sw_spread(sw_draw(sw->seed, SW_DRAW_JITTER, key, l->drawn), l->jitter_ns);
	struct sw_mark mark = {.sent = sw->now};

	while (rest > 0) {
		uint64_t size = rest < SEGMENT ? rest : SEGMENT, late;
		bool followed = rest > (FEW + 1) * SEGMENT;

		late = sw_lost(sw, key, l->drawn++, l->loss, followed ? (rtt > QUICK ? rtt : QUICK) : RTO + rtt);
		if (late > 0 && mark.n > 0) {
			if (leave(l, &mark, at) < 0)
				return -ENOMEM;
			mark.n = 0;
		}
		if (mark.n == 0)
			mark.lost = late > 0;
		at += late;
		mark.n += size;
		rest -= size;
	}
	return leave(l, &mark, at);
}

/* mark_rest() - What is in the stash without a mark was taken while the path was dead: it leaves now. */
static void mark_rest(struct sw *sw, struct sw_line *l)
{
	if (l->half->stash_len > l->marked && sent(sw, l, l->half->stash_len - l->marked) < 0)
		sw_ready(sw, l->half);
}

/* arrived() - @n bytes are in the receiver's buffer, and their ACK is on its way. */
static void arrived(struct sw *sw, struct sw_line *l, uint64_t n)
{
	struct sw_mark *first = sw_mark_head(&l->bytes);
	struct sw_mark ack = {.at = sw->now + l->back_ns, .sent = sw->now};

	l->half->delivered += n;
	l->marked -= n;
	first->n -= n;
	first->lost = false;
	if (first->n == 0)
		sw_mark_pop(&l->bytes);
	ack.n = l->half->delivered;
	sw_line_acked(l->half);
	if (l->back_ns == 0 || sw_mark_push(&l->acks, &ack) < 0)
		l->acked = ack.n;
}

/* deliver() - What has arrived by now: bytes; -EAGAIN where there is no room for it, or no ACK to make room. */
static int64_t deliver(struct sw *sw, struct sw_half *h)
{
	struct sw_line *l = h->line;
	int64_t all = 0;

	while (l->bytes.n > 0 && sw_mark_head(&l->bytes)->at <= sw->now) {
		const struct sw_mark *first = sw_mark_head(&l->bytes);
		uint64_t n = first->lost && first->n > SEGMENT ? SEGMENT : first->n;
		uint32_t window = sw_window(h);
		int64_t done;

		if (first->lost)
			sw_tap_lost(h);
		done = window > 0 ? sw_unstash(sw, h, n < window ? (uint32_t)n : window) : 0;
		if (done <= 0)
			return -EAGAIN;
		arrived(sw, l, (uint64_t)done);
		all += done;
	}
	return all;
}

/* take() - What the sender wrote, as far as rate and window let it leave. Return: bytes, 0: nothing now. */
static int64_t take(struct sw *sw, struct sw_half *h)
{
	struct sw_side *from = sw_from(h);
	uint32_t want = h->stash_len < SW_FLIGHT ? SW_FLIGHT - h->stash_len : 0;
	int64_t n;

	if (want > SW_COPY)
		want = SW_COPY;
	if (want > 0 && sw_shaped(sw, h)) {
		uint32_t fresh = (uint32_t)sw_fresh(from);

		want = fresh == 0 ? 0 : sw_shape_allow(sw, h, fresh < want ? fresh : want);
	}
	n = want > 0 ? sw_peek(sw, from, want) : 0;
	if (n <= 0 || sw_stash_put(sw, h, sw->buffer + from->lag, (uint32_t)n) < 0)
		return 0;
	sw_keep_last(sw, from, (uint32_t)n);
	sw_clock(sw); /* they may have been written since this turn began */
	sw_shape_charge(sw, h, (uint64_t)n);
	mark_rest(sw, h->line);
	return n;
}

/* end() - The FIN leaves behind the last byte, and arrives there. Return: whether it has. */
static bool end(struct sw *sw, struct sw_half *h)
{
	struct sw_side *from = sw_from(h);
	struct sw_line *l = h->line;

	if (!from->fin || from->reset || sw_fresh(from) > 0)
		return false;
	if (l->fin_at == 0) {
		l->fin_at = sw->now + l->delay_ns;
		l->fin_at = l->fin_at > l->last ? l->fin_at : l->last;
	}
	if (h->stash_len > 0 || l->fin_at > sw->now)
		return false;
	shutdown(sw_to(h)->fd, SHUT_WR);
	sw_tap_fin(sw, h);
	h->done = true;
	return true;
}

/* wake() - At the next arrival. */
static void wake(struct sw *sw, struct sw_line *l)
{
	uint64_t at = l->bytes.n > 0 ? sw_mark_head(&l->bytes)->at : l->fin_at > 0 ? l->fin_at : UINT64_MAX;

	if (at == UINT64_MAX)
		sw_timer_clear(sw, &l->timer);
	else if (sw_timer_set(sw, &l->timer, at) < 0)
		sw_ready(sw, l->half);
}

void sw_line_carry(struct sw *sw, struct sw_half *h)
{
	int64_t taken, given, moved = 0;

	sw_timer_clear(sw, &h->line->timer);
	if (h->dead) {
		sw_stash_fill(sw, h);
		return;
	}
	mark_rest(sw, h->line);
	do {
		taken = take(sw, h);
		given = deliver(sw, h);
		moved += taken + (given > 0 ? given : 0);
	} while ((taken > 0 || given > 0) && moved < SW_TURN && !sw_shape_yield(sw, h));
	if (moved >= SW_TURN)
		sw_ready(sw, h);
	/* Where there is no room, EPOLLOUT or an ACK makes it ready again. */
	if (given >= 0 && !end(sw, h))
		wake(sw, h->line);
}

bool sw_line_reset(struct sw *sw, struct sw_half *h)
{
	struct sw_line *l = h->line;

	if (!l)
		return true;
	if (l->rst_at == 0) {
		l->rst_at = sw->now + l->delay_ns;
		l->rst_at = l->rst_at > l->last ? l->rst_at : l->last;
	}
	if (l->rst_at > sw->now && (l->timer.place == 0 || l->timer.at > l->rst_at) &&
	    sw_timer_set(sw, &l->timer, l->rst_at) < 0)
		return true;
	return l->rst_at <= sw->now;
}

uint64_t sw_line_acked(struct sw_half *h)
{
	struct sw_line *l = h->line;

	if (!l)
		return h->delivered;
	while (l->acks.n > 0 && sw_mark_head(&l->acks)->at <= l->sw->now) {
		l->acked = sw_mark_head(&l->acks)->n;
		sw_mark_pop(&l->acks);
	}
	return l->acked;
}

uint64_t sw_line_age(struct sw_half *h)
{
	struct sw_line *l = h->line;

	return l && l->bytes.n > 0 ? l->sw->now - sw_mark_head(&l->bytes)->sent : 0;
}

uint64_t sw_line_rtt(const struct sw_half *h)
{
	return h->line ? h->line->delay_ns + h->line->back_ns : 0;
}

void sw_line_drop(struct sw *sw, struct sw_half *h)
{
	struct sw_line *l = h->line;

	if (!l)
		return;
	sw_timer_clear(sw, &l->timer);
	free(l->bytes.ring);
	free(l->acks.ring);
	free(l);
	h->line = NULL;
}

/* fresh_line() - From now on @h has one; what was delivered until now was acked. */
static struct sw_line *fresh_line(struct sw *sw, struct sw_half *h)
{
	struct sw_line *l = calloc(1, sizeof(*l));

	if (l) {
		l->timer.kind = SW_TIMER_LINE;
		l->sw = sw;
		l->half = h;
		l->acked = h->delivered;
	}
	return l;
}

bool sw_line_set(struct sw *sw, struct sw_half *h, const struct sw_verdict *v, uint64_t back_ns)
{
	uint64_t loss = sw_loss_of(v);
	struct sw_line *l = h->line;

	if (v->delay_ns == 0 && back_ns == 0 && loss == 0) {
		sw_line_drop(sw, h); /* what was on the way arrives now */
		return l != NULL;
	}
	/* Without memory it stays as it was, which is the least that can go wrong. */
	if (!l && !(l = h->line = fresh_line(sw, h)))
		return false;
	if (l->delay_ns == v->delay_ns && l->jitter_ns == v->jitter_ns && l->loss == loss && l->back_ns == back_ns)
		return false;
	l->delay_ns = v->delay_ns;
	l->jitter_ns = v->jitter_ns;
	l->loss = loss;
	l->back_ns = back_ns;
	return true;
}
