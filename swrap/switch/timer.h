/*
 * What is due at a moment of its own: a heap of timers, each a part of what it is for. Of two that are due at the same
 * time the one that was set first goes first. A timer that is all zeros is not set.
 */
#ifndef SW_TIMER_H
#define SW_TIMER_H

#include <stdint.h>

struct sw;

enum sw_timer_kind {
	SW_TIMER_LINE = 1, /* of a struct sw_line: something arrives */
	SW_TIMER_SYN,      /* of a struct sw_flow: its SYN is answered, or tried again */
	SW_TIMER_PATIENCE, /* of a struct sw_half: its sender gives up */
	SW_TIMER_LATE,     /* of a struct sw_late: a datagram arrives */
	SW_TIMER_TAP,      /* of a struct sw_tap: something is captured again */
};

struct sw_timer {
	uint64_t at, turn; /* turn: of equals, who was set first */
	uint32_t place;    /* in the heap, from 1; 0: not set */
	uint32_t kind;     /* enum sw_timer_kind */
};

struct sw_timers {
	struct sw_timer **heap; /* from 1 */
	uint32_t n, room;
	uint64_t turn;
};

/* sw_timer_set() - Let @t be due at @at, ns; again: changes that. 0, or -ENOMEM and it is not set. */
int sw_timer_set(struct sw *sw, struct sw_timer *t, uint64_t at);
void sw_timer_clear(struct sw *sw, struct sw_timer *t);
/* sw_timers_next() - When sw_timers_run() has something to do, ns; UINT64_MAX: never. */
uint64_t sw_timers_next(const struct sw *sw);
void sw_timers_run(struct sw *sw);

#endif
