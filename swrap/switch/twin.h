/*
 * Datagram sockets (syn.h has what is said to them).
 *
 * Life of a twin: accepted at the datagram door; *greeted* when a program of the lab said whose socket it is; *bound*
 * when it has an address and can be found by its port; gone when the program's last holder is (EPOLLHUP), after what was
 * sent before has been passed on. It is edge-triggered, and each event empties its queue.
 *
 * A datagram is passed on or lost in the moment it comes: there is no queue here.
 */
#ifndef SW_TWIN_H
#define SW_TWIN_H

#include "switch.h"

#define SW_MEMBERSHIPS 64 /* of one socket; Linux' default is 20, for IPv4 alone */

struct sw_membership {
	uint8_t ip[16];
	uint32_t iface; /* index into the page */
};

struct sw_twin {
	struct sw_list link; /* strangers, or free */
	struct sw_list by_port, by_ino;
	uint32_t slot, generation;
	int fd; /* -1: free */
	bool bound, connected, v6, v6only, reuse_addr, reuse_port;
	bool to_broadcast; /* the peer is a broadcast address, and that was allowed */
	uint16_t host;     /* SW_NO_HOST: not greeted */
	uint16_t by;	   /* ifindex of the interface by which it reaches its peer (IP_UNICAST_IF); 0: any */
	uint16_t error;    /* of the last JOIN or LEAVE */
	uint64_t ino, since;
	uint64_t serial, sent; /* for draws: in the order of their coming; datagrams */
	struct sw_endpoint own;	  /* as bound */
	struct sw_endpoint local; /* as connected: with an address in any case */
	struct sw_endpoint peer;
	struct {
		uint16_t host;
		uint16_t arrival; /* ifindex of its interface there */
		struct sw_endpoint source, to; /* port 0: it has sent nothing */
	} talk; /* the last datagram to one host */
	uint32_t options[SW_OPTIONS];
	uint32_t n_memberships;
	struct sw_membership memberships[SW_MEMBERSHIPS];
};

#define SW_PORTS 4096u /* buckets */

struct sw_twins {
	int door;
	uint32_t n, n_slots, port; /* port: the next to try as an ephemeral one */
	struct sw_twin **slots;
	struct sw_list free, strangers;
	struct sw_list by_port[SW_PORTS], by_ino[SW_PORTS];
	uint32_t *segment;	  /* of each interface: the lowest interface on the same one */
	struct sw_list late;	  /* datagrams that wait (late.h) */
	uint64_t late_bytes, serials;
	struct sw_dgram head;	  /* in front of: */
	uint8_t payload[SW_DGRAM_MOST6 + 1]; /* one more, to see what is too long */
};

/* A datagram on its way. */
struct sw_parcel {
	struct sw_twin *from;
	uint32_t iface; /* it leaves there */
	uint32_t size;	/* bytes of payload */
	bool no_loop;
	struct sw_endpoint source, to;
	uint8_t ttl, tos;
	uint16_t by; /* ifindex of the only interface that will do; 0: any */
	uint64_t key, n; /* of what is drawn for it: whose it is, and the how manieth */
};

/* Its way to one host. */
struct sw_way {
	struct sw_parcel parcel; /* `from` is NULL where the sender's socket has gone */
	struct sw_packet packet;
	uint32_t iface;	    /* it comes in there */
	uint32_t first_hop; /* of the path, for which no rate was charged yet */
	bool many;	    /* for all sockets of the host that hear it */
};

/* twin.c */
void sw_twin_input(struct sw *sw, struct sw_twin *t);
bool sw_twin_gone(struct sw *sw, struct sw_twin *t);
struct sw_twin *sw_twin_find(struct sw *sw, uint64_t ino);
/* sw_twin_tell() - A header alone down to the program. */
void sw_twin_tell(struct sw_twin *t, const struct sw_dgram *head);

/* word.c: what is no DATA; @size bytes follow @word in the buffer. False: not from our shim. */
bool sw_twin_word(struct sw *sw, struct sw_twin *t, const struct sw_dgram *word, uint32_t size);

/* port.c */
/* sw_port_take() - Bind @t to @own; 0 or EADDRINUSE. */
int sw_port_take(struct sw *sw, struct sw_twin *t, const struct sw_endpoint *own);
/* sw_port_hears() - How well @t fits a datagram from @from to @to that comes in on interface @arrival of its host; 0: it is not for it. */
int sw_port_hears(const struct sw_twin *t, const struct sw_endpoint *from, const struct sw_endpoint *to, uint16_t arrival);
/* sw_port_find() - The one socket of @host that gets it, or NULL. */
struct sw_twin *sw_port_find(struct sw *sw, uint16_t host, const struct sw_endpoint *from,
			     const struct sw_endpoint *to, uint16_t arrival);

/* membership.c */
int sw_membership_join(struct sw *sw, struct sw_twin *t, const uint8_t ip[16], uint16_t ifindex);
int sw_membership_leave(struct sw *sw, struct sw_twin *t, const uint8_t ip[16], uint16_t ifindex);
bool sw_membership_has(const struct sw_twin *t, const uint8_t ip[16], uint32_t iface);
/* sw_membership_host() - Does @host listen to the group on @iface? */
bool sw_membership_host(const struct sw *sw, uint16_t host, const uint8_t ip[16], uint32_t iface);

/* segment.c */
int sw_segments(struct sw *sw);
bool sw_is_broadcast(const struct sw *sw, uint32_t iface, const uint8_t ip[16]);
/* sw_iface_of() - The interface of @host with this ifindex; 0: the one by which @ip, a group or broadcast, would go out. */
bool sw_iface_of(const struct sw *sw, uint16_t host, uint16_t ifindex, const uint8_t ip[16], uint32_t *iface);
/* sw_iface_address() - The first address of @ip's family on @iface. */
bool sw_iface_address(const struct sw *sw, uint32_t iface, const uint8_t ip[16], uint8_t address[16]);
bool sw_iface_has(const struct sw *sw, uint32_t iface, const uint8_t address[16]);

/* source.c: where a datagram goes out, and as whose */
bool sw_source_choose(const struct sw *sw, const struct sw_twin *t, uint16_t ifindex, const struct sw_endpoint *asked,
		      const struct sw_endpoint *to, struct sw_endpoint *source, uint32_t *iface);

/* datagram.c: one datagram, from sender to receivers */
void sw_datagram(struct sw *sw, struct sw_twin *t, const struct sw_dgram *head, uint32_t size);

/* way.c */
/* sw_way_start() - From the beginning: its host[1], path and iface are known. */
void sw_way_start(struct sw *sw, struct sw_way *w);
/* sw_way_go() - The rules let it pass. */
void sw_way_go(struct sw *sw, const struct sw_way *w, const struct sw_verdict *v);
/* sw_way_end() - It is there. */
void sw_way_end(struct sw *sw, const struct sw_way *w);

/* late.c */
void sw_late_free(struct sw *sw);
/* tap_datagram.c */
/* sw_tap_datagram() - What is in the buffer is sent as @packet; to the whole segment, where its host[1] is nobody; @fate:
 * 0, or why it does not arrive, as sw_judge() says it; -ENOBUFS: a queue is full; -EIO: chance. */
void sw_tap_datagram(struct sw *sw, const struct sw_parcel *p, const struct sw_packet *packet, int fate);

/* deliver.c */
bool sw_deliver_one(struct sw *sw, const struct sw_parcel *p, struct sw_twin *t, uint32_t iface);
void sw_deliver_all(struct sw *sw, const struct sw_parcel *p, uint16_t host, uint32_t iface);

#endif
