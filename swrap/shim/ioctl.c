/* ioctl(2) on sockets: SIOCGIF* and SIOCETHTOOL about the host's interfaces, SIOCOUTQ about the virtual path. */
#include "dgram.h"
#include "option.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#include "real.h"

#define MBIT 1000000u
#define TXQLEN 1000 /* packets: what Linux gives every link */

static int ethtool(const struct sw_iface *iface, void *data)
{
	uint32_t command, speed = iface->speed ? (uint32_t)(iface->speed / MBIT) : (uint32_t)SPEED_UNKNOWN;

	memcpy(&command, data, sizeof(command));
	switch (command) {
	case ETHTOOL_GLINK: {
		struct ethtool_value *link = data;

		link->data = (sw_iface_iff(iface) & IFF_RUNNING) != 0;
		return 0;
	}
	case ETHTOOL_GSET: {
		struct ethtool_cmd *settings = data;

		memset(settings, 0, sizeof(*settings));
		settings->cmd = command;
		ethtool_cmd_speed_set(settings, speed);
		settings->duplex = DUPLEX_FULL;
		return 0;
	}
	case ETHTOOL_GLINKSETTINGS: {
		struct ethtool_link_settings *settings = data;
		bool asks_size = settings->link_mode_masks_nwords == 0;

		memset(settings, 0, sizeof(*settings));
		settings->cmd = command;
		/* The caller asks for the size of the masks first; the answer is negative, then it comes again. */
		settings->link_mode_masks_nwords = asks_size ? -1 : 1;
		if (!asks_size)
			memset(settings->link_mode_masks, 0, 3 * sizeof(uint32_t));
		settings->speed = speed;
		settings->duplex = DUPLEX_FULL;
		return 0;
	}
	case ETHTOOL_GRXRINGS: {
		struct ethtool_rxnfc *rings = data;

		rings->data = iface->rings;
		return 0;
	}
	case ETHTOOL_GDRVINFO: {
		struct ethtool_drvinfo *driver = data;

		memset(driver, 0, sizeof(*driver));
		driver->cmd = command;
		memcpy(driver->driver, "swrap", sizeof("swrap"));
		return 0;
	}
	default:
		return sw_gap_fail(EOPNOTSUPP, SW_GAP_IOCTL, 0, SIOCETHTOOL, command);
	}
}

/* first_v4() - The interface's first IPv4 address. */
static bool first_v4(const struct sw_iface *wanted, struct sw_addr *addr)
{
	struct sw_iface iface;

	for (uint32_t i = 0; sw_iface_addr(i, addr, &iface); i++)
		if (!addr->v6 && iface.ifindex == wanted->ifindex)
			return true;
	return false;
}

static int put_v4(struct sockaddr *to, const uint8_t ip[16])
{
	struct sw_endpoint ep = {0};
	socklen_t len = sizeof(*to);

	memcpy(ep.ip, ip, sizeof(ep.ip));
	sw_endpoint_write(0, &ep, to, &len);
	return 0;
}

static int get_v4(const struct sw_iface *iface, unsigned long request, struct ifreq *ifr)
{
	struct sw_endpoint mask;
	struct sw_addr addr;

	if (!first_v4(iface, &addr))
		return sw_fail(EADDRNOTAVAIL);
	sw_prefix_mask(&addr, &mask);
	if (request == SIOCGIFNETMASK)
		return put_v4(&ifr->ifr_netmask, mask.ip);
	if (request == SIOCGIFBRDADDR)
		for (int i = 12; i < 16; i++)
			addr.ip[i] |= (uint8_t)~mask.ip[i];
	return put_v4(&ifr->ifr_addr, addr.ip);
}

/* about_interface() - The SIOCGIF* that name an interface in a struct ifreq. */
static int about_interface(unsigned long request, struct ifreq *ifr)
{
	struct sw_iface iface;

	ifr->ifr_name[IFNAMSIZ - 1] = '\0';
	if (!sw_iface_named(ifr->ifr_name, &iface))
		return sw_fail(ENODEV);
	switch (request) {
	case SIOCGIFINDEX:
		ifr->ifr_ifindex = iface.ifindex;
		return 0;
	case SIOCGIFFLAGS:
		ifr->ifr_flags = (short)sw_iface_iff(&iface);
		return 0;
	case SIOCGIFMTU:
		ifr->ifr_mtu = (int)iface.mtu;
		return 0;
	case SIOCGIFTXQLEN:
		ifr->ifr_qlen = TXQLEN;
		return 0;
	case SIOCGIFMETRIC:
		ifr->ifr_metric = 0;
		return 0;
	case SIOCGIFHWADDR:
		memset(&ifr->ifr_hwaddr, 0, sizeof(ifr->ifr_hwaddr));
		ifr->ifr_hwaddr.sa_family = iface.flags & SW_IF_LOOPBACK ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
		memcpy(ifr->ifr_hwaddr.sa_data, iface.mac, sizeof(iface.mac));
		return 0;
	case SIOCETHTOOL:
		return ethtool(&iface, ifr->ifr_data);
	default:
		return get_v4(&iface, request, ifr);
	}
}

static int name_of_index(struct ifreq *ifr)
{
	struct sw_iface iface;

	for (uint32_t i = 0; sw_iface_at(i, &iface); i++)
		if (iface.ifindex == ifr->ifr_ifindex) {
			memcpy(ifr->ifr_name, iface.name, IFNAMSIZ);
			return 0;
		}
	return sw_fail(ENODEV);
}

/* list_v4() - SIOCGIFCONF: the IPv4 addresses; with no buffer, only the size. */
static int list_v4(struct ifconf *conf)
{
	struct sw_iface iface;
	struct sw_addr addr;
	int used = 0;

	for (uint32_t i = 0; sw_iface_addr(i, &addr, &iface); i++) {
		if (addr.v6)
			continue;
		if (conf->ifc_req) {
			struct ifreq *ifr = (struct ifreq *)(conf->ifc_buf + used);

			if (used + (int)sizeof(*ifr) > conf->ifc_len)
				break;
			memcpy(ifr->ifr_name, iface.name, IFNAMSIZ);
			put_v4(&ifr->ifr_addr, addr.ip);
		}
		used += (int)sizeof(struct ifreq);
	}
	conf->ifc_len = used;
	return 0;
}

/*
 * unknown() - The kernel's own, though of AF_UNIX; on a virtual socket what it has not is a gap. So is whatever asks about
 * interfaces and routes: the kernel would tell of the machine's own.
 */
static int unknown(int fd, unsigned long request, void *arg)
{
	uint64_t tag;
	int done, error;

	if (request >= SIOCADDRT && request <= SIOCDEVPRIVATE + 15 && sw_lab() && sw_tag_get(fd, &tag))
		return sw_gap_fail(EOPNOTSUPP, SW_GAP_IOCTL, 0, (uint32_t)request, 0);
	done = sw_real(ioctl)(fd, request, arg);
	error = errno;
	if (done < 0 && (error == ENOTTY || error == EINVAL || error == EOPNOTSUPP) && sw_lab() && sw_tag_get(fd, &tag))
		sw_gap(SW_GAP_IOCTL, 0, (uint32_t)request, 0);
	if (done < 0)
		errno = error;
	return done;
}

/* put_int() - The caller's int need not be aligned: the kernel copies it too. */
static int put_int(void *to, int value)
{
	if (!to)
		return sw_fail(EFAULT);
	memcpy(to, &value, sizeof(value));
	return 0;
}

SW_EXPORT int ioctl(int fd, unsigned long request, ...)
{
	uint64_t tag;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	switch (request) {
	case SIOCGIFINDEX:
	case SIOCGIFFLAGS:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFTXQLEN:
	case SIOCGIFMETRIC:
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR: /* of a cable with two ends; else the address again */
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
	case SIOCETHTOOL:
		if (!sw_lab())
			break;
		return arg ? about_interface(request, arg) : sw_fail(EFAULT);
	case SIOCGIFNAME:
		if (!sw_lab())
			break;
		return arg ? name_of_index(arg) : sw_fail(EFAULT);
	case SIOCGIFCONF:
		if (!sw_lab())
			break;
		return arg ? list_v4(arg) : sw_fail(EFAULT);
	case SIOCOUTQ: /* TIOCOUTQ too: a terminal has no tag */
		if (!sw_lab() || !sw_tag_get(fd, &tag) || (tag & SW_TAG_DGRAM))
			break;
		return put_int(arg, sw_unacked(fd));
	case SIOCINQ: /* FIONREAD */
		if (!sw_dgram_check(fd, &tag) || (tag & SW_TAG_NETLINK))
			break;
		return put_int(arg, sw_dgram_queued(fd));
	default:
		break;
	}
	return unknown(fd, request, arg);
}
