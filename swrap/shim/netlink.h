/* Netlink sockets: connections to the switch, which answers for the host's interfaces (route.h). */
#ifndef SW_NETLINK_H
#define SW_NETLINK_H

#include "route.h"
#include "shim.h"

/* netlink.c: sw_netlink_socket() - socket(AF_NETLINK, ...) in a lab. */
int sw_netlink_socket(int type, int protocol);
int sw_netlink_bind(int fd, uint64_t tag, const struct sockaddr *addr, socklen_t len);
int sw_netlink_connect(int fd, uint64_t tag, const struct sockaddr *addr, socklen_t len);
int sw_netlink_getsockname(int fd, uint64_t tag, struct sockaddr *addr, socklen_t *len);
int sw_netlink_getpeername(struct sockaddr *addr, socklen_t *len);
/* sw_netlink_autobind() - Give @fd a port id if it has none; 0 or an errno. */
int sw_netlink_autobind(int fd, uint64_t *tag);

/* netlink_option.c */
int sw_netlink_getsockopt(int fd, uint64_t tag, int level, int name, void *value, socklen_t *len);
int sw_netlink_setsockopt(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len);

/* netlink_io.c */
ssize_t sw_netlink_send(int fd, uint64_t tag, const struct msghdr *msg, int flags);
ssize_t sw_netlink_recv(int fd, uint64_t tag, struct msghdr *msg, int flags);

/* sw_netlink_tell() - Say a word about @fd's groups to the switch: 0 or an errno; @groups, if any, gets what they are. */
int sw_netlink_tell(int fd, enum sw_route_kind kind, uint32_t value, uint64_t *groups);
/* sw_netlink_address() - Fill in a sockaddr_nl, as getsockname(2) does. */
void sw_netlink_address(uint32_t port, uint32_t groups, struct sockaddr *addr, socklen_t *len);

#endif
