/*
 * The capture: packets of captured flows, as their ends would have put them on the wire, into a pcapng file.
 *
 * A flow that is captured has a *tap*, what the TCPs of its two ends have shown so far; one that is not has none, and pays for
 * a look at that pointer. Each packet is captured once, where it is sent: at the first interface of its path. A packet that
 * a fault stops is shown like any other, with a comment that says what stopped it, and it is shown again when TCP would send
 * it again.
 *
 * An ACK is shown when bytes are in the receiver's buffer, which is when the sender's un-acked bytes become fewer. A
 * window is what that buffer would still take; it closes once the buffer has been full for as long as a time-out.
 */
#ifndef SW_CAPTURE_H
#define SW_CAPTURE_H

#include "packet.h"
#include "pcapng.h"
#include "sink.h"
#include "switch.h"
#include "twin.h"

struct sw_capture {
	struct sw_sink *sink;
	bool finished;
	bool all;	       /* or only what matches: */
	struct sw_match only;
	int64_t epoch;	       /* ns to add to CLOCK_MONOTONIC */
	uint64_t packets, missing; /* missing: for want of room in the ring */
	uint64_t untold;       /* of the missing, those that no comment has told of */
	uint16_t id;	       /* of IPv4 packets */
};

/* What one end has sent, in bytes of its stream. */
struct sw_sent {
	uint64_t shown;	  /* on the wire */
	uint64_t good;	  /* of that, not lost */
	uint64_t arrived;
	uint64_t acked;
	uint32_t isn, window;
	bool fin;
	bool lost; /* what arrives next was, and was sent again */
	uint8_t *first; /* the first un-acked segment, while there is a reason to send it again */
	uint32_t n_first;
	uint64_t again, rto; /* when that is, ns; 0: never */
	uint64_t full;	     /* when the receiver, which has no room, has been long enough without to say so; 0: it has some */
};

struct sw_tap {
	struct sw_flow *flow;
	struct sw_timer timer; /* of the first that is due of `again` and `full` */
	uint32_t mss;
	bool open;
	struct sw_sent sent[2];
	char note[SW_PCAPNG_COMMENT]; /* for the next packet */
};

/* capture.c */
/* sw_captured() - Does the capture want @p? */
bool sw_captured(const struct sw *sw, const struct sw_packet *p);
/* sw_capture_room() - Where a frame of at most @n bytes goes; NULL: there is no room, which is counted. */
uint8_t *sw_capture_room(struct sw *sw, uint32_t n);
/* sw_capture_frame() - The frame of @n bytes at @room was sent on @iface. */
void sw_capture_frame(struct sw *sw, uint8_t *room, uint32_t n, uint32_t iface, const char *comment);
/* sw_capture_route() - The addresses in its headers. */
void sw_capture_route(const struct sw *sw, const struct sw_packet *p, struct sw_packet_route *route);
/* sw_capture_lost() - Why @p does not arrive, given as sw_judge() says it, in words; NULL: it does. */
const char *sw_capture_lost(const struct sw *sw, const struct sw_packet *p, int fate, char *words, size_t size);

/* resend.c */
/* sw_tap_hold() - No ACK comes for what was just shown, which begins with @bytes: it will be sent again. */
void sw_tap_hold(struct sw *sw, struct sw_tap *t, int dir, const uint8_t *bytes, uint32_t n);
/* sw_tap_acked() - All that arrived is acked. */
void sw_tap_acked(struct sw_tap *t, int dir);

/* tap.c */
/* sw_tap_segment() - Show a segment of direction @dir, or as many as @n bytes at offset @at of its stream take. */
void sw_tap_segment(struct sw *sw, struct sw_tap *t, int dir, uint8_t flags, uint64_t at, const uint8_t *bytes, uint32_t n);

#endif
