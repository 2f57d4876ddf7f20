/*
 * The capture file: pcap (draft-ietf-opsawg-pcap), Ethernet, microseconds, in the machine's byte order.
 *
 * It is opened for each call of the program and closed again: a descriptor of ours that stayed open would be closed by the
 * next daemon that closes what it does not know, and its number be another file's. A packet is one write(2) with O_APPEND.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "real.h"

#define MTU 1500 /* and its bounds, as socket_wrapper(1) has them */
#define MTU_LEAST 512
#define MTU_MOST 32768
#define ETHERNET 1

struct file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, most, link;
};

struct record_head {
	uint32_t seconds, microseconds, captured, length;
};

_Static_assert(sizeof(struct record_head) == SW_PCAP_HEAD, "a record's head");

/* put_head() - Of a file that has none yet. The lock is held for no longer than that, and ends with its holder. */
static bool put_head(int fd)
{
	static const struct file_head head = {0xa1b2c3d4, 2, 4, 0, 0, 0x40000, ETHERNET};
	struct stat st;
	bool whole;

	if (flock(fd, LOCK_EX) < 0)
		return false;
	whole = fstat(fd, &st) == 0 && (st.st_size > 0 || sw_real(write)(fd, &head, sizeof(head)) == sizeof(head));
	flock(fd, LOCK_UN);
	return whole;
}

static uint32_t mtu(void)
{
	const char *text = getenv("SOCKET_WRAPPER_MTU");
	uint32_t n = 0;

	for (; text && *text >= '0' && *text <= '9' && n <= MTU_MOST; text++)
		n = 10 * n + (uint32_t)(*text - '0');
	return n >= MTU_LEAST && n <= MTU_MOST ? n : MTU;
}

bool sw_pcap_open(struct sw_pcap *pcap)
{
	const char *path = getenv("SOCKET_WRAPPER_PCAP_FILE");
	struct stat st;

	pcap->fd = path && *path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
	if (pcap->fd < 0)
		return false;
	if (fstat(pcap->fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_size == 0 && !put_head(pcap->fd))) {
		close(pcap->fd);
		return false;
	}
	pcap->dev = st.st_dev;
	pcap->ino = st.st_ino;
	pcap->mtu = mtu();
	return true;
}

/* append() - write(2), to whose file size limit the program shall not fall victim. */
static ssize_t append(int fd, const void *bytes, size_t n)
{
	static const struct timespec at_once;
	sigset_t limit, mask;
	ssize_t written;
	int error;

	sigemptyset(&limit);
	sigaddset(&limit, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &limit, &mask);
	written = sw_real(write)(fd, bytes, n);
	error = errno;
	if (written < 0 && error == EFBIG && !sigismember(&mask, SIGXFSZ))
		sigtimedwait(&limit, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	errno = error;
	return written;
}

bool sw_pcap_put(const struct sw_pcap *pcap, uint8_t *record, uint32_t n)
{
	struct record_head head = {.captured = n, .length = n};
	struct timespec now;
	ssize_t written;
	off_t end;

	clock_gettime(CLOCK_REALTIME, &now);
	head.seconds = (uint32_t)now.tv_sec;
	head.microseconds = (uint32_t)(now.tv_nsec / 1000);
	memcpy(record, &head, sizeof(head));
	written = append(pcap->fd, record, SW_PCAP_HEAD + n);
	if (written == (ssize_t)(SW_PCAP_HEAD + n))
		return true;
	if (written > 0) { /* a part: take it out again */
		end = lseek(pcap->fd, 0, SEEK_CUR);
		if (end >= written)
			(void)!ftruncate(pcap->fd, end - written);
	}
	return false;
}
