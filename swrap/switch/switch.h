/* The data plane of the switch, for its own files. Flows are in flow.h, datagram sockets in twin.h. */
#ifndef SW_SWITCH_H
#define SW_SWITCH_H

#include <stdarg.h>
#include <sys/epoll.h>

#include "flow.h"
#include "name.h"
#include "table.h"

#define SW_COPY 16384          /* bytes that are cheaper to copy than to splice */
#define SW_BLOCK 65536         /* no more is copied in one go */
#define SW_SPLICE (256 * 1024) /* nor spliced; the pipe may hold four times as much, as pages of it are filled in part */
#define SW_ROOM 8192           /* kept free in an output when splicing: truesize is more than bytes */
/*
 * Bytes that a half may move before the others' turn: all that a sender's buffer holds. A sender wakes when no more than a
 * quarter of that is left; behind a shorter turn it would sleep on through a round of all the others.
 */
#define SW_TURN (512 * 1024)
#define SW_MAX_SYN (1024 * 1024)
/*
 * What a dead path takes off a sender's hands: as much as TCP has in flight towards a fresh receiver, whose unscaled
 * window is 64 KiB. Without it a sender of single bytes would block after 277 of them (AF_UNIX charges truesize).
 */
#define SW_WINDOW 65536

#define SW_NS 1000000000ull
#define SW_MS 1000000ull

_Static_assert(SW_TURN >= 2 * SW_WIDE_SNDBUF, "a turn empties a sender's buffer, which the kernel makes twice as large");

/* Tokens of an interface in one direction, as the time to which they reach back. */
struct sw_bucket {
	struct sw_list active, waiting;
	uint64_t rate;    /* bits per second; 0 unlimited */
	double origin;    /* ns: tokens are what the rate made since then */
	uint32_t quantum; /* bytes in one go */
	uint32_t pending; /* halves that wait for tokens somewhere and cross here */
	struct sw_count count; /* carried, ever */
};

struct sw {
	const struct sw_page *page;
	const uint8_t *devices; /* of the lab's options file (options.h) */
	struct sw_limits limits;
	struct sw_table tables[SW_TABLES];
	uint32_t n_tables, here; /* here: in which one we are, and then: */
	int epoll;
	const int *pipe;
	int door;
	uid_t uid;
	uint32_t max_fds;
	uint64_t door_again, now, next_id;

	struct sw_flow **slabs;
	uint32_t n_slabs;
	struct sw_list free, dead, openings, pending, retries, active;
	struct sw_list floor, queue; /* halves: on it, the one that moved last at its end; and waiting for it */
	uint32_t on_floor;
	uint32_t convinced; /* short waits in a row */
	struct sw_list *by_ino;
	struct sw_ended *ended;
	struct sw_bucket *buckets; /* two an interface: tx, rx */
	struct sw_rule *rules;
	uint64_t seed;
	struct sw_timers timers;
	struct sw_twins *twins;
	struct sw_capture *capture; /* NULL: there is none */
	uint32_t n_rules, room_rules, next_rule;

	bool subscribed;
	struct sw_event *events;
	uint32_t first_event, n_events;
	uint64_t events_lost, events_since;

	struct epoll_event fired[64];
	uint32_t n_fired, next_fired;
	uint64_t retry_at;
	uint32_t sndbuf; /* of a side to begin with, bytes */
	uint8_t buffer[SW_BLOCK + 1];
	uint8_t scratch[SW_MAX_SYN];
};

/* end.c */
void sw_end_clean(struct sw *sw, struct sw_flow *f);
void sw_end_reset(struct sw *sw, struct sw_flow *f, int reason);
void sw_end_syn(struct sw *sw, struct sw_flow *f, int reason);
/* sw_end_reset_soon() - As sw_end_reset(), but that its sides are closed by sw_end_resets(), which takes more time. */
void sw_end_reset_soon(struct sw *sw, struct sw_flow *f);
/* sw_end_resets() - Close some of those in the table in which we are. */
void sw_end_resets(struct sw *sw, void *unused);
void sw_vanish(struct sw *sw, struct sw_half *h, int reason);

/* ended.c */
struct sw_ended {
	uint64_t ino;
	uint64_t at;
	int32_t error;
	struct sw_endpoint local, remote;
};
int sw_ended_init(struct sw *sw);
void sw_ended_note(struct sw *sw, struct sw_flow *f, int side, int error);
const struct sw_ended *sw_ended_find(const struct sw *sw, uint64_t ino);

/* opening.c */
void sw_door_input(struct sw *sw);
/* sw_fds_scarce() - Is there no descriptor left for one more datagram socket? */
bool sw_fds_scarce(const struct sw *sw);
void sw_opening_input(struct sw *sw, struct sw_flow *f);

/* syn.c */
void sw_syn(struct sw *sw, struct sw_flow *f);
bool sw_syn_try(struct sw *sw, struct sw_flow *f);
/* sw_syn_patience() - The client of @f, PENDING, has said how long it waits. */
void sw_syn_patience(struct sw *sw, struct sw_flow *f);
/* sw_syn_again() - sw_syn_try() in @f's table. */
bool sw_syn_again(struct sw *sw, struct sw_flow *f);
void sw_syn_room(struct sw *sw, const struct sw_flow *taken);
void sw_syn_retry(struct sw *sw);

/* onward.c */
/* sw_peer_is_ours() - Is whoever holds the other end of @fd the user that the switch runs as? */
bool sw_peer_is_ours(const struct sw *sw, int fd);
int sw_onward(struct sw *sw, const struct sw_flow *f);

/* path.c */
int sw_path_to(const struct sw *sw, uint16_t host, uint16_t by, const uint8_t ip[16], uint16_t *owner, uint32_t *in,
	       struct sw_path *path);
int sw_path_find(const struct sw *sw, struct sw_flow *f);
void sw_packet_of(const struct sw_flow *f, int dir, struct sw_packet *p);
void sw_path_again(struct sw *sw, struct sw_flow *f);
int sw_judge(const struct sw *sw, const struct sw_packet *p, struct sw_verdict *v);
int sw_judge_half(const struct sw *sw, const struct sw_flow *f, int dir, struct sw_verdict *v);

/* draw.c */
/* sw_spread() - From 0 to twice @jitter_ns. */
uint64_t sw_spread(uint32_t drawn, uint64_t jitter_ns);

/* rule.c */
/* sw_either() - The chance that at least one of two independent ones comes true. */
uint64_t sw_either(uint64_t a, uint64_t b);
bool sw_matches(const struct sw_match *m, const struct sw_packet *p);

/* fault.c */
bool sw_review(struct sw *sw, struct sw_flow *f);
void sw_touch_flows(struct sw *sw, const struct sw_match *match, struct sw_touched *touched);

/* rules.c */
int sw_match_own(const struct sw *sw, struct sw_match *m);
void sw_rules_free(struct sw *sw);

/* pump.c */
void sw_pump(struct sw *sw, struct sw_half *h);
/* sw_window() - How much more may arrive before an ACK must come back. */
uint32_t sw_window(const struct sw_half *h);

/* rest.c */
/* sw_rest() - Wait until something comes in, or until @at; how many @events, or -errno. */
int sw_rest(struct sw *sw, struct epoll_event *events, int most, uint64_t at);
/* floor.c */
void sw_floor_init(struct sw *sw);
/* sw_floor_take() - May @h move bulk? If not, it is in the queue, and made ready when it may. */
bool sw_floor_take(struct sw *sw, struct sw_half *h);
/* sw_floor_moved() - @h, on the floor, moved @n bytes: perhaps its share is used up. */
void sw_floor_moved(struct sw *sw, struct sw_half *h, uint32_t n);
/* sw_floor_leave() - @h is neither on the floor nor in its queue. */
void sw_floor_leave(struct sw *sw, struct sw_half *h);
/* sw_floor_run() - Others take the places of those that do not move. */
void sw_floor_run(struct sw *sw);
uint64_t sw_floor_next(const struct sw *sw);

/* line.c, loss.c */
/* sw_line_set() - Let the line of @h be as its verdict says, or take it away. Return: whether that changed anything. */
bool sw_line_set(struct sw *sw, struct sw_half *h, const struct sw_verdict *v, uint64_t back_ns);
void sw_line_drop(struct sw *sw, struct sw_half *h);
/* sw_line_carry() - What may leave now leaves, what arrives now is delivered. */
void sw_line_carry(struct sw *sw, struct sw_half *h);
/* sw_line_reset() - @h's sender ended with a RST: has that arrived? */
bool sw_line_reset(struct sw *sw, struct sw_half *h);
/* sw_line_acked() - How many bytes of @h were acked, if ACKs come back at all. */
uint64_t sw_line_acked(struct sw_half *h);
/* sw_line_age() - For how long its oldest byte has been on the way, ns. */
uint64_t sw_line_age(struct sw_half *h);
uint64_t sw_line_rtt(const struct sw_half *h);
/* sw_line_syn() - How long a SYN's answer takes, given the verdicts on both ways, ns. */
uint64_t sw_line_syn(const struct sw *sw, const struct sw_flow *f, const struct sw_verdict v[2]);
/* sw_loss_of() - A corrupted segment is a lost one. */
uint64_t sw_loss_of(const struct sw_verdict *v);

/* move.c */
int sw_fresh(const struct sw_side *s);
int64_t sw_peek(struct sw *sw, struct sw_side *from, uint32_t want);
bool sw_at_mark(const struct sw_side *s);
bool sw_has_mark(const struct sw_side *s);
void sw_keep_last(struct sw *sw, struct sw_side *from, uint32_t taken);
int64_t sw_deliver(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n);
int64_t sw_copy(struct sw *sw, struct sw_half *h, uint32_t want, bool *more);
int64_t sw_splice(struct sw *sw, struct sw_half *h, uint32_t fresh, bool *more);

/* stash.c */
int sw_stash_put(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n);
void sw_stash_fill(struct sw *sw, struct sw_half *h);
int64_t sw_unstash(struct sw *sw, struct sw_half *h, uint32_t want);

/* ack.c */
uint64_t sw_unacked(struct sw_half *h);
void sw_stall(struct sw *sw, struct sw_half *h);
void sw_answer_for(struct sw *sw, uint64_t ino, struct sw_answer *answer);
uint32_t sw_side_state(const struct sw_flow *f, int side);

/* count.c */
/* sw_count_packets() - Packets that carry @bytes over @hop, at least one. */
uint64_t sw_count_packets(const struct sw *sw, const struct sw_hop *hop, uint64_t bytes);
/* sw_count_lost() - @bytes on @path do not arrive: in how many packets. */
uint64_t sw_count_lost(struct sw *sw, const struct sw_path *path, uint64_t bytes);

/* shape.c */
int sw_shape_init(struct sw *sw);
uint32_t sw_shape_allow(struct sw *sw, struct sw_half *h, uint32_t want);
bool sw_shape_yield(struct sw *sw, struct sw_half *h);
void sw_shape_charge(struct sw *sw, struct sw_half *h, uint64_t bytes);
void sw_shape_leave(struct sw *sw, struct sw_half *h);
bool sw_shape_pass(struct sw *sw, const struct sw_hop *hops, uint32_t n, uint32_t bytes);
void sw_shape_run(struct sw *sw);
uint64_t sw_shape_next(const struct sw *sw);
bool sw_shaped(const struct sw *sw, const struct sw_half *h);

/* event.c */
int sw_events_init(struct sw *sw);
void sw_event(struct sw *sw, const struct sw_flow *f, enum sw_event_kind kind, int reason);
bool sw_events_due(const struct sw *sw);
uint64_t sw_events_next(const struct sw *sw);

/* twin.c */
struct sw_twins;
int sw_twins_init(struct sw *sw);
void sw_twins_free(struct sw *sw);
void sw_twin_door(struct sw *sw);
void sw_twin_event(struct sw *sw, uint32_t slot, uint32_t generation, uint32_t events);
/* sw_twin_answer() - What the program whose datagram socket is @ino may know of it; false where there is none. */
bool sw_twin_answer(struct sw *sw, uint64_t ino, struct sw_answer *answer);
/* sw_twins_next() - When sw_twins_expire() has something to do, ns; UINT64_MAX: never. */
uint64_t sw_twins_next(const struct sw *sw);
void sw_twins_expire(struct sw *sw);
/* late.c */
/* sw_late_review() - What waits goes on where nothing holds or delays it any more. @touched: those bytes are added. */
void sw_late_review(struct sw *sw, struct sw_touched *touched);
/* talk.c */
void sw_twins_touch(struct sw *sw, const struct sw_match *match, struct sw_touched *touched);

/* tap.c: what of a flow is captured (capture.h). All but _syn and _join do nothing without a tap. */
void sw_tap_syn(struct sw *sw, struct sw_flow *f);
void sw_tap_join(struct sw *sw, struct sw_flow *f);
void sw_tap_open(struct sw *sw, struct sw_flow *f);
void sw_tap_take(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n);
void sw_tap_arrive(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n);
/* sw_tap_lost() - What arrives next of @h was lost, and sent again. */
void sw_tap_lost(struct sw_half *h);
void sw_tap_fin(struct sw *sw, struct sw_half *h);
void sw_tap_refuse(struct sw *sw, struct sw_flow *f);
void sw_tap_reset(struct sw *sw, struct sw_flow *f);
void sw_tap_review(struct sw *sw, struct sw_flow *f);
void sw_tap_note(struct sw_flow *f, const char *words);
void sw_tap_free(struct sw *sw, struct sw_flow *f);
/* resend.c */
/* sw_tap_full() - @h's receiver has no room. */
void sw_tap_full(struct sw *sw, struct sw_half *h);
/* sw_tap_table() - In which table sw_tap_due() is to be called. */
uint16_t sw_tap_table(const struct sw_timer *timer);
/* sw_tap_due() - The timer of a tap. */
void sw_tap_due(struct sw *sw, struct sw_timer *timer);

/* loop.c */
enum sw_epoll_kind {
	SW_EPOLL_DOOR = 1,
	SW_EPOLL_WATCH,
	SW_EPOLL_SIDE, /* and the next one, for side 1 */
	SW_EPOLL_TWIN_DOOR = 8,
	SW_EPOLL_TWIN,
	SW_EPOLL_TABLE,
};
void sw_clock(struct sw *sw);
/* sw_epoll_key() - What epoll gives back: kind, generation (24 bits), and a slot or an fd. */
uint64_t sw_epoll_key(uint32_t kind, uint32_t generation, uint32_t value);
int sw_epoll(struct sw *sw, int op, int fd, uint32_t events, uint64_t key);
int sw_epoll_side(struct sw *sw, struct sw_flow *f, int side, int op, bool out);
void sw_door_pause(struct sw *sw);

#endif
