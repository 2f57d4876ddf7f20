/*
 * Conversations, for faults: they say what they took hold of, and datagrams have no flows. A socket that has sent to
 * another host counts, with whom it sent to last; the two ends of one conversation count once.
 */
#include <string.h>

#include "twin.h"

/* is_other_end() - Does the socket that @t talks to talk to @t, and is it the one of the two that counts? */
static bool is_other_end(struct sw *sw, const struct sw_twin *t)
{
	const struct sw_twin *o = sw_port_find(sw, t->talk.host, &t->talk.source, &t->talk.to, t->talk.arrival);

	return o && o->slot < t->slot && o->talk.host == t->host &&
	       memcmp(&o->talk.to, &t->talk.source, sizeof(o->talk.to)) == 0;
}

static bool matches(struct sw *sw, const struct sw_match *match, const struct sw_twin *t)
{
	struct sw_packet there = {
		.state = SW_NEW | SW_ESTABLISHED,
		.host = {t->host, t->talk.host},
		.end = {t->talk.source, t->talk.to},
	};
	struct sw_packet back = {
		.state = there.state,
		.host = {t->talk.host, t->host},
		.end = {t->talk.to, t->talk.source},
	};
	uint16_t owner;
	uint32_t in;

	return sw_path_to(sw, t->host, (uint16_t)t->options[SW_OPTION_DEVICE], t->talk.to.ip, &owner, &in, &there.path) == 0 &&
	       sw_path_to(sw, t->talk.host, 0, t->talk.source.ip, &owner, &in, &back.path) == 0 &&
	       (sw_matches(match, &there) || sw_matches(match, &back));
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
