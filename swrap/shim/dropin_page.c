/*
 * The folder of a drop-in network: its page, the options file, the flows that are captured. It appears whole, by one rename,
 * whoever else is about to make it.
 */
#include "dropin.h"

#include <fcntl.h>
#include <stdio.h> /* rename(2) */
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "option.h"

#define HOSTS 254
#define MTU 1500
#define SPEED 1000000000ull

struct image {
	struct sw_page page;
	struct sw_host hosts[HOSTS];
	struct sw_iface ifaces[2 * HOSTS];
	struct sw_addr addrs[2 * HOSTS];
	uint32_t by_ip[2 * HOSTS];
};

static const char hex[16] = "0123456789abcdef";

static void put_hex(char *text, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		text[2 * i] = hex[bytes[i] >> 4];
		text[2 * i + 1] = hex[bytes[i] & 15];
	}
}

static void put_decimal(char *text, unsigned int n)
{
	char digits[4];
	int count = 0;

	for (; n; n /= 10)
		digits[count++] = (char)('0' + n % 10);
	while (count)
		*text++ = digits[--count];
}

/* put_host() - Host number @number, with lo and eth0 and an address of each family. */
static void put_host(struct image *image, uint32_t number)
{
	uint16_t index = (uint16_t)(number - 1);
	struct sw_host *host = &image->hosts[index];
	struct sw_iface *lo = &image->ifaces[2 * index], *eth0 = lo + 1;
	struct sw_addr *v4 = &image->addrs[2 * index], *v6 = v4 + 1;

	*host = (struct sw_host){.name = "host", .first_iface = 2u * index, .n_ifaces = 2, .first_addr = 2u * index,
				 .n_addrs = 2};
	put_decimal(host->name + 4, number);
	*lo = (struct sw_iface){.name = "lo", .host = index, .ifindex = 1, .mtu = 65536, .rings = 1,
				.flags = SW_IF_UP | SW_IF_RUNNING | SW_IF_LOOPBACK};
	*eth0 = (struct sw_iface){.name = "eth0", .host = index, .ifindex = 2, .mtu = MTU, .rings = 1, .speed = SPEED,
				  .flags = SW_IF_UP | SW_IF_RUNNING,
				  .mac = {2, 0x53, 0x57, 0, 0, (uint8_t)number}};
	*v4 = (struct sw_addr){.ip = {[10] = 0xff, 0xff, 10, 53, 57, (uint8_t)number}, .iface = 2u * index + 1,
			       .host = index, .prefix = 24};
	*v6 = (struct sw_addr){.ip = {0xfd, [12] = 0x53, 0x57, 0x5f, (uint8_t)number}, .iface = 2u * index + 1,
			       .host = index, .prefix = 120, .v6 = 1};
	image->by_ip[index] = 2u * index;
	image->by_ip[HOSTS + index] = 2u * index + 1;
}

const struct sw_page *sw_dropin_compose(void)
{
	struct image *image = mmap(NULL, sizeof(*image), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t id[SW_LAB_ID / 2];

	if (image == MAP_FAILED)
		return NULL;
	image->page = (struct sw_page){
		.magic = SW_PAGE_MAGIC,
		.size = sizeof(*image),
		.flags = SW_DIRECT,
		.n_hosts = HOSTS,
		.n_ifaces = 2 * HOSTS,
		.n_addrs = 2 * HOSTS,
		.hosts = offsetof(struct image, hosts),
		.ifaces = offsetof(struct image, ifaces),
		.addrs = offsetof(struct image, addrs),
		.by_ip = offsetof(struct image, by_ip),
	};
	if (getrandom(id, sizeof(id), 0) != sizeof(id) ||
	    getrandom(image->page.key, sizeof(image->page.key), 0) != sizeof(image->page.key)) {
		munmap(image, sizeof(*image));
		return NULL;
	}
	put_hex(image->page.lab, id, sizeof(id));
	for (uint32_t number = 1; number <= HOSTS; number++)
		put_host(image, number);
	return &image->page;
}

/* put_file() - A new file @name in the folder @at: @n bytes, and holes up to @size. Returns 0 or an errno. */
static int put_file(int at, const char *name, const void *bytes, size_t n, size_t size)
{
	int error = 0, fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t written;

	if (fd < 0)
		return errno;
	written = pwrite(fd, bytes, n, 0);
	if (written < 0 || ftruncate(fd, (off_t)size) < 0)
		error = errno;
	else if ((size_t)written != n)
		error = ENOSPC;
	close(fd);
	return error;
}

static int fill(int at)
{
	static const struct {
		uint64_t magic;
		uint32_t size;
	} options = {SW_OPTIONS_MAGIC, sizeof(struct sw_options)};
	static const uint64_t flows_magic = SW_FLOWS_MAGIC;
	const struct sw_page *page = sw_dropin_compose();
	int error = page ? put_file(at, "page", page, page->size, page->size) : ENOMEM;

	if (!error)
		error = put_file(at, "options", &options, sizeof(options), sizeof(struct sw_options));
	if (!error)
		error = put_file(at, "flows", &flows_magic, sizeof(flows_magic), sizeof(struct sw_flows));
	if (page)
		munmap((void *)page, page->size);
	return error;
}

int sw_dropin_make(const char *folder)
{
	char fresh[PATH_MAX];
	size_t len = strlen(folder);
	uint8_t mark[8];
	int at, error;

	if (len + 2 + 2 * sizeof(mark) > sizeof(fresh))
		return ENAMETOOLONG;
	if (getrandom(mark, sizeof(mark), 0) != sizeof(mark))
		return EAGAIN;
	memcpy(fresh, folder, len);
	fresh[len] = '-';
	put_hex(fresh + len + 1, mark, sizeof(mark));
	fresh[len + 1 + 2 * sizeof(mark)] = '\0';
	if (mkdir(fresh, 0700) < 0)
		return errno;
	at = open(fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (at < 0) {
		error = errno;
		rmdir(fresh);
		return error;
	}
	error = fill(at);
	if (error || rename(fresh, folder) < 0) {
		if (!error && errno != EEXIST && errno != ENOTEMPTY)
			error = errno;
		unlinkat(at, "page", 0);
		unlinkat(at, "options", 0);
		unlinkat(at, "flows", 0);
		rmdir(fresh);
	}
	close(at);
	return error;
}
