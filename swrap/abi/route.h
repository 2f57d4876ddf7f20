/*
 * What the shim and the switch say to each other about netlink sockets. In a lab without a switch its keeper answers.
 *
 * A program's AF_NETLINK socket N is an AF_UNIX SOCK_SEQPACKET connection to the switch's route service. The shim's
 * first message on it is a struct sw_route_word (SW_ROUTE_SOCKET), answered by a struct sw_route_answer before
 * socket(2) returns; from then on it carries netlink messages as they are: requests up, answers and notifications
 * down. N's port id, once it has one, is in its abstract name (kind `n`, the last four bytes of its address, big-endian;
 * the port is the netlink protocol and one).
 *
 * Groups are kept by the switch. The shim speaks of them on a connection of its own, one word and one answer, with N's
 * inode: so joining one is over when the call returns, and no change after that is missed.
 */
#ifndef SW_ROUTE_H
#define SW_ROUTE_H

#include <stdint.h>

#define SW_ROUTE_MAGIC 0x53575230u

enum sw_route_kind {
	SW_ROUTE_SOCKET = 1, /* this connection is a socket of protocol `value` */
	SW_ROUTE_BIND,       /* its groups 1-32 are those of the mask `value`, from now on */
	SW_ROUTE_JOIN,       /* it is a member of the group `value` */
	SW_ROUTE_LEAVE,
	SW_ROUTE_ASK,        /* which groups has it? */
};

struct sw_route_word {
	uint32_t magic;
	uint16_t kind; /* enum sw_route_kind */
	uint16_t host; /* of the program */
	uint64_t ino;  /* st_ino of the program's socket */
	uint32_t value;
	uint32_t pad;
};

struct sw_route_answer {
	int32_t error; /* an errno, or 0 */
	uint32_t pad;
	uint64_t groups; /* bit 0 is group 1 */
};

/*
 * Down only: the header of a netlink message alone, type NLMSG_OVERRUN. Something was dropped since the program did not
 * read; its next receive gets ENOBUFS. No other message is as short as that.
 */
#define SW_ROUTE_OVERRUN_LENGTH 16

#endif
