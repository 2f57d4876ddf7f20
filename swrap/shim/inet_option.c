/*
 * Options of TCP, IP and IPv6: as Linux takes, bounds, normalises and returns them. Those which change what we do have a bit in
 * the tag; the values of the rest are kept for being read back. Most have nothing to act on in a virtual network (a
 * congestion control, a keepalive of a path that is watched anyway). Those which would have, are also counted as gaps.
 */
#include "option.h"

#include <linux/in6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define MSS 1448
#define SOMAXCONN_USUAL 4096
#define FIN_TIMEOUT_MOST 120
#define RTO_MOST 120
#define LOOPBACK_MTU 65536
#define CLAMP_LEAST 1152
#define CA_NAME 16
#define ECN 3
#define ANY INT_MIN, INT_MAX

/* Newer than some headers. */
enum { TCP_IS_RTO_MAX_MS = 44, IP_IS_LOCAL_PORT_RANGE = 51, IP6_IS_ALL = 29, IP6_IS_RECVERR_RFC4884 = 31 };

enum rule {
	TRUTH,	 /* anything but 0 is 1 */
	BETWEEN, /* least to most, or EINVAL */
	USUAL,	 /* likewise, and -1 is the default */
	AT_MOST, /* not below least; above most it is most */
	SEGMENT, LINGER, DEFER, CLAMP, NOTHING, SERVICE, CLASS, SOURCE, PORTS,
};

enum {
	STREAM = 1,	/* of TCP sockets only; else EINVAL */
	DGRAM = 2,	/* of datagram sockets only; else EINVAL for IP, ENOPROTOOPT for IPv6 */
	NOT_EMPTY = 4,	/* IP: a value of no bytes is EINVAL, not 0 */
	LENIENT = 8,	/* IPv6: a value that is too short is 0, not EINVAL */
	NO_EFFECT = 16, /* would do something in Linux that is not done here */
	OWN = 32,	/* not handed down by a listener */
	UNBOUND = 64,	/* only before bind(2) */
	WHOLE = 128,	/* IP: of an int's length, or EINVAL */
	IDLE = 256,	/* not of a connection; else EINVAL */
	FRESH = 512,	/* nor of a listener */
};

static const struct option {
	int level, name;
	enum rule rule;
	int least, most, value; /* value: the default */
	unsigned int flags, bit;
} options[] = {
	{IPPROTO_TCP, TCP_NODELAY, TRUTH, ANY, 0, 0, SW_TAG_NODELAY},
	{IPPROTO_TCP, TCP_CORK, TRUTH, ANY, 0, 0, SW_TAG_CORK},
	{IPPROTO_TCP, TCP_MAXSEG, SEGMENT, 88, 32767, 536, 0, 0},
	{IPPROTO_TCP, TCP_KEEPIDLE, BETWEEN, 1, 32767, 7200, 0, 0},
	{IPPROTO_TCP, TCP_KEEPINTVL, BETWEEN, 1, 32767, 75, 0, 0},
	{IPPROTO_TCP, TCP_KEEPCNT, BETWEEN, 1, 127, 9, 0, 0},
	{IPPROTO_TCP, TCP_SYNCNT, BETWEEN, 1, 127, 6, 0, 0},
	{IPPROTO_TCP, TCP_LINGER2, LINGER, ANY, 60, 0, 0},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER, ANY, 0, OWN, 0},
	{IPPROTO_TCP, TCP_WINDOW_CLAMP, CLAMP, ANY, 0, 0, 0},
	{IPPROTO_TCP, TCP_QUICKACK, TRUTH, ANY, 1, OWN, 0},
	{IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, BETWEEN, 0, 1, 0, 0, 0},
	{IPPROTO_TCP, TCP_THIN_DUPACK, NOTHING, 0, 1, 0, 0, 0},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, BETWEEN, 0, INT_MAX, 0, 0, 0},
	{IPPROTO_TCP, TCP_FASTOPEN, AT_MOST, 0, SOMAXCONN_USUAL, 0, OWN | IDLE, 0},
	{IPPROTO_TCP, TCP_FASTOPEN_CONNECT, BETWEEN, 0, 1, 0, IDLE | FRESH, 0},
	{IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, BETWEEN, 0, 1, 0, IDLE, 0},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT, BETWEEN, ANY, 0, 0, 0},
	{IPPROTO_TCP, TCP_SAVE_SYN, BETWEEN, 0, 2, 0, NO_EFFECT, 0},
	{IPPROTO_TCP, TCP_INQ, BETWEEN, 0, 1, 0, NO_EFFECT, 0},
	{IPPROTO_TCP, TCP_TX_DELAY, BETWEEN, 0, (1 << 28) - 1, 0, NO_EFFECT, 0},
	{IPPROTO_TCP, TCP_IS_RTO_MAX_MS, BETWEEN, 1000, RTO_MOST * 1000, RTO_MOST * 1000, NO_EFFECT, 0},
	{IPPROTO_IP, IP_TOS, SERVICE, ANY, 0, 0, 0},
	{IPPROTO_IP, IP_TTL, USUAL, 1, 255, 64, NOT_EMPTY, 0},
	{IPPROTO_IP, IP_MINTTL, BETWEEN, 0, 255, 0, NOT_EMPTY | NO_EFFECT, 0},
	{IPPROTO_IP, IP_RECVOPTS, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IP, IP_RETOPTS, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IP, IP_PASSSEC, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IP, IP_CHECKSUM, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IP, IP_RECVORIGDSTADDR, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IP, IP_RECVFRAGSIZE, TRUTH, ANY, 0, DGRAM | NO_EFFECT, 0},
	{IPPROTO_IP, IP_MTU_DISCOVER, BETWEEN, IP_PMTUDISC_DONT, IP_PMTUDISC_OMIT, IP_PMTUDISC_WANT, 0, 0},
	{IPPROTO_IP, IP_RECVERR, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IP, IP_RECVERR_RFC4884, BETWEEN, 0, 1, 0, NO_EFFECT, 0},
	{IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IP, IP_FREEBIND, TRUTH, ANY, 0, NOT_EMPTY | NO_EFFECT, 0},
	{IPPROTO_IP, IP_IS_LOCAL_PORT_RANGE, PORTS, ANY, 0, NO_EFFECT | WHOLE, 0},
	{IPPROTO_IP, IP_PKTINFO, TRUTH, ANY, 0, 0, SW_TAG_PKTINFO},
	{IPPROTO_IP, IP_RECVTTL, TRUTH, ANY, 0, 0, SW_TAG_RECVTTL},
	{IPPROTO_IP, IP_RECVTOS, TRUTH, ANY, 0, 0, SW_TAG_RECVTOS},
	{IPPROTO_IP, IP_MULTICAST_LOOP, TRUTH, ANY, 1, NOT_EMPTY, SW_TAG_NOLOOP},
	{IPPROTO_IP, IP_MULTICAST_TTL, USUAL, 0, 255, 1, NOT_EMPTY | DGRAM, 0},
	{IPPROTO_IP, IP_MULTICAST_ALL, BETWEEN, 0, 1, 1, NOT_EMPTY, 0},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO, TRUTH, ANY, 0, 0, SW_TAG_PKTINFO},
	{IPPROTO_IPV6, IPV6_RECVHOPLIMIT, TRUTH, ANY, 0, 0, SW_TAG_RECVTTL},
	{IPPROTO_IPV6, IPV6_RECVTCLASS, TRUTH, ANY, 0, 0, SW_TAG_RECVTOS},
	{IPPROTO_IPV6, IPV6_2292PKTINFO, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_2292HOPLIMIT, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_2292HOPOPTS, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IPV6, IPV6_2292DSTOPTS, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IPV6, IPV6_2292RTHDR, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IPV6, IPV6_RECVHOPOPTS, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IPV6, IPV6_RECVDSTOPTS, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IPV6, IPV6_RECVRTHDR, TRUTH, ANY, 0, 0, 0},
	{IPPROTO_IPV6, IPV6_RECVPATHMTU, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_RECVFRAGSIZE, TRUTH, ANY, 0, LENIENT | NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_FLOWINFO, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_FLOWINFO_SEND, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, TRUTH, ANY, 1, LENIENT, 0},
	{IPPROTO_IPV6, IPV6_DONTFRAG, TRUTH, ANY, 0, LENIENT, 0},
	{IPPROTO_IPV6, IPV6_MULTICAST_LOOP, BETWEEN, 0, 1, 1, 0, SW_TAG_NOLOOP},
	{IPPROTO_IPV6, IPV6_MULTICAST_HOPS, USUAL, 0, 255, 1, DGRAM, 0},
	{IPPROTO_IPV6, IP6_IS_ALL, TRUTH, ANY, 1, 0, 0},
	{IPPROTO_IPV6, IPV6_V6ONLY, TRUTH, ANY, 0, UNBOUND, SW_TAG_V6ONLY},
	{IPPROTO_IPV6, IPV6_TCLASS, CLASS, 0, 255, 0, 0, 0},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, USUAL, 0, 255, 64, 0, 0},
	{IPPROTO_IPV6, IPV6_MINHOPCOUNT, BETWEEN, 0, 255, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_RECVERR, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IP6_IS_RECVERR_RFC4884, BETWEEN, 0, 1, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER, BETWEEN, IPV6_PMTUDISC_DONT, IPV6_PMTUDISC_OMIT, IPV6_PMTUDISC_WANT, 0, 0},
	{IPPROTO_IPV6, IPV6_FREEBIND, TRUTH, ANY, 0, NO_EFFECT, 0},
	{IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, SOURCE, ANY, IPV6_PREFER_SRC_PUBTMP_DEFAULT | IPV6_PREFER_SRC_HOME, NO_EFFECT, 0},
	{SOL_SOCKET, SO_REUSEPORT, TRUTH, ANY, 0, 0, SW_TAG_REUSEPORT},
};

static const struct option *find(uint64_t tag, int level, int name)
{
	if (level == IPPROTO_IPV6 && !(tag & SW_TAG_V6))
		return NULL;
	if (level == IPPROTO_TCP && (tag & SW_TAG_DGRAM))
		return NULL;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].name == name)
			return &options[i];
	return NULL;
}

bool sw_hands_down(int level, int name)
{
	const struct option *option = find(SW_TAG_V6, level, name);

	return !option || !(option->flags & OWN);
}

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

static int usual(uint64_t tag, const struct option *option)
{
	if (option->level == IPPROTO_IP && option->name == IP_MULTICAST_ALL)
		return !(tag & SW_TAG_V6);
	return option->value;
}

/* bit_of() - An IPv6 socket has some options at both levels. */
static unsigned int bit_of(uint64_t tag, const struct option *option)
{
	bool both = option->bit & (SW_TAG_PKTINFO | SW_TAG_RECVTTL | SW_TAG_RECVTOS | SW_TAG_NOLOOP);

	_Static_assert(SW_TAG_PKTINFO << 13 == SW_TAG_PKTINFO_V4 && SW_TAG_NOLOOP << 13 == SW_TAG_NOLOOP_V4, "bits apart");
	return both && (tag & SW_TAG_V6) && option->level == IPPROTO_IP ? option->bit << 13 : option->bit;
}

static int current(int fd, uint64_t tag, const struct option *option)
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
	const struct option *option = find(tag, level, name);
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

/* parse() - 0 with @n filled, or an errno. */
static int parse(const struct option *option, const void *value, socklen_t len, int *n)
{
	*n = 0;
	if ((int)len < 0)
		return EINVAL;
	if (!value)
		return EFAULT;
	if ((option->flags & WHOLE) && len != sizeof(*n))
		return EINVAL;
	if (len >= sizeof(*n))
		memcpy(n, value, sizeof(*n));
	else if (option->level != IPPROTO_IP)
		return option->flags & LENIENT ? 0 : EINVAL;
	else if (len > 0)
		*n = *(const uint8_t *)value;
	else if (option->flags & NOT_EMPTY)
		return EINVAL;
	return 0;
}

/* whole_period() - TCP_DEFER_ACCEPT is kept as a number of retransmissions, whose time it reads as: seconds. */
static int whole_period(int seconds)
{
	int period = 1, timeout = 1;

	if (seconds <= 0)
		return 0;
	for (int tries = 1; seconds > period && tries < UINT8_MAX; tries++) {
		timeout = timeout * 2 > RTO_MOST ? RTO_MOST : timeout * 2;
		period += timeout;
	}
	return period;
}

/* prefer() - IPV6_ADDR_PREFERENCES (RFC 5014): of each group no more than one; groups that are not named stay. */
static int prefer(int asked, int now, int *n)
{
	static const int groups[] = {
		IPV6_PREFER_SRC_TMP | IPV6_PREFER_SRC_PUBLIC | IPV6_PREFER_SRC_PUBTMP_DEFAULT,
		IPV6_PREFER_SRC_COA | IPV6_PREFER_SRC_HOME,
		IPV6_PREFER_SRC_CGA | IPV6_PREFER_SRC_NONCGA,
	};

	for (int i = 0; i < 3; i++) {
		int bits = asked & groups[i];

		if (bits & (bits - 1))
			return EINVAL;
		if (bits && i < 2) /* the third is checked, and forgotten */
			now = (now & ~groups[i]) | bits;
	}
	*n = now;
	return 0;
}

/* normalise() - What @n is kept as: 0, or an errno. */
static int normalise(const struct option *option, uint64_t tag, int now, int *n)
{
	bool stream = !(tag & SW_TAG_DGRAM);

	switch (option->rule) {
	case TRUTH:
		*n = *n != 0;
		return 0;
	case SEGMENT:
		if (*n == 0) {
			*n = option->value;
			return 0;
		}
		break;
	case LINGER:
		*n = *n < 0 ? -1 : *n == 0 ? option->value : *n > FIN_TIMEOUT_MOST ? FIN_TIMEOUT_MOST : *n;
		return 0;
	case DEFER:
		*n = whole_period(*n);
		return 0;
	case CLAMP:
		*n = *n && *n < CLAMP_LEAST ? CLAMP_LEAST : *n;
		return 0;
	case SERVICE: /* TCP has the two ECN bits for itself */
		*n &= stream ? UINT8_MAX & ~ECN : UINT8_MAX;
		return 0;
	case CLASS:
		*n = *n == -1 ? 0 : *n;
		if (*n >= option->least && *n <= option->most && stream)
			*n &= ~ECN;
		break;
	case SOURCE:
		return prefer(*n, now, n);
	case PORTS: /* the low half to the high half, where 0 is no bound */
		return (*n & 0xffff) && ((uint32_t)*n >> 16) && (*n & 0xffff) > (int)((uint32_t)*n >> 16) ? EINVAL : 0;
	case USUAL:
		*n = *n == -1 ? option->value : *n;
		break;
	case AT_MOST:
		*n = *n > option->most ? option->most : *n;
		break;
	case NOTHING:
	case BETWEEN:
		break;
	}
	if (*n < option->least || *n > option->most)
		return EINVAL;
	if (option->rule == NOTHING)
		*n = 0;
	return 0;
}

static int not_here(int fd, uint64_t tag, const struct option *option)
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
	const struct option *option = find(tag, level, name);
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
		error = parse(option, value, len, &n);
	if (error)
		return sw_fail(error);
	now = current(fd, tag, option);
	error = normalise(option, tag, now, &n);
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
