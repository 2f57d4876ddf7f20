/*
 * Datagram sockets, whose every message has a struct sw_dgram in front of it (syn.h).
 *
 * The receive calls must know whether a socket is one. Asking the kernel costs 0.2 µs, which is too much for every read()
 * of a process that has none: so a process remembers whether a virtual datagram socket may ever have come in, by socket(),
 * exec, SCM_RIGHTS or pidfd_getfd. It may remember too much, never too little.
 */
#ifndef SW_DGRAM_H
#define SW_DGRAM_H

#include <arpa/inet.h>
#include <fcntl.h>

#include "kernel.h"
#include "shim.h"

extern bool sw_dgram_seen __attribute__((visibility("hidden")));

/*
 * A datagram or netlink socket is marked beside its tag, by what the kernel tells at the least cost: the hint of its inode that
 * is meant for files, how long that lives which is written to it (fcntl(2)).
 */
enum sw_dgram_mark {
	SW_DGRAM_NONE,
	SW_DGRAM_PLAIN = RWH_WRITE_LIFE_LONG, /* of IPv4, without a switch */
	SW_DGRAM_OTHER = RWH_WRITE_LIFE_EXTREME,
};

/* sw_dgram_mark() - Is @fd marked so? That costs little more than half of what the tag does. Free while the process cannot have one. */
static inline enum sw_dgram_mark sw_dgram_mark(int fd)
{
	uint64_t hint = 0;

	if (!__builtin_expect(__atomic_load_n(&sw_dgram_seen, __ATOMIC_RELAXED), 0))
		return SW_DGRAM_NONE;
	sw_kernel(SYS_fcntl, fd, F_GET_RW_HINT, (long)&hint, 0, 0, 0);
	return hint < SW_DGRAM_PLAIN ? SW_DGRAM_NONE : (enum sw_dgram_mark)hint;
}

/* sw_dgram_check() - Is @fd a virtual datagram socket? */
static inline bool sw_dgram_check(int fd, uint64_t *tag)
{
	return sw_dgram_mark(fd) && sw_tag_get(fd, tag) && (*tag & SW_TAG_DGRAM);
}

/* sw_dgram_check_data() - For a receive without ancillary data: of a plain one it has to know no more. */
static inline __attribute__((always_inline)) bool sw_dgram_check_data(int fd, uint64_t *tag)
{
	enum sw_dgram_mark mark = sw_dgram_mark(fd);

	*tag = SW_TAG_DGRAM;
	return mark == SW_DGRAM_PLAIN || (mark && sw_tag_get(fd, tag) && (*tag & SW_TAG_DGRAM));
}

/* sw_dgram_born() - This process has one from now on, and who inherits from it may. */
void sw_dgram_born(void);
/* sw_dgram_set_mark() - Mark @fd, which is one. Returns 0, or -1 with errno set. */
int sw_dgram_set_mark(int fd, enum sw_dgram_mark mark);
/* sw_dgram_note() - @fd came in. */
void sw_dgram_note(int fd);
/* sw_dgram_note_rights() - @msg came in, perhaps with fds. */
void sw_dgram_note_rights(const struct msghdr *msg);

/* sw_dgram_attach() - Bind to @own (port 0: any). Returns 0 or an errno; @tag is updated. */
int sw_dgram_attach(int fd, uint64_t *tag, const struct sw_endpoint *own);
/* sw_dgram_autobind() - An ephemeral port, on all addresses. */
int sw_dgram_autobind(int fd, uint64_t *tag);
/* sw_dgram_connect() - connect(2): 0 or -1; @remote NULL: disconnect. */
int sw_dgram_connect(int fd, uint64_t tag, const struct sw_endpoint *remote);
/* sw_dgram_names() - Both addresses of a connected socket; false where there is no peer. */
bool sw_dgram_names(int fd, uint64_t tag, struct sw_endpoint *local, struct sw_endpoint *remote);
/* sw_reuses_address() - SO_REUSEADDR. */
bool sw_reuses_address(int fd);
/* sw_dgram_many() - A group, or a broadcast address of this host. */
bool sw_dgram_many(const uint8_t ip[16]);
/* sw_dgram_queued() - Bytes of the datagram that is next; 0 where there is none. */
int sw_dgram_queued(int fd);

/* twin.c: all return 0 or an errno */
int sw_twin_bind(int fd, uint64_t tag, struct sw_endpoint *own);
/* sw_twin_connect() - @by: what sw_unicast_if() says. */
int sw_twin_connect(int fd, const struct sw_endpoint *remote, uint16_t by, bool broadcast);
int sw_twin_group(int fd, uint64_t tag, enum sw_dgram_kind kind, const struct sw_endpoint *group, uint16_t ifindex);
int sw_twin_set(int fd, uint64_t tag, enum sw_dgram_option option, uint32_t value);
/* sw_twin_pending() - The error that the last datagram met (ECONNREFUSED), which is told once; or 0. */
int sw_twin_pending(int fd);

/* dgram.c: sw_dgram_device() - SO_BINDTODEVICE is @device from now on. Returns 0 or an errno. */
int sw_dgram_device(int fd, uint64_t tag, uint16_t device);

/* dgram_option.c: is this an option that the twin keeps? */
bool sw_dgram_option(uint64_t tag, int level, int name);
int sw_set_dgram_option(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len);
int sw_get_dgram_option(int fd, uint64_t tag, int level, int name, void *value, socklen_t *len);

/* sw_dgram_setting() - Of a lab without a switch, what the option is: kept, or Linux' default. */
uint32_t sw_dgram_setting(int fd, uint64_t tag, enum sw_dgram_option option);
/* sw_dgram_group_source() - Fill in what IP_MULTICAST_IF, IPV6_MULTICAST_IF say of where @head leaves. */
void sw_dgram_group_source(int fd, uint64_t tag, struct sw_dgram *head);

struct in_addr;
/* sw_iface_with() - The ifindex of the interface with this address; 0 where none has it. */
uint16_t sw_iface_with(const struct in_addr *addr);

/* group.c: sw_group_option() - Is this setsockopt() about a multicast group? Then sw_set_group() does it. */
bool sw_group_option(int level, int name);
int sw_set_group(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len);

/* Without a switch. */

/*
 * dgram_filter.c: sw_dgram_admit() - Let in what has the token of @fd's name and is from @peer, or anybody if that is NULL, by the
 * interface with the ifindex @device, or any if that is 0.
 */
int sw_dgram_admit(int fd, const struct sw_endpoint *peer, uint16_t device);
/* sw_dgram_retag() - The copy of @fd's tag in its filter is @tag from now on. Returns 0 or an errno. */
int sw_dgram_retag(int fd, uint64_t tag);
struct sw_ends {
	struct sw_endpoint own, peer; /* port 0: none */
};
/* sw_dgram_look() - All of a socket that is bound, by one call of the kernel: its tag and its ends; false: it is none such. */
bool sw_dgram_look(int fd, uint64_t *tag, struct sw_ends *ends);
/* sw_dgram_ends() - What it is bound to, and its peer, or zeros; false: it is not bound. */
bool sw_dgram_ends(int fd, struct sw_endpoint *own, struct sw_endpoint *peer);
static inline void sw_dgram_seal(struct sw_dgram *head, uint64_t token)
{
	head->token[0] = htonl((uint32_t)(token >> 32));
	head->token[1] = htonl((uint32_t)token);
}

/*
 * dgram_direct.c: sw_dgram_deliver() - Send @whole, @size bytes behind its header; 0, also where it is lost, or an errno. @ends
 * are those of @fd if they are known already, or NULL. Where @whole is one piece, the bytes follow the header in memory.
 */
int sw_dgram_deliver(int fd, uint64_t tag, const struct sw_ends *ends, struct msghdr *whole, size_t size, int flags);

/*
 * dgram_route.c: sw_dgram_source() - Fill in whom @head is from, and the interface by which it leaves; false: there is none.
 * @many: sw_dgram_many() of where it goes.
 */
bool sw_dgram_source(uint16_t host, const struct sw_endpoint *own, bool many, struct sw_dgram *head, uint32_t *iface);
/* sw_iface_broadcast() - Is this IPv4 address one that all on the interface's subnet hear? */
bool sw_iface_broadcast(uint32_t iface, const uint8_t ip[16]);
/* sw_iface_index() - The interface with this ifindex, or 0: the first by which @ip's family can reach a group or all. */
bool sw_iface_index(uint16_t host, uint16_t ifindex, const uint8_t ip[16], uint32_t *iface);

/* sw_dgram_check_bound() - As sw_dgram_check(), for one that is bound, where there is no switch. */
static inline bool sw_dgram_check_bound(int fd, uint64_t *tag, struct sw_ends *ends)
{
	return __builtin_expect(__atomic_load_n(&sw_dgram_seen, __ATOMIC_RELAXED), 0) && sw_lab() &&
	       (sw_lab()->flags & SW_DIRECT) && sw_dgram_look(fd, tag, ends);
}

/* dgram_way.c: sw_dgram_again() - sendto(2), if that is as simple as it mostly is, and was done; else false. */
bool sw_dgram_again(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len);

int sw_dgram_shutdown(int fd, uint64_t tag, int how);
/* sw_dgram_send() - @ends: likewise. */
ssize_t sw_dgram_send(int fd, uint64_t tag, const struct sw_ends *ends, const struct msghdr *msg, int flags);
ssize_t sw_dgram_recv(int fd, uint64_t tag, struct msghdr *msg, int flags);
/* sw_dgram_take() - Likewise into one buffer; @tag is as sw_dgram_check_data() has found it. */
ssize_t sw_dgram_take(int fd, uint64_t tag, void *buf, size_t n, int flags, struct sockaddr *addr, socklen_t *len);

#endif
