/*
 * libswrap.so: any dynamically linked program, in a virtual host.
 *
 * A virtual socket is an AF_UNIX socket. All that must be known of it later is kept by the kernel on the open file
 * description: what it pretends to be in its tag (tag.h), its address in its abstract name (name.h). So nothing here has
 * to follow close, dup, fcntl, fork, exec, poll, select, epoll or SCM_RIGHTS, and none of them is interposed. The only
 * state of a process is where the lab's page and its options file are mapped.
 *
 *	lab.c         the page, the host, who may talk to us
 *	dropin.c      networks of SOCKET_WRAPPER_DIR; dropin_page.c how one is made, cwrap.c what libsocket_wrapper exports
 *	socket.c      socket(2): the birth of a virtual socket
 *	address.c     sockaddr and endpoint; bind, getsockname, getpeername
 *	claim.c       ports: ephemeral ones, and who may have one beside whom
 *	connect.c     connect, and the outcome of one that is under way
 *	syn.c         the message to the switch that opens a flow
 *	accept.c      listen, accept, accept4
 *	transfer.c    the read and write family: the kernel's own but for addresses and the reason of an error
 *	plain.c       when these are made by our own instruction; peek.c MSG_PEEK with MSG_WAITALL
 *	pages.c       sendfile and splice
 *	dgram.c       datagram sockets: address, peer; dgram_send.c and dgram_recv.c their messages,
 *	              twin.c what is said to the switch, group.c their groups, dgram_option.c their options;
 *	              without a switch dgram_direct.c delivers, dgram_route.c chooses the way, dgram_way.c remembers it,
 *	              dgram_filter.c says who may send, place.c where groups and broadcasts go
 *	option.c      getsockopt, setsockopt: inet_option.c of TCP, IP and IPv6 (inet_table.c, inet_value.c), socket_option.c
 *	              of SOL_SOCKET (buffer.c), device.c which interface;
 *	              kept.c what is kept of them in the lab's options file
 *	abort.c       SO_LINGER with a time of 0
 *	gap.c         what a program asked for in vain, counted there
 *	tcp_info.c    TCP_INFO and SIOCOUTQ, as the switch tells them
 *	ask.c         the question to the switch behind these
 *	interfaces.c  getifaddrs, if_nametoindex and their kin
 *	netlink.c     netlink sockets: birth, port id, groups; netlink_io.c, netlink_option.c
 *	doors.c       sendmmsg, recvmmsg, what _FORTIFY_SOURCE calls; syscall.c syscall(2); reserved.c bindresvport, rresvport
 *	exec.c        exec and posix_spawn, whose programs stay in the host
 *	real.c        the functions behind ours
 *	capture.c     SOCKET_WRAPPER_PCAP_FILE: flow.c how far each flow has got, pcap.c the file
 *	netdb.c       getaddrinfo, getnameinfo, gethostby*, gethostname, uname (resolve.c: the lab's names)
 *	resolver.c    libc's own ways to a name server, which are closed
 *	ioctl.c       SIOCETHTOOL, SIOCGIF*, SIOCOUTQ
 *
 * Every function here may run in a signal handler, in any thread and after vfork: no lock, no stdio, no allocation
 * (getifaddrs and if_nameindex return allocated memory by their nature). errno changes only on failure.
 */
#ifndef SW_SHIM_H
#define SW_SHIM_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "name.h"
#include "page.h"
#include "syn.h"
#include "tag.h"

#define SW_EXPORT __attribute__((visibility("default")))
#define SW_HOT __attribute__((aligned(64)))

/*
 * What every program that starts has to touch stands together, which saves it page faults: the code beside what the loader
 * reads, all else on the one page that is written anyway, constants too.
 */
#define SW_START __attribute__((section(".text.startup")))
#define SW_EARLY __attribute__((section(".data")))
#define SW_EARLY_TEXT(text) __extension__({ static char early[] SW_EARLY = text; early; })

/* exec.c: sw_environment() - getenv(3); what a program that starts does not have to find is the sooner done. */
const char *sw_environment(const char *name);

/* lab.c */

/* sw_lab() - The page of the lab that this process is in; NULL outside of any, where every IP socket is refused. */
const struct sw_page *sw_lab(void);
/* sw_lab_now() - And for a socket that is made: by the environment of this moment (dropin.h). NULL with errno. */
const struct sw_page *sw_lab_now(void);
/* sw_lab_at_hand() - sw_lab(), for who comes before there is any socket. errno stays. */
const struct sw_page *sw_lab_at_hand(void);
/* sw_lab_of() - The page of the network that @fd was bound in. */
const struct sw_page *sw_lab_of(int fd);
/* sw_in_dropin() - Is that no lab, but a network of SOCKET_WRAPPER_DIR (dropin.h)? */
bool sw_in_dropin(void);
/* sw_here() - The tag of a socket that is about to be bound (to @own) or connected: on the host that it is now. */
uint64_t sw_here(uint64_t tag, const struct sw_endpoint *own);
/* sw_decode() - sw_name_decode(), whichever of this process' networks it is a name of. */
bool sw_decode(const struct sockaddr_un *sun, socklen_t len, struct sw_name *name);
/* sw_self() - The index of the host that this process runs on. */
uint16_t sw_self(void);
/* sw_peer_is_ours() - Does the other end of @fd belong to the lab's owner (SO_PEERCRED)? */
bool sw_peer_is_ours(int fd);


/* sw_fail() - errno = @error, and -1 to return. */
static inline int sw_fail(int error)
{
	errno = error;
	return -1;
}

/* socket.c */

/* sw_tag_get() - The tag of @fd; false where it is not a virtual socket, or no socket at all. */
bool sw_tag_get(int fd, uint64_t *tag);
/* sw_tag_set() - 0 or -1 with errno set. */
int sw_tag_set(int fd, uint64_t tag);

/* address.c */

/* sw_endpoint_read() - 0, or an errno: EINVAL (too short), EAFNOSUPPORT (another family than the socket's). */
int sw_endpoint_read(uint64_t tag, const struct sockaddr *addr, socklen_t len, struct sw_endpoint *ep);
/* sw_endpoint_link() - A link-local address without a scope is one of the interface that @fd is bound to, or EINVAL. Returns 0 or an errno. */
int sw_endpoint_link(int fd, uint64_t tag, struct sw_endpoint *ep);
/* sw_link_at() - The number of the link of this host's interface with this ifindex; 0: none. */
uint16_t sw_link_at(uint32_t ifindex);
/* sw_link_first() - Of the first of its link-local addresses; 0: it has none. */
uint16_t sw_link_first(void);
/* sw_link_ifindex() - And the other way round: the first of its interfaces on that link. */
uint16_t sw_link_ifindex(uint16_t link);
/* sw_unspecified_is_here() - As a destination, Linux takes the unspecified address for this host. */
void sw_unspecified_is_here(struct sw_endpoint *ep);
/* sw_endpoint_write() - As accept(2) and getsockname(2) do: truncated to *@len, which is set to the full length. */
void sw_endpoint_write(uint64_t tag, const struct sw_endpoint *ep, struct sockaddr *addr, socklen_t *len);
/* sw_own_name() - Decode the name that @fd is bound to, without its slot; false where it has none. */
bool sw_own_name(int fd, struct sw_name *name);
/* sw_peer_name() - Decode the name of the other end; for an accepted stream it holds both addresses. */
bool sw_peer_name(int fd, struct sw_name *name);
/* sw_endpoints() - Both addresses of a socket that is connected or connecting; false where they cannot be known. */
bool sw_endpoints(int fd, uint64_t tag, struct sw_endpoint *local, struct sw_endpoint *remote);

/* accept.c */

/* sw_listens() - The tag of the listener @fd is about to be @tag, in a lab without a switch. */
void sw_listens(int fd, uint64_t tag);

/* claim.c */

/* sw_bind_port() - Bind @fd to @name, whose own port is chosen here if it is 0. Returns 0 or an errno. */
int sw_bind_port(int fd, struct sw_name *name);
/* sw_claim() - bind(2): as sw_bind_port(), but no other socket may hold an address that overlaps (EADDRINUSE). */
int sw_claim(int fd, uint64_t tag, struct sw_name *name);

/* connect.c */

/* sw_reach() - Connect @fd to the abstract name; a full backlog of the switch is waited for. Returns 0 or an errno. */
int sw_reach(int fd, const struct sockaddr_un *sun, socklen_t len);
/* sw_settle() - The tag, with SW_TAG_CONNECTED if a connect has come to its end: ask before you look at that bit. */
uint64_t sw_settle(int fd, uint64_t tag);
/* sw_widen() - Give a connection through the switch its larger SO_SNDBUF. Return: @tag with SW_TAG_WIDE, to be set. */
uint64_t sw_widen(int fd, uint64_t tag);
/**
 * sw_renew() - Put a fresh socket in the place of one that is marked SW_TAG_FAILED. Returns 0 or an errno
 *
 * TCP allows another try, AF_UNIX does not. The name and the flags are kept; a registration in epoll is lost.
 */
int sw_renew(int fd, uint64_t *tag);
/* sw_over() - Has @fd's connection come to its end, by a reset or both FINs, so that TCP knows it no more? */
bool sw_over(int fd, uint64_t tag);

/* patience.c */

/* sw_patience_of() - What @fd's options say of it. */
struct sw_patience sw_patience_of(int fd, uint64_t tag);

/* syn.c */

/* sw_syn_send() - Send the SYN: @fd is ready for POLLOUT when it was answered. Returns 0 or an errno. */
int sw_syn_send(int fd, uint64_t tag, const struct sw_endpoint *local, const struct sw_endpoint *remote);
/* sw_syn_await() - And wait for the answer: 0, EINTR where it is still to come, or the errno that ended the attempt. */
int sw_syn_await(int fd, uint64_t tag, const struct sw_endpoint *local, const struct sw_endpoint *remote);

/* peek.c */

struct iovec;
/* sw_peek_all() - recvmsg(2) of a stream with MSG_PEEK and MSG_WAITALL, into @room bytes. */
ssize_t sw_peek_all(int fd, struct iovec *iov, size_t n_iov, size_t room, int flags);

/* ask.c */

/* sw_request() - One question to the switch; false, and an empty answer, where there is none or it does not answer. */
bool sw_request(struct sw_syn *question, struct sw_answer *answer);
/* sw_ask() - What the switch knows of the flow behind @fd; state SW_FLOW_NONE where it knows nothing or is gone. */
void sw_ask(int fd, struct sw_answer *answer);
/* sw_reason() - Why @fd's flow ended: an errno, ECONNRESET where the switch cannot say. */
int sw_reason(int fd);
/* sw_inode() - st_ino of @fd, by which the switch knows it. */
uint64_t sw_inode(int fd);

/* tcp_info.c */

/* sw_tcp_info() - Fill the caller's struct tcp_info as far as *@len reaches. */
int sw_tcp_info(int fd, uint64_t tag, void *value, socklen_t *len);
/* sw_unacked() - Bytes that @fd's program sent and that the other host has not acknowledged. */
int sw_unacked(int fd);

/* device.c */

/* sw_device() - The ifindex of the interface that @fd is bound to by SO_BINDTODEVICE; 0: none. */
uint16_t sw_device(int fd, uint64_t tag);
/* sw_unicast_if() - And of that by which a datagram to @to leaves, if to no group: IP_UNICAST_IF, IPV6_UNICAST_IF. */
uint16_t sw_unicast_if(int fd, uint64_t tag, const uint8_t to[16]);

/* interfaces.c */

/* sw_iface_named() - A copy of this host's interface called @name; false where there is none. */
bool sw_iface_named(const char *name, struct sw_iface *iface);
/* sw_iface_at() - A copy of this host's @n-th interface, from 0; false behind the last. */
bool sw_iface_at(uint32_t n, struct sw_iface *iface);
/* sw_iface_addr() - A copy of the @n-th address of this host; false behind the last. */
bool sw_iface_addr(uint32_t n, struct sw_addr *addr, struct sw_iface *iface);
/* sw_iface_iff() - Its flags as IFF_*. */
unsigned int sw_iface_iff(const struct sw_iface *iface);
/* sw_prefix_mask() - The netmask of @addr as an endpoint, for sw_endpoint_write(). */
void sw_prefix_mask(const struct sw_addr *addr, struct sw_endpoint *mask);

#endif
