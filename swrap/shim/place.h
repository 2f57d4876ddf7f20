/*
 * Places: where groups and broadcasts find their receivers in a lab without a switch. A table in the options file
 * (options.h), hashed by port or group and searched from there to the first entry that was never used.
 */
#ifndef SW_PLACE_H
#define SW_PLACE_H

#include "option.h"

/* sw_place_bound() - @fd is bound to @name, which may be an address that many are sent to. */
void sw_place_bound(int fd, const struct sw_name *name, uint16_t all);
/* sw_place_hears_all() - The IP_MULTICAST_ALL or IPV6_MULTICAST_ALL (@bit) of @fd is @on from now. */
void sw_place_hears_all(int fd, uint16_t bit, bool on);
/* sw_place_join(), sw_place_leave() - 0 or an errno; with ifindex 0, leave the group that is found first. */
int sw_place_join(int fd, uint16_t host, const uint8_t group[16], uint16_t ifindex);
int sw_place_leave(int fd, const uint8_t group[16], uint16_t ifindex);

/*
 * sw_place_next() - A copy of the next entry of @home, from *@at = 0 on; false behind the last. Those of other homes are met too.
 */
bool sw_place_next(uint32_t home, uint32_t *at, struct sw_place *copy);
uint32_t sw_place_home(const struct sw_endpoint *own);
/* sw_place_gone() - The socket of the entry that was met last has ended. */
void sw_place_gone(uint32_t home, uint32_t at, const struct sw_place *copy);

/* sw_place_hears() - Does the socket at @place hear the group on this interface, as a member or since another of its host is? */
bool sw_place_hears(const struct sw_place *place, const uint8_t group[16], uint16_t ifindex);

/* sw_port_shared(), sw_port_share() - Was this port ever shared by datagram sockets? It is from now. */
bool sw_port_shared(uint16_t port);
void sw_port_share(uint16_t port);
/* sw_port_devices(), sw_port_device() - Likewise: ever had by sockets that were bound to an interface? */
bool sw_port_devices(uint16_t port);
void sw_port_device(uint16_t port);
/* sw_port_particular(), sw_port_particularise() - Likewise: of a datagram socket that has a peer or options for what it sends. */
bool sw_port_particular(uint16_t port);
void sw_port_particularise(uint16_t port);

/* sw_port_listens() - A listener on this port hands down @tag. sw_port_listener() - What every one of them does, or has done; 0: they differ. */
void sw_port_listens(uint16_t port, uint64_t tag);
uint64_t sw_port_listener(uint16_t port);

#endif
