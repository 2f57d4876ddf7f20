/* Sizes and rates that would act on the socket that ours really is: they are kept apart, and read back. */
#include "option.h"

#include <string.h>
#include <unistd.h>

#include "real.h"

#ifndef SO_MAX_PACING_RATE
#define SO_MAX_PACING_RATE 47
#endif

/* What TCP begins with: the default net.ipv4.tcp_wmem and tcp_rmem, and the former once a connection knows its segments. */
#define TCP_SNDBUF 16384
#define TCP_SNDBUF_CONNECTED 87040
#define TCP_RCVBUF 131072

int sw_get_buffer(int fd, uint64_t tag, int name, void *value, socklen_t *len)
{
	uint64_t kept[2];

	if (sw_kept_get(fd, tag, SOL_SOCKET, name, kept))
		return sw_put_number(SOL_SOCKET, value, len, (int)kept[0]);
	if (tag & SW_TAG_DGRAM)
		return sw_real(getsockopt)(fd, SOL_SOCKET, name, value, len);
	if (name == SO_RCVBUF)
		return sw_put_number(SOL_SOCKET, value, len, TCP_RCVBUF);
	return sw_put_number(SOL_SOCKET, value, len, sw_settle(fd, tag) & SW_TAG_CONNECTED ? TCP_SNDBUF_CONNECTED : TCP_SNDBUF);
}

/* lock_of() - SO_BUF_LOCK: which sizes were set, or are said to be. The kernel's own bits tell of what we have set. */
static int lock_of(int fd, uint64_t tag)
{
	uint64_t kept[2];

	if (sw_kept_get(fd, tag, SOL_SOCKET, SO_IS_BUF_LOCK, kept))
		return (int)kept[0];
	return sw_kept_get(fd, tag, SOL_SOCKET, SO_SNDBUF, kept) | sw_kept_get(fd, tag, SOL_SOCKET, SO_RCVBUF, kept) << 1;
}

int sw_get_buffer_lock(int fd, uint64_t tag, void *value, socklen_t *len)
{
	return sw_put_number(SOL_SOCKET, value, len, lock_of(fd, tag));
}

int sw_set_buffer_lock(int fd, uint64_t tag, const void *value, socklen_t len)
{
	int lock;

	if (sw_real(setsockopt)(fd, SOL_SOCKET, SO_IS_BUF_LOCK, value, len) < 0)
		return -1;
	memcpy(&lock, value, sizeof(lock));
	return sw_kept_put(fd, tag, SOL_SOCKET, SO_IS_BUF_LOCK, (uint64_t[2]){(uint32_t)lock, 0});
}

/**
 * sw_set_buffer() - SO_SNDBUF, SO_RCVBUF and what forces them
 *
 * The kernel's own size is not touched: the opening message and the unread byte need it (syn.h). What the program's would be
 * the kernel says of another socket: bounds, privilege and all.
 */
int sw_set_buffer(int fd, uint64_t tag, int name, const void *value, socklen_t len)
{
	bool sending = name == SO_SNDBUF || name == SO_SNDBUFFORCE;
	int plain = sending ? SO_SNDBUF : SO_RCVBUF;
	int scratch = sw_real(socket)(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), size = 0, error = 0;
	socklen_t size_len = sizeof(size);
	uint64_t kept[2];

	if (scratch < 0)
		return errno == EMFILE || errno == ENFILE ? 0 : -1;
	if (sw_real(setsockopt)(scratch, SOL_SOCKET, name, value, len) < 0 ||
	    sw_real(getsockopt)(scratch, SOL_SOCKET, plain, &size, &size_len) < 0)
		error = errno;
	close(scratch);
	if (error)
		return sw_fail(error);
	if (sw_kept_get(fd, tag, SOL_SOCKET, SO_IS_BUF_LOCK, kept)) {
		kept[0] |= sending ? 1 : 2;
		sw_kept_put(fd, tag, SOL_SOCKET, SO_IS_BUF_LOCK, kept);
	}
	return sw_kept_put(fd, tag, SOL_SOCKET, plain, (uint64_t[2]){(uint32_t)size, 0});
}

/* The tag's place: what the program wants there is kept elsewhere. An int, or 64 bits; all ones are no limit. */
int sw_get_pacing(int fd, uint64_t tag, void *value, socklen_t *len)
{
	uint64_t kept[2];

	if (!sw_kept_get(fd, tag, SOL_SOCKET, SO_MAX_PACING_RATE, kept))
		kept[0] = UINT64_MAX;
	if (len && *len >= sizeof(kept[0]))
		return sw_put_value(value, len, kept, sizeof(kept[0]));
	return sw_put_number(SOL_SOCKET, value, len, (int)(kept[0] < UINT32_MAX ? kept[0] : UINT32_MAX));
}

int sw_set_pacing(int fd, uint64_t tag, const void *value, socklen_t len)
{
	uint64_t kept[2] = {0};
	uint32_t low;

	if (len < sizeof(low))
		return sw_fail(EINVAL);
	memcpy(&low, value, sizeof(low));
	kept[0] = low == UINT32_MAX ? UINT64_MAX : low;
	if (len == sizeof(kept[0]))
		memcpy(kept, value, sizeof(kept[0]));
	if (kept[0] != UINT64_MAX)
		sw_gap(SW_GAP_NO_EFFECT, SOL_SOCKET, SO_MAX_PACING_RATE, 0);
	return sw_kept_put(fd, tag, SOL_SOCKET, SO_MAX_PACING_RATE, kept);
}
