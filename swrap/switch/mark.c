/* Marks of a line, in the order in which they arrive: a ring that grows. */
#include <errno.h>
#include <stdlib.h>

#include "line.h"

struct sw_mark *sw_mark_head(struct sw_marks *m)
{
	return &m->ring[m->first];
}

void sw_mark_pop(struct sw_marks *m)
{
	m->first = (m->first + 1) % m->size;
	m->n--;
}

int sw_mark_push(struct sw_marks *m, const struct sw_mark *mark)
{
	if (m->n == m->size) {
		uint32_t size = m->size ? m->size * 2 : 16;
		struct sw_mark *ring = malloc(size * sizeof(*ring));

		if (!ring)
			return -ENOMEM;
		for (uint32_t i = 0; i < m->n; i++)
			ring[i] = m->ring[(m->first + i) % m->size];
		free(m->ring);
		*m = (struct sw_marks){.ring = ring, .n = m->n, .size = size};
	}
	m->ring[(m->first + m->n++) % m->size] = *mark;
	return 0;
}
