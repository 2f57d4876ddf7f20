/*
 * Datagram sockets, whose every message has a struct sw_dgram in front of it (syn.h).
 *
 * The receive calls must know whether a socket is one. Asking the kernel for the tag costs 0.3 µs, which is too much for
 * every read() of a process that has none: so a process remembers whether a virtual datagram socket may ever have come
 * in, by socket(), exec, SCM_RIGHTS or pidfd_getfd. It may remember too much, never too little.
 */
#ifndef SW_DGRAM_H
#define SW_DGRAM_H

#include "shim.h"

extern bool sw_dgram_seen;

/* sw_dgram_check() - Is @fd a virtual datagram socket? Free of system calls while the process cannot have one. */
static inline bool sw_dgram_check(int fd, uint64_t *tag)
{
	return __builtin_expect(__atomic_load_n(&sw_dgram_seen, __ATOMIC_RELAXED), 0) && sw_tag_get(fd, tag) &&
	       (*tag & SW_TAG_DGRAM);
}

/* sw_dgram_note() - @fd came in. */
void sw_dgram_note(int fd);
/* sw_dgram_note_rights() - @msg came in, perhaps with fds. */
void sw_dgram_note_rights(const struct msghdr *msg);

/* sw_dgram_attach() - Bind to @own (port 0: any) and have a twin. Returns 0 or an errno; @tag is updated. */
int sw_dgram_attach(int fd, uint64_t *tag, const struct sw_endpoint *own);
/* sw_dgram_connect() - connect(2): 0 or -1; @remote NULL: disconnect. */
int sw_dgram_connect(int fd, uint64_t tag, const struct sw_endpoint *remote);
/* sw_dgram_peer() - The connected peer; false where there is none. */
bool sw_dgram_peer(int fd, struct sw_endpoint *remote);
/* sw_dgram_group() - Join or leave a group: 0 or an errno. */
int sw_dgram_group(int fd, uint64_t tag, enum sw_dgram_kind kind, const struct sw_endpoint *group, uint16_t ifindex);

/* group.c: sw_group_option() - Is this setsockopt() about a multicast group? Then sw_set_group() does it. */
bool sw_group_option(int level, int name);
int sw_set_group(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len);

/* Where, without a switch, the socket that gets a datagram may be found, in the order in which Linux looks. */
struct sw_receivers {
	struct sw_endpoint at[3];
	int n;
	uint16_t host;
};
/* sw_receivers() - false where nobody has the address. */
bool sw_receivers(uint64_t tag, const struct sw_endpoint *remote, struct sw_receivers *to);

ssize_t sw_dgram_send(int fd, uint64_t tag, const struct msghdr *msg, int flags);
ssize_t sw_dgram_recv(int fd, uint64_t tag, struct msghdr *msg, int flags);

#endif
