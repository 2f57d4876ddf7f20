#include "dropin.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "capture.h"
#include "kernel.h"
#include "option.h"
#include "plain.h"
#include "real.h"

#define HOSTS 254
#define MOST_NETWORKS 64 /* of one process; the next takes the place of the oldest */

/* A network that this process has joined. An entry is whole before its page is set. */
struct network {
	const struct sw_page *page;
	struct sw_options *options;
	struct sw_flows *flows;
	dev_t dev; /* of the page's file: a directory that was removed and made again is another network */
	ino_t ino;
	uid_t owner;
	char dir[PATH_MAX];
};
static void *networks; /* MOST_NETWORKS of them; NULL before the first */
static uint32_t joined;

/* As what the program knows 10.53.57.N; in a lab it is an address like any other. */
static enum { ITSELF, LOOPBACK } form;
static bool in_dropin;

static const uint8_t loopback[15] = {[10] = 0xff, 0xff, 127}, private[15] = {[10] = 0xff, 0xff, 10, 53, 57};

void sw_ip_heard(uint8_t ip[16])
{
	static const uint8_t rest[3] = {255, 255, 255};

	if (!in_dropin || !sw_ip_is_v4(ip))
		return;
	if ((form == LOOPBACK && ip[15] && memcmp(ip, loopback, sizeof(loopback)) == 0) ||
	    (ip[12] == (form == LOOPBACK ? 127 : 10) && memcmp(ip + 13, rest, sizeof(rest)) == 0))
		memcpy(ip, private, sizeof(private));
}

void sw_ip_shown(uint8_t ip[16])
{
	if (form == LOOPBACK && memcmp(ip, private, sizeof(private)) == 0)
		memcpy(ip, loopback, sizeof(loopback));
}

bool sw_dropin_wanted(void)
{
	const char *dir = getenv("SOCKET_WRAPPER_DIR");

	return dir && *dir;
}

uint16_t sw_dropin_self(void)
{
	const char *text = getenv("SOCKET_WRAPPER_DEFAULT_IFACE");
	unsigned int n = 0;

	for (; text && *text >= '0' && *text <= '9' && n <= HOSTS; text++)
		n = 10 * n + (unsigned int)(*text - '0');
	return n >= 1 && n <= HOSTS ? (uint16_t)(n - 1) : 0;
}

/* at() - The @n-th entry; NULL where it is not whole, or behind the last. */
static const struct network *at(uint32_t n)
{
	const struct network *all = __atomic_load_n(&networks, __ATOMIC_ACQUIRE);

	return all && n < MOST_NETWORKS && __atomic_load_n(&all[n].page, __ATOMIC_ACQUIRE) ? &all[n] : NULL;
}

const struct sw_page *sw_dropin_known(uint32_t n)
{
	const struct network *network = at(n);

	return network ? __atomic_load_n(&network->page, __ATOMIC_ACQUIRE) : NULL;
}

const struct sw_page *sw_dropin_nowhere(void)
{
	static const struct sw_page *nowhere;
	const struct sw_page *page = __atomic_load_n(&nowhere, __ATOMIC_ACQUIRE);

	in_dropin = true;
	if (!page) {
		page = sw_dropin_compose();
		__atomic_store_n(&nowhere, page, __ATOMIC_RELEASE);
	}
	return page;
}

/* complain() - One line on stderr, the first time. */
static void complain(const char *dir, const char *why)
{
	static bool said;
	struct iovec line[] = {
		{(void *)"swrap: SOCKET_WRAPPER_DIR=", 26}, {(void *)dir, strlen(dir)}, {(void *)": ", 2},
		{(void *)why, strlen(why)},		    {(void *)"\n", 1},
	};

	if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED))
		(void)!sw_real(writev)(STDERR_FILENO, line, sizeof(line) / sizeof(line[0]));
}

/* find() - The network of @dir that this process has joined; with @st, if its page is that file. NULL: none. */
static const struct network *find(const char *dir, const struct stat *st)
{
	const struct network *network;

	for (uint32_t n = 0; n < MOST_NETWORKS; n++)
		if ((network = at(n)) != NULL && strcmp(network->dir, dir) == 0 &&
		    (!st || (network->dev == st->st_dev && network->ino == st->st_ino)))
			return network;
	return NULL;
}

/* effective() - The effective user id in the kernel's own words; uid_wrapper's geteuid(2) says what it was told to. */
static uid_t effective(void)
{
	struct ucred own = {.uid = (uid_t)-1};
	socklen_t len = sizeof(own);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0) {
		sw_real(getsockopt)(pair[0], SOL_SOCKET, SO_PEERCRED, &own, &len);
		close(pair[0]);
		close(pair[1]);
	}
	return own.uid;
}

/* map_flows() - NULL without: then nothing is captured. */
static struct sw_flows *map_flows(const char *folder)
{
	struct sw_flows *flows = MAP_FAILED;
	char path[PATH_MAX];
	struct stat st;
	int fd = sw_path_in(path, folder, "flows") ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == (off_t)sizeof(*flows))
		flows = mmap(NULL, sizeof(*flows), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return flows == MAP_FAILED ? NULL : flows;
}

struct sw_flows *sw_dropin_flows(const struct sw_page *page)
{
	const struct network *network;

	for (uint32_t n = 0; page && n < MOST_NETWORKS; n++)
		if ((network = at(n)) != NULL && network->page == page)
			return network->flows;
	return NULL;
}

/* enter() - Map the page in @folder and take note of it; NULL with errno. */
static const struct network *enter(const char *dir, const char *folder)
{
	struct network *network, *all = sw_kernel_once(&networks, MOST_NETWORKS * sizeof(*all));
	struct stat st;
	const struct sw_page *page = sw_page_map(folder, &st);

	if (!page)
		return NULL;
	if (!all) {
		munmap((void *)page, page->size);
		errno = ENOMEM;
		return NULL;
	}
	if (st.st_uid != effective()) {
		munmap((void *)page, page->size);
		errno = EACCES;
		return NULL;
	}
	network = &all[__atomic_fetch_add(&joined, 1, __ATOMIC_RELAXED) % MOST_NETWORKS];
	__atomic_store_n(&network->page, NULL, __ATOMIC_RELEASE);
	network->options = sw_kept_map(folder);
	network->flows = map_flows(folder);
	network->dev = st.st_dev;
	network->ino = st.st_ino;
	network->owner = st.st_uid;
	memcpy(network->dir, dir, strlen(dir) + 1);
	__atomic_store_n(&network->page, page, __ATOMIC_RELEASE);
	return network;
}

/* join() - The network of @dir, which is made if it is not there. NULL with errno. */
static const struct network *join(const char *dir)
{
	const struct network *network;
	char folder[PATH_MAX], page[PATH_MAX];
	struct stat st;
	int error;

	if (!sw_path_in(folder, dir, ".swrap") || !sw_path_in(page, folder, "page")) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	error = stat(page, &st) < 0 ? errno : 0;
	network = find(dir, error ? NULL : &st);
	if (network && error != ENOENT)
		return network; /* also where we may look no longer, having dropped privileges */
	network = enter(dir, folder);
	if (!network && errno == ENOENT) {
		error = sw_dropin_make(folder);
		if (!error)
			return enter(dir, folder);
		errno = error;
	}
	return network ? network : find(dir, NULL);
}

const struct sw_page *sw_dropin_join(uid_t *owner, bool aloud)
{
	const char *dir = getenv("SOCKET_WRAPPER_DIR"), *net = getenv("SOCKET_WRAPPER_IPV4_NETWORK");
	const char *file = getenv("SOCKET_WRAPPER_PCAP_FILE");
	const struct network *network;
	int saved = errno;

	if (!dir || !*dir) {
		errno = EAFNOSUPPORT;
		return NULL;
	}
	in_dropin = true;
	sw_capturing = file && *file;
	if (sw_capturing)
		sw_plain_never();
	form = net && strcmp(net, "10.53.57.0") == 0 ? ITSELF : LOOPBACK;
	network = join(dir);
	if (!network) {
		if (aloud)
			complain(dir, strerrordesc_np(errno));
		return NULL;
	}
	sw_kept_use(network->options); /* a socket of another network is not found there: that may cost a read-back */
	errno = saved;
	*owner = network->owner;
	return network->page;
}
