/* Faults: what the control side changes is in force for every flow before the call returns. */
#include <errno.h>

#include "twin.h"

/* under_way() - Bytes of @f that were not acked. */
static uint64_t under_way(struct sw_flow *f)
{
	return f->state == SW_FLOWING ? sw_unacked(&f->half[0]) + sw_unacked(&f->half[1]) : 0;
}

static bool matches(const struct sw_match *match, struct sw_flow *f, struct sw_touched *touched)
{
	bool any = false;

	for (int dir = 0; dir < 2; dir++) {
		struct sw_packet packet;

		sw_packet_of(f, dir, &packet);
		if (!sw_matches(match, &packet))
			continue;
		any = true;
		touched->bytes += f->state == SW_FLOWING ? sw_unacked(&f->half[dir]) : 0;
	}
	touched->flows += any;
	return any;
}

struct reach {
	const struct sw_match *match;
	struct sw_touched *touched;
};

static void touch(struct sw *sw, void *argument)
{
	struct reach *reach = argument;

	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = sw_flow_here(sw, slot);

		if (f)
			matches(reach->match, f, reach->touched);
	}
}

/* sw_touch_flows() - The streams alone. */
void sw_touch_flows(struct sw *sw, const struct sw_match *match, struct sw_touched *touched)
{
	struct reach reach = {match, touched};

	sw_everywhere(sw, touch, &reach);
}

void sw_touch(struct sw *sw, const struct sw_match *match, struct sw_touched *touched)
{
	*touched = (struct sw_touched){0};
	sw_touch_flows(sw, match, touched);
	sw_twins_touch(sw, match, touched);
}

/* differ() - Put the verdicts in force. Return: whether they are others than before. */
static bool differ(struct sw *sw, struct sw_flow *f, const struct sw_verdict v[2], const bool dead[2])
{
	bool changed = false;

	for (int dir = 0; dir < 2; dir++) {
		struct sw_half *h = &f->half[dir];
		bool rejected = v[dir].fate == SW_REJECT, mute = dead[!dir] || v[dir].lose_acks;

		changed |= dead[dir] != h->dead || rejected != h->rejected || mute != h->mute;
		if (mute && !h->mute)
			h->acked = sw_line_acked(h);
		h->dead = dead[dir];
		h->rejected = rejected;
		h->mute = mute;
		/* A path that is dead has no delay; what is on its way there waits for its end. */
		if (!v[dir].fate && !v[!dir].fate)
			changed |= sw_line_set(sw, h, &v[dir], v[!dir].delay_ns);
	}
	return changed;
}

/* sw_review() - What may @f do now that something changed? Return: whether that differs from what it might. */
bool sw_review(struct sw *sw, struct sw_flow *f)
{
	struct sw_verdict v[2];
	bool dead[2];

	for (int dir = 0; dir < 2; dir++) {
		/* What is always lost never arrives, however often it is sent again. */
		dead[dir] = sw_judge_half(sw, f, dir, &v[dir]) < 0 || sw_loss_of(&v[dir]) >> 32;
	}
	if (!differ(sw, f, v, dead))
		return false;
	sw_tap_review(sw, f);
	for (int dir = 0; dir < 2; dir++) {
		sw_shape_leave(sw, &f->half[dir]);
		sw_ready(sw, &f->half[dir]); /* in its turn the clocks of a dead path are set going */
	}
	return true;
}

/* retry() - A SYN that waits is tried at once, not at its next repetition. Return: whether it waits no longer. */
static bool retry(struct sw *sw, struct sw_flow *f)
{
	bool waited = f->half[0].dead || f->half[1].dead;

	sw_syn_again(sw, f);
	return waited && (f->state != SW_PENDING || !(f->half[0].dead || f->half[1].dead));
}

struct review {
	struct sw_touched touched;
	bool bytes; /* they are asked for */
};

static void review(struct sw *sw, void *argument)
{
	struct review *r = argument;

	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = sw_flow_here(sw, slot);
		uint64_t bytes;

		if (!f || f->state != SW_FLOWING)
			continue;
		bytes = r->bytes ? under_way(f) : 0;
		if (sw_review(sw, f)) {
			r->touched.flows++;
			r->touched.bytes += bytes;
		}
	}
}

void sw_refresh(struct sw *sw, struct sw_touched *touched)
{
	struct review all = {.bytes = touched};
	struct sw_list *l, *next;

	sw_clock(sw);
	sw_everywhere(sw, review, &all);
	for (l = sw->pending.next; l != &sw->pending; l = next) {
		next = l->next;
		all.touched.flows += retry(sw, sw_container(l, struct sw_flow, link));
	}
	sw_late_review(sw, &all.touched);
	if (touched)
		*touched = all.touched;
}

int sw_addresses(struct sw *sw, struct sw_touched *touched)
{
	int r = sw_segments(sw);

	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = sw_flow_at(sw, slot);

		if (f->state == SW_FLOWING)
			sw_path_again(sw, f);
	}
	sw_refresh(sw, touched);
	return r;
}

static void reset(struct sw *sw, void *argument)
{
	struct reach *reach = argument;

	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = sw_flow_here(sw, slot);

		if (!f || !matches(reach->match, f, reach->touched))
			continue;
		sw_tap_note(f, "reset, as it was told");
		if (f->state == SW_FLOWING)
			sw_end_reset_soon(sw, f);
		else
			sw_end_syn(sw, f, ECONNREFUSED);
	}
}

void sw_reset(struct sw *sw, const struct sw_match *match, struct sw_touched *touched)
{
	struct reach reach = {match, touched};

	sw_clock(sw);
	*touched = (struct sw_touched){0};
	sw_everywhere(sw, reset, &reach);
	sw_everywhere(sw, sw_end_resets, NULL);
}
