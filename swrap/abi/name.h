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
	SW_KIND_TWIN = 'w',    /* the switch's end of it */
	SW_KIND_SERVICE = 's', /* the switch itself: host ffff, "port" says which service */
};

enum sw_service {
	SW_SERVICE_STREAM = 1,  /* where the shim connects: openings of flows, and queries (syn.h) */
	SW_SERVICE_CONTROL = 2, /* JSON lines */
};

struct sw_name {
	uint16_t host;
	uint8_t kind;
	uint8_t pair; /* has a peer */
	struct sw_endpoint own, peer;
};

/* sw_name_encode() - Fill @sun; returns the address length for bind(2) and connect(2). */
socklen_t sw_name_encode(const struct sw_page *p, const struct sw_name *name, struct sockaddr_un *sun);

/* sw_name_decode() - 0, or -EINVAL where it is no name of this lab or its MAC is wrong. */
int sw_name_decode(const struct sw_page *p, const struct sockaddr_un *sun, socklen_t len, struct sw_name *name);

/* sw_name_service() - The name of one of the switch's own doors. */
socklen_t sw_name_service(const struct sw_page *p, enum sw_service which, struct sockaddr_un *sun);

#endif
