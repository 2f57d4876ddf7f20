/* Options of TCP, IP and IPv6, got and set: most are numbers (inet_option.h), some have a shape of their own. */
#include "inet_option.h"

#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define MSS 1448
#define LOOPBACK_MTU 65536
#define CA_NAME 16

int sw_put_value(void *value, socklen_t *len, const void *from, socklen_t size)
{
	if (!value || !len)
		return sw_fail(EFAULT);
	if ((int)*len < 0)
		return sw_fail(EINVAL);
	if (*len > size)
		*len = size;
	memcpy(value, from, *len);
	return 0;
}

int sw_put_number(int level, void *value, socklen_t *len, int n)
{
	if (level == IPPROTO_IP && len && (int)*len > 0 && *len < sizeof(n) && n >= 0 && n <= UINT8_MAX)
		return sw_put_value(value, len, &(uint8_t){(uint8_t)n}, 1);
	return sw_put_value(value, len, &n, sizeof(n));
}

static int usual(uint64_t tag, const struct sw_inet_option *option)
{
	if (option->level == IPPROTO_IP && option->name == IP_MULTICAST_ALL)
		return !(tag & SW_TAG_V6);
	return option->value;
}

/* bit_of() - An IPv6 socket has some options at both levels. */
static unsigned int bit_of(uint64_t tag, const struct sw_inet_option *option)
{
	bool both = option->bit & (SW_TAG_PKTINFO | SW_TAG_RECVTTL | SW_TAG_RECVTOS | SW_TAG_NOLOOP);

	_Static_assert(SW_TAG_PKTINFO << 13 == SW_TAG_PKTINFO_V4 && SW_TAG_NOLOOP << 13 == SW_TAG_NOLOOP_V4, "bits apart");
	return both && (tag & SW_TAG_V6) && option->level == IPPROTO_IP ? option->bit << 13 : option->bit;
}

static int current(int fd, uint64_t tag, const struct sw_inet_option *option)
{
	uint64_t kept[2];

	if (option->bit)
		return tag & bit_of(tag, option) ? !option->value : option->value;
	return sw_kept_get(fd, tag, option->level, option->name, kept) ? (int)kept[0] : usual(tag, option);
}

/* segment() - TCP_MAXSEG of a connection is what fits beside the timestamps, which take 12 bytes. */
static int segment(uint64_t tag, int wished)
{
	if (!(tag & SW_TAG_CONNECTED))
		return wished ? wished : 536;
	return wished && wished - 12 < MSS ? wished - 12 : MSS;
}

/* A name, of which nothing here depends. */
static int get_congestion(int fd, uint64_t tag, void *value, socklen_t *len)
{
	uint64_t kept[2] = {0};

	if (!sw_kept_get(fd, tag, IPPROTO_TCP, TCP_CONGESTION, kept))
		memcpy(kept, "cubic", sizeof("cubic"));
	return sw_put_value(value, len, kept, CA_NAME);
}

static int set_congestion(int fd, uint64_t tag, const void *value, socklen_t len)
{
	static const char *const known[] = {"cubic", "reno", "bbr"};
	char name[CA_NAME] = "";
	uint64_t kept[2];

	if (len < 1)
		return sw_fail(EINVAL);
	memcpy(name, value, len < CA_NAME ? len : CA_NAME - 1);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i]) != 0)
			continue;
		memset(kept, 0, sizeof(kept));
		memcpy(kept, known[i], strlen(known[i]));
		return sw_kept_put(fd, tag, IPPROTO_TCP, TCP_CONGESTION, kept);
	}
	return sw_gap_fail(ENOENT, SW_GAP_SETSOCKOPT, IPPROTO_TCP, TCP_CONGESTION, 0);
}

/* get_mtu() - IP_MTU, IPV6_MTU: of the interface that a connected socket's address is on. */
static int get_mtu(int fd, uint64_t tag, void *value, socklen_t *len)
{
	struct sockaddr_storage own;
	struct sw_endpoint ep;
	struct sw_iface iface;
	struct sw_addr addr;
	socklen_t own_len = sizeof(own);
	int mtu = LOOPBACK_MTU; /* 127.0.0.0/8 is not listed in full */

	if (!(sw_settle(fd, tag) & SW_TAG_CONNECTED) || getsockname(fd, (struct sockaddr *)&own, &own_len) < 0 ||
	    sw_endpoint_read(tag, (struct sockaddr *)&own, own_len, &ep))
		return sw_fail(ENOTCONN);
	for (uint32_t i = 0; sw_iface_addr(i, &addr, &iface); i++)
		if (memcmp(addr.ip, ep.ip, sizeof(ep.ip)) == 0)
			mtu = (int)iface.mtu;
	return sw_put_value(value, len, &mtu, sizeof(mtu));
}

int sw_get_inet_option(int fd, uint64_t tag, int level, int name, void *value, socklen_t *len)
{
	const struct sw_inet_option *option = sw_inet_option(tag, level, name);
	int n;

	if (level == IPPROTO_TCP && name == TCP_CONGESTION && !(tag & SW_TAG_DGRAM))
		return get_congestion(fd, tag, value, len);
	if (level == IPPROTO_IP && name == IP_OPTIONS) /* none */
		return sw_put_value(value, len, "", 0);
	if ((level == IPPROTO_IP && name == IP_MTU) || (level == IPPROTO_IPV6 && name == IPV6_MTU && (tag & SW_TAG_V6)))
		return get_mtu(fd, tag, value, len);
	if (!option)
		return SW_NOT_KNOWN;
	n = current(fd, tag, option);
	if (option->rule == SEGMENT)
		n = segment(sw_settle(fd, tag), n == option->value ? 0 : n);
	return sw_put_number(level, value, len, n);
}

static int not_here(int fd, uint64_t tag, const struct sw_inet_option *option)
{
	if ((option->flags & DGRAM) && !(tag & SW_TAG_DGRAM))
		return option->level == IPPROTO_IP ? EINVAL : ENOPROTOOPT;
	if ((option->flags & UNBOUND) &&
	    (sw_settle(fd, tag) & (SW_TAG_BOUND | SW_TAG_CONNECTING | SW_TAG_CONNECTED | SW_TAG_LISTEN)))
		return EINVAL;
	if ((option->flags & IDLE) && (sw_settle(fd, tag) & (SW_TAG_CONNECTED | SW_TAG_CONNECTING)))
		return EINVAL;
	return (option->flags & FRESH) && (tag & SW_TAG_LISTEN) ? EINVAL : 0;
}

int sw_set_inet_option(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len)
{
	const struct sw_inet_option *option = sw_inet_option(tag, level, name);
	int n, now, error;

	if (level == IPPROTO_TCP && name == TCP_CONGESTION && !(tag & SW_TAG_DGRAM))
		return value ? set_congestion(fd, tag, value, len) : sw_fail(EFAULT);
	/* Of TCP's options all are numbers, but for a few that are looked at first. */
	if (!option && level == IPPROTO_TCP && !(tag & SW_TAG_DGRAM) && len < sizeof(n) && name != TCP_ULP &&
	    name != TCP_FASTOPEN_KEY)
		return sw_fail(EINVAL);
	if (!option)
		return SW_NOT_KNOWN;
	error = not_here(fd, tag, option);
	if (!error)
		error = sw_inet_parse(option, value, len, &n);
	if (error)
		return sw_fail(error);
	now = current(fd, tag, option);
	error = sw_inet_normalise(option, tag, now, &n);
	if (error)
		return sw_fail(error);
	if ((option->flags & NO_EFFECT) && n != option->value)
		sw_gap(SW_GAP_NO_EFFECT, level, (uint32_t)name, 0);
	if (option->bit)
		return sw_tag_set(fd, n == option->value ? tag & ~(uint64_t)bit_of(tag, option) : tag | bit_of(tag, option));
	if (n == now)
		return 0;
	return sw_kept_put(fd, tag, level, name, (uint64_t[2]){(uint32_t)n, 0});
}
