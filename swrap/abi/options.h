/*
 * The options file: what the kernel has no room for on a virtual socket, so that every holder of the socket reads it back.
 *
 * One file, <lab>/options, mode 0600, beside the page, mapped for reading and writing by every process of the lab. An
 * entry belongs to a socket by its SO_COOKIE, which is never used again: so nothing has to be forgotten on close, and the
 * entries of dead sockets are overwritten in time. Losing one may cost a read-back, never a connection.
 *
 * No lock: an entry's `state` is twice the time of its last use, and odd while it is written. A writer takes an entry by
 * exchanging an even state for an odd one and passes over those that others hold, so neither a signal handler nor a
 * process that is killed keeps anybody waiting. A reader whose entry's state moved reads again.
 *
 * The second table counts the gaps: what a program asked for and does not get. The third is how groups and broadcasts find
 * their receivers where there is no switch (place.c): an entry without its socket is met by the next datagram, and taken out.
 */
#ifndef SW_OPTIONS_H
#define SW_OPTIONS_H

#include <stdint.h>

#include "page.h"

#define SW_OPTIONS_MAGIC 0x3173746f2d7773ull /* "sw-ots1", little-endian */
#define SW_KEPT_HOMES 131072 /* sockets hash to one of these */
#define SW_KEPT_WAYS 32	     /* and have their entries from there on */
#define SW_KEPT_ENTRIES (SW_KEPT_HOMES + SW_KEPT_WAYS)
#define SW_GAPS 1024
#define SW_PLACES 4096

struct sw_kept {
	uint64_t cookie; /* SO_COOKIE; 0: never used */
	uint32_t option; /* level << 16 | name */
	uint32_t state;
	uint64_t value[2]; /* the first bytes of the value, or all */
};

enum sw_gap_kind {
	SW_GAP_SOCKET = 1, /* socket(2) refused: level is the domain, name the type, extra the protocol */
	SW_GAP_GETSOCKOPT,
	SW_GAP_SETSOCKOPT, /* refused */
	SW_GAP_NO_EFFECT,  /* setsockopt(2) taken, and read back, but it changes nothing */
	SW_GAP_IOCTL,	   /* refused: name is the request, extra SIOCETHTOOL's command */
	SW_GAP_CONTROL,	   /* sendmsg(2) with a control message: name is its type, extra 1 where the call went on without it */
	SW_GAP_SEND,	   /* send(2) refused: level is the protocol, name the flag */
};

struct sw_gap {
	uint32_t state; /* 0 free, 1 being written, 2 valid */
	uint32_t kind;	/* enum sw_gap_kind */
	int32_t level;
	uint32_t name;
	uint32_t extra;
	int32_t pid;
	uint32_t host; /* of the process */
	uint32_t pad;
	uint64_t count;
	char program[16]; /* cut, NUL-terminated */
};

#define SW_UNLIKE 1 /* they differ; 0: there was none */

enum sw_place_state { SW_PLACE_FREE, SW_PLACE_WRITING, SW_PLACE_VALID, SW_PLACE_GONE };

/* Where a datagram socket is to be found that many may hear: its address, and each of its groups. */
struct sw_place {
	uint32_t state; /* enum sw_place_state, in the two low bits; above them a count of its uses */
	uint16_t host;
	uint16_t ifindex; /* of a group: where it was joined; 0: an address */
	uint64_t cookie;  /* SO_COOKIE of the socket */
	struct sw_endpoint own; /* the address, or the group and no port */
	uint16_t slot, device; /* of an address (name.h) */
	uint16_t all;	  /* of an address: hears the groups of others on its host: 1 IP_MULTICAST_ALL, 2 IPV6_MULTICAST_ALL */
	int32_t pid;	  /* who joined the group */
};

struct sw_options {
	uint64_t magic;
	uint32_t size;	/* of the whole file */
	uint32_t clock; /* counts the uses of entries */
	uint64_t unlisted; /* gaps that met a full table */
	uint64_t aborts; /* not 0: there has been a direct connection whose close was to be a reset (abort.c) */
	uint64_t datagrams; /* not 0: there has been a datagram or netlink socket, which a program may inherit */
	uint64_t pad[3];
	struct sw_gap gaps[SW_GAPS];
	struct sw_kept kept[SW_KEPT_ENTRIES];
	struct sw_place places[SW_PLACES];
	uint8_t shared[1 << 13]; /* a bit for each port that datagram sockets have ever shared */
	uint8_t devices[1 << 13]; /* likewise: that a socket bound to an interface has ever been bound to */
	uint8_t particular[1 << 13]; /* from which a datagram socket with a peer or with options for what it sends has sent */
	uint64_t listeners[1 << 16]; /* what all that have listened on a port without a switch hand down: of their tags; or SW_UNLIKE */
};

#endif
