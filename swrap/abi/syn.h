/*
 * What the shim and the switch say to each other on a stream.
 *
 * Life of a flow: the program's end C connects to the switch's stream service; the switch's accepted end is S. C
 * sends one opening message, `struct sw_syn` padded to `length` bytes, and after it one tail byte. While those bytes
 * are unread C is not ready for POLLOUT (they exceed a quarter of its SO_SNDBUF): that *is* SYN_SENT. The switch only
 * peeks at them, routes, and connects its onward end O to the listener. Then it reads `length` bytes in one call,
 * which is the SYN-ACK. Or it closes S with them unread: C sees IN|OUT|ERR|HUP, and asks why (SW_ASK).
 *
 * The listener's accept() makes A, whose shim sends `struct sw_hello`, of which the switch reads all but the last byte.
 *
 * From then on S and O each keep *one delivered byte unread*, always: at first the tail, the hello's last byte; later
 * the last byte passed on, which is peeked, delivered, and read only when more has come behind it. AF_UNIX gives
 * ECONNRESET and EPOLLERR to the peer of an end that is closed with unread data: so a close by the switch, for whatever
 * reason, kill -9 included, is a reset to the program, and only shutdown(SHUT_WR) is a FIN.
 */
#ifndef SW_SYN_H
#define SW_SYN_H

#include "page.h"

#define SW_SYN_MAGIC 0x53577330u

enum sw_opening {
	SW_OPEN = 1, /* a SYN: a flow from `local` to `remote` */
	SW_ASK = 2,  /* a question about the flow one of whose program ends has inode `ino`; answered by one sw_answer */
};

enum sw_syn_flag {
	SW_SYN_BOUND = 1, /* C was bound by the program: its own name has no peer */
};

struct sw_syn {
	uint32_t magic;
	uint16_t opening; /* enum sw_opening */
	uint16_t flags;
	uint32_t length; /* of this message with its padding, without the tail byte */
	uint16_t host;   /* of the program */
	uint16_t pad;
	uint64_t ino;    /* st_ino of the program's socket: in all processes the same, while it lives */
	struct sw_endpoint local, remote;
};

/* Sent by the shim on every socket that accept() returns. */
struct sw_hello {
	uint64_t ino;
};

enum sw_flow_state {
	SW_FLOW_NONE = 0, /* the switch never heard of it, or forgot */
	SW_FLOW_SYN_SENT,
	SW_FLOW_ESTABLISHED,
	SW_FLOW_FIN_WAIT,   /* the asking end sent its FIN */
	SW_FLOW_CLOSE_WAIT, /* the other end did */
	SW_FLOW_CLOSED,
};

/* The answer, from the asking end's point of view. Bytes are payload bytes of the virtual path. */
struct sw_answer {
	uint32_t state; /* enum sw_flow_state */
	int32_t error;  /* errno that ended it (ECONNREFUSED, ETIMEDOUT, ECONNRESET, EHOSTUNREACH), or 0 */
	struct sw_endpoint local, remote;
	uint32_t pad;
	uint64_t sent;    /* accepted from the program, ever */
	uint64_t unacked; /* of those, not yet in the receiver's buffer: SIOCOUTQ, tcpi_unacked */
	uint64_t received;
	uint32_t rto_us, rtt_us;
	uint32_t retransmits, backoff;
	uint32_t since_ack_ms; /* since the last byte was acked while some are un-acked, else 0 */
	uint32_t pad2;
};

#endif
