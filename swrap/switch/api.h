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

/* sw_new() - A switch on the lab's page, and `devices` of its options file, listening; 0 or -errno. */
int sw_new(const void *page, const uint8_t *devices, const struct sw_limits *limits, struct sw **out);
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

/* Payload bytes, packets that carried them, and packets that a fault stopped; a retransmission counts once. */
struct sw_count {
	uint64_t bytes, packets, lost;
};

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
	uint64_t ino[2]; /* [0] the client's and towards the server, [1] the server's and towards the client */
	struct sw_count count[2];
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

enum sw_conntrack {
	SW_NEW = 1,
	SW_ESTABLISHED = 2,
};

#define SW_ANY (-1)

/*
 * Which packets: every field that is given must hold. The *anchor*, the first given of iface, hosts, ip, port, between,
 * is what `directions` speaks of: OUT is what comes from it, IN what goes to it. The others may be at either end.
 * Sets of hosts are bitmaps over the page's hosts, or NULL; they are copied where a rule is made.
 */
struct sw_match {
	int32_t iface; /* index into the page, or SW_ANY */
	int32_t port;  /* or SW_ANY */
	int32_t sport, dport; /* which it is sent from, and to; or SW_ANY */
	uint64_t flow; /* 0: any */
	const uint8_t *hosts, *between[2];
	uint32_t directions; /* enum sw_direction */
	uint32_t states;     /* enum sw_conntrack */
	uint8_t has_ip, ip[16];
	void *memory; /* of the sets, in a rule */
};

/* What a rule does with them. swrap/faults/effects.py has their meaning, swrap/faults/rule.py their order. */
enum sw_effect_kind {
	SW_DROP = 1,
	SW_REJECT,
	SW_HOLD,
	SW_LOSE_ACKS,
	SW_DELAY,
	SW_LOSS,
	SW_CORRUPT,
	SW_DUPLICATE,
	SW_REORDER,
};

struct sw_effect {
	uint32_t kind;   /* enum sw_effect_kind */
	uint32_t pad;
	uint64_t chance; /* out of 2^32 */
	uint64_t time_ns, jitter_ns;
};

struct sw_rule {
	uint32_t id;
	struct sw_match match;
	struct sw_effect effect;
};

enum sw_hop_dir {
	SW_TX = 0,
	SW_RX = 1,
};

struct sw_hop {
	uint32_t iface; /* index into the page */
	uint32_t dir;   /* enum sw_hop_dir */
};

/* Interfaces in the order in which a packet crosses them: two, and two more for each router. */
struct sw_path {
	uint32_t n;
	struct sw_hop hop[8];
};

/* A packet as rules see it, from [0] to [1]. */
struct sw_packet {
	uint64_t flow; /* its number; 0: a datagram */
	uint32_t state; /* enum sw_conntrack */
	uint16_t host[2];
	struct sw_endpoint end[2];
	struct sw_path path;
};

/* What all rules together decide. */
struct sw_verdict {
	uint32_t fate; /* 0: it passes; or SW_DROP, SW_REJECT, SW_HOLD */
	uint32_t lose_acks;
	uint64_t delay_ns, jitter_ns;
	uint64_t loss, corrupt, duplicate, reorder; /* chances out of 2^32 */
	uint64_t late_ns; /* by which a reordered one comes later */
};

/* sw_decide() - The verdict of @n rules, in their order, on @packet. Pure. */
void sw_decide(const struct sw_rule *rules, uint32_t n, const struct sw_packet *packet, struct sw_verdict *verdict);

/* What is drawn for. */
enum sw_draw_kind {
	SW_DRAW_LOSS = 1,
	SW_DRAW_CORRUPT,
	SW_DRAW_DUPLICATE,
	SW_DRAW_REORDER,
	SW_DRAW_JITTER,
	SW_DRAW_BIT,
};

/* sw_draw() - The @n-th number below 2^32 of a kind for @key, as @seed decides. swrap/faults/draw.py has it too. */
uint32_t sw_draw(uint64_t seed, uint32_t kind, uint64_t key, uint64_t n);
/* sw_seed() - What decides from now on. */
void sw_seed(struct sw *sw, uint64_t seed);

struct sw_touched {
	uint64_t flows, bytes; /* bytes that were on the way (un-acked) in them at that moment */
};

/* sw_touch() - What @match takes hold of, now. */
void sw_touch(struct sw *sw, const struct sw_match *match, struct sw_touched *touched);
/*
 * sw_refresh() - The page or the rules changed: every flow learns at once what it may do. @touched: those for which that
 * makes a difference; NULL: nobody asks.
 */
void sw_refresh(struct sw *sw, struct sw_touched *touched);
/* sw_addresses() - The page's addresses changed; 0 or -ENOMEM. @touched: as with sw_refresh(). */
int sw_addresses(struct sw *sw, struct sw_touched *touched);
/* sw_rates() - The page's rates changed. */
void sw_rates(struct sw *sw);
/* sw_impose() - A rule behind all others, in force; its number (from 1), or -ENOMEM. @touched: what it takes hold of. */
int sw_impose(struct sw *sw, const struct sw_match *match, const struct sw_effect *effect, struct sw_touched *touched);
/* sw_lift() - Take @n rules away by their numbers; how many went. @touched: what they alone had hold of. */
int sw_lift(struct sw *sw, const uint32_t *ids, uint32_t n, struct sw_touched *touched);
/* sw_reset() - A RST to both ends of every flow that matches. */
void sw_reset(struct sw *sw, const struct sw_match *match, struct sw_touched *touched);

/* One direction of a flow, for the list of flows. */
struct sw_info_half {
	struct sw_count count;
	uint64_t unacked;
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

/*
 * sw_capture_start() - Write the packets of all flows, or of those that @only matches, to @fd as pcapng
 *
 * Return: an fd, not the caller's to close, that is readable when the capture has ended by itself; -EBUSY where there is
 * one already; another -errno.
 */
int sw_capture_start(struct sw *sw, int fd, const struct sw_match *only);
/* sw_capture_finish() - Capture nothing more; that fd is readable once all is in the file. */
void sw_capture_finish(struct sw *sw);

struct sw_capture_info {
	uint64_t packets, missing, bytes; /* missing: the file was too slow for them; bytes: in the file */
};

/* sw_capture_end() - Finish, wait until all is in the file, and forget the capture: 0, or the -errno that ended it. */
int sw_capture_end(struct sw *sw, struct sw_capture_info *info);
/* sw_capture_note() - Say @words with the next packet of flow @id; 0 where it is not captured. */
int sw_capture_note(struct sw *sw, uint64_t id, const char *words);

/* sw_flows_of() - How many flows find room in table @table (0 is the first), of @max_fds descriptors. */
uint32_t sw_flows_of(uint32_t max_fds, uint32_t table);
/* sw_slots() - How many places for flows there are, taken or not. */
uint32_t sw_slots(const struct sw *sw);
/* sw_flow_info() - 1 and what is at @slot, or 0 where there is no flow. */
int sw_flow_info(struct sw *sw, uint32_t slot, struct sw_info *info);
/* sw_iface_counts() - What interface @iface sent and received. */
void sw_iface_counts(const struct sw *sw, uint32_t iface, struct sw_count *tx, struct sw_count *rx);

#endif
