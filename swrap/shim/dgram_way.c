/*
 * The beaten way of datagrams without a switch: who sends small ones by sendto(2) to the same address again and again. What the
 * last of them made out (which host, by which interface, under which names) holds for the next, as long as the page has
 * not changed and it comes from the same address: that is asked of the kernel, by the one call that is made before the send.
 *
 * A thread remembers one way. That says nothing of any socket, so nothing of it goes stale: it is what follows from both
 * addresses and the page. Whatever is particular goes by dgram_send.c, and so does what met nobody or a full queue.
 */
#include "dgram.h"

#include <netinet/in.h>
#include <string.h>

#include "option.h"
#include "place.h"
#include "real.h"

#define SMALL 1024 /* bytes: less than this is copied behind its header */
#define DEFAULT_TTL 64

/* The length of a name that is no pair's. */
#define NAME (offsetof(struct sockaddr_un, sun_path) + sizeof("_sw/xxxxxxxx/hhhh/u/iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiipppp/mmmmmmmmmmm") - 1)

/* A name of the receiver's host, and what opens its filter. */
struct aim {
	char name[NAME];
	uint64_t token;
};

struct way {
	/* It holds for: */
	char own[NAME];
	struct in_addr ip;
	in_port_t port;
	uint32_t seq; /* of the page; 0: it holds for nothing */
	/* And is: */
	struct sw_dgram head;
	struct aim exact, wildcard;
};

/* It is asked from a library that every process has from its start. A signal handler that comes while it is used has none. */
static _Thread_local struct way kept __attribute__((tls_model("initial-exec")));
static _Thread_local bool busy __attribute__((tls_model("initial-exec")));

static void aim_at(const struct sw_name *name, struct aim *aim)
{
	struct sockaddr_un sun;

	sw_name_sealed(sw_lab(), name, &sun, &aim->token);
	memcpy(aim->name, &sun, sizeof(aim->name));
}

/* find() - The way from the socket of the name @own to @in; false where there is none, or none that is as simple. */
static bool find(const struct sockaddr_un *own, const struct sockaddr_in *in, struct way *way)
{
	struct sw_name name, to = {.kind = SW_KIND_UDP};
	uint32_t iface;

	way->seq = sw_page_begin(sw_lab());
	way->head = (struct sw_dgram){.magic = SW_DGRAM_MAGIC, .kind = SW_DGRAM_DATA, .ttl = DEFAULT_TTL};
	if (!sw_decode(own, NAME, &name) || name.kind != SW_KIND_UDP ||
	    sw_endpoint_read(0, (const struct sockaddr *)in, sizeof(*in), &to.own) || !to.own.port ||
	    sw_ip_is_any(to.own.ip) || sw_dgram_many(to.own.ip))
		return false;
	way->head.to = to.own;
	if (!sw_dgram_source(name.host, &name.own, false, &way->head, &iface) ||
	    sw_owner(sw_lab(), name.host, 0, to.own.ip, &to.host, &iface) < 0 ||
	    (to.host != name.host && sw_ip_is_loopback(way->head.from.ip)))
		return false;
	way->head.ifindex = sw_ifaces(sw_lab())[iface].ifindex;
	aim_at(&to, &way->exact);
	memset(to.own.ip + 12, 0, 4);
	aim_at(&to, &way->wildcard);
	memcpy(way->own, own, sizeof(way->own));
	way->ip = in->sin_addr;
	way->port = in->sin_port;
	return true;
}

/* holds() - Is @way the way from @own to @in, on the page as it is now? */
static bool holds(const struct way *way, const struct sockaddr_un *own, const struct sockaddr_in *in)
{
	return way->port == in->sin_port && way->ip.s_addr == in->sin_addr.s_addr &&
	       way->seq == __atomic_load_n(&sw_lab()->seq, __ATOMIC_ACQUIRE) && memcmp(way->own, own, sizeof(way->own)) == 0;
}

static bool is_simple(size_t n, int flags, const struct sockaddr *addr, socklen_t len)
{
	return n < SMALL && !(flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL)) && len >= sizeof(struct sockaddr_in) &&
	       addr->sa_family == AF_INET && sw_lab() && (sw_lab()->flags & SW_DIRECT) && !sw_in_dropin();
}

bool sw_dgram_again(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t len)
{
	const struct sockaddr_in *in = (const void *)addr;
	struct {
		struct sw_dgram head;
		char data[SMALL];
	} piece;
	struct sockaddr_un own;
	struct aim aims[2];
	socklen_t own_len = sizeof(own);
	int saved = errno;
	bool found;

	if (!is_simple(n, flags, addr, len) || busy)
		return false;
	if (sw_kernel(SYS_getsockname, fd, (long)&own, (long)&own_len, 0, 0, 0) < 0 || own_len != NAME)
		return false;
	busy = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	found = holds(&kept, &own, in) || find(&own, in, &kept);
	if (found) {
		piece.head = kept.head;
		aims[0] = kept.exact;
		aims[1] = kept.wildcard;
	} else {
		kept.seq = 1; /* never one of a page that is at rest */
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	busy = false;
	if (!found || sw_port_particular(piece.head.from.port) || sw_port_devices(piece.head.to.port))
		return false;
	memcpy(piece.data, buf, n);
	for (int i = 0; i < 2; i++) {
		sw_dgram_seal(&piece.head, aims[i].token);
		if (sw_real(sendto)(fd, &piece, sizeof(piece.head) + n, MSG_DONTWAIT | MSG_NOSIGNAL,
				    (struct sockaddr *)aims[i].name, NAME) >= 0) {
			errno = saved;
			return true;
		}
		if (errno != ECONNREFUSED)
			break;
	}
	errno = saved;
	return false;
}
