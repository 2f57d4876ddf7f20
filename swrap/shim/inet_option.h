/* Options of TCP, IP and IPv6 that are numbers: inet_table.c what they are, inet_value.c what becomes of a value. */
#ifndef SW_INET_OPTION_H
#define SW_INET_OPTION_H

#include "option.h"

#define RTO_MOST 120 /* seconds: TCP_RTO_MAX */

enum sw_inet_rule {
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

struct sw_inet_option {
	int level, name;
	enum sw_inet_rule rule;
	int least, most, value; /* value: the default */
	unsigned int flags, bit;
};

/* sw_inet_option() - What is known of it for a socket with this tag; NULL: nothing. */
const struct sw_inet_option *sw_inet_option(uint64_t tag, int level, int name);

/* sw_inet_parse() - The number that setsockopt(2) was given: 0 with @n filled, or an errno. */
int sw_inet_parse(const struct sw_inet_option *option, const void *value, socklen_t len, int *n);
/* sw_inet_normalise() - What @n is kept as, where it was @now: 0, or an errno. */
int sw_inet_normalise(const struct sw_inet_option *option, uint64_t tag, int now, int *n);

#endif
