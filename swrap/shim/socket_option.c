/*
 * SOL_SOCKET. Most of it is the kernel's own: AF_UNIX keeps it as TCP would. What AF_UNIX has not, or would take in another
 * sense, is answered here.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "dgram.h"
#include "option.h"
#include "real.h"

#ifndef SO_MAX_PACING_RATE
#define SO_MAX_PACING_RATE 47
#endif

/* Newer than some headers, or not in them. */
enum { SO_IS_PASSPIDFD = 76, SO_IS_PEERPIDFD = 77, SO_IS_TXREHASH = 74, SO_IS_REUSEPORT_EBPF = 52 };

#define NOT_SUPPORTED 524 /* the kernel's own ENOTSUPP, which some options answer */

static int put_int(void *value, socklen_t *len, int n)
{
	return sw_put_value(value, len, &n, sizeof(n));
}

socklen_t sw_socket_option_size(int name)
{
	switch (name) {
	case SO_KEEPALIVE:
	case SO_OOBINLINE:
	case SO_DONTROUTE:
	case SO_RCVLOWAT:
	case SO_MARK:
		return sizeof(int);
	case SO_LINGER:
		return sizeof(struct linger);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		return sizeof(struct timeval);
	default:
		return 0;
	}
}

/* get_error() - SO_ERROR: the pending error, in TCP's words; it settles a connect that was under way. */
static int get_error(int fd, uint64_t tag, void *value, socklen_t *len)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (sw_real(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -1;
	if (tag & SW_TAG_DGRAM)
		return put_int(value, len, error == ECONNRESET ? ENETDOWN : error ? error : sw_twin_pending(fd));
	if (error == ECONNRESET)
		error = sw_reason(fd);
	else if (!error)
		error = sw_abort_met(fd, false);
	if (!error)
		sw_settle(fd, tag);
	else if (tag & SW_TAG_CONNECTING)
		sw_tag_set(fd, (tag & ~(uint64_t)SW_TAG_CONNECTING) | SW_TAG_FAILED);
	return put_int(value, len, error);
}

static int protocol_of(uint64_t tag)
{
	if (tag & SW_TAG_UDPLITE)
		return IPPROTO_UDPLITE;
	return tag & SW_TAG_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;
}

static int get_rehash(int fd, uint64_t tag, void *value, socklen_t *len)
{
	uint64_t kept[2];

	if (tag & SW_TAG_DGRAM)
		return sw_fail(EOPNOTSUPP);
	return put_int(value, len, sw_kept_get(fd, tag, SOL_SOCKET, SO_IS_TXREHASH, kept) ? (int)kept[0] : 1);
}

static int set_rehash(int fd, uint64_t tag, const void *value, socklen_t len)
{
	int n;

	if (len < sizeof(n))
		return sw_fail(EINVAL);
	if (tag & SW_TAG_DGRAM)
		return sw_fail(EOPNOTSUPP);
	memcpy(&n, value, sizeof(n));
	if (n < -1 || n > 1)
		return sw_fail(EINVAL);
	return sw_kept_put(fd, tag, SOL_SOCKET, SO_IS_TXREHASH, (uint64_t[2]){n != 0, 0});
}

/* lock_filter() - Of the filter that the program cannot have; ours must be changed still. */
static int lock_filter(int fd, uint64_t tag, const void *value, socklen_t len)
{
	uint64_t kept[2] = {0};
	int on;

	if (len < sizeof(on))
		return sw_fail(EINVAL);
	memcpy(&on, value, sizeof(on));
	if (!on && sw_kept_get(fd, tag, SOL_SOCKET, SO_LOCK_FILTER, kept) && kept[0])
		return sw_fail(EPERM);
	kept[0] = on != 0;
	return sw_kept_put(fd, tag, SOL_SOCKET, SO_LOCK_FILTER, kept);
}

static int set_reuse(int fd, uint64_t tag, const void *value, socklen_t len)
{
	int on;

	if (sw_real(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, value, len) < 0)
		return -1;
	memcpy(&on, value, sizeof(on));
	return sw_tag_set(fd, on ? tag | SW_TAG_REUSEADDR : tag & ~(uint64_t)SW_TAG_REUSEADDR);
}

int sw_get_socket_option(int fd, uint64_t tag, int name, void *value, socklen_t *len)
{
	uint64_t kept[2];
	int done;

	switch (name) {
	case SO_DOMAIN:
		return put_int(value, len, tag & SW_TAG_V6 ? AF_INET6 : AF_INET);
	case SO_TYPE:
		return put_int(value, len, tag & SW_TAG_DGRAM ? SOCK_DGRAM : SOCK_STREAM);
	case SO_PROTOCOL:
		return put_int(value, len, protocol_of(tag));
	case SO_ACCEPTCONN:
		return put_int(value, len, !(tag & SW_TAG_DGRAM) && (tag & SW_TAG_LISTEN));
	case SO_ERROR:
		return get_error(fd, tag, value, len);
	case SO_SNDBUF:
	case SO_RCVBUF:
		return sw_get_buffer(fd, tag, name, value, len);
	case SO_IS_BUF_LOCK:
		return sw_get_buffer_lock(fd, tag, value, len);
	case SO_MAX_PACING_RATE:
		return sw_get_pacing(fd, tag, value, len);
	case SO_REUSEADDR:
		if (!(tag & SW_TAG_DGRAM))
			return put_int(value, len, (tag & SW_TAG_REUSEADDR) != 0);
		return sw_real(getsockopt)(fd, SOL_SOCKET, name, value, len);
	case SO_IS_TXREHASH:
		return get_rehash(fd, tag, value, len);
	case SO_GET_FILTER: /* none: what is there in a lab without a switch is ours */
		return sw_put_value(value, len, "", 0);
	case SO_LOCK_FILTER:
		return put_int(value, len, sw_kept_get(fd, tag, SOL_SOCKET, name, kept) && kept[0]);
	case SO_PEERNAME: {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0)
			return -1;
		return len && *len > size ? sw_fail(EINVAL) : sw_put_value(value, len, &peer, size);
	}
	case SO_PEERGROUPS:
	case SO_IS_PEERPIDFD:
		return sw_fail(ENODATA);
	case SO_PEERCRED: /* nobody's, as with TCP */
		return sw_put_value(value, len, &(struct ucred){0, (uid_t)-1, (gid_t)-1}, sizeof(struct ucred));
	default:
		done = sw_real(getsockopt)(fd, SOL_SOCKET, name, value, len);
		if (done < 0 && (errno == EOPNOTSUPP || errno == NOT_SUPPORTED || errno == ENOPROTOOPT))
			sw_gap(SW_GAP_GETSOCKOPT, SOL_SOCKET, (uint32_t)name, 0);
		return done;
	}
}

/* set_kernels() - The kernel keeps it for this socket; what a listener hands down must be found when it accepts. */
static int set_kernels(int fd, uint64_t tag, int name, const void *value, socklen_t len)
{
	socklen_t size = sw_socket_option_size(name);
	uint64_t kept[2] = {0};

	if (sw_real(setsockopt)(fd, SOL_SOCKET, name, value, len) < 0) {
		if (errno == EOPNOTSUPP || errno == NOT_SUPPORTED || errno == ENOPROTOOPT)
			return sw_gap_fail(errno == NOT_SUPPORTED ? EOPNOTSUPP : errno, SW_GAP_SETSOCKOPT, SOL_SOCKET,
					   (uint32_t)name, 0);
		return -1;
	}
	if (name == SO_RCVLOWAT && !(tag & SW_TAG_DGRAM) && len >= sizeof(int) && *(const int *)value > 1)
		sw_gap(SW_GAP_NO_EFFECT, SOL_SOCKET, SO_RCVLOWAT, 0); /* upon poll(2): a receive does heed it */
	if (name == SO_LINGER && sw_abort_set(fd, &tag, value) < 0)
		return -1;
	if (!size || len < size || (tag & (SW_TAG_DGRAM | SW_TAG_CONNECTED | SW_TAG_CONNECTING)))
		return 0;
	memcpy(kept, value, size);
	return sw_kept_put(fd, tag, SOL_SOCKET, name, kept);
}

int sw_set_socket_option(int fd, uint64_t tag, int name, const void *value, socklen_t len)
{
	if (!value)
		return sw_fail(EFAULT);
	switch (name) {
	case SO_IS_BUF_LOCK:
		return sw_set_buffer_lock(fd, tag, value, len);
	case SO_MAX_PACING_RATE:
		return sw_set_pacing(fd, tag, value, len);
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return sw_set_buffer(fd, tag, name, value, len);
	case SO_REUSEADDR:
		return set_reuse(fd, tag, value, len);
	case SO_IS_TXREHASH:
		return set_rehash(fd, tag, value, len);
	case SO_PASSCRED: /* of AF_UNIX alone */
	case SO_PASSSEC:
	case SO_IS_PASSPIDFD:
		return sw_fail(len < sizeof(int) ? EINVAL : EOPNOTSUPP);
	case SO_ATTACH_FILTER: /* would see our own headers */
	case SO_ATTACH_BPF:
	case SO_ATTACH_REUSEPORT_CBPF:
	case SO_IS_REUSEPORT_EBPF:
		return sw_gap_fail(EOPNOTSUPP, SW_GAP_SETSOCKOPT, SOL_SOCKET, (uint32_t)name, 0);
	case SO_DETACH_FILTER:
		return sw_fail(len < sizeof(int) ? EINVAL : ENOENT);
	case SO_LOCK_FILTER:
		return lock_filter(fd, tag, value, len);
	case SO_TIMESTAMP_OLD:
	case SO_TIMESTAMPNS_OLD:
	case SO_TIMESTAMPING_OLD:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_NEW:
	case SO_TIMESTAMPING_NEW:
		sw_gap(SW_GAP_NO_EFFECT, SOL_SOCKET, (uint32_t)name, 0);
		/* fall through */
	default:
		return set_kernels(fd, tag, name, value, len);
	}
}
