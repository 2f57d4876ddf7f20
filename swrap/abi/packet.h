/*
 * Packets as they would be on a wire: Ethernet, IPv4 or IPv6, TCP or UDP, with right checksums. Pure: bytes from values.
 *
 * An IP address is 16 bytes, IPv4 in its mapped form, and both ends of a packet are of one family. Ports, sequence
 * numbers and lengths are in host order.
 */
#ifndef SW_PACKET_H
#define SW_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define SW_PACKET_HEADERS 86 /* at most: Ethernet 14, IPv6 40, TCP 20 with 12 of options */
#define SW_WINDOW_SCALE 7    /* that every SYN of ours announces */

enum sw_tcp_flag {
	SW_TCP_FIN = 1,
	SW_TCP_SYN = 2,
	SW_TCP_RST = 4,
	SW_TCP_PSH = 8,
	SW_TCP_ACK = 16,
};

/* Who sends to whom. */
struct sw_packet_route {
	uint8_t from_mac[6], to_mac[6];
	uint8_t from_ip[16], to_ip[16];
	uint16_t from_port, to_port;
	uint16_t id; /* IPv4's; fragments of one datagram share it */
	uint8_t ttl, tos;
};

struct sw_tcp {
	uint32_t seq, ack;
	uint32_t window; /* bytes; a SYN's is not scaled */
	uint16_t mss;	 /* of a SYN */
	uint8_t flags;	 /* enum sw_tcp_flag */
};

/* sw_tcp_packet() - Write a segment with @n payload bytes to @out (SW_PACKET_HEADERS + @n); its length. */
uint32_t sw_tcp_packet(uint8_t *out, const struct sw_packet_route *route, const struct sw_tcp *tcp,
		       const uint8_t *payload, uint32_t n);

/**
 * sw_udp_packet() - Write a datagram, or the next fragment of one that is longer than @mtu, to @out (14 + @mtu)
 * @at: how far it is written: 0 for the first, 0 again after the last
 *
 * Return: the packet's length.
 */
uint32_t sw_udp_packet(uint8_t *out, const struct sw_packet_route *route, const uint8_t *payload, uint32_t n,
		       uint32_t mtu, uint32_t *at);

/* sw_mss() - Payload bytes of a segment on a link with @mtu, of the family of @ip. */
uint32_t sw_mss(const uint8_t ip[16], uint32_t mtu);

#endif
