/*
 * What became of flows that are gone, for programs that ask why their socket died.
 *
 * Bounded: a table of sets of four; a fifth in a set replaces its oldest. Inodes of sockets are consecutive, so in
 * practice this remembers the last SETS * WAYS ends.
 */
#include <errno.h>
#include <stdlib.h>

#include "switch.h"

#define SETS 8192u
#define WAYS 4u

int sw_ended_init(struct sw *sw)
{
	sw->ended = calloc(SETS * WAYS, sizeof(*sw->ended));
	return sw->ended ? 0 : -ENOMEM;
}

/* sw_ended_note() - The program's end at @side is closed because of @error (0: both FINs). */
void sw_ended_note(struct sw *sw, struct sw_flow *f, int side, int error)
{
	uint64_t ino = f->side[side].ino;
	struct sw_ended *set = &sw->ended[ino % SETS * WAYS], *slot = set;

	if (ino == 0)
		return;
	for (uint32_t i = 0; i < WAYS; i++) {
		if (set[i].ino == ino) {
			slot = &set[i];
			break;
		}
		if (set[i].at < slot->at)
			slot = &set[i];
	}
	*slot = (struct sw_ended){
		.ino = ino, .at = sw->now, .error = error, .local = f->end[side], .remote = f->end[!side]};
}

/* sw_ended_find() - What is remembered of @ino, or NULL. */
const struct sw_ended *sw_ended_find(const struct sw *sw, uint64_t ino)
{
	const struct sw_ended *set = &sw->ended[ino % SETS * WAYS];

	for (uint32_t i = 0; i < WAYS; i++)
		if (ino != 0 && set[i].ino == ino)
			return &set[i];
	return NULL;
}
