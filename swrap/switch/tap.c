/* A flow as its two TCPs would show it: each event of its life becomes the segments that it is on a wire. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

#include "capture.h"
#include "line.h"

#define UNSCALED 65535u /* the window of a SYN */
#define OVERSHOOT (2 * SW_WINDOW) /* AF_UNIX asks for room before a packet, not for all of it; and no chunk fills it */

/* isn() - An initial sequence number: of each flow and end another one, and in each run the same. */
static uint32_t isn(const struct sw_flow *f, int dir)
{
	uint64_t x = (f->id * 2 + (uint64_t)dir) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(x >> 32);
}

/* window() - What the program at side @i may still be sent; never nothing, since a moment without room is none yet. */
static uint32_t window(const struct sw_tap *t, int i)
{
	const struct sw_side *s = &t->flow->side[i];
	uint32_t more = t->flow->half[!i].line ? SW_FLIGHT : OVERSHOOT;
	int queued = 0;

	if (s->fd < 0 || ioctl(s->fd, SIOCOUTQ, &queued) < 0)
		return UNSCALED;
	return more + ((uint32_t)queued < s->sndbuf ? s->sndbuf - (uint32_t)queued : 0);
}

/* comment() - What is to be said of the next packet: a note that waits for it, and why it is @lost; NULL: nothing. */
static const char *comment(struct sw_tap *t, const char *lost, char *words)
{
	if (t->note[0] == 0)
		return lost;
	snprintf(words, 2 * SW_PCAPNG_COMMENT, "%s%s%s", t->note, lost ? "; " : "", lost ? lost : "");
	t->note[0] = 0;
	return words;
}

void sw_tap_segment(struct sw *sw, struct sw_tap *t, int dir, uint8_t flags, uint64_t at, const uint8_t *bytes, uint32_t n)
{
	const struct sw_sent *own = &t->sent[dir], *peer = &t->sent[!dir];
	const struct sw_path *path = &t->flow->half[dir].path;
	struct sw_verdict verdict;
	struct sw_packet packet;
	struct sw_tcp tcp = {.window = own->window, .mss = (uint16_t)t->mss};
	char why[SW_PCAPNG_COMMENT], words[2 * SW_PCAPNG_COMMENT];
	struct sw_packet_route route;
	const char *said;

	if (path->n == 0)
		return; /* there is no way out of the host */
	sw_packet_of(t->flow, dir, &packet);
	said = sw_capture_lost(sw, &packet, sw_judge(sw, &packet, &verdict), why, sizeof(why));
	said = comment(t, said, words);
	sw_capture_route(sw, &packet, &route);
	do {
		uint32_t part = n < t->mss ? n : t->mss;
		uint8_t *room = sw_capture_room(sw, SW_PACKET_HEADERS + part);

		tcp.flags = flags | (part > 0 && part < t->mss ? SW_TCP_PSH : 0);
		tcp.seq = own->isn + (flags & SW_TCP_SYN ? 0 : 1) + (uint32_t)at;
		tcp.ack = flags & SW_TCP_ACK ? peer->isn + 1 + (uint32_t)peer->arrived : 0;
		route.id = sw->capture->id++;
		if (room)
			sw_capture_frame(sw, room, sw_tcp_packet(room, &route, &tcp, bytes, part), path->hop[0].iface, said);
		at += part;
		bytes += part;
		n -= part;
	} while (n > 0);
}

static void ack(struct sw *sw, struct sw_tap *t, int dir)
{
	const struct sw_half *half = t->flow->half;

	if (half[!dir].mute && !half[dir].dead && t->note[0] == 0)
		sw_tap_note(t->flow, "lost: a rule takes the ACKs");
	t->sent[dir].window = window(t, dir);
	sw_tap_segment(sw, t, dir, SW_TCP_ACK, t->sent[dir].shown, NULL, 0);
}

static uint32_t least_mtu(const struct sw *sw, const struct sw_path *path, uint32_t most)
{
	for (uint32_t i = 0; i < path->n; i++) {
		uint32_t mtu = sw_ifaces(sw->page)[path->hop[i].iface].mtu;

		most = mtu < most ? mtu : most;
	}
	return most;
}

static struct sw_tap *begin(struct sw *sw, struct sw_flow *f)
{
	struct sw_tap *t = calloc(1, sizeof(*t)); /* without memory it is not captured */

	if (!t)
		return NULL;
	t->flow = f;
	t->mss = sw_mss(f->end[0].ip, least_mtu(sw, &f->half[0].path, least_mtu(sw, &f->half[1].path, UINT16_MAX)));
	for (int dir = 0; dir < 2; dir++) {
		t->sent[dir].isn = isn(f, dir);
		t->sent[dir].window = UNSCALED;
	}
	f->tap = t;
	return t;
}

static bool wanted(const struct sw *sw, const struct sw_flow *f)
{
	struct sw_packet packet[2];

	for (int dir = 0; dir < 2 && sw->capture; dir++)
		sw_packet_of(f, dir, &packet[dir]);
	return sw->capture && (sw_captured(sw, &packet[0]) || sw_captured(sw, &packet[1]));
}

/* sw_tap_syn() - @f is PENDING and its path was looked for: its SYN is on the wire, if it is captured. */
void sw_tap_syn(struct sw *sw, struct sw_flow *f)
{
	struct sw_tap *t;

	if (f->tap || !wanted(sw, f) || !(t = begin(sw, f)))
		return;
	sw_tap_segment(sw, t, 0, SW_TCP_SYN, 0, NULL, 0);
	sw_tap_hold(sw, t, 0, NULL, 0);
}

/* sw_tap_open() - @f's SYN was answered. */
void sw_tap_open(struct sw *sw, struct sw_flow *f)
{
	struct sw_tap *t = f->tap;

	if (!t)
		return;
	if (f->told) /* the one before met silence */
		sw_tap_segment(sw, t, 0, SW_TCP_SYN, 0, NULL, 0);
	sw_tap_acked(t, 0);
	t->open = true;
	sw_tap_segment(sw, t, 1, SW_TCP_SYN | SW_TCP_ACK, 0, NULL, 0);
	ack(sw, t, 0);
	t->sent[1].window = window(t, 1);
}

/* sw_tap_join() - The capture began while @f was there: it shows what comes from now on. */
void sw_tap_join(struct sw *sw, struct sw_flow *f)
{
	struct sw_tap *t;

	if (f->state == SW_PENDING)
		sw_tap_syn(sw, f);
	if (f->state != SW_FLOWING || !wanted(sw, f) || !(t = begin(sw, f)))
		return;
	t->open = true;
	for (int dir = 0; dir < 2; dir++)
		t->sent[dir].window = window(t, dir);
}

/*
 * sw_tap_take() - @n bytes of @h's sender wait with us: sent into a dead path, or on their way over a line; otherwise they
 * wait for a window, and are sent when they arrive.
 */
void sw_tap_take(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n)
{
	struct sw_tap *t = sw_flow_of(h)->tap;
	struct sw_sent *s;

	if (!t || (!h->dead && !h->line))
		return;
	s = &t->sent[h->dir];
	sw_tap_segment(sw, t, h->dir, SW_TCP_ACK, s->shown, bytes, n);
	s->shown += n;
	if (h->dead)
		sw_tap_hold(sw, t, h->dir, bytes, n);
	else
		s->good = s->shown;
}

/* sw_tap_arrive() - @n bytes of @h arrived: what the wire has not carried of them well is shown, and the ACK. */
void sw_tap_arrive(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n)
{
	struct sw_tap *t = sw_flow_of(h)->tap;
	struct sw_sent *s = &t->sent[h->dir], *peer = &t->sent[!h->dir];
	uint32_t carried = s->good > s->arrived && !s->lost ? (uint32_t)(s->good - s->arrived) : 0;

	if (peer->window < n)
		ack(sw, t, !h->dir); /* the window was closed, and there is room again */
	s->full = 0;
	if (s->lost)
		sw_tap_note(sw_flow_of(h), "sent again: by chance it was lost");
	s->lost = false;
	if (carried < n)
		sw_tap_segment(sw, t, h->dir, SW_TCP_ACK, s->arrived + carried, bytes + carried, n - carried);
	s->arrived += n;
	s->good = s->good > s->arrived ? s->good : s->arrived;
	s->shown = s->shown > s->good ? s->shown : s->good;
	ack(sw, t, !h->dir);
	if (h->mute)
		sw_tap_hold(sw, t, h->dir, bytes, n);
	else
		sw_tap_acked(t, h->dir);
}

void sw_tap_lost(struct sw_half *h)
{
	struct sw_tap *t = sw_flow_of(h)->tap;

	if (t)
		t->sent[h->dir].lost = true;
}

/* sw_tap_fin() - The FIN of @h's sender arrived. It takes a sequence number. */
void sw_tap_fin(struct sw *sw, struct sw_half *h)
{
	struct sw_tap *t = sw_flow_of(h)->tap;
	struct sw_sent *s;

	if (!t)
		return;
	s = &t->sent[h->dir];
	sw_tap_segment(sw, t, h->dir, SW_TCP_FIN | SW_TCP_ACK, s->shown, NULL, 0);
	s->arrived++;
	s->shown = s->good = s->arrived;
	ack(sw, t, !h->dir);
}

/* sw_tap_refuse() - The SYN of @f is answered by a RST. */
void sw_tap_refuse(struct sw *sw, struct sw_flow *f)
{
	if (!f->tap)
		return;
	f->tap->sent[1].isn = UINT32_MAX; /* its sequence number is 0: RFC 9293, 3.10.7.1 */
	f->tap->sent[1].window = 0;
	sw_tap_segment(sw, f->tap, 1, SW_TCP_RST | SW_TCP_ACK, 0, NULL, 0);
}

/* sw_tap_reset() - @f ends in a RST: of whoever went away, or of neither: then both were sent one. */
void sw_tap_reset(struct sw *sw, struct sw_flow *f)
{
	bool gone[2];

	if (!f->tap)
		return;
	for (int i = 0; i < 2; i++)
		gone[i] = f->side[i].fd < 0 || f->side[i].gone || f->side[i].reset;
	for (int i = 0; i < 2; i++)
		if (gone[i] || !gone[!i])
			sw_tap_segment(sw, f->tap, i, SW_TCP_RST | SW_TCP_ACK, f->tap->sent[i].shown, NULL, 0);
}

/* resend() - What was lost leaves again at once, and will arrive in its time: it is all in the stash. */
static void resend(struct sw *sw, struct sw_tap *t, int dir)
{
	const struct sw_half *h = &t->flow->half[dir];
	struct sw_sent *s = &t->sent[dir];
	uint64_t n = s->shown - s->good, at = s->good - s->arrived;

	if (at + n <= h->stash_len)
		sw_tap_segment(sw, t, dir, SW_TCP_ACK, s->good, h->stash + h->stash_at + at, (uint32_t)n);
	s->good = s->shown;
	sw_tap_acked(t, dir);
}

/* sw_tap_review() - What stops @f's packets changed. What was on the way is lost; or an ACK gets through again. */
void sw_tap_review(struct sw *sw, struct sw_flow *f)
{
	struct sw_tap *t = f->tap;

	if (!t || !t->open)
		return;
	for (int dir = 0; dir < 2; dir++) {
		struct sw_sent *s = &t->sent[dir];

		if (f->half[dir].dead)
			s->good = s->arrived;
		else if (f->half[dir].line && s->good < s->shown)
			resend(sw, t, dir);
		if (!f->half[dir].dead && !f->half[dir].mute && s->n_first > 0 && s->acked < s->arrived) {
			sw_tap_segment(sw, t, dir, SW_TCP_ACK, s->acked, s->first, s->n_first);
			ack(sw, t, !dir);
			sw_tap_acked(t, dir);
		}
	}
}

/* sw_tap_note() - Say @words with the next packet of @f. */
void sw_tap_note(struct sw_flow *f, const char *words)
{
	if (f->tap)
		snprintf(f->tap->note, sizeof(f->tap->note), "%s", words);
}

void sw_tap_free(struct sw *sw, struct sw_flow *f)
{
	if (!f->tap)
		return;
	sw_tap_acked(f->tap, 0);
	sw_tap_acked(f->tap, 1);
	sw_timer_clear(sw, &f->tap->timer);
	free(f->tap);
	f->tap = NULL;
}
