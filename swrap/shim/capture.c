/* What is captured, packet by packet: who writes what, once and in order (capture.h); flow.c how far each flow has got. */
#include "capture.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dropin.h"
#include "packet.h"

#define WINDOW (65535u << SW_WINDOW_SCALE)

bool sw_capturing SW_EARLY;

/* What one call of the program puts into the file. */
struct shot {
	struct sw_pcap pcap;
	struct sw_flows *table;
	struct sw_flow *flow;
	struct sw_flow_way *out, *in; /* of the end that is spoken of first */
	struct sw_packet_route there, back;
	uint8_t *record; /* room for one packet, with the record's head in front */
	uint8_t *payload; /* and for what is gathered */
	size_t room; /* of both */
};

static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
	for (const uint8_t *b = bytes; n-- > 0; b++)
		hash = (hash ^ *b) * 0x100000001b3ull; /* FNV-1a */
	return hash;
}

static int compare(const struct sw_endpoint *a, const struct sw_endpoint *b)
{
	int order = memcmp(a->ip, b->ip, sizeof(a->ip));

	return order ? order : (int)a->port - (int)b->port;
}

static void set_route(struct sw_packet_route *route, const struct sw_endpoint *from, const struct sw_endpoint *to)
{
	*route = (struct sw_packet_route){
		.from_mac = {2, 0x53, 0x57, 0, 0, from->ip[15]},
		.to_mac = {2, 0x53, 0x57, 0, 0, to->ip[15]},
		.from_port = from->port,
		.to_port = to->port,
		.ttl = 64,
	};
	memcpy(route->from_ip, from->ip, 16);
	memcpy(route->to_ip, to->ip, 16);
	sw_ip_shown(route->from_ip);
	sw_ip_shown(route->to_ip);
}

static void leave(const struct shot *shot)
{
	munmap(shot->record, shot->room);
	close(shot->pcap.fd);
}

/* make_room() - Not on the stack, which may be a small thread's. */
static bool make_room(struct shot *shot, size_t most)
{
	size_t packet = SW_PCAP_HEAD + SW_PACKET_HEADERS + shot->pcap.mtu;

	shot->room = packet + most;
	shot->record = mmap(NULL, shot->room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shot->payload = shot->record + packet;
	return shot->record != MAP_FAILED;
}

/* aim() - Make ready to write what goes from @from to @to: up to @most bytes at once. False where nothing can be. */
static bool aim(struct shot *shot, int fd, uint8_t protocol, const struct sw_endpoint *from,
		const struct sw_endpoint *to, size_t most)
{
	bool up = compare(from, to) <= 0;
	const struct sw_endpoint *low = up ? from : to, *high = up ? to : from;
	uint64_t key = 0xcbf29ce484222325ull, file[2];

	shot->table = sw_dropin_flows(sw_lab_of(fd));
	if (!shot->table || !sw_pcap_open(&shot->pcap))
		return false;
	if ((shot->table->full_ino == shot->pcap.ino && shot->table->full_dev == shot->pcap.dev) ||
	    !make_room(shot, most ? most : shot->pcap.mtu)) {
		close(shot->pcap.fd);
		return false;
	}
	file[0] = shot->pcap.dev;
	file[1] = shot->pcap.ino;
	key = mix(mix(key, file, sizeof(file)), &protocol, 1);
	key = mix(mix(key, low->ip, 16), &low->port, 2);
	key = mix(mix(key, high->ip, 16), &high->port, 2);
	shot->flow = sw_flow_entry(shot->table, key ? key : 1);
	shot->out = &shot->flow->ways[!up];
	shot->in = &shot->flow->ways[up];
	set_route(&shot->there, from, to);
	set_route(&shot->back, to, from);
	return true;
}

/* put() - The packet whose frame of @n bytes stands behind the record's head. A full disk ends the capture, for all. */
static void put(const struct shot *shot, uint32_t n)
{
	if (sw_pcap_put(&shot->pcap, shot->record, n))
		return;
	shot->table->full_dev = shot->pcap.dev;
	__atomic_store_n(&shot->table->full_ino, shot->pcap.ino, __ATOMIC_RELEASE);
}

static void put_tcp(const struct shot *shot, const struct sw_packet_route *route, uint8_t flags, uint32_t seq,
		    uint32_t ack, const uint8_t *payload, uint32_t n)
{
	struct sw_tcp tcp = {.seq = seq, .ack = ack, .flags = flags};

	tcp.window = flags & SW_TCP_RST ? 0 : WINDOW;
	tcp.mss = (uint16_t)sw_mss(route->from_ip, shot->pcap.mtu);
	put(shot, sw_tcp_packet(shot->record + SW_PCAP_HEAD, route, &tcp, payload, n));
}

/* gather() - Copy @n bytes from @skip on to @to. */
static void gather(uint8_t *to, const struct iovec *iov, size_t skip, size_t n)
{
	for (; n > 0; iov++) {
		size_t here = iov->iov_len > skip ? iov->iov_len - skip : 0;

		here = here < n ? here : n;
		memcpy(to, (const char *)iov->iov_base + (here ? skip : 0), here);
		to += here;
		n -= here;
		skip = here ? 0 : skip - iov->iov_len;
	}
}

/* put_data() - The @n bytes that left one end, or came to the other. */
static void put_data(struct shot *shot, uint64_t *count, const struct iovec *iov, size_t n)
{
	uint32_t mss = sw_mss(shot->there.from_ip, shot->pcap.mtu);
	uint64_t from, end = sw_flow_claim(shot->out, count, n, &from), first = end - n;

	while (from < end) {
		uint32_t size = end - from < mss ? (uint32_t)(end - from) : mss;

		gather(shot->payload, iov, from - first, size);
		put_tcp(shot, &shot->there, SW_TCP_ACK | (from + size == end ? SW_TCP_PSH : 0), 1 + (uint32_t)from,
			sw_flow_place(shot->in), shot->payload, size);
		from += size;
		__atomic_store_n(&shot->out->written, from, __ATOMIC_RELEASE);
	}
}

/* put_fin() - Once. */
static void put_fin(struct shot *shot)
{
	uint32_t seq = sw_flow_place(shot->out);

	if (__atomic_exchange_n(&shot->out->fin, 1, __ATOMIC_ACQ_REL) == 0)
		put_tcp(shot, &shot->there, SW_TCP_FIN | SW_TCP_ACK, seq, sw_flow_place(shot->in), NULL, 0);
}

/* put_handshake() - What follows the SYN. */
static void put_handshake(struct shot *shot)
{
	put_tcp(shot, &shot->back, SW_TCP_SYN | SW_TCP_ACK, 0, 1, NULL, 0);
	put_tcp(shot, &shot->there, SW_TCP_ACK, 1, 1, NULL, 0);
	__atomic_store_n(&shot->flow->shook, 1, __ATOMIC_RELEASE);
}

void sw_capture_syn(int fd, const struct sw_endpoint *local, const struct sw_endpoint *remote)
{
	int saved = errno;
	struct shot shot;

	if (aim(&shot, fd, IPPROTO_TCP, local, remote, 0)) {
		sw_flow_restart(shot.flow, SW_FLOW_SYN);
		put_tcp(&shot, &shot.there, SW_TCP_SYN, 0, 0, NULL, 0);
		leave(&shot);
	}
	errno = saved;
}

void sw_capture_connected(int fd, const struct sw_endpoint *local, const struct sw_endpoint *remote, int error)
{
	int saved = errno;
	struct shot shot;

	if (aim(&shot, fd, IPPROTO_TCP, local, remote, 0)) {
		if (error == ECONNREFUSED)
			put_tcp(&shot, &shot.back, SW_TCP_RST | SW_TCP_ACK, 0, 1, NULL, 0);
		else if (!error && sw_flow_step(shot.flow, SW_FLOW_SYN, SW_FLOW_CONNECTED))
			put_handshake(&shot);
		leave(&shot);
	}
	errno = saved;
}

/* aim_stream() - aim() at what @fd sends, or is sent. */
static bool aim_stream(struct shot *shot, int fd, bool sends)
{
	struct sw_endpoint local, remote;
	uint64_t tag;

	if (!sw_lab() || !sw_tag_get(fd, &tag) || (tag & SW_TAG_DGRAM) || !sw_endpoints(fd, tag, &local, &remote))
		return false;
	return aim(shot, fd, IPPROTO_TCP, sends ? &local : &remote, sends ? &remote : &local, 0);
}

void sw_capture_accepted(int fd)
{
	int saved = errno;
	struct shot shot;

	if (aim_stream(&shot, fd, false)) {
		if (sw_flow_step(shot.flow, SW_FLOW_SYN, SW_FLOW_TAKEN)) {
			put_handshake(&shot);
		} else if (sw_flow_step(shot.flow, SW_FLOW_CONNECTED, SW_FLOW_TAKEN)) {
			sw_flow_await(&shot.flow->shook, 1);
		} else { /* the other end does not capture, or not into this file */
			sw_flow_restart(shot.flow, SW_FLOW_TAKEN);
			put_tcp(&shot, &shot.there, SW_TCP_SYN, 0, 0, NULL, 0);
			put_handshake(&shot);
		}
		leave(&shot);
	}
	errno = saved;
}

void sw_capture_sent(int fd, const struct iovec *iov, size_t n)
{
	int saved = errno;
	struct shot shot;

	if (aim_stream(&shot, fd, true)) {
		if (iov)
			put_data(&shot, &shot.out->sent, iov, n);
		else
			__atomic_fetch_add(&shot.out->sent, n, __ATOMIC_ACQ_REL);
		leave(&shot);
	}
	errno = saved;
}

void sw_capture_received(int fd, const struct iovec *iov, size_t n)
{
	int saved = errno;
	struct shot shot;

	if (aim_stream(&shot, fd, false)) {
		if (n)
			put_data(&shot, &shot.out->received, iov, n);
		else
			put_fin(&shot);
		leave(&shot);
	}
	errno = saved;
}

void sw_capture_shutdown(int fd)
{
	int saved = errno;
	struct shot shot;

	if (aim_stream(&shot, fd, true)) {
		put_fin(&shot);
		leave(&shot);
	}
	errno = saved;
}

void sw_capture_reset(int fd)
{
	int saved = errno;
	struct shot shot;

	if (aim_stream(&shot, fd, false)) {
		put_tcp(&shot, &shot.there, SW_TCP_RST | SW_TCP_ACK, sw_flow_place(shot.out), sw_flow_place(shot.in), NULL, 0);
		leave(&shot);
	}
	errno = saved;
}

void sw_capture_datagram(int fd, const struct sw_endpoint *from, const struct sw_endpoint *to, const struct iovec *iov,
			 size_t n, bool sent)
{
	int saved = errno;
	uint64_t first, end;
	uint32_t at = 0;
	struct shot shot;

	if (aim(&shot, fd, IPPROTO_UDP, from, to, n)) {
		end = sw_flow_claim(shot.out, sent ? &shot.out->sent : &shot.out->received, 1, &first);
		if (first < end) {
			gather(shot.payload, iov, 0, n);
			shot.there.id = (uint16_t)end;
			do
				put(&shot, sw_udp_packet(shot.record + SW_PCAP_HEAD, &shot.there, shot.payload,
							 (uint32_t)n, shot.pcap.mtu, &at));
			while (at);
			__atomic_store_n(&shot.out->written, end, __ATOMIC_RELEASE);
		}
		leave(&shot);
	}
	errno = saved;
}
