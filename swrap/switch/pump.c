/* One half's turn: what it may move now, and what follows from how the turn ended. flow.h lists the conditions. */
#include <endian.h>
#include <errno.h>
#include <sys/socket.h>

#include "switch.h"

static bool unreachable(const struct sw_side *s)
{
	return s->fd < 0 || s->gone || s->reset;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* greet() - Take the hello of the accepting program, without which the queue holds no payload. */
static bool greet(struct sw *sw, struct sw_half *h)
{
	struct sw_side *s = sw_from(h);
	struct sw_hello hello = {0};
	ssize_t n = recv(s->fd, &hello, sizeof(hello) - 1, MSG_DONTWAIT);

	if (n == (ssize_t)sizeof(hello) - 1) {
		s->greeted = true;
		s->lag = 1;
		if (hello.ino != 0)
			sw_flow_own(sw, sw_flow_of(h), s->index, le64toh(hello.ino));
		sw_event(sw, sw_flow_of(h), SW_EV_ACCEPTED, 0);
		sw_syn_room(sw, sw_flow_of(h));
		return true;
	}
	/* The listener was closed, or who accepted does not speak our language. */
	s->reset |= s->fin || n > 0;
	return false;
}

uint32_t sw_window(const struct sw_half *h)
{
	uint64_t out = h->delivered - h->acked;

	if (!h->mute)
		return UINT32_MAX;
	return out < SW_WINDOW ? (uint32_t)(SW_WINDOW - out) : 0;
}

/* to_nobody() - The receiver is gone. What arrives there is answered by a RST, if that can come back. */
static void to_nobody(struct sw *sw, struct sw_half *h)
{
	struct sw_side *from = sw_from(h), *to = sw_to(h);
	bool something = h->stash_len > 0 || sw_fresh(from) > 0;

	if (h->dead || sw_back(h)->dead)
		sw_stash_fill(sw, h);
	else if (something || (to->fd < 0 && from->fin))
		sw_end_reset(sw, sw_flow_of(h), ECONNRESET);
	else if (from->fin) {
		sw_tap_fin(sw, h);
		h->done = true;
	}
}

/* sends() - Does @h's sender put anything on the wire: bytes, its FIN, an ACK of what came to it? */
static bool sends(struct sw_half *h)
{
	struct sw_half *back = sw_back(h);

	return h->stash_len > 0 || sw_from(h)->fin || back->delivered > back->acked || sw_fresh(sw_from(h)) > 0;
}

/* step() - Move once. Returns as sw_copy(); @more as there; -EBUSY where tokens or the floor must be waited for. */
static int64_t step(struct sw *sw, struct sw_half *h, uint32_t most, bool *more)
{
	struct sw_side *from = sw_from(h);
	bool shaped = sw_shaped(sw, h);
	uint32_t want = least(SW_COPY, most), fresh;

	*more = true;
	if (h->stash_len > 0) {
		want = least(h->stash_len, most);
		if (shaped && (want = sw_shape_allow(sw, h, want)) == 0)
			return -EBUSY;
		return sw_unstash(sw, h, want);
	}
	if (!shaped && !h->bulk)
		return sw_copy(sw, h, want, more);
	fresh = (uint32_t)sw_fresh(from);
	if (fresh == 0)
		return 0;
	if (shaped) {
		want = sw_shape_allow(sw, h, least(least(fresh, most), SW_BLOCK));
		return want == 0 ? -EBUSY : sw_copy(sw, h, want, more);
	}
	if (sw_flow_of(h)->tap)
		return sw_copy(sw, h, least(SW_BLOCK, most), more);
	if (fresh >= 2 * SW_COPY && most == UINT32_MAX && !sw_to(h)->deaf &&
	    !sw_has_mark(from)) { /* splice(2) would lose it in silence */
		int64_t n;

		if (!sw_floor_take(sw, h))
			return -EBUSY;
		n = sw_splice(sw, h, fresh, more);
		if (n > 0)
			sw_floor_moved(sw, h, (uint32_t)n);
		if (n != 0)
			return n;
	}
	h->bulk = false;
	return sw_copy(sw, h, least(2 * SW_COPY, most), more);
}

/* carry() - All that may go now goes, or the half waits for what stops it. */
static void carry(struct sw *sw, struct sw_half *h)
{
	struct sw_side *from = sw_from(h);
	uint64_t moved = 0;

	if (unreachable(sw_to(h))) {
		to_nobody(sw, h);
		return;
	}
	if (h->line) {
		sw_line_carry(sw, h);
		return;
	}
	for (;;) {
		uint32_t most = h->dead ? 0 : sw_window(h);
		bool more;
		int64_t n;

		if (most == 0) {
			sw_stash_fill(sw, h);
			return;
		}
		n = step(sw, h, most, &more);
		if (n < 0)
			return;
		if (n > 0) {
			h->delivered += (uint64_t)n;
			moved += (uint64_t)n;
			sw_shape_charge(sw, h, (uint64_t)n);
			h->bulk |= more;
			if (moved >= SW_TURN && more) {
				sw_ready(sw, h);
				return;
			}
			if (more && sw_shape_yield(sw, h))
				return;
			if (more)
				continue;
		}
		if (!from->fin || from->reset) /* a RST has no FIN in front of it */
			return;
		/* What came before the FIN was in the queue before we knew of the FIN. */
		if (h->stash_len == 0 && ((n == 0 && !from->odd) || sw_fresh(from) == 0)) {
			shutdown(sw_to(h)->fd, SHUT_WR);
			sw_tap_fin(sw, h);
			h->done = true;
			return;
		}
		if (n == 0)
			return;
	}
}

/* settle() - Is this the end of the flow? */
static void settle(struct sw *sw, struct sw_half *h)
{
	struct sw_flow *f = sw_flow_of(h);
	struct sw_side *from = sw_from(h), *to = sw_to(h);
	bool stuck = h->dead || sw_back(h)->dead || from->fd < 0 || to->fd < 0;

	if (f->half[0].done && f->half[1].done)
		sw_end_clean(sw, f);
	else if (from->reset && !h->dead && sw_line_reset(sw, h))
		sw_end_reset(sw, f, ECONNRESET); /* the RST arrives */
	else if (unreachable(from) && unreachable(to) && stuck)
		sw_end_reset(sw, f, ECONNRESET); /* nobody is left to be told anything */
	else
		sw_stall(sw, h);
}

/* sw_pump() - @h is ready: its turn. */
void sw_pump(struct sw *sw, struct sw_half *h)
{
	struct sw_flow *f = sw_flow_of(h);
	struct sw_side *from = sw_from(h);

	if (f->state != SW_FLOWING || from->fd < 0)
		return;
	if (!h->done && (from->greeted || greet(sw, h))) {
		if (!h->rejected)
			carry(sw, h);
		else if (sends(h))
			sw_vanish(sw, h, ECONNRESET);
	}
	if (f->state == SW_FLOWING && sw_back(h)->rejected)
		sw_ready(sw, sw_back(h)); /* it may owe an ACK */
	if (f->state == SW_FLOWING)
		settle(sw, h);
}
