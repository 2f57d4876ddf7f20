/*
 * Which interface a socket is bound to: SO_BINDTODEVICE and SO_BINDTOIFINDEX, by which it sends and hears; IP_UNICAST_IF and
 * IPV6_UNICAST_IF, by which its datagrams leave, and which do nothing to a stream.
 */
#include "option.h"

#include <arpa/inet.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>

#include "dgram.h"
#include "real.h"

#ifndef IPV6_UNICAST_IF
#define IPV6_UNICAST_IF 76
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

uint16_t sw_device(int fd, uint64_t tag)
{
	uint64_t kept[2];

	return (tag & SW_TAG_DEVICE) && sw_kept_get(fd, tag, SOL_SOCKET, SO_BINDTODEVICE, kept) ? (uint16_t)kept[0] : 0;
}

uint16_t sw_unicast_if(int fd, uint64_t tag, const uint8_t to[16])
{
	bool v4 = sw_ip_is_v4(to);
	uint64_t kept[2];

	if (!(tag & SW_TAG_KEPT) || !(tag & SW_TAG_DGRAM) || sw_ip_is_group(to))
		return 0;
	return sw_kept_get(fd, tag, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_UNICAST_IF : IPV6_UNICAST_IF, kept)
		       ? (uint16_t)kept[0]
		       : 0;
}

/* has_net_raw() - CAP_NET_RAW, without which a socket that is bound to an interface stays so. */
static bool has_net_raw(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	return sw_real(syscall)(SYS_capget, &head, data) == 0 && (data[0].effective & 1u << CAP_NET_RAW);
}

/* rename_stream() - The name of a stream that will listen says by which interface it hears: 0 or an errno. */
static int rename_stream(int fd, uint64_t tag)
{
	tag = sw_settle(fd, tag);
	if (!(tag & SW_TAG_BOUND) || (tag & (SW_TAG_CONNECTING | SW_TAG_CONNECTED | SW_TAG_FAILED)))
		return 0;
	if (!(tag & SW_TAG_LISTEN))
		return sw_renew(fd, &tag);
	sw_gap(SW_GAP_NO_EFFECT, SOL_SOCKET, SO_BINDTODEVICE, 0); /* it is known by that name already */
	return 0;
}

/* bind_to() - The interface with this ifindex is the only one for @fd; 0: any. */
static int bind_to(int fd, uint64_t tag, uint16_t device)
{
	int error;

	if ((tag & SW_TAG_DEVICE) && !has_net_raw())
		return sw_fail(EPERM);
	if (sw_kept_put(fd, tag, SOL_SOCKET, SO_BINDTODEVICE, (uint64_t[2]){device, 0}) < 0)
		return -1;
	tag = (tag & ~(uint64_t)SW_TAG_DEVICE) | SW_TAG_KEPT | (device ? SW_TAG_DEVICE : 0);
	if (sw_tag_set(fd, tag) < 0)
		return -1;
	error = tag & SW_TAG_DGRAM ? sw_dgram_device(fd, tag, device) : rename_stream(fd, tag);
	return error ? sw_fail(error) : 0;
}

/* SO_BINDTODEVICE: an interface of the host, by name; none is an empty name. */
static int set_by_name(int fd, uint64_t tag, const void *value, socklen_t len)
{
	char name[IFNAMSIZ] = "";
	struct sw_iface iface = {0};

	if ((int)len < 0)
		return sw_fail(EINVAL);
	memcpy(name, value, len < IFNAMSIZ ? len : IFNAMSIZ - 1);
	if (name[0] && !sw_iface_named(name, &iface))
		return sw_fail(ENODEV);
	return bind_to(fd, tag, name[0] ? iface.ifindex : 0);
}

/* SO_BINDTOIFINDEX: likewise by number, and Linux does not mind whether there is one. */
static int set_by_index(int fd, uint64_t tag, const void *value, socklen_t len)
{
	int ifindex;

	if (len < sizeof(ifindex))
		return sw_fail(EINVAL);
	memcpy(&ifindex, value, sizeof(ifindex));
	if (ifindex > UINT16_MAX) /* no interface of ours */
		return sw_gap_fail(EINVAL, SW_GAP_SETSOCKOPT, SOL_SOCKET, SO_BINDTOIFINDEX, 0);
	return ifindex < 0 ? sw_fail(EINVAL) : bind_to(fd, tag, (uint16_t)ifindex);
}

static int get_name(int fd, uint64_t tag, void *value, socklen_t *len)
{
	uint16_t device = sw_device(fd, tag);
	struct sw_iface iface;

	if (!device)
		return sw_put_value(value, len, "", 0);
	if (len && *len < IFNAMSIZ)
		return sw_fail(EINVAL);
	if (!sw_iface_at(device - 1u, &iface))
		return sw_fail(ENODEV);
	return sw_put_value(value, len, iface.name, (socklen_t)strnlen(iface.name, IFNAMSIZ - 1) + 1);
}

static int unicast_name(int level)
{
	return level == IPPROTO_IP ? IP_UNICAST_IF : IPV6_UNICAST_IF;
}

/* The ifindex is in network byte order. */
static int set_unicast(int fd, uint64_t tag, int level, const void *value, socklen_t len)
{
	struct sw_iface iface;
	uint32_t ifindex;

	if (len != sizeof(ifindex))
		return sw_fail(EINVAL);
	memcpy(&ifindex, value, sizeof(ifindex));
	ifindex = ntohl(ifindex);
	if (ifindex && !sw_iface_at(ifindex - 1, &iface))
		return sw_fail(EADDRNOTAVAIL);
	if (ifindex && sw_device(fd, tag))
		return sw_fail(EINVAL);
	return sw_kept_put(fd, tag, level, unicast_name(level), (uint64_t[2]){ifindex, 0});
}

static int get_unicast(int fd, uint64_t tag, int level, void *value, socklen_t *len)
{
	uint64_t kept[2] = {0};

	sw_kept_get(fd, tag, level, unicast_name(level), kept);
	return sw_put_number(level, value, len, (int)htonl((uint32_t)kept[0]));
}

bool sw_device_option(uint64_t tag, int level, int name)
{
	if (level == SOL_SOCKET)
		return name == SO_BINDTODEVICE || name == SO_BINDTOIFINDEX;
	return (level == IPPROTO_IP || (level == IPPROTO_IPV6 && (tag & SW_TAG_V6))) && name == unicast_name(level);
}

int sw_set_device_option(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len)
{
	if (!value)
		return sw_fail(EFAULT);
	if (level != SOL_SOCKET)
		return set_unicast(fd, tag, level, value, len);
	return name == SO_BINDTODEVICE ? set_by_name(fd, tag, value, len) : set_by_index(fd, tag, value, len);
}

int sw_get_device_option(int fd, uint64_t tag, int level, int name, void *value, socklen_t *len)
{
	int device;

	if (level != SOL_SOCKET)
		return get_unicast(fd, tag, level, value, len);
	if (name == SO_BINDTODEVICE)
		return get_name(fd, tag, value, len);
	device = sw_device(fd, tag);
	return sw_put_value(value, len, &device, sizeof(device));
}
