/* Options that the kernel does not keep for us: what they are (inet_option.c), where they are kept (kept.c), gaps (gap.c). */
#ifndef SW_OPTION_H
#define SW_OPTION_H

#include <limits.h>

#include "options.h"
#include "shim.h"

/* kept.c */

/* sw_kept_map() - Map the options file of the lab in @dir; NULL without one. */
struct sw_options *sw_kept_map(const char *dir);
/* sw_kept_use() - This is the file from now on; without one nothing is kept, and no gap counted. */
void sw_kept_use(struct sw_options *options);
/* sw_datagrams_before() - Had this network a datagram or netlink socket when its file was mapped? */
bool sw_datagrams_before(void);
/* sw_options() - The mapped file, or NULL. */
struct sw_options *sw_options(void);
/* sw_kept_get() - The value kept for @fd's option; false where there is none. */
bool sw_kept_get(int fd, uint64_t tag, int level, int name, uint64_t value[2]);
/* sw_kept_put() - Keep it, and say so in the tag. Returns 0, or -1 with errno set. */
int sw_kept_put(int fd, uint64_t tag, int level, int name, const uint64_t value[2]);
/* sw_kept_read(), sw_kept_write() - The same of whatever @cookie stands for, where the file is mapped. */
bool sw_kept_read(uint64_t cookie, int level, int name, uint64_t value[2]);
void sw_kept_write(uint64_t cookie, int level, int name, const uint64_t value[2]);
/* sw_cookie() - SO_COOKIE of @fd; 0 where nothing can be kept. */
uint64_t sw_cookie(int fd);
/* sw_kept_copy() - What @from has, @to has too; with @accepted as accept(2) hands it down. The tag is the caller's. */
void sw_kept_copy(int from, int to, bool accepted);

/* inet_option.c, inet_table.c */

enum { SW_NOT_KNOWN = -2 }; /* neither 0 nor -1: no option of TCP, IP or IPv6 that is known here */

int sw_get_inet_option(int fd, uint64_t tag, int level, int name, void *value, socklen_t *len);
int sw_set_inet_option(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len);
/* sw_hands_down() - Has an accepted socket its listener's value of this option? */
bool sw_hands_down(int level, int name);

/* socket_option.c: SOL_SOCKET */

int sw_get_socket_option(int fd, uint64_t tag, int name, void *value, socklen_t *len);
int sw_set_socket_option(int fd, uint64_t tag, int name, const void *value, socklen_t len);
/* buffer.c: SO_SNDBUF and SO_RCVBUF, what forces them, and SO_BUF_LOCK; SO_MAX_PACING_RATE */
enum { SO_IS_BUF_LOCK = 72 };
int sw_get_buffer(int fd, uint64_t tag, int name, void *value, socklen_t *len);
int sw_set_buffer(int fd, uint64_t tag, int name, const void *value, socklen_t len);
int sw_get_buffer_lock(int fd, uint64_t tag, void *value, socklen_t *len);
int sw_set_buffer_lock(int fd, uint64_t tag, const void *value, socklen_t len);
int sw_get_pacing(int fd, uint64_t tag, void *value, socklen_t *len);
int sw_set_pacing(int fd, uint64_t tag, const void *value, socklen_t len);

/* sw_socket_option_size() - Bytes of a SOL_SOCKET option that the kernel keeps, and hands down as TCP does; 0 otherwise. */
socklen_t sw_socket_option_size(int name);

/* device.c: is this an option that binds a socket to an interface? */
bool sw_device_option(uint64_t tag, int level, int name);
int sw_get_device_option(int fd, uint64_t tag, int level, int name, void *value, socklen_t *len);
int sw_set_device_option(int fd, uint64_t tag, int level, int name, const void *value, socklen_t len);

/* abort.c */

/* sw_abort_set() - What @linger makes of @fd's close is so from now on. Returns 0, or -1 with errno set. */
int sw_abort_set(int fd, uint64_t *tag, const struct linger *linger);
/* sw_abort_begin() - @fd has just been connected, has a SYN under way, or was accepted. */
void sw_abort_begin(int fd, uint64_t tag);
/* sw_abort_shut() - Before shutdown(2). */
void sw_abort_shut(int fd, uint64_t tag, int how);
/* sw_abort_met() - The error, told once, if @fd's peer is there no more and left with a reset; else 0. */
int sw_abort_met(int fd, bool receive);

/* patience.c */

/* sw_patience_begin() - @fd was accepted. */
void sw_patience_begin(int fd, uint64_t tag);
/* sw_patience_set() - An option of @fd was set. */
void sw_patience_set(int fd, int level, int name);

/* gap.c */

/* sw_gap() - Count what the program asked for in vain. errno stays. */
void sw_gap(enum sw_gap_kind kind, int level, uint32_t name, uint32_t extra);
/* sw_gap_fail() - And fail with @error. */
static inline int sw_gap_fail(int error, enum sw_gap_kind kind, int level, uint32_t name, uint32_t extra)
{
	sw_gap(kind, level, name, extra);
	return sw_fail(error);
}

/* sw_put_value() - As getsockopt(2) hands out a value: no more than *@len, which is set to what there is. */
int sw_put_value(void *value, socklen_t *len, const void *from, socklen_t size);

/* sw_put_number() - Likewise a number; IP's options come as one byte where less than an int is asked for. */
int sw_put_number(int level, void *value, socklen_t *len, int n);

#endif
