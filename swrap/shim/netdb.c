/*
 * getaddrinfo(3), getnameinfo(3) and the gethostby*(3) family, gethostname(2), uname(2).
 *
 * libc does what needs no name service (numbers, ports, the shape of its lists); it is only ever given numbers.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/utsname.h>

#include "dropin.h"
#include "kernel.h"
#include "real.h"
#include "resolve.h"

#define NUMBER_MOST (INET6_ADDRSTRLEN + 1 + IFNAMSIZ) /* an address, %, an interface */

/* put_scope() - Behind an address: % and a number, which means the same to libc as to us. */
static void put_scope(char *text, uint16_t ifindex)
{
	char digits[6], *at = digits + sizeof(digits);

	for (*--at = '\0'; ifindex; ifindex /= 10)
		*--at = (char)('0' + ifindex % 10);
	text += strlen(text);
	*text++ = '%';
	strcpy(text, at);
}

/* number() - False for a link-local address on a link that this host is not on. */
static bool number(const struct sw_addr *addr, char text[NUMBER_MOST])
{
	uint8_t ip[16];
	uint16_t ifindex;

	memcpy(ip, addr->ip, sizeof(ip));
	if (!addr->v6)
		return inet_ntop(AF_INET, ip + 12, text, NUMBER_MOST);
	if (!sw_ip_is_link_local(ip))
		return inet_ntop(AF_INET6, ip, text, NUMBER_MOST);
	ifindex = sw_link_ifindex(sw_ip_link(ip));
	sw_ip_set_link(ip, 0);
	inet_ntop(AF_INET6, ip, text, NUMBER_MOST);
	if (ifindex)
		put_scope(text, ifindex);
	return ifindex;
}

/* scoped() - @node, or in @text the same with a number for the interface behind its %: libc would ask the machine for it. */
static const char *scoped(const char *node, char text[NUMBER_MOST])
{
	const char *percent = node ? strchr(node, '%') : NULL;
	struct sw_iface iface;

	if (!percent || percent - node >= INET6_ADDRSTRLEN || !sw_iface_named(percent + 1, &iface))
		return node;
	memcpy(text, node, (size_t)(percent - node));
	text[percent - node] = '\0';
	put_scope(text, iface.ifindex);
	return text;
}

static bool wanted(const struct sw_addr *addr, int family)
{
	return family == AF_UNSPEC || family == (addr->v6 ? AF_INET6 : AF_INET);
}

/* chain() - libc's list for each of the host's addresses, behind one another. */
static int chain(const struct sw_target *target, const char *service, const struct addrinfo *hints,
		 struct addrinfo **list)
{
	struct addrinfo **end = list;
	char text[NUMBER_MOST];
	struct sw_addr addr;
	int error = EAI_NONAME;

	*list = NULL;
	for (uint32_t i = 0; sw_target_addr(target, i, &addr); i++) {
		if (!wanted(&addr, hints->ai_family) || !number(&addr, text))
			continue;
		error = sw_real(getaddrinfo)(text, service, hints, end);
		if (error) {
			*end = NULL;
			if (*list)
				sw_real(freeaddrinfo)(*list);
			return error;
		}
		while (*end)
			end = &(*end)->ai_next;
	}
	return *list ? 0 : error;
}

SW_EXPORT int getaddrinfo(const char *restrict node, const char *restrict service,
			  const struct addrinfo *restrict hints, struct addrinfo **restrict list)
{
	struct addrinfo plain = {.ai_family = AF_UNSPEC};
	char text[NUMBER_MOST];
	struct sw_target target;
	int error;

	if (!sw_lab_at_hand())
		return sw_real(getaddrinfo)(node, service, hints, list);
	if (hints)
		plain = *hints;
	/* Whether the machine has IPv6 is not the lab's affair, and there is no name service to be asked. */
	plain.ai_flags &= ~(AI_ADDRCONFIG | AI_CANONNAME);
	plain.ai_flags |= AI_NUMERICHOST;
	error = sw_real(getaddrinfo)(scoped(node, text), service, &plain, list);
	if (error != EAI_NONAME || !node || (hints && (hints->ai_flags & AI_NUMERICHOST)))
		return error;
	if (!sw_find_host(node, &target))
		return EAI_NONAME;
	error = chain(&target, service, &plain, list);
	if (!error && hints && (hints->ai_flags & AI_CANONNAME))
		(*list)->ai_canonname = strdup(sw_target_name(&target));
	return error;
}

static int put_name(const char *name, char *host, socklen_t len)
{
	if (strlen(name) >= len)
		return EAI_OVERFLOW;
	strcpy(host, name);
	return 0;
}

/* take_scope() - The scope of a link-local address, which is cleared in @plain: libc would ask the machine for its name. */
static uint16_t take_scope(const struct sockaddr *addr, socklen_t len, struct sockaddr_in6 *plain)
{
	uint16_t ifindex;

	if (len < sizeof(*plain) || addr->sa_family != AF_INET6)
		return 0;
	memcpy(plain, addr, sizeof(*plain));
	ifindex = (uint16_t)plain->sin6_scope_id;
	if (!sw_ip_is_link_local(plain->sin6_addr.s6_addr))
		return 0;
	plain->sin6_scope_id = 0;
	return ifindex;
}

/* put_interface() - Behind a link-local address: % and the interface. */
static int put_interface(char *host, socklen_t len, uint16_t ifindex)
{
	size_t n = strlen(host);
	char text[IFNAMSIZ + 1] = "";
	struct sw_iface iface;

	if (sw_iface_at(ifindex - 1u, &iface)) {
		text[0] = '%';
		memcpy(text + 1, iface.name, IFNAMSIZ);
		text[IFNAMSIZ] = '\0';
	} else {
		put_scope(text, ifindex);
	}
	if (n + strlen(text) >= len)
		return EAI_OVERFLOW;
	strcpy(host + n, text);
	return 0;
}

SW_EXPORT int getnameinfo(const struct sockaddr *restrict addr, socklen_t len, char *restrict host, socklen_t host_len,
			  char *restrict service, socklen_t service_len, int flags)
{
	struct sockaddr_in6 plain;
	struct sw_endpoint ep;
	const char *name;
	uint16_t ifindex;
	int error;

	if (!sw_lab_at_hand())
		return sw_real(getnameinfo)(addr, len, host, host_len, service, service_len, flags);
	if ((flags & NI_NAMEREQD) && !host && !service)
		return EAI_NONAME;
	ifindex = take_scope(addr, len, &plain);
	error = sw_real(getnameinfo)(ifindex ? (const struct sockaddr *)&plain : addr, len, host, host_len, service, service_len,
				       (flags & ~NI_NAMEREQD) | NI_NUMERICHOST);
	if (!error && host && host_len && ifindex)
		error = put_interface(host, host_len, ifindex);
	if (error || !host || host_len == 0 || (flags & NI_NUMERICHOST))
		return error;
	if (sw_endpoint_read(addr->sa_family == AF_INET6 ? SW_TAG_V6 : 0, addr, len, &ep) != 0)
		return 0;
	name = sw_find_name(ep.ip);
	if (!name)
		return flags & NI_NAMEREQD ? EAI_NONAME : 0;
	return put_name(name, host, host_len);
}

/* A hostent in one piece of memory: the name, the pointers, the addresses. */
struct room {
	char *at;
	size_t left;
};

static void *take(struct room *room, size_t size)
{
	size_t skip = -(uintptr_t)room->at % sizeof(void *);
	char *here = room->at + skip;

	if (room->left < skip + size)
		return NULL;
	room->at = here + size;
	room->left -= skip + size;
	return here;
}

/* fill() - As the gethostby*_r functions: 0, or ERANGE where the buffer is too small. */
static int fill(struct room room, struct hostent *entry, const char *name, int family, const struct sw_addr *addrs,
		uint32_t n)
{
	size_t size = family == AF_INET6 ? 16 : 4;
	char *copy = take(&room, strlen(name) + 1);
	char **aliases = take(&room, sizeof(*aliases));
	char **list = take(&room, (n + 1) * sizeof(*list));
	char *bytes = take(&room, n * size);

	if (!copy || !aliases || !list || !bytes)
		return ERANGE;
	strcpy(copy, name);
	*aliases = NULL;
	for (uint32_t i = 0; i < n; i++) {
		list[i] = bytes + i * size;
		memcpy(list[i], addrs[i].ip + 16 - size, size);
	}
	list[n] = NULL;
	*entry = (struct hostent){copy, aliases, family, (int)size, list};
	return 0;
}

#define MOST_ADDRESSES 64

static int by_name(const char *name, int family, struct hostent *entry, struct room room, int *h_error)
{
	struct sw_addr addrs[MOST_ADDRESSES], addr;
	struct sw_target target;
	uint32_t n = 0;

	*h_error = HOST_NOT_FOUND;
	memset(&addrs[0], 0, sizeof(addrs[0]));
	if (inet_pton(family, name, family == AF_INET6 ? addrs[0].ip : addrs[0].ip + 12) == 1)
		return fill(room, entry, name, family, addrs, 1);
	if (!sw_find_host(name, &target))
		return ENOENT;
	*h_error = NO_DATA;
	for (uint32_t i = 0; n < MOST_ADDRESSES && sw_target_addr(&target, i, &addr); i++)
		if (wanted(&addr, family) && !(addr.v6 && sw_ip_is_link_local(addr.ip))) /* a hostent has no scope */
			addrs[n++] = addr;
	return n ? fill(room, entry, sw_target_name(&target), family, addrs, n) : ENOENT;
}

static int by_address(const void *bytes, socklen_t len, int family, struct hostent *entry, struct room room,
		      int *h_error)
{
	struct sw_addr addr = {.v6 = family == AF_INET6};
	uint8_t heard[16];
	const char *name;

	*h_error = HOST_NOT_FOUND;
	if (len != (family == AF_INET6 ? 16 : 4))
		return EINVAL;
	if (!addr.v6)
		memset(addr.ip + 10, 0xff, 2);
	memcpy(addr.ip + 16 - len, bytes, len);
	memcpy(heard, addr.ip, sizeof(heard));
	sw_ip_heard(heard);
	name = sw_find_name(heard);
	return name ? fill(room, entry, name, family, &addr, 1) : ENOENT;
}

/* finish() - The conventions of the _r functions: not found is no error, but a NULL result. */
static int finish(int error, struct hostent *entry, struct hostent **result, int *h_error)
{
	*result = error ? NULL : entry;
	if (error == ERANGE) {
		*h_error = NETDB_INTERNAL;
		return error;
	}
	return 0;
}

SW_EXPORT int gethostbyname2_r(const char *restrict name, int family, struct hostent *restrict entry,
			       char *restrict buffer, size_t size, struct hostent **restrict result,
			       int *restrict h_error)
{
	if (!sw_lab_at_hand())
		return sw_real(gethostbyname2_r)(name, family, entry, buffer, size, result, h_error);
	return finish(by_name(name, family, entry, (struct room){buffer, size}, h_error), entry, result, h_error);
}

SW_EXPORT int gethostbyname_r(const char *restrict name, struct hostent *restrict entry, char *restrict buffer,
			      size_t size, struct hostent **restrict result, int *restrict h_error)
{
	return gethostbyname2_r(name, AF_INET, entry, buffer, size, result, h_error);
}

SW_EXPORT int gethostbyaddr_r(const void *restrict bytes, socklen_t len, int family, struct hostent *restrict entry,
			      char *restrict buffer, size_t size, struct hostent **restrict result,
			      int *restrict h_error)
{
	if (!sw_lab_at_hand())
		return sw_real(gethostbyaddr_r)(bytes, len, family, entry, buffer, size, result, h_error);
	return finish(by_address(bytes, len, family, entry, (struct room){buffer, size}, h_error), entry, result,
		      h_error);
}

/* The old functions return memory of their own, which the next call overwrites. */
struct old {
	struct hostent entry;
	char room[sizeof(void *) * (MOST_ADDRESSES + 4) + MOST_ADDRESSES * 16 + NI_MAXHOST];
};

static struct old *old(void)
{
	static void *kept;
	struct old *own = sw_kernel_once(&kept, sizeof(*own));

	if (!own)
		h_errno = NETDB_INTERNAL;
	return own;
}

SW_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
	struct hostent *result = NULL;
	struct old *own = old();

	if (own)
		gethostbyname2_r(name, family, &own->entry, own->room, sizeof(own->room), &result, &h_errno);
	return result;
}

SW_EXPORT struct hostent *gethostbyname(const char *name)
{
	return gethostbyname2(name, AF_INET);
}

SW_EXPORT struct hostent *gethostbyaddr(const void *bytes, socklen_t len, int family)
{
	struct hostent *result = NULL;
	struct old *own = old();

	if (own)
		gethostbyaddr_r(bytes, len, family, &own->entry, own->room, sizeof(own->room), &result, &h_errno);
	return result;
}

SW_EXPORT int gethostname(char *name, size_t len)
{
	const char *own;

	if (!sw_lab_at_hand() || sw_in_dropin())
		return sw_real(gethostname)(name, len);
	own = sw_hosts(sw_lab())[sw_self()].name;
	if (strlen(own) >= len)
		return sw_fail(ENAMETOOLONG);
	strcpy(name, own);
	return 0;
}

/* A program of the lab, root's too, does not rename the machine. */
SW_EXPORT int sethostname(const char *name, size_t len)
{
	(void)name;
	(void)len;
	return sw_fail(EPERM);
}

SW_EXPORT int uname(struct utsname *names)
{
	int result = sw_real(uname)(names);

	if (result == 0 && sw_lab() && !sw_in_dropin())
		memcpy(names->nodename, sw_hosts(sw_lab())[sw_self()].name, SW_HOST_NAME);
	return result;
}
