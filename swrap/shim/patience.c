/* How long a connection may be without ACKs: options that the switch must know, since it is the clock of every stream. */
#include <netinet/tcp.h>

#include "option.h"
#include "real.h"

#define SYN_COUNT 6 /* the default net.ipv4.tcp_syn_retries */

static uint32_t number(int fd, uint64_t tag, int level, int name)
{
	uint32_t value = 0;
	socklen_t len = sizeof(value);

	if (level == SOL_SOCKET)
		sw_real(getsockopt)(fd, level, name, &value, &len);
	else
		sw_get_inet_option(fd, tag, level, name, &value, &len);
	return value;
}

struct sw_patience sw_patience_of(int fd, uint64_t tag)
{
	uint32_t repeats;

	if (!(tag & SW_TAG_KEPT))
		return (struct sw_patience){0};
	repeats = number(fd, tag, IPPROTO_TCP, TCP_SYNCNT);
	return (struct sw_patience){
		.user_timeout_ms = number(fd, tag, IPPROTO_TCP, TCP_USER_TIMEOUT),
		.keep_alive = (uint16_t)number(fd, tag, SOL_SOCKET, SO_KEEPALIVE),
		.idle_s = (uint16_t)number(fd, tag, IPPROTO_TCP, TCP_KEEPIDLE),
		.interval_s = (uint16_t)number(fd, tag, IPPROTO_TCP, TCP_KEEPINTVL),
		.count = (uint16_t)number(fd, tag, IPPROTO_TCP, TCP_KEEPCNT),
		.syn_count = (uint16_t)(repeats == SYN_COUNT ? 0 : repeats),
	};
}

static void tell(int fd, uint64_t tag, bool always)
{
	struct sw_syn word = {.opening = SW_PATIENCE, .host = sw_self(), .ino = sw_inode(fd)};
	struct sw_answer answer;
	int saved = errno;

	word.patience = sw_patience_of(fd, tag);
	if (always || word.patience.user_timeout_ms || word.patience.keep_alive)
		sw_request(&word, &answer);
	errno = saved;
}

void sw_patience_begin(int fd, uint64_t tag)
{
	if ((tag & SW_TAG_KEPT) && !(sw_lab()->flags & SW_DIRECT))
		tell(fd, tag, false);
}

void sw_patience_set(int fd, int level, int name)
{
	uint64_t tag;

	if (level == SOL_SOCKET ? name != SO_KEEPALIVE
				: level != IPPROTO_TCP || (name != TCP_USER_TIMEOUT && name != TCP_KEEPIDLE &&
							   name != TCP_KEEPINTVL && name != TCP_KEEPCNT &&
							   name != TCP_SYNCNT))
		return;
	if (!(sw_lab()->flags & SW_DIRECT) && sw_tag_get(fd, &tag) && !(tag & SW_TAG_DGRAM) &&
	    (tag & (SW_TAG_CONNECTED | SW_TAG_CONNECTING | SW_TAG_ACCEPTED)))
		tell(fd, tag, true);
}
