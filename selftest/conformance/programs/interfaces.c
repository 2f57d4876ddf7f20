/* The host's interfaces, asked for in every way that there is: all ways say the same. */
#include "around.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

static int fd;

static struct ifreq about(const char *name)
{
	struct ifreq asked = {0};

	strncpy(asked.ifr_name, name, IFNAMSIZ - 1);
	return asked;
}

static const struct ifreq *told(unsigned long request, const char *name)
{
	static struct ifreq asked;

	asked = about(name);
	MUST(ioctl(fd, request, &asked) == 0);
	return &asked;
}

static bool is_v4(const struct sockaddr *a, const struct sockaddr *b)
{
	return a->sa_family == AF_INET && b->sa_family == AF_INET &&
	       ((const struct sockaddr_in *)a)->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

static void by_name(void)
{
	struct ifaddrs *all, *one;
	bool seen = false;

	fd = stream(0);
	MUST(getifaddrs(&all) == 0);
	for (one = all; one; one = one->ifa_next) {
		unsigned int flags = (unsigned short)told(SIOCGIFFLAGS, one->ifa_name)->ifr_flags;

		MUST(flags == (one->ifa_flags & 0xffff) && (flags & IFF_UP));
		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
			continue;
		seen |= same((struct sockaddr_in *)one->ifa_addr, &here);
		MUST(is_v4(&told(SIOCGIFADDR, one->ifa_name)->ifr_addr, one->ifa_addr));
		MUST(is_v4(&told(SIOCGIFNETMASK, one->ifa_name)->ifr_netmask, one->ifa_netmask));
		MUST(told(SIOCGIFHWADDR, one->ifa_name)->ifr_hwaddr.sa_family ==
		     (one->ifa_flags & IFF_LOOPBACK ? ARPHRD_LOOPBACK : ARPHRD_ETHER));
		MUST(is_v4(&told(SIOCGIFDSTADDR, one->ifa_name)->ifr_dstaddr, one->ifa_addr));
		MUST(told(SIOCGIFTXQLEN, one->ifa_name)->ifr_qlen == 1000 && told(SIOCGIFMETRIC, one->ifa_name)->ifr_metric == 0);
		MUST(told(SIOCGIFMTU, one->ifa_name)->ifr_mtu == (one->ifa_flags & IFF_LOOPBACK ? 65536 : 1500));
	}
	freeifaddrs(all);
	MUST(seen);
}

static void by_number(void)
{
	struct if_nameindex *all = if_nameindex(), *one;
	char name[IFNAMSIZ];
	struct ifreq asked;
	int n = 0;

	fd = stream(0);
	MUST(all);
	for (one = all; one->if_index; one++, n++) {
		MUST(if_nametoindex(one->if_name) == one->if_index);
		MUST(if_indextoname(one->if_index, name) == name && strcmp(name, one->if_name) == 0);
		MUST(told(SIOCGIFINDEX, one->if_name)->ifr_ifindex == (int)one->if_index);
		asked = about("");
		asked.ifr_ifindex = (int)one->if_index;
		MUST(ioctl(fd, SIOCGIFNAME, &asked) == 0 && strcmp(asked.ifr_name, one->if_name) == 0);
	}
	MUST(n > 0 && all[0].if_index == 1 && strcmp(all[0].if_name, "lo") == 0);
	if_freenameindex(all);
	MUST((errno = 0, if_nametoindex("nope")) == 0 && errno == ENODEV);
	MUST((errno = 0, if_indextoname(999, name)) == NULL && errno == ENXIO);
	asked = about("nope");
	FAILS(ioctl(fd, SIOCGIFADDR, &asked), ENODEV);
}

/* SIOCGIFCONF: what has an IPv4 address, as much as there is room for; without room, how much there would be. */
static void listed(void)
{
	char room[32 * sizeof(struct ifreq)];
	struct ifconf list = {.ifc_len = sizeof(room), .ifc_buf = room}, size = {0}, one = {.ifc_len = sizeof(struct ifreq), .ifc_buf = room};
	bool seen = false;

	fd = stream(0);
	MUST(ioctl(fd, SIOCGIFCONF, &size) == 0 && size.ifc_len > 0);
	MUST(ioctl(fd, SIOCGIFCONF, &list) == 0 && list.ifc_len == size.ifc_len);
	for (struct ifreq *at = list.ifc_req; (char *)at < room + list.ifc_len; at++) {
		MUST(is_v4(&at->ifr_addr, &told(SIOCGIFADDR, at->ifr_name)->ifr_addr));
		seen |= same((struct sockaddr_in *)&at->ifr_addr, &here);
	}
	MUST(seen && strcmp(list.ifc_req->ifr_name, "lo") == 0);
	MUST(ioctl(fd, SIOCGIFCONF, &one) == 0 && one.ifc_len == sizeof(struct ifreq));
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {{"by-name", by_name}, {"by-number", by_number}, {"listed", listed}, {0}};

	return keep_one(promises, argc, argv);
}
