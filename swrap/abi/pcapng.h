/*
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng) in the machine's byte order. Pure: bytes from values.
 *
 * A file is one section, all its interfaces, then packets with microsecond times. A packet is written in place: the
 * caller leaves SW_PCAPNG_HEAD bytes, writes the frame behind them, and then closes the block.
 */
#ifndef SW_PCAPNG_H
#define SW_PCAPNG_H

#include <stdint.h>

#define SW_PCAPNG_HEAD 28 /* of a packet block, in front of the frame */
#define SW_PCAPNG_COMMENT 160 /* bytes of the longest comment */
#define SW_PCAPNG_TAIL (3 + 8 + 4 + SW_PCAPNG_COMMENT + 4 + 4) /* and behind it: padding, flags, comment, end, length */
#define SW_PCAPNG_SECTION 64	 /* bytes that a section takes at most */
#define SW_PCAPNG_INTERFACE 512 /* and an interface without addresses; each address takes 20 more at most */

enum sw_pcapng_way {
	SW_PCAPNG_IN = 1,
	SW_PCAPNG_OUT = 2,
};

struct sw_pcapng_address {
	const uint8_t *ip; /* 16 bytes, IPv4 mapped */
	uint8_t prefix;
};

struct sw_pcapng_iface {
	const char *name, *description;
	const uint8_t *mac;
	uint64_t speed; /* bits per second; 0 unknown */
	const struct sw_pcapng_address *addresses;
	uint32_t n_addresses;
};

struct sw_pcapng_packet {
	uint64_t us;	     /* since the epoch */
	uint32_t iface;	     /* which of the file's interfaces, from 0 */
	uint32_t length;     /* of the frame */
	uint32_t way;	     /* enum sw_pcapng_way */
	const char *comment; /* or NULL; cut at SW_PCAPNG_COMMENT bytes */
};

/* Each returns the length of the block, a multiple of 4. */
uint32_t sw_pcapng_section(uint8_t *out, const char *application);
uint32_t sw_pcapng_interface(uint8_t *out, const struct sw_pcapng_iface *iface);
/* sw_pcapng_packet() - Close the block at @out round the frame that stands at @out + SW_PCAPNG_HEAD. */
uint32_t sw_pcapng_packet(uint8_t *out, const struct sw_pcapng_packet *packet);

#endif
