/*
 * Ports. The kernel keeps equal names apart, so that an address is taken once; what overlaps without being equal (a
 * wildcard and an address of the host) is tried for here. A trial is a bind of a scratch socket, undone at once: so two
 * processes that bind overlapping addresses in the same microsecond may both be refused, of which one had to be.
 */
#include "dgram.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "place.h"
#include "real.h"

/* The kernel's default net.ipv4.ip_local_port_range */
#define EPHEMERAL_FIRST 32768
#define EPHEMERAL_COUNT 28232

static int bind_name(int fd, const struct sw_name *name)
{
	struct sockaddr_un sun;
	socklen_t len = sw_name_encode(sw_lab(), name, &sun);

	return sw_real(bind)(fd, (struct sockaddr *)&sun, len) == 0 ? 0 : errno;
}

/* is_taken() - Does any socket hold this very name? */
static bool is_taken(const struct sw_name *name)
{
	int type = name->kind == SW_KIND_UDP ? SOCK_DGRAM : SOCK_STREAM;
	int fd = sw_real(socket)(AF_UNIX, type | SOCK_CLOEXEC, 0);
	bool taken = fd >= 0 && bind_name(fd, name) == EADDRINUSE;

	if (fd >= 0)
		close(fd);
	return taken;
}

/* How a socket shares its address, and which slots are for those that share like that. */
enum { BY_PORT = 1, BY_ADDR = 2 };

static const struct {
	uint16_t base;
	int by;
} families[] = {{0, BY_PORT}, {SW_SLOT_EITHER, BY_PORT | BY_ADDR}, {SW_SLOT_REUSE, BY_ADDR}};

static size_t families_of(const struct sw_name *name)
{
	if (name->kind != SW_KIND_UDP)
		return 1;
	return sw_port_shared(name->own.port) ? sizeof(families) / sizeof(families[0]) : 0;
}

/* How a socket claims its address: what it shares by, and its SO_BINDTODEVICE. */
struct claim {
	bool v6only;
	int share;
	uint16_t device;
};

/* is_held() - Does any socket that does not share by @share hold this address, plainly or in a slot that starts with @base? */
static bool is_held(struct sw_name name, uint16_t base, bool plain, int share, uint16_t device)
{
	sw_name_slot(&name, base, device);
	if (plain && is_taken(&name))
		return true;
	for (size_t i = 0; i < families_of(&name); i++)
		for (uint16_t slot = 1; slot <= SW_SLOTS && !(families[i].by & share); slot++) {
			sw_name_slot(&name, base | families[i].base | slot, device);
			if (is_taken(&name))
				return true;
		}
	return false;
}

/* is_held_beside() - Likewise, bound to another interface that is in the way: of two that differ, neither is. */
static bool is_held_beside(const struct sw_name *name, uint16_t base, const struct claim *claim)
{
	struct sw_iface iface;

	if (claim->device)
		return is_held(*name, base, true, claim->share, 0);
	for (uint32_t i = 0; sw_port_devices(name->own.port) && sw_iface_at(i, &iface); i++)
		if (is_held(*name, base, true, claim->share, iface.ifindex))
			return true;
	return false;
}

/* What sort of address a socket is bound to, and what overlaps with each sort without being equal to it. */
enum sort { V4_ONE, V4_ANY, V6_ONE, V6_ANY, DUAL_ANY };

static const struct overlap {
	bool dual_any, v6_any, v4_any, each_v4, each_v6;
} table[] = {
	[V4_ONE] = {.dual_any = true, .v4_any = true},
	[V4_ANY] = {.dual_any = true, .each_v4 = true},
	[V6_ONE] = {.dual_any = true, .v6_any = true},
	[V6_ANY] = {.dual_any = true, .each_v6 = true},
	[DUAL_ANY] = {.v6_any = true, .v4_any = true, .each_v4 = true, .each_v6 = true},
};

static enum sort sort_of(const uint8_t ip[16], bool v6only)
{
	if (sw_ip_is_v4(ip))
		return sw_ip_is_any(ip) ? V4_ANY : V4_ONE;
	if (!sw_ip_is_any(ip))
		return V6_ONE;
	return v6only ? V6_ANY : DUAL_ANY;
}

/* conflicts() - Is @ip held by somebody? Those that share do not mind each other. */
static bool conflicts(const struct sw_name *name, const uint8_t ip[16], uint16_t base, const struct claim *claim)
{
	struct sw_name other = *name;

	memcpy(other.own.ip, ip, sizeof(other.own.ip));
	return is_held(other, base, true, claim->share, claim->device) || is_held_beside(&other, base, claim);
}

/* overlaps() - Does another socket hold an address that overlaps with @name's without being equal? */
static bool overlaps(const struct sw_name *name, const struct claim *claim)
{
	static const uint8_t v6_any[16], v4_any[16] = {[10] = 0xff, [11] = 0xff};
	const struct overlap *with = &table[sort_of(name->own.ip, claim->v6only)];
	struct sw_iface iface;
	struct sw_addr addr;

	if ((with->dual_any && conflicts(name, v6_any, 0, claim)) ||
	    (with->v6_any && conflicts(name, v6_any, SW_SLOT_V6ONLY, claim)) ||
	    (with->v4_any && conflicts(name, v4_any, 0, claim)))
		return true;
	for (uint32_t i = 0; (with->each_v4 || with->each_v6) && sw_iface_addr(i, &addr, &iface); i++)
		if ((addr.v6 ? with->each_v6 : with->each_v4) && conflicts(name, addr.ip, 0, claim))
			return true;
	return false;
}

/* claim_port() - Bind to @name with the port it has. Returns 0 or an errno. */
static int claim_port(int fd, struct sw_name *name, const struct claim *claim)
{
	uint16_t base = claim->v6only && sw_ip_is_any(name->own.ip) ? SW_SLOT_V6ONLY : 0, device = claim->device;
	int share = claim->share;

	if (overlaps(name, claim) || is_held_beside(name, base, claim))
		return EADDRINUSE;
	if (device)
		sw_port_device(name->own.port);
	sw_name_slot(name, base, device);
	if (!share)
		return is_held(*name, base, false, 0, device) ? EADDRINUSE : bind_name(fd, name);
	if (is_held(*name, base, true, share, device))
		return EADDRINUSE; /* by one that does not share */
	if (name->kind == SW_KIND_UDP)
		sw_port_share(name->own.port);
	base |= share == BY_PORT ? 0 : share == BY_ADDR ? SW_SLOT_REUSE : SW_SLOT_EITHER;
	for (uint16_t slot = 1; slot <= SW_SLOTS; slot++) {
		int error;

		sw_name_slot(name, base | slot, device);
		error = bind_name(fd, name);
		if (error != EADDRINUSE)
			return error;
	}
	return EADDRINUSE;
}

/* start() - Where to begin to look for a free port: anywhere; the clock costs no call into the kernel. */
static uint32_t start(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)(((uint64_t)now.tv_nsec + (uint64_t)now.tv_sec) * 0x9e3779b97f4a7c15ull >> 32);
}

int sw_claim(int fd, uint64_t tag, struct sw_name *name)
{
	struct claim claim = {
		.v6only = tag & SW_TAG_V6ONLY,
		.share = (tag & SW_TAG_REUSEPORT ? BY_PORT : 0) | ((tag & SW_TAG_DGRAM) && sw_reuses_address(fd) ? BY_ADDR : 0),
		.device = sw_device(fd, tag),
	};
	uint32_t from;

	if (name->own.port)
		return claim_port(fd, name, &claim);
	from = start();
	for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
		int error;

		name->own.port = (uint16_t)(EPHEMERAL_FIRST + (from + i) % EPHEMERAL_COUNT);
		if (claim.share && is_held(*name, 0, true, 0, claim.device))
			continue; /* nobody is joined by chance */
		error = claim_port(fd, name, &claim);
		if (error != EADDRINUSE)
			return error;
	}
	return EADDRINUSE;
}

int sw_bind_port(int fd, struct sw_name *name)
{
	uint32_t from;

	if (name->own.port)
		return bind_name(fd, name);
	from = start();
	for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
		int error;

		name->own.port = (uint16_t)(EPHEMERAL_FIRST + (from + i) % EPHEMERAL_COUNT);
		error = bind_name(fd, name);
		if (error != EADDRINUSE)
			return error;
	}
	return EADDRINUSE;
}
