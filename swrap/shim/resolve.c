#include "resolve.h"

#include "dropin.h"
#include "real.h"

#include <string.h>
#include <strings.h>

static const struct sw_addr local_addrs[] = {
	{.ip = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .prefix = 8},
	{.ip = {[15] = 1}, .prefix = 128, .v6 = 1},
};

/* is_own_name() - Is it what the machine is called? Drop-in networks leave it that name, and to every host. */
static bool is_own_name(const char *name)
{
	char own[SW_HOST_NAME];

	return sw_in_dropin() && sw_real(gethostname)(own, sizeof(own)) == 0 && strcasecmp(own, name) == 0;
}

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
	if (is_own_name(name)) {
		target->host = sw_self();
		return true;
	}
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
	sw_ip_shown(addr->ip);
	return found;
}

const char *sw_target_name(const struct sw_target *target)
{
	return target->host == SW_NO_HOST ? "localhost" : sw_hosts(sw_lab())[target->host].name;
}

const char *sw_find_name(const uint8_t ip[16])
{
	uint8_t shown[16];
	uint16_t owner;
	uint32_t iface;

	memcpy(shown, ip, sizeof(shown));
	sw_ip_shown(shown);
	if (sw_ip_is_loopback(ip) || memcmp(shown, local_addrs[0].ip, sizeof(shown)) == 0)
		return "localhost";
	if (sw_owner(sw_lab(), sw_self(), 0, ip, &owner, &iface) < 0)
		return NULL;
	return sw_hosts(sw_lab())[owner].name;
}
