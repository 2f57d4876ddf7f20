/* The writer: a process that takes whole blocks out of the ring and puts them into the file. It calls nothing but the kernel. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "sink.h"

#define BATCH (1u << 20) /* bytes of one write */
#define NAP 50		 /* ms: how old a packet gets that waits for company */

/* blocks() - How many of @n bytes are whole blocks that end within @most; more only if the first alone is longer. */
static uint32_t blocks(const uint8_t *at, uint32_t n, uint32_t most)
{
	uint32_t whole = 0, length;

	while (whole < n) {
		memcpy(&length, at + whole + 4, sizeof(length));
		if (whole + length > most && whole > 0)
			break;
		whole += length;
	}
	return whole;
}

/* put() - @n bytes of whole blocks into @file; false: there is no place for more, and the last whole block is its end. */
static bool put(struct sw_ring *ring, const uint8_t *bytes, uint32_t n, int file)
{
	uint32_t done = 0;

	while (done < n) {
		ssize_t wrote = write(file, bytes + done, n - done);

		if (wrote >= 0) {
			done += (uint32_t)wrote;
			continue;
		}
		if (errno == EINTR)
			continue;
		ring->error = errno;
		if (done > 0) {
			uint32_t first, whole = 0;

			while (memcpy(&first, bytes + whole + 4, sizeof(first)), whole + first <= done)
				whole += first;
			ring->written += whole;
			/* A pipe cannot be shortened, and its reader has had it. */
			if (lseek(file, (off_t)whole - (off_t)done, SEEK_CUR) < 0 ||
			    ftruncate(file, lseek(file, 0, SEEK_CUR)) < 0)
				return false;
		}
		return false;
	}
	ring->written += n;
	return true;
}

/* rest() - Nothing is there, or little: sleep until there is, or for a nap. False: the switch is gone, or has finished. */
static bool rest(struct sw_ring *ring, int pipe, uint32_t how)
{
	struct pollfd one = {.fd = pipe, .events = POLLIN};
	char bytes[64];
	bool more = true;

	__atomic_store_n(&ring->asleep, how, __ATOMIC_SEQ_CST);
	if (how == SW_NAPPING || __atomic_load_n(&ring->head, __ATOMIC_SEQ_CST) == ring->tail)
		poll(&one, 1, how == SW_NAPPING ? NAP : -1);
	__atomic_store_n(&ring->asleep, 0, __ATOMIC_SEQ_CST);
	while (true) {
		ssize_t n = read(pipe, bytes, sizeof(bytes));

		if (n == 0)
			more = false;
		if (n <= 0 && !(n < 0 && errno == EINTR))
			return more;
	}
}

void sw_writer(struct sw_ring *ring, const uint8_t *data, int file, int pipe)
{
	bool more = true;

	for (;;) {
		uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
		uint32_t n = (uint32_t)(head - ring->tail);
		const uint8_t *at = data + ring->tail % SW_RING;

		if (n == 0 && !more)
			return;
		if (n == 0) {
			more = rest(ring, pipe, SW_ASLEEP);
			if (more)
				more = rest(ring, pipe, SW_NAPPING);
			continue;
		}
		n = blocks(at, n, BATCH);
		if (!put(ring, at, n, file))
			return;
		__atomic_store_n(&ring->tail, ring->tail + n, __ATOMIC_RELEASE);
	}
}
