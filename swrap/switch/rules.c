/* The table of rules, in the order in which they were made. Each owns the sets of hosts that its match points to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "switch.h"

static uint32_t bitmap(const struct sw *sw)
{
	return (sw->page->n_hosts + 7) / 8;
}

/* sw_match_own() - Copy the sets of @m into its `memory`, which is the caller's to free; 0 or -ENOMEM. */
int sw_match_own(const struct sw *sw, struct sw_match *m)
{
	const uint8_t **sets[] = {&m->hosts, &m->between[0], &m->between[1]};
	uint32_t size = bitmap(sw);
	uint8_t *copy = malloc(3 * size);

	if (!copy)
		return -ENOMEM;
	m->memory = copy;
	for (int i = 0; i < 3; i++, copy += size)
		if (*sets[i])
			*sets[i] = memcpy(copy, *sets[i], size);
	return 0;
}

static int add(struct sw *sw, const struct sw_match *match, const struct sw_effect *effect)
{
	struct sw_rule *rule;

	if (sw->n_rules == sw->room_rules) {
		uint32_t room = sw->room_rules ? sw->room_rules * 2 : 16;
		struct sw_rule *rules = realloc(sw->rules, room * sizeof(*rules));

		if (!rules)
			return -ENOMEM;
		sw->rules = rules;
		sw->room_rules = room;
	}
	rule = &sw->rules[sw->n_rules];
	*rule = (struct sw_rule){.id = sw->next_rule + 1, .match = *match, .effect = *effect};
	if (sw_match_own(sw, &rule->match) < 0)
		return -ENOMEM;
	sw->n_rules++;
	return (int)++sw->next_rule;
}

int sw_impose(struct sw *sw, const struct sw_match *match, const struct sw_effect *effect, struct sw_touched *touched)
{
	int id;

	*touched = (struct sw_touched){0};
	/* What a stream never shows, and what datagrams have not, touches none of them. */
	if (effect->kind != SW_DUPLICATE && effect->kind != SW_REORDER)
		sw_touch_flows(sw, match, touched);
	if (effect->kind != SW_LOSE_ACKS)
		sw_twins_touch(sw, match, touched);
	id = add(sw, match, effect);
	if (id > 0)
		sw_refresh(sw, NULL);
	return id;
}

static bool among(uint32_t id, const uint32_t *ids, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

int sw_lift(struct sw *sw, const uint32_t *ids, uint32_t n, struct sw_touched *touched)
{
	uint32_t kept = 0, gone;

	for (uint32_t i = 0; i < sw->n_rules; i++) {
		if (among(sw->rules[i].id, ids, n))
			free(sw->rules[i].match.memory);
		else
			sw->rules[kept++] = sw->rules[i];
	}
	gone = sw->n_rules - kept;
	sw->n_rules = kept;
	sw_refresh(sw, touched);
	return (int)gone;
}

void sw_rules_free(struct sw *sw)
{
	for (uint32_t i = 0; i < sw->n_rules; i++)
		free(sw->rules[i].match.memory);
	free(sw->rules);
}
