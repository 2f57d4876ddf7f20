/* Datagrams that wait (late.h). */
#include <stdlib.h>
#include <string.h>

#include "late.h"

#define MOST (64u << 20) /* bytes of all that wait; more is lost, as in a queue that is full */

static uint64_t weight(const struct sw_way *way)
{
	return sizeof(struct sw_late) + way->parcel.size;
}

void sw_late_add(struct sw *sw, const struct sw_way *way, uint64_t at)
{
	struct sw_twins *all = sw->twins;
	const struct sw_twin *from = way->parcel.from;
	struct sw_late *late;

	if (all->late_bytes + weight(way) > MOST)
		return;
	late = calloc(1, weight(way));
	if (!late)
		return;
	late->way = *way;
	late->slot = from ? from->slot : UINT32_MAX;
	late->generation = from ? from->generation : 0;
	memcpy(late->payload, all->payload, way->parcel.size);
	late->timer.kind = SW_TIMER_LATE;
	sw_list_init(&late->link);
	if (at != 0 && sw_timer_set(sw, &late->timer, at) < 0) {
		free(late);
		return;
	}
	sw_list_add(&all->late, &late->link);
	all->late_bytes += weight(way);
}

static void drop(struct sw *sw, struct sw_late *late)
{
	sw_timer_clear(sw, &late->timer);
	sw_list_del(&late->link);
	sw->twins->late_bytes -= weight(&late->way);
	free(late);
}

/* load() - Back into the buffer, and to whoever has its sender's socket now. */
static void load(struct sw *sw, struct sw_late *late)
{
	struct sw_twins *all = sw->twins;
	struct sw_twin *from = late->slot < all->n_slots ? all->slots[late->slot] : NULL;

	memcpy(all->payload, late->payload, late->way.parcel.size);
	late->way.parcel.from = from && from->fd >= 0 && from->generation == late->generation ? from : NULL;
}

void sw_late_arrives(struct sw *sw, struct sw_late *late)
{
	struct sw_way way;
	struct sw_verdict verdict;

	sw_judge(sw, &late->way.packet, &verdict);
	if (verdict.fate == SW_HOLD)
		return; /* its timer has gone: it is held now */
	load(sw, late);
	way = late->way;
	drop(sw, late);
	if (!verdict.fate)
		sw_way_end(sw, &way);
}

/* let_go() - No rule holds it any longer: it goes on as if it had been sent now. */
static void let_go(struct sw *sw, struct sw_late *late, const struct sw_verdict *verdict)
{
	struct sw_way way;

	load(sw, late);
	way = late->way;
	drop(sw, late);
	if (!verdict->fate)
		sw_way_go(sw, &way, verdict);
}

void sw_late_review(struct sw *sw, struct sw_touched *touched)
{
	struct sw_list all;

	sw_list_init(&all);
	sw_list_move(&all, &sw->twins->late);
	while (!sw_list_empty(&all)) {
		struct sw_late *late = sw_container(all.next, struct sw_late, link);
		struct sw_verdict verdict;

		sw_judge(sw, &late->way.packet, &verdict);
		sw_list_del(&late->link);
		sw_list_add(&sw->twins->late, &late->link);
		if (late->timer.place == 0 && verdict.fate != SW_HOLD) {
			touched->bytes += late->way.parcel.size;
			let_go(sw, late, &verdict);
		} else if (late->timer.place != 0 && !verdict.fate && verdict.delay_ns == 0) {
			sw_timer_set(sw, &late->timer, sw->now);
		}
	}
}

void sw_late_free(struct sw *sw)
{
	while (!sw_list_empty(&sw->twins->late))
		drop(sw, sw_container(sw->twins->late.next, struct sw_late, link));
}
