/* Headers and checksums: RFC 894, 791, 8200, 9293, 768, 1071. */
#include "packet.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "page.h"

#define ETHERNET 14u
#define IPV4 20u
#define IPV6 40u
#define TCP 20u
#define SYN_OPTIONS 12u
#define UDP 8u
#define FRAGMENT 8u /* RFC 8200, 4.5 */
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_FRAGMENT 44
#define DONT_FRAGMENT 0x4000
#define MORE_FRAGMENTS 0x2000

static uint8_t *put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value);
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

/* add() - The sum of @n bytes in the machine's order, which a one's complement sum need not know (RFC 1071, 2 B). */
static uint64_t add(uint64_t sum, const uint8_t *bytes, uint32_t n)
{
	uint64_t lanes[4] = {sum, 0, 0, 0};
	uint32_t words[4];
	uint16_t last = 0;

	for (; n >= sizeof(words); n -= sizeof(words), bytes += sizeof(words)) {
		memcpy(words, bytes, sizeof(words));
		for (int i = 0; i < 4; i++)
			lanes[i] += words[i];
	}
	for (; n >= 2; n -= 2, bytes += 2) {
		memcpy(&last, bytes, 2);
		lanes[0] += last;
	}
	last = 0;
	if (n)
		memcpy(&last, bytes, 1);
	return lanes[0] + lanes[1] + lanes[2] + lanes[3] + last;
}

/* seal() - Write the checksum, whose place counted as zero, of what adds up to @sum. */
static void seal(uint8_t *at, uint64_t sum)
{
	uint16_t folded;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)~sum;
	memcpy(at, &folded, sizeof(folded));
}

/* pseudo() - The sum of the pseudo-header. */
static uint64_t pseudo(const struct sw_packet_route *r, uint8_t protocol, uint32_t length)
{
	uint8_t rest[8] = {0, 0, 0, 0, 0, 0, 0, protocol};
	uint32_t skip = sw_ip_is_v4(r->from_ip) ? 12 : 0;

	put32(rest, length);
	return add(add(add(0, r->from_ip + skip, 16 - skip), r->to_ip + skip, 16 - skip), rest, sizeof(rest));
}

static uint8_t *ethernet(uint8_t *at, const struct sw_packet_route *r)
{
	at = put(at, r->to_mac, 6);
	at = put(at, r->from_mac, 6);
	return put16(at, sw_ip_is_v4(r->from_ip) ? 0x0800 : 0x86dd);
}

/* ip() - The IP header in front of @n bytes; @fragment: flags and offset (in units of 8) as IPv4 has them. */
static uint8_t *ip(uint8_t *at, const struct sw_packet_route *r, uint8_t protocol, uint32_t n, uint32_t fragment)
{
	uint8_t *start = at;

	if (!sw_ip_is_v4(r->from_ip)) {
		at = put32(at, 0x60000000u | (uint32_t)r->tos << 20);
		at = put16(at, n);
		*at++ = protocol;
		*at++ = r->ttl;
		return put(put(at, r->from_ip, 16), r->to_ip, 16);
	}
	*at++ = 0x45;
	*at++ = r->tos;
	at = put16(at, IPV4 + n);
	at = put16(at, r->id);
	at = put16(at, fragment);
	*at++ = r->ttl;
	*at++ = protocol;
	at = put16(at, 0);
	at = put(put(at, r->from_ip + 12, 4), r->to_ip + 12, 4);
	seal(start + 10, add(0, start, IPV4));
	return at;
}

uint32_t sw_mss(const uint8_t address[16], uint32_t mtu)
{
	/* lo's mtu is more than a length field can say. */
	return (mtu < 0xffff ? mtu : 0xffff) - (sw_ip_is_v4(address) ? IPV4 : IPV6) - TCP;
}

/* shown() - @r with addresses as they are on a wire: link-local ones without their link (page.h). */
static const struct sw_packet_route *shown(const struct sw_packet_route *r, struct sw_packet_route *copy)
{
	if (!sw_ip_is_link_local(r->from_ip) && !sw_ip_is_link_local(r->to_ip))
		return r;
	*copy = *r;
	if (sw_ip_is_link_local(copy->from_ip))
		sw_ip_set_link(copy->from_ip, 0);
	if (sw_ip_is_link_local(copy->to_ip))
		sw_ip_set_link(copy->to_ip, 0);
	return copy;
}

uint32_t sw_tcp_packet(uint8_t *out, const struct sw_packet_route *route, const struct sw_tcp *tcp, const uint8_t *payload,
		       uint32_t n)
{
	struct sw_packet_route copy;
	const struct sw_packet_route *r = shown(route, &copy);
	static const uint8_t after_mss[8] = {1, 1, 4, 2, 1, 3, 3, SW_WINDOW_SCALE}; /* SACK permitted, window scale */
	bool syn = tcp->flags & SW_TCP_SYN;
	uint32_t header = TCP + (syn ? SYN_OPTIONS : 0), window = syn ? tcp->window : tcp->window >> SW_WINDOW_SCALE;
	uint8_t *start = ip(ethernet(out, r), r, PROTO_TCP, header + n, DONT_FRAGMENT), *at = start;

	at = put16(put16(at, r->from_port), r->to_port);
	at = put32(put32(at, tcp->seq), tcp->ack);
	*at++ = (uint8_t)(header / 4 << 4);
	*at++ = tcp->flags;
	at = put16(at, window < 0xffff ? window : 0xffff);
	at = put32(at, 0);
	if (syn) {
		at = put16(put16(at, 0x0204), tcp->mss);
		at = put(at, after_mss, sizeof(after_mss));
	}
	if (n)
		at = put(at, payload, n);
	seal(start + 16, add(pseudo(r, PROTO_TCP, header + n), start, header + n));
	return (uint32_t)(at - out);
}

/* udp_header() - Of the whole datagram; a checksum of zero would mean that there is none (RFC 768). */
static uint8_t *udp_header(uint8_t *at, const struct sw_packet_route *r, const uint8_t *payload, uint32_t n)
{
	uint8_t *start = at;

	at = put16(put16(at, r->from_port), r->to_port);
	at = put16(put16(at, UDP + n), 0);
	seal(start + 6, add(add(pseudo(r, PROTO_UDP, UDP + n), start, UDP), payload, n));
	if (start[6] == 0 && start[7] == 0)
		put16(start + 6, 0xffff);
	return at;
}

/* part() - Bytes @from to @from + @n of the UDP header and the payload behind it. */
static uint8_t *part(uint8_t *at, const struct sw_packet_route *r, const uint8_t *payload, uint32_t all, uint32_t from,
		     uint32_t n)
{
	if (from > 0)
		return put(at, payload + from - UDP, n);
	at = udp_header(at, r, payload, all);
	return n > UDP ? put(at, payload, n - UDP) : at;
}

uint32_t sw_udp_packet(uint8_t *out, const struct sw_packet_route *route, const uint8_t *payload, uint32_t n, uint32_t mtu,
		       uint32_t *at)
{
	struct sw_packet_route copy;
	const struct sw_packet_route *r = shown(route, &copy);
	bool v4 = sw_ip_is_v4(r->from_ip);
	uint32_t left = UDP + n - *at, from = *at, header = v4 ? IPV4 : IPV6, room = mtu - header, flags;
	uint8_t *end = ethernet(out, r);

	if (from == 0 && left <= room) {
		end = part(ip(end, r, PROTO_UDP, left, DONT_FRAGMENT), r, payload, n, 0, left);
		return (uint32_t)(end - out);
	}
	room -= v4 ? 0 : FRAGMENT;
	if (left > room)
		left = room & ~7u;
	*at = from + left < UDP + n ? from + left : 0;
	flags = from / 8 | (*at ? MORE_FRAGMENTS : 0);
	if (v4) {
		end = ip(end, r, PROTO_UDP, left, flags);
	} else {
		end = ip(end, r, PROTO_FRAGMENT, FRAGMENT + left, 0);
		*end++ = PROTO_UDP;
		*end++ = 0;
		end = put32(put16(end, from | (*at ? 1 : 0)), r->id);
	}
	return (uint32_t)(part(end, r, payload, n, from, left) - out);
}
