/* Names of hosts: the lab's, and no others. No query leaves, and no name service of the machine is asked. */
#ifndef SW_RESOLVE_H
#define SW_RESOLVE_H

#include "shim.h"

/* What a name stands for: `host` says whose addresses, SW_NO_HOST that it is localhost. */
struct sw_target {
	uint16_t host;
};

/* sw_find_host() - false where the lab knows no such name. A name may end in a dot and has no case (RFC 1035 2.3.3). */
bool sw_find_host(const char *name, struct sw_target *target);
/* sw_target_addr() - The @n-th address that @target has, in the host's order; false behind the last. */
bool sw_target_addr(const struct sw_target *target, uint32_t n, struct sw_addr *addr);
/* sw_target_name() - The name by which the lab knows it. */
const char *sw_target_name(const struct sw_target *target);
/* sw_find_name() - The name of the host that has @ip; NULL where none has. */
const char *sw_find_name(const uint8_t ip[16]);

#endif
