/* What becomes of a number that is set: as Linux reads, bounds and normalises it. */
#include "inet_option.h"

#include <linux/in6.h>
#include <netinet/in.h>
#include <string.h>

#define FIN_TIMEOUT_MOST 120
#define CLAMP_LEAST 1152
#define ECN 3

int sw_inet_parse(const struct sw_inet_option *option, const void *value, socklen_t len, int *n)
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

int sw_inet_normalise(const struct sw_inet_option *option, uint64_t tag, int now, int *n)
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
