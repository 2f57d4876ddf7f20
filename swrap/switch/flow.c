/* The places of flows: slabs that never move, a free list, and the way from an inode to its flow. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch.h"

#define BUCKETS 16384u /* of inodes; sockets get consecutive ones, so these spread evenly */

int sw_flows_init(struct sw *sw)
{
	sw_list_init(&sw->free);
	sw_list_init(&sw->dead);
	sw_list_init(&sw->openings);
	sw_list_init(&sw->pending);
	sw_list_init(&sw->retries);
	sw_list_init(&sw->active);
	sw_floor_init(sw);
	sw->by_ino = calloc(BUCKETS, sizeof(*sw->by_ino));
	if (!sw->by_ino)
		return -ENOMEM;
	for (uint32_t i = 0; i < BUCKETS; i++)
		sw_list_init(&sw->by_ino[i]);
	return 0;
}

void sw_flows_free(struct sw *sw)
{
	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = sw_flow_at(sw, slot);

		/* What is unread in a side makes its close a reset, which is what the death of a network looks like. */
		for (int i = 0; i < 2; i++) {
			if (f->side[i].fd >= 0 && f->table == 0) /* those of another table end with it */
				close(f->side[i].fd);
			sw_line_drop(sw, &f->half[i]);
			free(f->half[i].stash);
		}
	}
	for (uint32_t i = 0; i < sw->n_slabs; i++)
		free(sw->slabs[i]);
	free(sw->slabs);
	free(sw->by_ino);
}

uint32_t sw_slots(const struct sw *sw)
{
	return sw->n_slabs * SW_SLAB;
}

struct sw_flow *sw_flow_at(const struct sw *sw, uint32_t slot)
{
	return &sw->slabs[slot / SW_SLAB][slot % SW_SLAB];
}

struct sw_flow *sw_flow_here(const struct sw *sw, uint32_t slot)
{
	struct sw_flow *f = sw_flow_at(sw, slot);

	return (f->state == SW_PENDING || f->state == SW_FLOWING) && f->table == sw->here ? f : NULL;
}

/* grow() - One slab more on the free list. */
static int grow(struct sw *sw)
{
	struct sw_flow **slabs = realloc(sw->slabs, (sw->n_slabs + 1) * sizeof(*slabs));
	struct sw_flow *slab;

	if (!slabs)
		return -ENOMEM;
	sw->slabs = slabs;
	slab = calloc(SW_SLAB, sizeof(*slab));
	if (!slab)
		return -ENOMEM;
	for (uint32_t i = 0; i < SW_SLAB; i++) {
		slab[i].slot = sw->n_slabs * SW_SLAB + i;
		slab[i].side[0].fd = slab[i].side[1].fd = -1;
		sw_list_init(&slab[i].link);
		sw_list_add(&sw->free, &slab[i].link);
	}
	sw->slabs[sw->n_slabs++] = slab;
	return 0;
}

/**
 * sw_flow_new() - A place for the connection accepted as @fd
 *
 * Return: the flow, OPENING and last in its list, or NULL without memory.
 */
struct sw_flow *sw_flow_new(struct sw *sw, int fd)
{
	struct sw_flow *f;
	uint32_t slot, generation;

	if (sw_list_empty(&sw->free) && grow(sw) < 0)
		return NULL;
	f = sw_container(sw->free.next, struct sw_flow, link);
	sw_list_del(&f->link);
	slot = f->slot;
	generation = f->generation;
	memset(f, 0, sizeof(*f));
	f->slot = slot;
	f->generation = generation;
	f->state = SW_OPENING;
	f->table = (uint16_t)sw->here;
	f->since = sw->now;
	f->id = ++sw->next_id;
	f->host[0] = f->host[1] = SW_NO_HOST;
	f->timer.kind = SW_TIMER_SYN;
	sw_list_init(&f->link);
	sw_list_init(&f->retry);
	for (int i = 0; i < 2; i++) {
		f->side[i].fd = -1;
		f->side[i].index = (uint8_t)i;
		f->side[i].sndbuf = sw->sndbuf;
		sw_list_init(&f->side[i].by_ino);
		f->half[i].dir = (uint8_t)i;
		sw_list_init(&f->half[i].ready);
		sw_list_init(&f->half[i].shaped);
		sw_list_init(&f->half[i].floor);
		f->half[i].patience.kind = SW_TIMER_PATIENCE;
	}
	f->side[0].fd = fd;
	sw->tables[sw->here].n_flows++;
	sw_list_add(&sw->openings, &f->link);
	return f;
}

/* sw_flow_own() - From now on @ino means this side. */
void sw_flow_own(struct sw *sw, struct sw_flow *f, int side, uint64_t ino)
{
	f->side[side].ino = ino;
	sw_list_add(&sw->by_ino[ino % BUCKETS], &f->side[side].by_ino);
}

/* sw_flow_find() - The flow one of whose programs' sockets is @ino, and which of its sides that is; or NULL. */
struct sw_flow *sw_flow_find(struct sw *sw, uint64_t ino, int *side)
{
	struct sw_list *head = &sw->by_ino[ino % BUCKETS];

	for (struct sw_list *l = head->prev; l != head; l = l->prev) {
		struct sw_side *s = sw_container(l, struct sw_side, by_ino);

		if (s->ino != ino)
			continue;
		/* A side knows its index, so that the flow round it is found without a pointer. */
		*side = s->index;
		return sw_container(s - s->index, struct sw_flow, side);
	}
	return NULL;
}

/* sw_side_close() - Close one side, and forget whose it was. */
void sw_side_close(struct sw_side *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	sw_list_del(&s->by_ino);
}

/* sw_flow_bury() - Close what is open and take the flow off every list but the dead's. */
void sw_flow_bury(struct sw *sw, struct sw_flow *f)
{
	for (int i = 0; i < 2; i++) {
		struct sw_half *h = &f->half[i];

		sw_side_close(&f->side[i]);
		sw_list_del(&h->ready);
		sw_timer_clear(sw, &h->patience);
		sw_shape_leave(sw, h);
		sw_floor_leave(sw, h);
		sw_line_drop(sw, h);
		free(h->stash);
		h->stash = NULL;
		h->stash_len = h->stash_size = 0;
	}
	sw_timer_clear(sw, &f->timer);
	sw_tap_free(sw, f);
	sw_list_del(&f->retry);
	sw_list_del(&f->link);
	sw_list_add(&sw->dead, &f->link);
	f->state = SW_DEAD;
	sw->tables[f->table].n_flows--;
}

/* sw_flows_reap() - No event of this turn can name the dead any more. */
void sw_flows_reap(struct sw *sw)
{
	while (!sw_list_empty(&sw->dead)) {
		struct sw_flow *f = sw_container(sw->dead.next, struct sw_flow, link);

		sw_list_del(&f->link);
		f->generation = (f->generation + 1) & 0xffffff;
		f->state = SW_FREE;
		sw_list_add(&sw->free, &f->link);
	}
}

void sw_ready(struct sw *sw, struct sw_half *h)
{
	if (sw_list_empty(&h->ready))
		sw_list_add(&sw->tables[sw_flow_of(h)->table].ready, &h->ready);
}
