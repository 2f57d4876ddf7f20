/* Which lab and which host this process is in: SWRAP_LAB (the lab's folder) and SWRAP_HOST, read once at the start. */
#include "option.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "real.h"

/* A mapping is found once and never changes, so a race at worst maps the same page twice. */
static struct {
	const struct sw_page *page;
	uid_t owner;
	uint16_t host;
	bool looked;
} lab = {.host = SW_NO_HOST};

static bool path_of_page(char path[PATH_MAX])
{
	const char *dir = getenv("SWRAP_LAB");
	size_t len = dir ? strlen(dir) : 0;

	if (len == 0 || len + sizeof("/page") > PATH_MAX)
		return false;
	memcpy(path, dir, len);
	memcpy(path + len, "/page", sizeof("/page"));
	return true;
}

/* map_page() - NULL where the file is missing, too short, or no page. */
static const struct sw_page *map_page(const char *path, uid_t *owner)
{
	const struct sw_page *page = NULL;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size >= sizeof(*page)) {
		void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);

		if (map != MAP_FAILED) {
			page = map;
			*owner = st.st_uid;
			if (page->magic != SW_PAGE_MAGIC || page->size != (size_t)st.st_size) {
				munmap(map, (size_t)st.st_size);
				page = NULL;
			}
		}
	}
	close(fd);
	return page;
}

static void look(void)
{
	char path[PATH_MAX];
	const struct sw_page *page;
	const char *host = getenv("SWRAP_HOST");
	int saved = errno;

	if (host && path_of_page(path) && (page = map_page(path, &lab.owner)) != NULL) {
		lab.host = sw_host_index(page, host);
		if (lab.host != SW_NO_HOST) {
			/* Now, not when it is needed: a daemon may have dropped its privileges or its root by then. */
			sw_kept_map(getenv("SWRAP_LAB"));
			__atomic_store_n(&lab.page, page, __ATOMIC_RELEASE);
		}
	}
	__atomic_store_n(&lab.looked, true, __ATOMIC_RELEASE);
	errno = saved;
}

const struct sw_page *sw_lab(void)
{
	if (__builtin_expect(!__atomic_load_n(&lab.looked, __ATOMIC_ACQUIRE), 0))
		look();
	return lab.page;
}

uint16_t sw_self(void)
{
	return lab.host;
}

bool sw_peer_is_ours(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return sw_real()->getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == lab.owner;
}

__attribute__((constructor)) static void begin(void)
{
	sw_real_resolve();
	sw_lab();
}
