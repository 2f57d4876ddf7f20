/*
 * The floor: which flows of bulk move, where there are many.
 *
 * What a sender has written is in the processor's cache until others have written as much as that holds. So with many flows
 * in turn each would move, and each receiver read, bytes that have left it. A few have the floor instead, with their
 * programs, until each has moved its share; the others wait in a queue, their senders asleep on full buffers. Who has the
 * floor and does not move leaves it soon, and with the rest of its share comes back in front of those that had theirs: so a
 * flow that is slow by itself waits for a place only, and nobody waits for one that stands still.
 */
#include "switch.h"

#define PLACES 6
#define SHARE (2u << 20) /* bytes: several times what a sender's buffer holds */
#define IDLE (3 * SW_MS / 10)

static struct sw_half *first(const struct sw_list *list)
{
	return sw_container(list->next, struct sw_half, floor);
}

void sw_floor_init(struct sw *sw)
{
	sw_list_init(&sw->floor);
	sw_list_init(&sw->queue);
}

static void enter(struct sw *sw, struct sw_half *h)
{
	if (h->share == 0)
		h->share = SHARE;
	h->has_floor = true;
	h->moved_at = sw->now;
	sw->on_floor++;
	sw_list_add(&sw->floor, &h->floor);
}

/* fill() - Who is first in the queue gets what places there are. */
static void fill(struct sw *sw)
{
	while (sw->on_floor < PLACES && !sw_list_empty(&sw->queue)) {
		struct sw_half *h = first(&sw->queue);

		sw_list_del(&h->floor);
		enter(sw, h);
		sw_ready(sw, h);
	}
}

bool sw_floor_take(struct sw *sw, struct sw_half *h)
{
	if (h->has_floor)
		return true;
	if (!sw_list_empty(&h->floor))
		return false;
	if (sw->on_floor < PLACES) {
		enter(sw, h);
		return true;
	}
	if (h->share > 0)
		sw_list_add(sw->queue.next, &h->floor);
	else
		sw_list_add(&sw->queue, &h->floor);
	return false;
}

void sw_floor_moved(struct sw *sw, struct sw_half *h, uint32_t n)
{
	h->share -= n < h->share ? n : h->share;
	if (h->share == 0) {
		sw_floor_leave(sw, h);
		return;
	}
	h->moved_at = sw->now;
	sw_list_del(&h->floor);
	sw_list_add(&sw->floor, &h->floor);
}

void sw_floor_leave(struct sw *sw, struct sw_half *h)
{
	sw_list_del(&h->floor);
	if (!h->has_floor)
		return;
	h->has_floor = false;
	sw->on_floor--;
	fill(sw);
}

uint64_t sw_floor_next(const struct sw *sw)
{
	return sw_list_empty(&sw->queue) ? UINT64_MAX : first(&sw->floor)->moved_at + IDLE;
}

void sw_floor_run(struct sw *sw)
{
	while (sw->now >= sw_floor_next(sw))
		sw_floor_leave(sw, first(&sw->floor));
}
