/*
 * A line: one direction of a flow whose packets take time, or are lost now and then. A half without a line passes its
 * bytes on at once, and none of this costs it anything.
 *
 * What the sender wrote is taken into the stash, as far as rate and window allow, with a mark for when it arrives. Bytes
 * arrive in their order. What a mark says of a lost segment is when its retransmission arrives. An ACK takes as long as
 * the other direction does: until then the bytes that arrived are un-acked.
 */
#ifndef SW_LINE_H
#define SW_LINE_H

#include "switch.h"

#define SW_FLIGHT (4u << 20) /* bytes on the way at most: as much as net.ipv4.tcp_wmem lets a kernel's sender have */

struct sw_mark {
	uint64_t at; /* it arrives, ns */
	uint64_t sent;
	uint64_t n; /* bytes; of an ACK: all that were delivered until then */
	bool lost; /* its first segment was, and what arrives is a retransmission */
};

struct sw_marks {
	struct sw_mark *ring;
	uint32_t first, n, size;
};

struct sw_line {
	struct sw_timer timer;
	struct sw *sw;
	struct sw_half *half;
	uint64_t delay_ns, jitter_ns, back_ns; /* back: of the other direction */
	uint64_t loss;	 /* out of 2^32 */
	uint64_t drawn;	 /* segments for which chance was asked */
	uint64_t last;	 /* when the last mark arrives */
	uint64_t marked; /* bytes of the stash that have marks */
	uint64_t acked;
	uint64_t fin_at, rst_at; /* when they arrive; 0: not sent */
	struct sw_marks bytes, acks;
};

/* mark.c */
struct sw_mark *sw_mark_head(struct sw_marks *m);
void sw_mark_pop(struct sw_marks *m);
int sw_mark_push(struct sw_marks *m, const struct sw_mark *mark);

/* loss.c */
/* sw_lost() - How much later its @n-th segment comes, being lost so often as chance wills; @rto: the first time-out. */
uint64_t sw_lost(const struct sw *sw, uint64_t key, uint64_t n, uint64_t loss, uint64_t rto);

#endif
