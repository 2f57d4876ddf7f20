/*
 * Drop-in for libsocket_wrapper: without a lab, SOCKET_WRAPPER_DIR names the network.
 *
 * Such a network is a direct lab of 254 hosts, whose folder is $SOCKET_WRAPPER_DIR/.swrap, made by whoever comes first.
 * Host N has 10.53.57.N and fd00::5357:5fNN; SOCKET_WRAPPER_DEFAULT_IFACE says as which of them a process binds and
 * connects. Names and the page know no other address: that 10.53.57.N is called 127.0.0.N, which is the default of
 * SOCKET_WRAPPER_IPV4_NETWORK, is between the program and us, where a sockaddr is read or written.
 *
 * The variables are read whenever a socket is made, bound or connected. A process may have been in several networks: what
 * it bound remains where it was, and is known by the lab in its name.
 */
#ifndef SW_DROPIN_H
#define SW_DROPIN_H

#include <limits.h>
#include <sys/stat.h>

#include "shim.h"

/* sw_dropin_wanted() - Is SOCKET_WRAPPER_DIR set? */
bool sw_dropin_wanted(void);
/* sw_dropin_join() - The page of the network that is named now, made if need be; NULL with errno, and if @aloud a line on stderr. */
const struct sw_page *sw_dropin_join(uid_t *owner, bool aloud);
/* sw_dropin_known() - The @n-th network that this process has joined; NULL behind the last. */
const struct sw_page *sw_dropin_known(uint32_t n);
/* sw_dropin_flows() - What is known of the flows that are captured (capture.h) in the network of @page, or NULL. */
struct sw_flows *sw_dropin_flows(const struct sw_page *page);
/* sw_dropin_nowhere() - A network without anybody else, for who should be in one and cannot. */
const struct sw_page *sw_dropin_nowhere(void);
/* sw_dropin_self() - The host of SOCKET_WRAPPER_DEFAULT_IFACE. */
uint16_t sw_dropin_self(void);

/* sw_ip_heard() - The address that the program means by @ip, in place. */
void sw_ip_heard(uint8_t ip[16]);
/* sw_ip_shown() - What the program calls @ip, in place. */
void sw_ip_shown(uint8_t ip[16]);

/* lab.c */

/* sw_page_map() - The page in the folder @dir; NULL with errno. */
const struct sw_page *sw_page_map(const char *dir, struct stat *st);
/* sw_path_in() - @path = @dir/@name; NULL where that is too long. */
char *sw_path_in(char path[PATH_MAX], const char *dir, const char *name);

/* dropin_page.c */

/* sw_dropin_compose() - A page as it will stand in the file, with a secret of its own, in fresh memory; NULL without any. */
const struct sw_page *sw_dropin_compose(void);
/* sw_dropin_make() - Make @folder with all that belongs into it, unless somebody was faster. Returns 0 or an errno. */
int sw_dropin_make(const char *folder);

#endif
