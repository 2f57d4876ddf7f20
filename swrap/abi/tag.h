/*
 * The tag: what a virtual socket pretends to be, kept by the kernel on the socket itself.
 *
 * A 64-bit value in SO_MAX_PACING_RATE: any user may set it, it does nothing on AF_UNIX, and it goes wherever the open
 * file description goes. 16 bits of magic say that the socket is ours, 16 name the host, the rest are flags.
 */
#ifndef SW_TAG_H
#define SW_TAG_H

#include <stdint.h>

#define SW_TAG_MAGIC 0x5357ull
#define SW_TAG_MAKE(host, flags) ((SW_TAG_MAGIC << 48) | ((uint64_t)(uint16_t)(host) << 32) | (uint32_t)(flags))
#define SW_TAG_IS(tag) ((tag) >> 48 == SW_TAG_MAGIC)
#define SW_TAG_HOST(tag) ((uint16_t)((tag) >> 32))

enum sw_tag_flag {
	SW_TAG_V6 = 1 << 0,
	SW_TAG_DGRAM = 1 << 1,
	SW_TAG_BOUND = 1 << 2,      /* by the program */
	SW_TAG_LISTEN = 1 << 3,
	SW_TAG_CONNECTING = 1 << 4, /* a SYN was sent, and nobody has asked for its outcome yet */
	SW_TAG_CONNECTED = 1 << 5,
	SW_TAG_ACCEPTED = 1 << 6,
	SW_TAG_V6ONLY = 1 << 7,
	SW_TAG_REUSEPORT = 1 << 8,
	SW_TAG_NODELAY = 1 << 9,
	SW_TAG_CORK = 1 << 10,
	SW_TAG_FAILED = 1 << 11, /* a connect failed, or a listener was shut: AF_UNIX cannot try again on this socket */
	SW_TAG_PKTINFO = 1 << 12, /* IP_PKTINFO, IPV6_RECVPKTINFO */
	SW_TAG_RECVTTL = 1 << 13, /* IP_RECVTTL, IPV6_RECVHOPLIMIT */
	SW_TAG_RECVTOS = 1 << 14, /* IP_RECVTOS, IPV6_RECVTCLASS */
	SW_TAG_NOLOOP = 1 << 15,  /* IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP off */
	SW_TAG_UDPLITE = 1 << 16,
	SW_TAG_SHUT = 1 << 17, /* by shutdown(2); of a stream, its sending side */
	SW_TAG_WIDE = 1 << 19, /* has a larger SO_SNDBUF than the kernel gives (shim/pages.c) */
	SW_TAG_PIPE = 1 << 18, /* a write was lost, as its peer had closed: the next is EPIPE (direct labs) */
	SW_TAG_KEPT = 1 << 20, /* has entries in the options file (options.h) */
	SW_TAG_DEVICE = 1 << 21, /* SO_BINDTODEVICE: the ifindex is in the options file */
	SW_TAG_ABORT = 1 << 22, /* SO_LINGER with a time of 0: its close is a reset */
	SW_TAG_REFUSED = 1 << 23, /* a datagram met nobody: the word of it is, or was, in the queue (direct labs) */
	SW_TAG_REUSEADDR = 1 << 24, /* SO_REUSEADDR: handed down to what is accepted */
	/* The options of bits 12 to 15 at the level of IPv4, on an IPv6 socket. */
	SW_TAG_PKTINFO_V4 = 1 << 25,
	SW_TAG_RECVTTL_V4 = 1 << 26,
	SW_TAG_RECVTOS_V4 = 1 << 27,
	SW_TAG_NOLOOP_V4 = 1 << 28,
	SW_TAG_NETLINK = 1 << 30, /* together with SW_TAG_DGRAM: bits 4 to 15 are those of enum sw_tag_netlink */
};

/* The options of a netlink socket. */
enum sw_tag_netlink {
	SW_NL_RAW = 1 << 4,    /* SOCK_RAW, not SOCK_DGRAM: there is no other difference */
	SW_NL_UEVENT = 1 << 5, /* NETLINK_KOBJECT_UEVENT, not NETLINK_ROUTE */
	SW_NL_MEMBER = 1 << 6, /* it has been in a group */
	SW_NL_PASSCRED = 1 << 7,
	SW_NL_PKTINFO = 1 << 8,
	SW_NL_BROADCAST_ERROR = 1 << 9,
	SW_NL_NO_ENOBUFS = 1 << 10,
	SW_NL_CAP_ACK = 1 << 11,
	SW_NL_EXT_ACK = 1 << 12,
	SW_NL_STRICT_CHK = 1 << 13,
};

#endif
