/* Abstract names: encoding, decoding, and the MAC (SipHash-2-4) that only members of the lab can make. */
#include "name.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define HEX_EP 36  /* an endpoint in hex */
#define MAC_LEN 11 /* 64 bits of base64url */

static const char b64[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static inline uint64_t rotl(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static uint64_t load64(const uint8_t *b)
{
	uint64_t v;

	memcpy(&v, b, sizeof(v));
	return v;
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void sip_rounds(struct sip *s, int n)
{
	while (n--) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotl(s->v1, 13) ^ s->v0;
		s->v3 = rotl(s->v3, 16) ^ s->v2;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotl(s->v1, 17) ^ s->v2;
		s->v3 = rotl(s->v3, 21) ^ s->v0;
		s->v2 = rotl(s->v2, 32);
	}
}

/* siphash() - SipHash-2-4 of @len bytes under a 16-byte key, 128 bits of it (Aumasson, Bernstein: "SipHash", 2012); or the first 64, where @rest is NULL. */
static uint64_t siphash(const uint8_t key[16], const uint8_t *data, size_t len, uint64_t *rest)
{
	uint64_t k0 = load64(key), k1 = load64(key + 8), m;
	struct sip s = {k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull ^ 0xee, k0 ^ 0x6c7967656e657261ull,
			k1 ^ 0x7465646279746573ull};
	size_t whole = len - len % 8;
	uint8_t last[8] = {0};

	for (size_t i = 0; i <= whole; i += 8) {
		if (i < whole) {
			m = load64(data + i);
		} else {
			memcpy(last, data + whole, len - whole);
			last[7] = (uint8_t)len;
			m = load64(last);
		}
		s.v3 ^= m;
		sip_rounds(&s, 2);
		s.v0 ^= m;
	}
	s.v2 ^= 0xee;
	sip_rounds(&s, 4);
	m = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	if (rest) {
		s.v1 ^= 0xdd;
		sip_rounds(&s, 4);
		*rest = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	}
	return m;
}

/* hex8() - The eight lower-case digits of @v, the first of them in the highest byte. */
static uint64_t hex8(uint32_t v)
{
	const uint64_t each = 0x0101010101010101ull;
	uint64_t x = v, letters;

	x = (x << 16 | x) & 0x0000ffff0000ffffull;
	x = (x << 8 | x) & 0x00ff00ff00ff00ffull;
	x = (x << 4 | x) & 0x0f0f0f0f0f0f0f0full;
	letters = (x + 6 * each) >> 4 & each; /* 10 and more */
	return x + '0' * each + letters * ('a' - '0' - 10);
}

static char *put_u16(char *at, uint16_t v)
{
	uint32_t digits = htobe32((uint32_t)hex8(v));

	memcpy(at, &digits, sizeof(digits));
	return at + sizeof(digits);
}

static char *put_endpoint(char *at, const struct sw_endpoint *ep)
{
	for (int i = 0; i < 16; i += 4) {
		uint64_t digits;
		uint32_t v;

		memcpy(&v, ep->ip + i, sizeof(v));
		digits = htobe64(hex8(be32toh(v)));
		memcpy(at, &digits, sizeof(digits));
		at += sizeof(digits);
	}
	return put_u16(at, ep->port);
}

/* get_hex() - Of what are no digits it makes anything, for which there is no MAC. */
static void get_hex(const char *at, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned int high = (uint8_t)at[2 * i], low = (uint8_t)at[2 * i + 1];

		bytes[i] = (uint8_t)(((high & 15) + (high >> 6) * 9) << 4 | (((low & 15) + (low >> 6) * 9) & 15));
	}
}

static uint16_t get_u16(const char *at)
{
	uint8_t big[2];

	get_hex(at, big, 2);
	return (uint16_t)(big[0] << 8 | big[1]);
}

/* put_mac() - Put the MAC of what stands from @text to @end to @at. Its other half, which nobody sees, is the token. */
static char *put_mac(const struct sw_page *p, const char *text, const char *end, char *at, uint64_t *token)
{
	uint64_t mac = siphash(p->key, (const uint8_t *)text, (size_t)(end - text), token);

	*at++ = '/';
	for (int i = 0; i < MAC_LEN; i++, mac >>= 6)
		*at++ = b64[mac & 63];
	return at;
}

socklen_t sw_name_sealed(const struct sw_page *p, const struct sw_name *name, struct sockaddr_un *sun, uint64_t *token)
{
	char *text = sun->sun_path + 1, *at = text;

	sun->sun_family = AF_UNIX;
	sun->sun_path[0] = '\0';
	memcpy(at, "sw/", 3);
	memcpy(at + 3, p->lab, SW_LAB_ID);
	at += 3 + SW_LAB_ID;
	*at++ = '/';
	at = put_u16(at, name->host);
	*at++ = '/';
	*at++ = (char)name->kind;
	*at++ = '/';
	at = put_endpoint(at, &name->own);
	if (name->pair) {
		*at++ = '>';
		at = put_endpoint(at, &name->peer);
	}
	at = put_mac(p, text, at, at, token);
	return (socklen_t)(at - (char *)sun);
}

socklen_t sw_name_encode(const struct sw_page *p, const struct sw_name *name, struct sockaddr_un *sun)
{
	return sw_name_sealed(p, name, sun, NULL);
}

int sw_name_decode(const struct sw_page *p, const struct sockaddr_un *sun, socklen_t len, struct sw_name *name)
{
	enum { HEAD = 3 + SW_LAB_ID + 1 + 4 + 1 + 1 + 1, ONE = HEAD + HEX_EP + 1 + MAC_LEN, TWO = ONE + 1 + HEX_EP };
	const char *text = sun->sun_path + 1, *at = text;
	char mac[1 + MAC_LEN];

	if (len < offsetof(struct sockaddr_un, sun_path) + 1 || sun->sun_family != AF_UNIX || sun->sun_path[0] != '\0')
		return -EINVAL;
	len -= (socklen_t)(text - (const char *)sun);
	if ((len != ONE && len != TWO) || memcmp(at, "sw/", 3) != 0 || memcmp(at + 3, p->lab, SW_LAB_ID) != 0)
		return -EINVAL;
	at += 3 + SW_LAB_ID + 1;
	memset(name, 0, sizeof(*name));
	name->kind = (uint8_t)at[5];
	name->pair = len == TWO;
	name->host = get_u16(at);
	get_hex(at + 7, name->own.ip, 16);
	name->own.port = get_u16(at + 39);
	if (name->pair) {
		get_hex(at + 44, name->peer.ip, 16);
		name->peer.port = get_u16(at + 76);
	}
	/* Whoever can make the MAC has made the digits and separators too. */
	put_mac(p, text, text + len - sizeof(mac), mac, NULL);
	return memcmp(mac, text + len - sizeof(mac), sizeof(mac)) == 0 ? 0 : -EINVAL;
}

uint64_t sw_name_token(const struct sw_page *p, const struct sockaddr_un *sun, socklen_t len)
{
	size_t text = len - offsetof(struct sockaddr_un, sun_path) - 1;
	uint64_t token;

	siphash(p->key, (const uint8_t *)sun->sun_path + 1, text - (1 + MAC_LEN), &token);
	return token;
}

#define NOBODY 0xff /* of groups, which are nobody's address */

void sw_name_slot(struct sw_name *name, uint16_t slot, uint16_t device)
{
	memset(&name->peer, 0, sizeof(name->peer));
	name->peer.port = slot;
	name->pair = slot != 0 || device != 0;
	if (device) {
		name->peer.ip[0] = NOBODY;
		name->peer.ip[14] = (uint8_t)(device >> 8);
		name->peer.ip[15] = (uint8_t)device;
	}
}

bool sw_name_has_slot(const struct sw_name *name)
{
	static const uint8_t none[16];

	return name->pair && (name->peer.ip[0] == NOBODY || memcmp(name->peer.ip, none, sizeof(none)) == 0);
}

uint16_t sw_name_device(const struct sw_name *name)
{
	bool bound = sw_name_has_slot(name) && name->peer.ip[0] == NOBODY;

	return bound ? (uint16_t)(name->peer.ip[14] << 8 | name->peer.ip[15]) : 0;
}

/* reached() - The @n-th address, from exact to general, at which @to finds a socket; its slot's high bits in @base. */
static bool reached(const struct sw_endpoint *to, uint32_t n, struct sw_endpoint *at, uint16_t *base)
{
	bool v4 = sw_ip_is_v4(to->ip);

	*at = *to;
	*base = 0;
	if (n == 0)
		return true;
	if (n == 1 && v4) {
		memset(at->ip + 12, 0, 4);
		return true;
	}
	memset(at->ip, 0, sizeof(at->ip));
	if (n == 2 && !v4)
		*base = SW_SLOT_V6ONLY;
	return n <= 2;
}

bool sw_listener(uint16_t host, enum sw_kind kind, const struct sw_endpoint *to, uint16_t device, uint32_t n,
		 uint32_t turn, struct sw_name *name)
{
	uint32_t group = n / (SW_SLOTS + 1), slot = n % (SW_SLOTS + 1), mixed = turn * 0x9e3779b1u; /* 2^32 / the golden ratio */
	uint32_t first = mixed >> 28, step = (mixed >> 24 & 15) | 1;    /* odd: all slots, in one of 128 orders */
	uint16_t base;

	_Static_assert(SW_SLOTS == 16, "four bits choose the first");

	*name = (struct sw_name){.host = host, .kind = (uint8_t)kind};
	if (!reached(to, device ? group / 2 : group, &name->own, &base))
		return false;
	sw_name_slot(name, (uint16_t)(base | (slot ? 1 + (first + slot * step) % SW_SLOTS : 0)), group % 2 ? 0 : device);
	return true;
}

socklen_t sw_name_service(const struct sw_page *p, enum sw_service which, struct sockaddr_un *sun)
{
	struct sw_name name = {.host = SW_NO_HOST, .kind = SW_KIND_SERVICE, .own.port = (uint16_t)which};

	return sw_name_encode(p, &name, sun);
}
