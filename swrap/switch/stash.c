/* Bytes taken from a sender and not yet delivered: while the path is dead, or what a full output left in the pipe. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "switch.h"

/* sw_stash_put() - Append @n bytes; 0 or -ENOMEM. */
int sw_stash_put(struct sw *sw, struct sw_half *h, const uint8_t *bytes, uint32_t n)
{
	uint32_t end = h->stash_at + h->stash_len;

	/* Only where as much went out as stays: so what waits is not moved again and again. */
	if (end + n > h->stash_size && h->stash_at > 0 && h->stash_at >= h->stash_len) {
		memmove(h->stash, h->stash + h->stash_at, h->stash_len);
		h->stash_at = 0;
		end = h->stash_len;
	}
	if (end + n > h->stash_size) {
		uint32_t size = h->stash_size ? h->stash_size : 4096;
		uint8_t *grown;

		while (size < end + n)
			size *= 2;
		grown = realloc(h->stash, size);
		if (!grown)
			return -ENOMEM;
		h->stash = grown;
		h->stash_size = size;
	}
	sw_tap_take(sw, h, bytes, n);
	if (h->dead)
		h->count.lost += sw_count_lost(sw, &h->path, n);
	memcpy(h->stash + end, bytes, n);
	h->stash_len += n;
	return 0;
}

/* sw_stash_fill() - The path is dead: take what the sender wrote off its hands, up to a window. The rest stays where it is. */
void sw_stash_fill(struct sw *sw, struct sw_half *h)
{
	struct sw_side *from = sw_from(h);

	while (h->stash_len < SW_WINDOW) {
		uint32_t want = SW_WINDOW - h->stash_len;
		int64_t n = sw_peek(sw, from, want < SW_COPY ? want : SW_COPY);

		/* Without memory the bytes stay in the queue, and the sender blocks earlier. */
		if (n <= 0 || sw_at_mark(from) || sw_stash_put(sw, h, sw->buffer + from->lag, (uint32_t)n) < 0)
			return;
		sw_keep_last(sw, from, (uint32_t)n);
	}
}

/* sw_unstash() - Deliver up to @want bytes of the stash; returns as sw_deliver() does. */
int64_t sw_unstash(struct sw *sw, struct sw_half *h, uint32_t want)
{
	int64_t n = sw_deliver(sw, h, h->stash + h->stash_at, want < h->stash_len ? want : h->stash_len);

	if (n <= 0)
		return n;
	h->stash_at += (uint32_t)n;
	h->stash_len -= (uint32_t)n;
	if (h->stash_len == 0) {
		free(h->stash);
		h->stash = NULL;
		h->stash_at = h->stash_size = 0;
	}
	return n;
}
