/*
 * The page: what every process of a lab must know of the network.
 *
 * One file, <lab>/page, mode 0600, mapped by everybody. The lab writes it before the switch starts; from then on
 * the switch's control side is its only writer. Readers take no lock: `seq` is odd while the tables change, and a
 * reader whose `seq` moved reads again (sw_page_begin, sw_page_retry).
 *
 * An IP address is always 16 bytes, IPv4 in its mapped form (::ffff:a.b.c.d). Ports are in host order. A link-local address has
 * the number of its link in bytes 2 and 3, which are zero for programs: they have the scope instead (sin6_scope_id). So it
 * means one host in the whole lab, in the page, in names and in messages.
 */
#ifndef SW_PAGE_H
#define SW_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SW_PAGE_MAGIC 0x31656761702d7773ull /* "sw-page1", little-endian */
#define SW_LAB_ID 8                         /* hex digits */
#define SW_MAC_KEY 16
#define SW_HOST_NAME 64
#define SW_IFACE_NAME 16
#define SW_NO_HOST 0xffff

enum sw_page_flag {
	SW_DIRECT = 1, /* no switch: connect straight to the listener */
};

enum sw_host_flag {
	SW_HOST_FORWARD = 1, /* it passes on what is not for itself: a router */
};

enum sw_iface_flag {
	SW_IF_UP = 1,       /* administratively up (IFF_UP) */
	SW_IF_RUNNING = 2,  /* has carrier (IFF_RUNNING, IFF_LOWER_UP): clear when the cable is pulled */
	SW_IF_LOOPBACK = 4,
	SW_IF_RSS = 8,
	SW_IF_RDMA = 16,
};

struct sw_endpoint {
	uint8_t ip[16];
	uint16_t port;
};

struct sw_host {
	char name[SW_HOST_NAME]; /* NUL-terminated */
	uint32_t first_iface, n_ifaces; /* into the interfaces; the first one is lo */
	uint32_t first_addr, n_addrs;   /* into the addresses */
	uint8_t gateway[16]; /* where all goes that is on none of its segments; the unspecified address: nowhere */
	uint32_t flags;      /* enum sw_host_flag */
};

struct sw_iface {
	char name[SW_IFACE_NAME];
	uint16_t host;    /* index into the hosts */
	uint16_t ifindex; /* from 1, per host; lo is 1 */
	uint32_t flags;   /* enum sw_iface_flag */
	uint32_t mtu;     /* bytes */
	uint32_t rings;   /* receive queues: more than one means RSS */
	uint64_t speed;   /* bits per second, as reported; 0 unknown */
	uint64_t rate;    /* bits per second that it carries; 0 unlimited */
	uint64_t delay;   /* ns that it adds in each direction */
	uint8_t mac[6];
	uint16_t link; /* its segment's number, which makes link-local addresses on it unique; 0: none */
};

struct sw_addr {
	uint8_t ip[16];
	uint32_t iface; /* index into the interfaces */
	uint16_t host;
	uint8_t prefix; /* bits, as written: 0-32 for IPv4, 0-128 for IPv6 */
	uint8_t v6;
};

struct sw_page {
	uint64_t magic;
	uint32_t size; /* bytes of the whole file */
	uint32_t flags;
	char lab[SW_LAB_ID + 8]; /* lower-case hex, NUL-terminated */
	uint8_t key[SW_MAC_KEY]; /* of the MAC in every name */
	uint32_t seq;
	uint32_t n_hosts, n_ifaces, n_addrs;
	/* Byte offsets; by_ip: uint32_t indices into addrs, sorted by ip. Those two have room for a few more. */
	uint32_t hosts, ifaces, addrs, by_ip;
};

static inline const struct sw_host *sw_hosts(const struct sw_page *p)
{
	return (const struct sw_host *)((const char *)p + p->hosts);
}

static inline const struct sw_iface *sw_ifaces(const struct sw_page *p)
{
	return (const struct sw_iface *)((const char *)p + p->ifaces);
}

static inline const struct sw_addr *sw_addrs(const struct sw_page *p)
{
	return (const struct sw_addr *)((const char *)p + p->addrs);
}

/* sw_page_begin() - Start a read: the sequence to hand to sw_page_retry(). */
uint32_t sw_page_begin(const struct sw_page *p);
/* sw_page_retry() - True if the tables changed since, and the read must be done again. */
bool sw_page_retry(const struct sw_page *p, uint32_t seq);

/* sw_page_write_begin(), sw_page_write_end() - Around every change of the tables, by the one writer. */
void sw_page_write_begin(struct sw_page *p);
void sw_page_write_end(struct sw_page *p);

/* sw_host_index() - The index of the host called @name, or SW_NO_HOST. */
uint16_t sw_host_index(const struct sw_page *p, const char *name);

/* sw_ip_word() - Four bytes of an address, in network order. */
static inline uint32_t sw_ip_word(const uint8_t ip[16], int at)
{
	return (uint32_t)ip[at] << 24 | (uint32_t)ip[at + 1] << 16 | (uint32_t)ip[at + 2] << 8 | ip[at + 3];
}

static inline bool sw_ip_is_v4(const uint8_t ip[16])
{
	return !(sw_ip_word(ip, 0) | sw_ip_word(ip, 4)) && sw_ip_word(ip, 8) == 0xffff;
}

/* sw_ip_is_any() - 0.0.0.0 or :: */
static inline bool sw_ip_is_any(const uint8_t ip[16])
{
	return !(sw_ip_word(ip, 0) | sw_ip_word(ip, 4) | sw_ip_word(ip, 12)) &&
	       (sw_ip_word(ip, 8) == 0 || sw_ip_word(ip, 8) == 0xffff);
}

/* sw_ip_is_link_local() - fe80::/10 */
static inline bool sw_ip_is_link_local(const uint8_t ip[16])
{
	return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

/* sw_ip_link() - The link in a link-local address. */
static inline uint16_t sw_ip_link(const uint8_t ip[16])
{
	return (uint16_t)(ip[2] << 8 | ip[3]);
}

static inline void sw_ip_set_link(uint8_t ip[16], uint16_t link)
{
	ip[2] = (uint8_t)(link >> 8);
	ip[3] = (uint8_t)link;
}

bool sw_ip_is_loopback(const uint8_t ip[16]); /* 127.0.0.0/8 or ::1 */
bool sw_ip_is_group(const uint8_t ip[16]);    /* multicast */
bool sw_ip_is_limited(const uint8_t ip[16]);  /* 255.255.255.255 */
/* sw_addr_broadcast() - Is @ip the last address of @addr's subnet, which is a broadcast to all there? */
bool sw_addr_broadcast(const struct sw_addr *addr, const uint8_t ip[16]);

/* sw_host_broadcast() - Is @ip one of a subnet that @host is on? */
bool sw_host_broadcast(const struct sw_page *p, uint16_t host, const uint8_t ip[16]);

/* sw_addr_has() - Does @host own @ip (any of 127.0.0.0/8 and ::1 included)? */
bool sw_addr_has(const struct sw_page *p, uint16_t host, const uint8_t ip[16]);

/* sw_same_segment() - Have the two interfaces (indices) addresses in one subnet? */
bool sw_same_segment(const struct sw_page *p, uint32_t a, uint32_t b);

/**
 * sw_route() - How @host reaches @dst
 * @by:    ifindex of the only interface that will do (SO_BINDTODEVICE), by which IPv4 takes any address to be on the link;
 *         0: any
 * @src:   filled with the source address that Linux would choose (the address on that subnet; @dst itself if it is
 *         the host's own)
 * @iface: filled with the index of the outgoing interface (lo for the host's own addresses)
 *
 * Return: 0, or -ENETUNREACH where no interface that is administratively up is on @dst's subnet, or on a gateway's.
 */
int sw_route(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t dst[16], uint8_t src[16], uint32_t *iface);

/* sw_next_hop() - As sw_route(); @next: the neighbour that it goes to, which is @dst or a gateway. */
int sw_next_hop(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t dst[16], uint8_t src[16],
		uint32_t *iface, uint8_t next[16]);

/**
 * sw_owner() - The host and interface that answer for @dst as seen from @host
 * @by: likewise; then a host answers on its interface to that segment, whichever of them has the address
 *
 * Return: 0 with @owner and @iface filled, or -EHOSTUNREACH where nobody has it (such a SYN meets silence, as there
 * is no ARP: callers decide).
 */
int sw_owner(const struct sw_page *p, uint16_t host, uint16_t by, const uint8_t dst[16], uint16_t *owner, uint32_t *iface);

#endif
