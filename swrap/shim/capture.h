/*
 * SOCKET_WRAPPER_PCAP_FILE: what the programs of a drop-in network say to each other, as packets (pcap.c the file).
 *
 * Who receives writes down what came, before it can act on it, and who sends what left: whoever is first, so that a file
 * which both ends share has everything once and in order, and a file of one end alone has both directions. How far a
 * stream has got at each end, and in the file, is kept in a table in the network's folder, by addresses and file: it
 * goes with the socket, whoever holds it. Losing an entry may cost the capture a sequence number.
 *
 * close(2) is not interposed: a FIN is seen when it is sent by shutdown(2), or by the other end.
 */
#ifndef SW_CAPTURE_H
#define SW_CAPTURE_H

#include <sys/uio.h>

#include "shim.h"

#define SW_FLOWS_MAGIC 0x31776c662d7773ull /* "sw-flw1", little-endian */
#define SW_FLOW_HOMES 8192 /* flows hash to one of these */
#define SW_FLOW_WAYS 16    /* and have their entry from there on */

/* One direction of a flow; bytes of a stream, or datagrams, since its beginning. */
struct sw_flow_way {
	uint64_t sent, received;   /* at either end */
	uint64_t claimed, written; /* by who writes the file; in the file */
	uint32_t fin, pad;
};

enum sw_flow_open {
	SW_FLOW_UNSEEN,
	SW_FLOW_SYN,	  /* the SYN is written */
	SW_FLOW_CONNECTED, /* the connecting end has written the rest, or does so now */
	SW_FLOW_TAKEN,	  /* accepted, or known from its middle */
};

struct sw_flow {
	uint64_t key; /* 0: never used */
	uint32_t open; /* enum sw_flow_open */
	uint32_t used; /* the table's clock when it began */
	uint64_t shook; /* the handshake is in the file */
	struct sw_flow_way ways[2]; /* from the lower address, to the lower */
};

struct sw_flows {
	uint64_t magic;
	uint64_t full_dev, full_ino; /* a file that takes no more */
	uint32_t clock, pad;
	struct sw_flow flows[SW_FLOW_HOMES + SW_FLOW_WAYS];
};

/* Does this process capture? As sw_dropin_join() has read it. */
extern bool sw_capturing __attribute__((visibility("hidden")));

/* All of these leave errno as it is. */

/* sw_capture_syn() - @fd is about to connect; sw_capture_connected() tells how that went, as an errno. */
void sw_capture_syn(int fd, const struct sw_endpoint *local, const struct sw_endpoint *remote);
void sw_capture_connected(int fd, const struct sw_endpoint *local, const struct sw_endpoint *remote, int error);
void sw_capture_accepted(int fd);
/* sw_capture_sent() - @fd sent @n bytes; of those sent by sendfile(2) @iov is NULL, and the receiver has to write them. */
void sw_capture_sent(int fd, const struct iovec *iov, size_t n);
/* sw_capture_received() - And received: 0 for the end. */
void sw_capture_received(int fd, const struct iovec *iov, size_t n);
void sw_capture_shutdown(int fd);
void sw_capture_reset(int fd);
void sw_capture_datagram(int fd, const struct sw_endpoint *from, const struct sw_endpoint *to, const struct iovec *iov,
			 size_t n, bool sent);

/* flow.c */

/* sw_flow_entry() - The flow's entry; a new one takes the place of that which was begun longest ago. */
struct sw_flow *sw_flow_entry(struct sw_flows *table, uint64_t key);
/* sw_flow_restart() - It begins anew, and is @open. */
void sw_flow_restart(struct sw_flow *flow, enum sw_flow_open open);
/* sw_flow_step() - It was @from, and by us it is @to: false where it was something else. */
bool sw_flow_step(struct sw_flow *flow, uint32_t from, uint32_t to);
/* sw_flow_place() - The sequence number behind what is in the file of @way. */
uint32_t sw_flow_place(const struct sw_flow_way *way);
/* sw_flow_await() - Until @word has come to @value: its writer is between two instructions, or will never come. */
void sw_flow_await(const uint64_t *word, uint64_t value);
/**
 * sw_flow_claim() - Of the @n units that @count has now counted, those that nobody else writes
 * @from: filled with the first of them, which everything before is written of
 *
 * Return: where they end; @from where there are none.
 */
uint64_t sw_flow_claim(struct sw_flow_way *way, uint64_t *count, size_t n, uint64_t *from);

/* pcap.c */

struct sw_pcap {
	int fd;
	uint64_t dev, ino;
	uint32_t mtu;
};

/* sw_pcap_open() - SOCKET_WRAPPER_PCAP_FILE, made if need be. */
bool sw_pcap_open(struct sw_pcap *pcap);
/* sw_pcap_put() - Append the @n bytes of a frame at @record + SW_PCAP_HEAD; false, and no part of it, where there is no room. */
bool sw_pcap_put(const struct sw_pcap *pcap, uint8_t *record, uint32_t n);

#define SW_PCAP_HEAD 16

#endif
