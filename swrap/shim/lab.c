/*
 * Which network this process is in, and as which host: a lab's by SWRAP_LAB (its folder) and SWRAP_HOST, read once at the
 * start; without them that of SOCKET_WRAPPER_DIR (dropin.h).
 */
#include "dropin.h"
#include "option.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel.h"
#include "real.h"

/* Of a lab, all is found once and never changes. A race at worst maps the same page twice. */
static struct {
	const struct sw_page *page;
	uid_t owner;
	uint16_t host;
	bool for_life; /* SWRAP_LAB is set */
	bool looked;
} lab = {.host = SW_NO_HOST};

SW_START char *sw_path_in(char path[PATH_MAX], const char *dir, const char *name)
{
	size_t n = 0;

	for (const char *c = dir; *c && n < PATH_MAX; c++)
		path[n++] = *c;
	if (n == 0 || n == PATH_MAX)
		return NULL;
	path[n++] = '/';
	for (const char *c = name; n < PATH_MAX; c++)
		if ((path[n++] = *c) == '\0')
			return path;
	return NULL;
}

SW_START const struct sw_page *sw_page_map(const char *dir, struct stat *st)
{
	const struct sw_page *page;
	char path[PATH_MAX];
	off_t size;
	long map;
	int fd;

	if (!sw_path_in(path, dir, SW_EARLY_TEXT("page"))) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	fd = sw_kernel_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	size = sw_kernel_size(fd, st);
	map = size < (off_t)sizeof(*page) ? -EINVAL : sw_kernel_map((size_t)size, PROT_READ, fd);
	sw_kernel_close(fd);
	if (map < 0 && map > -4096) {
		errno = (int)-map;
		return NULL;
	}
	page = (const struct sw_page *)map;
	if (page->magic == SW_PAGE_MAGIC && page->size == (size_t)size)
		return page;
	munmap((void *)map, (size_t)size);
	errno = EINVAL;
	return NULL;
}

/* join() - The network that SOCKET_WRAPPER_DIR names now. Who cannot be in it is in none, not in the machine's own. */
static const struct sw_page *join(bool aloud)
{
	const struct sw_page *page = sw_dropin_join(&lab.owner, aloud);

	if (page)
		__atomic_store_n(&lab.page, page, __ATOMIC_RELEASE);
	else if (!lab.page && sw_dropin_wanted())
		__atomic_store_n(&lab.page, sw_dropin_nowhere(), __ATOMIC_RELEASE);
	return page;
}

static SW_START void look(void)
{
	const char *dir = sw_environment(SW_EARLY_TEXT("SWRAP_LAB")), *host = sw_environment(SW_EARLY_TEXT("SWRAP_HOST"));
	const struct sw_page *page;
	struct stat st;
	int saved;

	lab.for_life = dir && *dir;
	if (!lab.for_life) {
		saved = errno;
		join(false);
		errno = saved;
	} else if (host && (page = sw_page_map(dir, &st)) != NULL) {
		lab.owner = st.st_uid;
		lab.host = sw_host_index(page, host);
		if (lab.host != SW_NO_HOST) {
			/* Now, not when it is needed: a daemon may have dropped its privileges or its root by then. */
			sw_kept_use(sw_kept_map(dir));
			__atomic_store_n(&lab.page, page, __ATOMIC_RELEASE);
		}
	}
	__atomic_store_n(&lab.looked, true, __ATOMIC_RELEASE);
}

SW_START const struct sw_page *sw_lab(void)
{
	if (__builtin_expect(!__atomic_load_n(&lab.looked, __ATOMIC_ACQUIRE), 0))
		look();
	return lab.page;
}

SW_START const struct sw_page *sw_lab_now(void)
{
	const struct sw_page *page = sw_lab();

	if (!lab.for_life)
		return join(true);
	if (!page)
		errno = EAFNOSUPPORT;
	return page;
}

const struct sw_page *sw_lab_at_hand(void)
{
	int saved = errno;

	if (!sw_lab() || !lab.for_life)
		sw_lab_now();
	errno = saved;
	return lab.page;
}

SW_START bool sw_in_dropin(void)
{
	return lab.page && !lab.for_life;
}

const struct sw_page *sw_lab_of(int fd)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);
	const struct sw_page *page;
	struct sw_name name;

	if (!sw_dropin_known(1) || sw_real(getsockname)(fd, (struct sockaddr *)&sun, &len) < 0)
		return lab.page;
	for (uint32_t n = 0; (page = sw_dropin_known(n)) != NULL; n++)
		if (sw_name_decode(page, &sun, len, &name) == 0)
			return page;
	return lab.page;
}

bool sw_decode(const struct sockaddr_un *sun, socklen_t len, struct sw_name *name)
{
	const struct sw_page *page;

	if (sw_name_decode(lab.page, sun, len, name) == 0)
		return true;
	for (uint32_t n = 0; (page = sw_dropin_known(n)) != NULL; n++)
		if (sw_name_decode(page, sun, len, name) == 0)
			return true;
	return false;
}

uint64_t sw_here(uint64_t tag, const struct sw_endpoint *own)
{
	uint16_t host;
	uint32_t iface;

	if (!sw_in_dropin() || (tag & (SW_TAG_BOUND | SW_TAG_CONNECTING | SW_TAG_CONNECTED)))
		return tag;
	sw_lab_now();
	host = sw_self();
	if (own && !sw_ip_is_any(own->ip))
		sw_owner(lab.page, host, 0, own->ip, &host, &iface);
	return SW_TAG_MAKE(host, tag);
}

SW_START uint16_t sw_self(void)
{
	return lab.for_life ? lab.host : sw_dropin_self();
}

bool sw_peer_is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return sw_kernel(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, (long)&peer, (long)&len, 0) == 0 && peer.uid == lab.owner;
}

__attribute__((constructor)) static void begin(void)
{
	sw_lab();
}
