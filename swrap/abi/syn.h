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

/* SO_SNDBUF of who sends much: the kernel doubles it, and every user may have it (net.core.wmem_max is no less). */
#define SW_WIDE_SNDBUF 212992

enum sw_opening {
	SW_OPEN = 1, /* a SYN: a flow from `local` to `remote`, with the `patience` of its program */
	SW_ASK = 2,  /* a question about the flow, or the datagram socket, with inode `ino`; answered by one sw_answer */
	SW_ABORT = 3, /* likewise, and `flags` says what the close of that program's end is: enum sw_abort */
	SW_PATIENCE = 5, /* likewise, and `patience` is that of the program's end from now on */
	SW_UNAWAIT = 4, /* likewise, and if its SYN is unanswered: no byte for it, and `more` bytes of padding will come */
};

/*
 * How long a program wants to be without ACKs: TCP_USER_TIMEOUT, SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT;
 * and TCP_SYNCNT, how often its SYN is repeated.
 */
struct sw_patience {
	uint32_t user_timeout_ms; /* 0: as the lab has it */
	uint16_t keep_alive, idle_s, interval_s, count;
	uint16_t syn_count; /* 0: as the lab has it */
};

enum sw_syn_flag {
	SW_SYN_BOUND = 1, /* C was bound by the program: its own name has no peer */
	SW_SYN_AWAITED = 2, /* C is asleep in a receive of one byte, which is the SYN-ACK; its padding may be short */
};

/* SO_LINGER with a time of 0 makes the last close of a connection a reset, whoever closes: by exit or kill -9 too. */
enum sw_abort {
	SW_ABORT_NOT = 0,
	SW_ABORT_CLOSE,
	SW_ABORT_SHUT, /* likewise, and its FIN is on the way: once the other end's has come, it is a close as any */
};

struct sw_syn {
	uint32_t magic;
	uint16_t opening; /* enum sw_opening */
	uint16_t flags;
	uint32_t length; /* of this message with its padding, without the tail byte */
	uint16_t host;   /* of the program */
	uint16_t device; /* ifindex of the only interface that will do; 0: any */
	uint64_t ino;    /* st_ino of the program's socket: in all processes the same, while it lives */
	struct sw_endpoint local, remote;
	uint32_t more; /* of SW_UNAWAIT */
	struct sw_patience patience;
};

/* Sent by the shim on every socket that accept() returns. */
struct sw_hello {
	uint64_t ino; /* little-endian: no inode is so large that its last byte, which stays unread, says anything */
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
	int32_t error;  /* errno that ended it (ECONNREFUSED, ETIMEDOUT, ECONNRESET, EHOSTUNREACH), or 0; of a datagram
			 * socket: of the last JOIN or LEAVE */
	struct sw_endpoint local, remote;
	uint32_t pad;
	uint64_t sent;    /* accepted from the program, ever */
	uint64_t unacked; /* of those, not yet in the receiver's buffer: SIOCOUTQ, tcpi_unacked */
	uint64_t received;
	uint32_t rto_us, rtt_us;
	uint32_t retransmits, backoff;
	uint32_t since_ack_ms; /* since the last byte was acked while some are un-acked, else 0 */
	uint32_t pad2;
	uint32_t options[12]; /* of a datagram socket, by enum sw_dgram_option */
};

/*
 * Datagrams. Through a switch a program's socket U is an AF_UNIX SOCK_SEQPACKET connection to the switch's datagram
 * service; the end that is accepted there is its *twin*. So the kernel lets no stranger send to U, U holds as much as its
 * twin's SO_SNDBUF allows, whatever max_dgram_qlen says, both ends know each other's user, and the twin hears of U's
 * death. Every message on that pair begins with a struct sw_dgram. The first one up is SW_DGRAM_HELLO; U has no port
 * until SW_DGRAM_BIND was answered, and before that answer nothing else comes down. Only then U gets its name (kind `u`,
 * with a slot where a port is shared), which is there to be read back.
 *
 * Without a switch U is SOCK_DGRAM, is bound to its name, and sends straight to the receivers' U, with the header as it
 * comes down. It is never connected: a filter on it lets in what has the token of its name and, if the program connects,
 * is from the peer, whose address is kept there (dgram_filter.c).
 */
#define SW_DGRAM_MAGIC 0x53574430u

enum sw_dgram_kind {
	SW_DGRAM_DATA = 1,
	SW_DGRAM_HELLO, /* up: who U is; a struct sw_dgram_hello follows */
	SW_DGRAM_BIND,	/* up: have the address `to` (port 0: any); answered by SW_DGRAM_BOUND */
	SW_DGRAM_BOUND, /* down: `error`, or 0 and the address `to` */
	SW_DGRAM_CONNECT, /* up: with SW_DGRAM_TO_PEER, only `to` may send here, and such DATA goes there, by `ifindex`; without, no more */
	SW_DGRAM_JOIN,	  /* up: be a member of the group `to` on interface `ifindex` (0: by route) */
	SW_DGRAM_LEAVE,
	SW_DGRAM_OPTION,      /* up: a struct sw_dgram_setting follows */
	SW_DGRAM_UNREACHABLE, /* down: DATA to the connected peer met a host where nobody listens (ICMP port unreachable) */
};

enum sw_dgram_flag {
	SW_DGRAM_BROADCAST = 1, /* up, DATA and CONNECT: the sender has SO_BROADCAST */
	SW_DGRAM_NO_LOOP = 2,	/* up, DATA: IP_MULTICAST_LOOP is off */
	SW_DGRAM_TTL = 4,	/* up, DATA: `ttl` is this datagram's own, not the socket's */
	SW_DGRAM_TOS = 8,	/* likewise `tos` */
	SW_DGRAM_TO_PEER = 16,	/* up, DATA: `to` is not filled in; CONNECT: see there */
	SW_DGRAM_REUSE_ADDR = 32, /* up, BIND: SO_REUSEADDR; and so on */
	SW_DGRAM_REUSE_PORT = 64,
	SW_DGRAM_V6ONLY = 128,
};

struct sw_dgram {
	uint32_t magic;
	uint8_t kind, flags, ttl, tos;
	uint16_t ifindex; /* down: it came in there; up: it goes out there, 0 by route */
	uint16_t error;
	struct sw_endpoint from, to; /* up: `from` may have the unspecified address: by route */
	uint32_t token[2]; /* directly: sw_name_token() of the receiver's name, the high half first, big-endian */
};

/* Proof that U's program is in the lab: a name that only a member can make, and that is bound to no socket. */
struct sw_dgram_hello {
	uint64_t ino; /* st_ino of U */
	uint16_t host;
	uint16_t v6;	 /* AF_INET6 */
	uint16_t length; /* of the name */
	uint16_t pad;
	char proof[112]; /* a struct sockaddr_un: kind `w`, its address the inode in eight bytes and zeros, port 0 */
};

enum sw_dgram_option {
	SW_OPTION_TTL = 0,  /* IP_TTL */
	SW_OPTION_TOS,	    /* IP_TOS */
	SW_OPTION_GROUP_TTL, /* IP_MULTICAST_TTL */
	SW_OPTION_GROUP_IF, /* IP_MULTICAST_IF: ifindex */
	SW_OPTION_GROUP_ADDR, /* the address by which it was named, as in struct in_addr */
	SW_OPTION_GROUP_ALL, /* IP_MULTICAST_ALL */
	SW_OPTION_HOPS,	    /* IPV6_UNICAST_HOPS; and so on */
	SW_OPTION_TCLASS,
	SW_OPTION_GROUP_HOPS,
	SW_OPTION_GROUP_IF6,
	SW_OPTION_GROUP_ALL6,
	SW_OPTION_DEVICE, /* SO_BINDTODEVICE: ifindex */
	SW_OPTIONS,
};

/* The defaults of Linux, in that order. */
#define SW_OPTION_DEFAULTS {64, 0, 1, 0, 0, 1, 64, 0, 1, 0, 1, 0}

struct sw_dgram_setting {
	uint32_t option; /* enum sw_dgram_option */
	uint32_t value;
};

#define SW_DGRAM_MOST 65507 /* bytes of payload: 64 KiB less IPv4 and UDP header */
#define SW_DGRAM_MOST6 65527 /* an IPv6 header does not count */

#endif
