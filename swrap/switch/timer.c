/* The heap of timers (timer.h). */
#include <errno.h>
#include <stdlib.h>

#include "late.h"
#include "line.h"

static bool before(const struct sw_timer *a, const struct sw_timer *b)
{
	return a->at != b->at ? a->at < b->at : a->turn < b->turn;
}

static void put(struct sw_timers *all, uint32_t place, struct sw_timer *t)
{
	all->heap[place] = t;
	t->place = place;
}

/* sift() - @t belongs at @place, or further up, or further down. */
static void sift(struct sw_timers *all, uint32_t place, struct sw_timer *t)
{
	while (place > 1 && before(t, all->heap[place / 2])) {
		put(all, place, all->heap[place / 2]);
		place /= 2;
	}
	for (;;) {
		uint32_t child = place * 2;

		if (child < all->n && before(all->heap[child + 1], all->heap[child]))
			child++;
		if (child > all->n || !before(all->heap[child], t))
			break;
		put(all, place, all->heap[child]);
		place = child;
	}
	put(all, place, t);
}

int sw_timer_set(struct sw *sw, struct sw_timer *t, uint64_t at)
{
	struct sw_timers *all = &sw->timers;

	if (t->place == 0 && all->n + 1 >= all->room) {
		uint32_t room = all->room ? all->room * 2 : 64;
		struct sw_timer **heap = realloc(all->heap, room * sizeof(struct sw_timer *));

		if (!heap)
			return -ENOMEM;
		all->heap = heap;
		all->room = room;
	}
	if (t->place == 0)
		t->place = ++all->n;
	t->at = at;
	t->turn = ++all->turn;
	sift(all, t->place, t);
	return 0;
}

void sw_timer_clear(struct sw *sw, struct sw_timer *t)
{
	struct sw_timers *all = &sw->timers;
	struct sw_timer *last;
	uint32_t place = t->place;

	if (place == 0)
		return;
	t->place = 0;
	last = all->heap[all->n--];
	if (last != t)
		sift(all, place, last);
}

uint64_t sw_timers_next(const struct sw *sw)
{
	return sw->timers.n > 0 ? sw->timers.heap[1]->at : UINT64_MAX;
}

static void give_up(struct sw *sw, void *half)
{
	struct sw_flow *f = sw_flow_of(half);

	if (f->state == SW_PENDING)
		sw_end_syn(sw, f, ETIMEDOUT);
	else
		sw_vanish(sw, half, ETIMEDOUT);
}

static void tap_due(struct sw *sw, void *timer)
{
	sw_tap_due(sw, timer);
}

void sw_timers_run(struct sw *sw)
{
	while (sw_timers_next(sw) <= sw->now) {
		struct sw_timer *t = sw->timers.heap[1];
		struct sw_half *h;

		sw_timer_clear(sw, t);
		switch (t->kind) {
		case SW_TIMER_LINE:
			sw_ready(sw, sw_container(t, struct sw_line, timer)->half);
			break;
		case SW_TIMER_SYN:
			sw_syn_again(sw, sw_container(t, struct sw_flow, timer));
			break;
		case SW_TIMER_PATIENCE:
			h = sw_container(t, struct sw_half, patience);
			sw_in(sw, sw_flow_of(h)->table, give_up, h);
			break;
		case SW_TIMER_LATE:
			sw_late_arrives(sw, sw_container(t, struct sw_late, timer));
			break;
		case SW_TIMER_TAP:
			sw_in(sw, sw_tap_table(t), tap_due, t);
			break;
		}
	}
}
