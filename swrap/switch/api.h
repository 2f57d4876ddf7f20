/*
 * What Python sees of the data plane (build.py repeats it for cffi). All calls come from one thread, and none of them
 * while sw_run() runs: a fault is in force for every flow when the call that made it returns.
 */
#ifndef SW_API_H
#define SW_API_H

#include <stdbool.h>
#include <stdint.h>

#include "page.h"

struct sw;

struct sw_limits {
	uint64_t syn_ns;        /* a SYN that nobody answers: ETIMEDOUT */
	uint64_t retransmit_ns; /* un-acked bytes on a dead path: ETIMEDOUT */
	uint64_t opening_ns;    /* an opening message that never becomes whole: closed */
};

/* sw_new() - A switch on the lab's page, listening; 0 or -errno. */
int sw_new(const void *page, const struct sw_limits *limits, struct sw **out);
/* sw_free() - Close everything: every program end sees a reset. */
void sw_free(struct sw *sw);

/* Why sw_run() came back. */
enum sw_wake {
	SW_WAKE_FD = 1,     /* a watched fd is ready: sw_fired() */
	SW_WAKE_EVENTS = 2, /* records are due: sw_event_next() */
};

/* sw_run() - Move bytes until the control side has something to do: a mask of enum sw_wake, or -errno. */
int sw_run(struct sw *sw);
/* sw_watch() - Let sw_run() come back when @fd is ready for @events (EPOLL*, level-triggered). Again: changes them. */
int sw_watch(struct sw *sw, int fd, uint32_t events);
int sw_unwatch(struct sw *sw, int fd);
/* sw_fired() - Next fd that made sw_run() come back, its events in @events; -1 when there is none. */
int sw_fired(struct sw *sw, uint32_t *events);

/* What happened to a flow. */
enum sw_event_kind {
	SW_EV_OPENED = 1, /* the SYN was answered */
	SW_EV_ACCEPTED,   /* the listener's program took the connection; the server's inode is known */
	SW_EV_WAITING,    /* a SYN meets silence: `reason` says why (an errno: EHOSTUNREACH, ENETDOWN, EPERM, EAGAIN …) */
	SW_EV_REFUSED,    /* `reason` is what the program's connect() gets */
	SW_EV_CLOSED,     /* `reason`: 0 both FINs, ECONNRESET, ETIMEDOUT, ECANCELED (the client gave up its SYN) */
};

struct sw_event {
	uint64_t at; /* CLOCK_MONOTONIC, ns */
	uint32_t kind, reason;
	uint64_t id;
	uint64_t ino[2], bytes[2]; /* [0] the client's and towards the server, [1] the server's and towards the client */
	uint16_t host[2];          /* SW_NO_HOST where unknown */
	struct sw_endpoint end[2];
};

/* sw_subscribe() - Record events from now on, or no more. */
void sw_subscribe(struct sw *sw, bool on);
/* sw_event_next() - 1 and the oldest record, or 0. @lost: how many were lost since the last call, the ring being full. */
int sw_event_next(struct sw *sw, struct sw_event *event, uint64_t *lost);

enum sw_direction {
	SW_OUT = 1,
	SW_IN = 2,
};

#define SW_ANY (-1)

/*
 * Which packets: every field that is given must hold. The *anchor*, the first given of iface, host, ip, port, between,
 * is what `directions` speaks of: OUT is what comes from it, IN what goes to it. The others may be at either end.
 */
struct sw_match {
	int32_t iface, host, between[2]; /* indices into the page, or SW_ANY */
	int32_t port;                    /* or SW_ANY */
	uint32_t directions;             /* enum sw_direction */
	uint8_t has_ip, ip[16];
};

struct sw_touched {
	uint64_t flows, bytes; /* bytes that were on the way (un-acked) in them at that moment */
};

/* sw_touch() - What @match takes hold of, now. */
void sw_touch(struct sw *sw, const struct sw_match *match, struct sw_touched *touched);
/* sw_refresh() - The page's flags changed: every flow learns at once what it may still do. */
void sw_refresh(struct sw *sw);
/* sw_rates() - The page's rates changed. */
void sw_rates(struct sw *sw);
/* sw_block() - Drop silently what matches; the rule's number (from 1), or -ENOMEM. */
int sw_block(struct sw *sw, const struct sw_match *match);
/* sw_unblock() - Take rule @id away (0: all of them); how many went. */
int sw_unblock(struct sw *sw, uint32_t id);
/* sw_rule() - The match of rule @id, or -ENOENT. */
int sw_rule(struct sw *sw, uint32_t id, struct sw_match *match);
/* sw_reset() - A RST to both ends of every flow that matches. */
void sw_reset(struct sw *sw, const struct sw_match *match, struct sw_touched *touched);

/* One direction of a flow, for the list of flows. */
struct sw_info_half {
	uint64_t bytes, unacked;
	uint8_t blocked, n_ifaces;
	uint32_t ifaces[8];
};

struct sw_info {
	uint64_t id, opened; /* opened: CLOCK_MONOTONIC, ns */
	uint32_t state;      /* enum sw_flow_state of the client's end */
	uint32_t peer_state; /* of the server's end */
	uint64_t ino[2];
	uint16_t host[2];
	struct sw_endpoint end[2];
	struct sw_info_half half[2]; /* [0] to the server, [1] to the client */
};

/* sw_slots() - How many places for flows there are, taken or not. */
uint32_t sw_slots(const struct sw *sw);
/* sw_flow_info() - 1 and what is at @slot, or 0 where there is no flow. */
int sw_flow_info(struct sw *sw, uint32_t slot, struct sw_info *info);
/* sw_iface_bytes() - Payload bytes that interface @iface sent and received. */
void sw_iface_bytes(const struct sw *sw, uint32_t iface, uint64_t *tx, uint64_t *rx);

#endif
