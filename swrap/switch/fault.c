/* Faults: what the control side changes, in force for every flow before the call returns. */
#include <errno.h>
#include <stdlib.h>

#include "switch.h"

/* live() - Is there a flow at @slot that a fault can touch? */
static struct sw_flow *live(struct sw *sw, uint32_t slot)
{
	struct sw_flow *f = sw_flow_at(sw, slot);

	return f->state == SW_PENDING || f->state == SW_FLOWING ? f : NULL;
}

static bool matches(const struct sw_match *match, const struct sw_flow *f, struct sw_touched *touched)
{
	bool any = false;

	for (int dir = 0; dir < 2; dir++) {
		if (!sw_match_half(match, f, dir))
			continue;
		any = true;
		touched->bytes += f->state == SW_FLOWING ? sw_unacked((struct sw_half *)&f->half[dir]) : 0;
	}
	touched->flows += any;
	return any;
}

void sw_touch(struct sw *sw, const struct sw_match *match, struct sw_touched *touched)
{
	*touched = (struct sw_touched){0};
	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = live(sw, slot);

		if (f)
			matches(match, f, touched);
	}
	sw_twins_touch(sw, match, touched);
}

/* review() - What may @f do now that something changed? */
static void review(struct sw *sw, struct sw_flow *f)
{
	bool dead[2], changed = false;

	for (int dir = 0; dir < 2; dir++) {
		dead[dir] = sw_path_dead(sw, f, dir) < 0;
		changed |= dead[dir] != f->half[dir].dead;
	}
	if (!changed)
		return;
	for (int dir = 0; dir < 2; dir++) {
		struct sw_half *h = &f->half[dir];

		/* From here on no ACK of what this half delivers comes back. */
		if (dead[!dir] && !f->half[!dir].dead)
			h->acked = h->delivered;
	}
	for (int dir = 0; dir < 2; dir++)
		f->half[dir].dead = dead[dir];
	for (int dir = 0; dir < 2; dir++) {
		sw_shape_leave(sw, &f->half[dir]);
		sw_stall(sw, &f->half[dir]);
		sw_ready(sw, &f->half[dir]);
	}
}

void sw_refresh(struct sw *sw)
{
	struct sw_list *l, *next;

	sw_clock(sw);
	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = sw_flow_at(sw, slot);

		if (f->state == SW_FLOWING)
			review(sw, f);
	}
	/* A SYN that waits is tried at once, not at its next repetition. */
	for (l = sw->pending.next; l != &sw->pending; l = next) {
		next = l->next;
		sw_syn_try(sw, sw_container(l, struct sw_flow, link));
	}
}

int sw_block(struct sw *sw, const struct sw_match *match)
{
	if (sw->n_rules == sw->room_rules) {
		uint32_t room = sw->room_rules ? sw->room_rules * 2 : 16;
		struct sw_rule *rules = realloc(sw->rules, room * sizeof(*rules));

		if (!rules)
			return -ENOMEM;
		sw->rules = rules;
		sw->room_rules = room;
	}
	sw->rules[sw->n_rules++] = (struct sw_rule){.id = ++sw->next_rule, .match = *match};
	sw_refresh(sw);
	return (int)sw->next_rule;
}

int sw_unblock(struct sw *sw, uint32_t id)
{
	uint32_t kept = 0, gone;

	for (uint32_t i = 0; i < sw->n_rules; i++)
		if (id != 0 && sw->rules[i].id != id)
			sw->rules[kept++] = sw->rules[i];
	gone = sw->n_rules - kept;
	sw->n_rules = kept;
	sw_refresh(sw);
	return (int)gone;
}

int sw_rule(struct sw *sw, uint32_t id, struct sw_match *match)
{
	for (uint32_t i = 0; i < sw->n_rules; i++) {
		if (sw->rules[i].id == id) {
			*match = sw->rules[i].match;
			return 0;
		}
	}
	return -ENOENT;
}

void sw_reset(struct sw *sw, const struct sw_match *match, struct sw_touched *touched)
{
	sw_clock(sw);
	*touched = (struct sw_touched){0};
	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = live(sw, slot);

		if (f && matches(match, f, touched))
			sw_end_reset(sw, f, f->state == SW_FLOWING ? ECONNRESET : ECONNREFUSED);
	}
}
