/*
 * Where captured packets go: a file, written by a process of its own, so that a slow or a full disk is not the network's
 * affair.
 *
 * Between the two is a ring in shared memory. The switch reserves room, writes whole blocks and commits them; the writer
 * writes what is committed. It outlives the switch: whatever way that ends, all that was committed gets into the file. The
 * file always ends with a whole block: where the writer itself was killed, the switch cuts what it had begun.
 */
#ifndef SW_SINK_H
#define SW_SINK_H

#include <stdbool.h>
#include <stdint.h>

struct sw_sink;

/* sw_sink_open() - Let a new process write to @file, which the caller may close; 0 or -errno. */
int sw_sink_open(int file, struct sw_sink **out);
/* sw_sink_room() - @n bytes to write to, or NULL while the writer is that far behind. */
uint8_t *sw_sink_room(struct sw_sink *sink, uint32_t n);
/* sw_sink_commit() - The first @n bytes of the room are whole blocks, and go into the file. */
void sw_sink_commit(struct sw_sink *sink, uint32_t n);
/* sw_sink_pidfd() - Readable when the writer has ended. */
int sw_sink_pidfd(const struct sw_sink *sink);
/* sw_sink_finish() - Nothing more will come: the writer ends once it has written all. */
void sw_sink_finish(struct sw_sink *sink);
/* sw_sink_close() - Finish, wait for the writer, free; @written: bytes in the file. 0, or the -errno that stopped it. */
int sw_sink_close(struct sw_sink *sink, uint64_t *written);

/* writer.c */
struct sw_ring {
	uint64_t head, tail; /* bytes committed, and written, ever */
	uint64_t written;    /* whole blocks in the file, bytes */
	uint32_t asleep;     /* the writer waits for a byte in the pipe: SW_ASLEEP, SW_NAPPING */
	int32_t error;	     /* that stopped it, an errno */
};

#define SW_RING (32u << 20)
#define SW_ASLEEP 1
#define SW_NAPPING 2 /* for company: woken only when much is there */

/* sw_writer() - Write the ring at @data to @file until @pipe is closed at its other end and all is written. */
void sw_writer(struct sw_ring *ring, const uint8_t *data, int file, int pipe);

#endif
