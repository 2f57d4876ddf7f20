/* Gaps: what a program asked for and did not get, counted in the options file for `swrap ss --gaps`. */
#include "option.h"

#include <string.h>
#include <unistd.h>

enum { FREE, WRITING, VALID };

static bool is(const struct sw_gap *row, const struct sw_gap *gap)
{
	return row->kind == gap->kind && row->level == gap->level && row->name == gap->name &&
	       row->extra == gap->extra && row->pid == gap->pid;
}

void sw_gap(enum sw_gap_kind kind, int level, uint32_t name, uint32_t extra)
{
	struct sw_gap gap = {.kind = kind, .level = level, .name = name, .extra = extra, .pid = getpid(), .host = sw_self()};
	struct sw_options *options = sw_options();
	size_t len = strlen(program_invocation_short_name);

	if (!options)
		return;
	memcpy(gap.program, program_invocation_short_name, len < sizeof(gap.program) ? len : sizeof(gap.program) - 1);
	for (struct sw_gap *row = options->gaps; row < options->gaps + SW_GAPS; row++) {
		uint32_t state = __atomic_load_n(&row->state, __ATOMIC_ACQUIRE);

		if (state == FREE && __atomic_compare_exchange_n(&row->state, &state, WRITING, false, __ATOMIC_ACQUIRE,
								 __ATOMIC_ACQUIRE)) {
			gap.state = WRITING;
			gap.count = 1;
			*row = gap;
			__atomic_store_n(&row->state, VALID, __ATOMIC_RELEASE);
			return;
		}
		if (state == VALID && is(row, &gap)) {
			__atomic_add_fetch(&row->count, 1, __ATOMIC_RELAXED);
			return;
		}
	}
	__atomic_add_fetch(&options->unlisted, 1, __ATOMIC_RELAXED);
}
