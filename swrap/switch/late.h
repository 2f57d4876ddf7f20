/*
 * Datagrams that wait: on their way for some time, or held by a rule. In the order in which they were sent; each is
 * judged again when its time has come, so that a cable that was pulled meanwhile loses it.
 */
#ifndef SW_LATE_H
#define SW_LATE_H

#include "twin.h"

struct sw_late {
	struct sw_list link;
	struct sw_timer timer; /* not set: it is held */
	struct sw_way way;
	uint32_t slot, generation; /* of the sender's twin */
	uint8_t payload[];
};

/* sw_late_add() - Keep what is in the buffer until @at, or with 0 while a rule holds it. Without room it is lost. */
void sw_late_add(struct sw *sw, const struct sw_way *way, uint64_t at);
void sw_late_arrives(struct sw *sw, struct sw_late *late);

#endif
