/*
 * Names: the abstract AF_UNIX name of a virtual socket is its virtual address.
 *
 *   sw/<lab 8 hex>/<host 4 hex>/<kind>/<ip 32 hex><port 4 hex>[><ip><port>]/<MAC, 11 of base64url>
 *
 * with a NUL in front, at most 107 bytes after it. The kernel keeps them unique (EADDRINUSE) and forgets one when its
 * last holder dies. They are visible to everybody in /proc/net/unix, so a MAC keyed with the lab's secret keeps
 * strangers from squatting on a name that is not taken yet.
 */
#ifndef SW_NAME_H
#define SW_NAME_H

#include <sys/socket.h>
#include <sys/un.h>

#include "page.h"

enum sw_kind {
	SW_KIND_TCP = 't',     /* a program's stream: a listener `own`, or a connecting end `own>peer` */
	SW_KIND_ONWARD = 'o',  /* the switch's end towards a listener: `client>server`, in the listener's host */
	SW_KIND_UDP = 'u',     /* a program's datagram socket */
	SW_KIND_TWIN = 'w',  /* bound to nothing: a datagram socket's proof to the switch (syn.h) */
	SW_KIND_NETLINK = 'n', /* a program's netlink socket: own is its port id (route.h) */
	SW_KIND_SERVICE = 's', /* the switch itself: host ffff, "port" says which service */
};

enum sw_service {
	SW_SERVICE_STREAM = 1,  /* where the shim connects: openings of flows, and queries (syn.h) */
	SW_SERVICE_CONTROL = 2, /* JSON lines */
	SW_SERVICE_ROUTE = 4,   /* netlink sockets (route.h) */
	SW_SERVICE_DATAGRAM = 3, /* where datagram sockets find their twins */
};

struct sw_name {
	uint16_t host;
	uint8_t kind;
	uint8_t pair; /* has a peer */
	struct sw_endpoint own, peer;
};

/* sw_name_encode() - Fill @sun; returns the address length for bind(2) and connect(2). */
socklen_t sw_name_encode(const struct sw_page *p, const struct sw_name *name, struct sockaddr_un *sun);

/* sw_name_sealed() - Likewise, with sw_name_token() of it, unless @token is NULL. */
socklen_t sw_name_sealed(const struct sw_page *p, const struct sw_name *name, struct sockaddr_un *sun, uint64_t *token);

/* sw_name_decode() - 0, or -EINVAL where it is no name of this lab or its MAC is wrong. */
int sw_name_decode(const struct sw_page *p, const struct sockaddr_un *sun, socklen_t len, struct sw_name *name);

/*
 * Listeners that share an address (SO_REUSEPORT) and IPv6 wildcards without IPv4 (IPV6_V6ONLY) need names apart from the
 * plain one: a pair, whose peer has the unspecified address and a *slot* for its port. So does who is bound to an
 * interface (SO_BINDTODEVICE), whose ifindex is in a peer's address that nobody can have.
 */
#define SW_SLOTS 16	   /* 1 to 16: one of those that share */
#define SW_SLOT_V6ONLY 0x100 /* :: that is not 0.0.0.0 as well; with or without a slot below */
#define SW_SLOT_REUSE 0x200 /* a datagram socket's, that shares by SO_REUSEADDR; */
#define SW_SLOT_EITHER 0x400 /* or by both options */

/* sw_name_slot() - Turn @name into the one with this slot, and bound to the interface with the ifindex @device; 0, 0 is the plain name. */
void sw_name_slot(struct sw_name *name, uint16_t slot, uint16_t device);
/* sw_name_has_slot() - Is it a name with a slot, so that its peer is none? */
bool sw_name_has_slot(const struct sw_name *name);
/* sw_name_device() - The ifindex in it, or 0. */
uint16_t sw_name_device(const struct sw_name *name);

/**
 * sw_listener() - The @n-th name under which a socket that @to reaches may be bound on @host, in Linux' order
 * @device: ifindex of the interface by which @to is reached, where sockets may be bound to that; else 0
 * @turn: where to begin among those that share one address
 *
 * Return: false behind the last.
 */
bool sw_listener(uint16_t host, enum sw_kind kind, const struct sw_endpoint *to, uint16_t device, uint32_t n,
		 uint32_t turn, struct sw_name *name);

/* sw_name_token() - What a datagram to the socket of this name carries, so that only the lab's reach it: of the lab's key. @sun is a name. */
uint64_t sw_name_token(const struct sw_page *p, const struct sockaddr_un *sun, socklen_t len);

/* sw_name_service() - The name of one of the switch's own doors. */
socklen_t sw_name_service(const struct sw_page *p, enum sw_service which, struct sockaddr_un *sun);

#endif
