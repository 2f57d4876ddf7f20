/* The ring of records for the control side. Full: records are lost and counted, the network goes on. */
#include <errno.h>
#include <stdlib.h>

#include "switch.h"

#define RING 4096u
#define LATEST (20 * SW_MS) /* a record waits no longer for company */

int sw_events_init(struct sw *sw)
{
	sw->events = calloc(RING, sizeof(*sw->events));
	return sw->events ? 0 : -ENOMEM;
}

void sw_subscribe(struct sw *sw, bool on)
{
	sw->subscribed = on;
	if (!on)
		sw->n_events = 0;
}

/* sw_event() - Record what happens to @f, if anybody wants to know. */
void sw_event(struct sw *sw, const struct sw_flow *f, enum sw_event_kind kind, int reason)
{
	struct sw_event *e;

	if (!sw->subscribed)
		return;
	if (sw->n_events == RING) {
		sw->events_lost++;
		return;
	}
	if (sw->n_events == 0)
		sw->events_since = sw->now;
	e = &sw->events[(sw->first_event + sw->n_events++) % RING];
	*e = (struct sw_event){.at = sw->now, .kind = kind, .reason = (uint32_t)reason, .id = f->id};
	for (int i = 0; i < 2; i++) {
		e->ino[i] = f->side[i].ino;
		e->count[i] = f->half[i].count;
		e->count[i].bytes = f->half[i].delivered;
		e->host[i] = f->host[i];
		e->end[i] = f->end[i];
	}
}

/* sw_events_due() - Should sw_run() come back for them? */
bool sw_events_due(const struct sw *sw)
{
	return sw->n_events >= RING / 2 || (sw->n_events > 0 && sw->now >= sw->events_since + LATEST);
}

/* sw_events_next() - When they are due, ns; UINT64_MAX: there are none. */
uint64_t sw_events_next(const struct sw *sw)
{
	return sw->n_events > 0 ? sw->events_since + LATEST : UINT64_MAX;
}

int sw_event_next(struct sw *sw, struct sw_event *event, uint64_t *lost)
{
	*lost = sw->events_lost;
	sw->events_lost = 0;
	if (sw->n_events == 0)
		return 0;
	*event = sw->events[sw->first_event];
	sw->first_event = (sw->first_event + 1) % RING;
	sw->n_events--;
	return 1;
}
