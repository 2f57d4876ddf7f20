/*
 * A connection through the switch has a larger SO_SNDBUF than the kernel gives a socket. With it program and switch sleep less
 * often; and pages fit that sendfile(2) and splice(2) put into the socket as they are, 64 KiB in one piece: of such a piece
 * one byte stays unread at the switch (syn.h), which holds all of it, and a socket is ready for POLLOUT only while less than a
 * quarter of its SO_SNDBUF is held.
 */
#include "capture.h"

#include <fcntl.h>
#include <sys/sendfile.h>

#include "real.h"

uint64_t sw_widen(int fd, uint64_t tag)
{
	int size = SW_WIDE_SNDBUF;

	if (tag & SW_TAG_WIDE || sw_real(setsockopt)(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
		return tag;
	return tag | SW_TAG_WIDE;
}

/*
 * widen() - Whose connect was not waited for is narrow still: a larger buffer is a new edge of EPOLLOUT, where asking for the
 * outcome must be none.
 */
static void widen(int fd)
{
	int saved = errno;
	uint64_t tag;

	if (sw_lab() && sw_tag_get(fd, &tag) && !(tag & (SW_TAG_DGRAM | SW_TAG_WIDE))) {
		tag = sw_settle(fd, tag);
		if (tag & SW_TAG_CONNECTED) /* before that, a larger buffer would be ready for POLLOUT (syn.h) */
			sw_tag_set(fd, sw_widen(fd, tag));
	}
	errno = saved;
}

SW_EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
	ssize_t sent;

	widen(out);
	sent = sw_real(sendfile)(out, in, offset, n);
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
	moved = sw_real(splice)(in, in_offset, out, out_offset, n, flags);
	if (sw_capturing && moved > 0)
		sw_capture_sent(out, NULL, (size_t)moved);
	return moved;
}
