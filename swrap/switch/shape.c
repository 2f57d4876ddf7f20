/*
 * Rate: a token bucket an interface and direction, shared by all that crosses it.
 *
 * Tokens are kept as a moment: what the rate has made since `origin`. An idle bucket keeps a burst of 4 ms (and one
 * segment); one that is waited for keeps what the time made, so that our coming late costs nobody anything.
 */
#include <errno.h>
#include <stdlib.h>

#include "switch.h"

#define BURST (4.0 * SW_MS)
#define LATE (100.0 * SW_MS)
#define QUEUE (50.0 * SW_MS) /* of datagrams */
#define SEGMENT 1460u

int sw_shape_init(struct sw *sw)
{
	uint32_t n = sw->page->n_ifaces * 2;

	sw->buckets = calloc(n, sizeof(*sw->buckets));
	if (!sw->buckets)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		sw_list_init(&sw->buckets[i].active);
		sw_list_init(&sw->buckets[i].waiting);
	}
	sw_rates(sw);
	return 0;
}

static struct sw_bucket *bucket(const struct sw *sw, const struct sw_hop *hop)
{
	return &sw->buckets[hop->iface * 2 + hop->dir];
}

static double ns_for(const struct sw_bucket *b, uint64_t bytes)
{
	return (double)bytes * 8e9 / (double)b->rate;
}

/* tokens() - Bytes that may pass now. @served: whoever asks has waited, so that the time since is nobody's idleness. */
static uint32_t tokens(struct sw *sw, struct sw_bucket *b, bool served)
{
	double now = (double)sw->now, most = ns_for(b, SEGMENT) > BURST ? ns_for(b, SEGMENT) : BURST, n;

	if (served || b->pending > 0)
		most = most > LATE ? most : LATE;
	if (b->origin < now - most)
		b->origin = now - most;
	n = (now - b->origin) * (double)b->rate / 8e9;
	return n < 0 ? 0 : n > SW_TURN ? SW_TURN : (uint32_t)n;
}

/* need() - How many tokens there must be before @h's next bytes are worth a turn. */
static uint32_t need(const struct sw_bucket *b, uint32_t want)
{
	return want < b->quantum ? want : b->quantum;
}

bool sw_shaped(const struct sw *sw, const struct sw_half *h)
{
	for (uint32_t i = 0; i < h->path.n; i++)
		if (bucket(sw, &h->path.hop[i])->rate)
			return true;
	return false;
}

/* queue() - @h waits for @b; all buckets on its path know that somebody waits. */
static void queue(struct sw *sw, struct sw_bucket *b, struct sw_half *h)
{
	if (!sw_list_empty(&h->shaped))
		return;
	sw_list_add(&b->waiting, &h->shaped);
	if (sw_list_empty(&b->active))
		sw_list_add(&sw->active, &b->active);
	for (uint32_t i = 0; i < h->path.n; i++)
		bucket(sw, &h->path.hop[i])->pending++;
}

/* sw_shape_leave() - @h waits no longer. */
void sw_shape_leave(struct sw *sw, struct sw_half *h)
{
	if (sw_list_empty(&h->shaped))
		return;
	sw_list_del(&h->shaped);
	for (uint32_t i = 0; i < h->path.n; i++) {
		struct sw_bucket *b = bucket(sw, &h->path.hop[i]);

		b->pending--;
		if (sw_list_empty(&b->waiting))
			sw_list_del(&b->active);
	}
}

/**
 * sw_shape_allow() - How many of @want bytes may go now
 *
 * Return: 0 where @h must wait, in turn with the others; it is in a queue then.
 */
uint32_t sw_shape_allow(struct sw *sw, struct sw_half *h, uint32_t want)
{
	for (uint32_t i = 0; i < h->path.n; i++) {
		struct sw_bucket *b = bucket(sw, &h->path.hop[i]);
		uint32_t n;

		if (!b->rate)
			continue;
		n = tokens(sw, b, h->turn);
		/* Behind those that wait already, unless it is this one's turn. */
		if (n < need(b, want) || n == 0 || (!h->turn && !sw_list_empty(&b->waiting))) {
			h->need = need(b, want);
			queue(sw, b, h);
			return 0;
		}
		if (want > n)
			want = n;
		if (want > b->quantum)
			want = b->quantum;
	}
	return want;
}

/* sw_shape_yield() - @h had a quantum; if others wait where it passes, it goes behind them. */
bool sw_shape_yield(struct sw *sw, struct sw_half *h)
{
	for (uint32_t i = 0; i < h->path.n; i++) {
		struct sw_bucket *b = bucket(sw, &h->path.hop[i]);

		if (b->rate && !sw_list_empty(&b->waiting)) {
			h->need = b->quantum;
			queue(sw, b, h);
			return true;
		}
	}
	return false;
}

/* sw_shape_charge() - @bytes of @h have passed all its interfaces. */
void sw_shape_charge(struct sw *sw, struct sw_half *h, uint64_t bytes)
{
	for (uint32_t i = 0; i < h->path.n; i++) {
		struct sw_bucket *b = bucket(sw, &h->path.hop[i]);
		uint64_t packets = sw_count_packets(sw, &h->path.hop[i], bytes);

		b->count.bytes += bytes;
		b->count.packets += packets;
		h->count.packets += i == 0 ? packets : 0;
		if (b->rate)
			b->origin += ns_for(b, bytes);
	}
}

/**
 * sw_shape_pass() - May a datagram of @bytes cross these hops? Then they carry it, now
 *
 * Its queue is a debt: up to QUEUE of tokens that are not there yet. It costs the datagram no time, and what is beyond
 * is dropped. Behind streams that wait there is no queue, so that datagrams cannot starve them.
 */
bool sw_shape_pass(struct sw *sw, const struct sw_hop *hops, uint32_t n, uint32_t bytes)
{
	for (uint32_t i = 0; i < n; i++) {
		struct sw_bucket *b = bucket(sw, &hops[i]);

		if (!b->rate)
			continue;
		tokens(sw, b, false);
		if (b->origin > (double)sw->now + (sw_list_empty(&b->waiting) ? QUEUE : 0))
			return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct sw_bucket *b = bucket(sw, &hops[i]);

		b->count.bytes += bytes;
		b->count.packets++;
		if (b->rate)
			b->origin += ns_for(b, bytes);
	}
	return true;
}

static void pump(struct sw *sw, void *half)
{
	sw_pump(sw, half);
}

/* sw_shape_run() - Serve whom the time has brought tokens. */
void sw_shape_run(struct sw *sw)
{
	struct sw_list round;

	sw_list_init(&round);
	sw_list_move(&round, &sw->active);
	while (!sw_list_empty(&round)) {
		struct sw_bucket *b = sw_container(round.next, struct sw_bucket, active);

		sw_list_del(&b->active);
		sw_list_add(&sw->active, &b->active);
		while (!sw_list_empty(&b->waiting)) {
			struct sw_half *h = sw_container(b->waiting.next, struct sw_half, shaped);

			if (tokens(sw, b, true) < h->need)
				break;
			sw_shape_leave(sw, h);
			h->turn = true;
			sw_in(sw, sw_flow_of(h)->table, pump, h);
			h->turn = false;
		}
		if (sw_list_empty(&b->waiting))
			sw_list_del(&b->active);
	}
}

/* sw_shape_next() - When sw_shape_run() has something to do, ns; UINT64_MAX: never. */
uint64_t sw_shape_next(const struct sw *sw)
{
	double next = 1e19;

	for (struct sw_list *l = sw->active.next; l != &sw->active; l = l->next) {
		const struct sw_bucket *b = sw_container(l, struct sw_bucket, active);
		const struct sw_half *h = sw_container(b->waiting.next, struct sw_half, shaped);
		double at = b->origin + ns_for(b, h->need);

		if (at < next)
			next = at;
	}
	return next >= 1e19 ? UINT64_MAX : next <= 0 ? 0 : (uint64_t)next + 1;
}

void sw_rates(struct sw *sw)
{
	sw_clock(sw);
	for (uint32_t i = 0; i < sw->page->n_ifaces; i++) {
		uint64_t rate = sw_ifaces(sw->page)[i].rate;
		uint64_t quantum = rate * 4 / 8000; /* 4 ms */

		for (int dir = 0; dir < 2; dir++) {
			struct sw_bucket *b = &sw->buckets[i * 2 + (uint32_t)dir];

			if (b->rate == rate)
				continue;
			b->rate = rate;
			b->quantum = quantum < SEGMENT ? SEGMENT : quantum > SW_BLOCK ? SW_BLOCK : (uint32_t)quantum;
			b->origin = (double)sw->now;
			/* Who waited for the old rate asks again. */
			while (!sw_list_empty(&b->waiting)) {
				struct sw_half *h = sw_container(b->waiting.next, struct sw_half, shaped);

				sw_shape_leave(sw, h);
				sw_ready(sw, h);
			}
		}
	}
}
