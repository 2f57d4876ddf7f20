/*
 * Without a switch, who may send to a datagram socket is for a filter on it to say (SO_ATTACH_FILTER, socket(7)). What does
 * not carry the token of its name never enters its queue, so no stranger fills it; nor does, once it is connected, what is
 * not from its peer. The filter is also where both addresses are kept, beside a copy of the tag: so one look tells every
 * holder of the socket all that it must know to send.
 */
#include "dgram.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <string.h>

#include "place.h"
#include "real.h"

/* Of an endpoint the address is four instructions and the port one. */
enum {
	ENDPOINT = 5,
	TOKEN = 2,
	DEVICE = 2,
	TAG = 2,
	KEPT = TAG + ENDPOINT + 1, /* from the end */
	SHORT = 2 * TOKEN + DEVICE + 1 + KEPT,
	LONG = SHORT + 2 * ENDPOINT,
};

/* What a tag may have without a word in what is sent to an IPv4 address (dgram_way.c). */
#define SIMPLE ((uint64_t)(SW_TAG_DGRAM | SW_TAG_BOUND | SW_TAG_UDPLITE | SW_TAG_PKTINFO | SW_TAG_RECVTTL | SW_TAG_RECVTOS))

static uint32_t word(const void *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return ntohl(n);
}

/* test() - What is not @value at @offset goes to the last instruction, which drops it. */
static struct sock_filter *test(struct sock_filter *at, struct sock_filter *last, uint16_t size, size_t offset, uint32_t value)
{
	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | size | BPF_ABS, (uint32_t)offset);
	*at = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)(last - at - 1));
	return at + 1;
}

/* get_endpoint() - From instructions that are @step apart. */
static void get_endpoint(const struct sock_filter *at, int step, struct sw_endpoint *ep)
{
	for (int i = 0; i < 4; i++) {
		uint32_t value = htonl(at[i * step].k);

		memcpy(ep->ip + 4 * i, &value, sizeof(value));
	}
	ep->port = ntohs((uint16_t)at[4 * step].k);
}

static int attach(int fd, struct sock_filter *filter, size_t n)
{
	struct sock_fprog program = {.filter = filter, .len = (unsigned short)n};

	return sw_real(setsockopt)(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? errno : 0;
}

static void put_tag(struct sock_filter at[TAG], uint64_t tag)
{
	at[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, (uint32_t)(tag >> 32));
	at[1] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, (uint32_t)tag);
}

/* get() - The filter of @fd and its length; 0 where it is none of ours. */
static size_t get(int fd, struct sock_filter filter[LONG], uint64_t *tag)
{
	const struct sock_filter *kept;
	socklen_t n = LONG; /* counted in instructions */

	if (sw_real(getsockopt)(fd, SOL_SOCKET, SO_GET_FILTER, filter, &n) < 0 || (n != SHORT && n != LONG))
		return 0;
	kept = filter + n - KEPT;
	*tag = (uint64_t)kept[0].k << 32 | kept[1].k;
	return kept[0].code == (BPF_LD | BPF_IMM) && kept[1].code == (BPF_LD | BPF_IMM) && SW_TAG_IS(*tag) ? n : 0;
}

int sw_dgram_retag(int fd, uint64_t tag)
{
	struct sock_filter filter[LONG];
	struct sw_endpoint own;
	uint64_t old;
	size_t n = get(fd, filter, &old);

	if (!n || old == tag)
		return 0;
	if (tag & ~SIMPLE & UINT32_MAX) {
		get_endpoint(filter + n - KEPT + TAG, 1, &own);
		sw_port_particularise(own.port);
	}
	put_tag(filter + n - KEPT, tag);
	return attach(fd, filter, n);
}

int sw_dgram_admit(int fd, const struct sw_endpoint *peer, uint16_t device)
{
	struct sock_filter filter[LONG], *at = filter, *last = filter + (peer ? LONG : SHORT) - 1;
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);
	struct sw_name name;
	uint64_t token, tag;

	if (!sw_tag_get(fd, &tag) || sw_real(getsockname)(fd, (struct sockaddr *)&sun, &len) < 0 ||
	    !sw_decode(&sun, len, &name))
		return EINVAL;
	token = sw_name_token(sw_lab_of(fd), &sun, len);
	at = test(at, last, BPF_W, offsetof(struct sw_dgram, token), (uint32_t)(token >> 32));
	at = test(at, last, BPF_W, offsetof(struct sw_dgram, token) + 4, (uint32_t)token);
	for (size_t i = 0; peer && i < sizeof(peer->ip); i += 4)
		at = test(at, last, BPF_W, offsetof(struct sw_dgram, from.ip) + i, word(peer->ip + i));
	if (peer)
		at = test(at, last, BPF_H, offsetof(struct sw_dgram, from.port), htons(peer->port));
	at = test(at, last, BPF_H, offsetof(struct sw_dgram, ifindex), htons(device));
	if (!device)
		at[-1].jf = 0; /* any will do */
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	/* Nothing leads here: these are only kept. */
	put_tag(at, tag);
	at += TAG;
	for (size_t i = 0; i < sizeof(name.own.ip); i += 4)
		*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, word(name.own.ip + i));
	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, htons(name.own.port));
	*at = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return attach(fd, filter, (size_t)(last - filter + 1));
}

bool sw_dgram_look(int fd, uint64_t *tag, struct sw_ends *ends)
{
	struct sock_filter filter[LONG];
	size_t n = get(fd, filter, tag);

	if (!n)
		return false;
	get_endpoint(filter + n - KEPT + TAG, 1, &ends->own);
	memset(&ends->peer, 0, sizeof(ends->peer));
	if (n == LONG)
		get_endpoint(filter + 2 * TOKEN + 1, 2, &ends->peer);
	return true;
}

bool sw_dgram_ends(int fd, struct sw_endpoint *own, struct sw_endpoint *peer)
{
	struct sw_ends ends;
	uint64_t tag;

	if (!sw_dgram_look(fd, &tag, &ends))
		return false;
	*own = ends.own;
	*peer = ends.peer;
	return true;
}
