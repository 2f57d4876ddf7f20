/* Section header, interface description and enhanced packet blocks, with their options. */
#include "pcapng.h"

#include <string.h>

#include "page.h"

#define SECTION 0x0a0d0d0au
#define INTERFACE 1u
#define PACKET 6u
#define MAGIC 0x1a2b3c4du
#define ETHERNET 1u /* LINKTYPE_ETHERNET */

enum option {
	END = 0,
	COMMENT = 1,
	EPB_FLAGS = 2,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_IPV4 = 4,
	IF_IPV6 = 5,
	IF_MAC = 6,
	IF_SPEED = 8,
	IF_TSRESOL = 9,
	SHB_APPLICATION = 4,
};

static uint8_t *put(uint8_t *at, const void *bytes, uint32_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static uint8_t *put16(uint8_t *at, uint32_t value)
{
	uint16_t v = (uint16_t)value;

	return put(at, &v, sizeof(v));
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put(at, &value, sizeof(value));
}

static uint8_t *pad(uint8_t *at, uint32_t n)
{
	memset(at, 0, -n & 3u);
	return at + (-n & 3u);
}

static uint8_t *option(uint8_t *at, enum option code, const void *value, uint32_t n)
{
	return pad(put(put16(put16(at, code), n), value, n), n);
}

static uint8_t *text(uint8_t *at, enum option code, const char *value)
{
	return option(at, code, value, (uint32_t)strnlen(value, SW_PCAPNG_COMMENT));
}

/* close() - Total length, at both ends of the block. */
static uint32_t close_block(uint8_t *out, uint8_t *at)
{
	uint32_t length = (uint32_t)(at - out) + 4;

	put32(out + 4, length);
	put32(at, length);
	return length;
}

uint32_t sw_pcapng_section(uint8_t *out, const char *application)
{
	const uint64_t unknown = UINT64_MAX; /* the section's length */
	uint8_t *at = put32(put32(put32(out, SECTION), 0), MAGIC);

	at = put16(put16(at, 1), 0); /* version 1.0 */
	at = put(at, &unknown, sizeof(unknown));
	at = text(at, SHB_APPLICATION, application);
	return close_block(out, put32(at, END));
}

static uint8_t *address(uint8_t *at, const struct sw_pcapng_address *a)
{
	uint8_t raw[17], mask[4] = {0};

	if (!sw_ip_is_v4(a->ip)) {
		memcpy(raw, a->ip, 16);
		if (sw_ip_is_link_local(raw))
			sw_ip_set_link(raw, 0);
		raw[16] = a->prefix;
		return option(at, IF_IPV6, raw, 17);
	}
	for (unsigned int bit = 0; bit < a->prefix; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	memcpy(raw, a->ip + 12, 4);
	memcpy(raw + 4, mask, 4);
	return option(at, IF_IPV4, raw, 8);
}

uint32_t sw_pcapng_interface(uint8_t *out, const struct sw_pcapng_iface *iface)
{
	const uint8_t microseconds = 6;
	uint8_t *at = put32(put16(put16(put32(put32(out, INTERFACE), 0), ETHERNET), 0), 0);

	at = text(at, IF_NAME, iface->name);
	at = text(at, IF_DESCRIPTION, iface->description);
	for (uint32_t i = 0; i < iface->n_addresses; i++)
		at = address(at, &iface->addresses[i]);
	at = option(at, IF_MAC, iface->mac, 6);
	if (iface->speed)
		at = option(at, IF_SPEED, &iface->speed, sizeof(iface->speed));
	at = option(at, IF_TSRESOL, &microseconds, 1);
	return close_block(out, put32(at, END));
}

uint32_t sw_pcapng_packet(uint8_t *out, const struct sw_pcapng_packet *p)
{
	uint8_t *at = put32(out, PACKET);

	at = put32(put32(at + 4, p->iface), (uint32_t)(p->us >> 32));
	at = put32(put32(put32(at, (uint32_t)p->us), p->length), p->length);
	at = pad(at + p->length, p->length);
	at = option(at, EPB_FLAGS, &p->way, sizeof(p->way));
	if (p->comment)
		at = text(at, COMMENT, p->comment);
	return close_block(out, put32(at, END));
}
