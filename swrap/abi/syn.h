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
	SW_BIND = 3, /* a datagram socket `ino`, bound to `local`, wants its twin; answered by one sw_answer: its `error` */
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

/*
 * Datagrams. A program's socket U is bound to its own name (kind `u`) and connected to a socket of the switch, its twin,
 * named likewise with kind `w` and connected to U: so the kernel lets no stranger send to U, and U holds as much as
 * its twin's SO_SNDBUF allows, whatever max_dgram_qlen says. The shim asks for the twin with SW_BIND, and connects when
 * that is answered; the twin ends with U (EPOLLHUP or ECONNREFUSED). Every datagram on that pair begins with a struct
 * sw_dgram. Without a switch U sends straight to the receiver's U, with the same header, and is connected to it if the
 * program connects.
 */
#define SW_DGRAM_MAGIC 0x53574430u

enum sw_dgram_kind {
	SW_DGRAM_DATA = 1,
	SW_DGRAM_CONNECT, /* up: from now on only `to` may send to this socket, and no DATA names a receiver */
	SW_DGRAM_JOIN,	  /* up: be a member of the group `to` on interface `ifindex` (0: by route) */
	SW_DGRAM_LEAVE,
	SW_DGRAM_UNREACHABLE, /* down: DATA to `to` met a host where nobody listens (ICMP port unreachable) */
};

enum sw_dgram_flag {
	SW_DGRAM_BROADCAST = 1, /* up: the sender has SO_BROADCAST */
	SW_DGRAM_NO_LOOP = 2,	/* up: IP_MULTICAST_LOOP is off */
};

struct sw_dgram {
	uint32_t magic;
	uint8_t kind, flags, ttl, tos;
	uint16_t ifindex; /* down: it came in there; up: it goes out there, 0 by route */
	uint16_t pad;
	struct sw_endpoint from, to; /* up: `from` may have the unspecified address: by route */
};

#define SW_DGRAM_MOST 65507 /* bytes of payload: 64 KiB less IPv4 and UDP header */

#endif
