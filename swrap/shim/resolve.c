#include "resolve.h"

#include <string.h>
#include <strings.h>

static const struct sw_addr local_addrs[] = {
	{.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .prefix = 8},
	{.ip = {[15] = 1}, .prefix = 128, .v6 = 1},
};

static bool same_name(const char *known, const char *name, size_t len)
{
	return strncasecmp(known, name, len) == 0 && known[len] == '\0';
}

bool sw_find_host(const char *name, struct sw_target *target)
{
	const struct sw_page *page = sw_lab();
	size_t len = strlen(name);

	if (len > 1 && name[len - 1] == '.')
		len--;
	target->host = SW_NO_HOST;
	if (same_name("localhost", name, len))
		return true;
	if (len >= SW_HOST_NAME)
		return false;
	for (uint32_t i = 0; i < page->n_hosts; i++)
		if (same_name(sw_hosts(page)[i].name, name, len)) {
			target->host = (uint16_t)i;
			return true;
		}
	return false;
}

bool sw_target_addr(const struct sw_target *target, uint32_t n, struct sw_addr *addr)
{
	const struct sw_page *page = sw_lab();
	const struct sw_host *host;
	uint32_t seq;
	bool found;

	if (target->host == SW_NO_HOST) {
		if (n >= sizeof(local_addrs) / sizeof(local_addrs[0]))
			return false;
		*addr = local_addrs[n];
		return true;
	}
	host = &sw_hosts(page)[target->host];
	do {
		seq = sw_page_begin(page);
		found = false;
		/* lo's addresses are nobody's way to reach a host */
		for (uint32_t i = host->first_addr, left = n; !found && i < host->first_addr + host->n_addrs; i++) {
			*addr = sw_addrs(page)[i];
			if (!sw_ip_is_loopback(addr->ip))
				found = left-- == 0;
		}
	} while (sw_page_retry(page, seq));
	return found;
}

const char *sw_target_name(const struct sw_target *target)
{
	return target->host == SW_NO_HOST ? "localhost" : sw_hosts(sw_lab())[target->host].name;
}

const char *sw_find_name(const uint8_t ip[16])
{
	uint16_t owner;
	uint32_t iface;

	if (sw_ip_is_loopback(ip))
		return "localhost";
	if (sw_owner(sw_lab(), sw_self(), ip, &owner, &iface) < 0)
		return NULL;
	return sw_hosts(sw_lab())[owner].name;
}
