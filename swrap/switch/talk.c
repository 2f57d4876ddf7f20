/*
 * Conversations, for faults: they say what they took hold of, and datagrams have no flows. A socket that has sent to
 * another host counts, with whom it sent to last; the two ends of one conversation count once.
 */
#include <string.h>

#include "twin.h"

/* is_other_end() - Does the socket that @t talks to talk to @t, and is it the one of the two that counts? */
static bool is_other_end(struct sw *sw, const struct sw_twin *t)
{
	const struct sw_twin *o = sw_port_find(sw, t->talk.host, &t->talk.source, &t->talk.to);

	return o && o->slot < t->slot && o->talk.host == t->host &&
	       memcmp(&o->talk.to, &t->talk.source, sizeof(o->talk.to)) == 0;
}

static bool matches(struct sw *sw, const struct sw_match *match, const struct sw_twin *t)
{
	struct sw_flow *packet = &sw->twins->packet;

	packet->host[0] = t->host;
	packet->host[1] = t->talk.host;
	packet->end[0] = t->talk.source;
	packet->end[1] = t->talk.to;
	return (sw_path_find(sw, packet) == 0) && (sw_match_half(match, packet, 0) || sw_match_half(match, packet, 1));
}

/* sw_twins_touch() - Add the conversations that @match means; nothing of them is ever on the way. */
void sw_twins_touch(struct sw *sw, const struct sw_match *match, struct sw_touched *touched)
{
	for (uint32_t i = 0; i < sw->twins->n_slots; i++) {
		const struct sw_twin *t = sw->twins->slots[i];

		if (t->fd >= 0 && t->bound && t->talk.to.port && matches(sw, match, t) && !is_other_end(sw, t))
			touched->flows++;
	}
}
