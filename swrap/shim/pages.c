/*
 * sendfile(2) and splice(2): pages go into the socket as they are, 64 KiB in one piece. Of such a piece one byte stays
 * unread at the switch (syn.h), which holds all of it; and a socket is ready for POLLOUT only while less than a quarter of its
 * SO_SNDBUF is held. So the first time the buffer is enlarged.
 */
#include "capture.h"

#include <fcntl.h>
#include <sys/sendfile.h>

#include "real.h"

#define WIDE 212992 /* the kernel doubles it; every user may have it: net.core.wmem_max is no less */

static void widen(int fd)
{
	int size = WIDE, saved = errno;
	uint64_t tag;

	if (sw_lab() && sw_tag_get(fd, &tag) && !(tag & (SW_TAG_DGRAM | SW_TAG_WIDE)) &&
	    sw_real()->setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0)
		sw_tag_set(fd, tag | SW_TAG_WIDE);
	errno = saved;
}

SW_EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
	ssize_t sent;

	widen(out);
	sent = sw_real()->sendfile(out, in, offset, n);
	if (sw_capturing && sent > 0)
		sw_capture_sent(out, NULL, (size_t)sent);
	return sent;
}

/* The same function on machines with 64-bit offsets, which are all that this is built for. */
SW_EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t n)
{
	_Static_assert(sizeof(off_t) == sizeof(off64_t), "a file's offset has 64 bits");
	return sendfile(out, in, (off_t *)offset, n);
}

SW_EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n, unsigned int flags)
{
	ssize_t moved;

	widen(out);
	moved = sw_real()->splice(in, in_offset, out, out_offset, n, flags);
	if (sw_capturing && moved > 0)
		sw_capture_sent(out, NULL, (size_t)moved);
	return moved;
}
