/* The entries of the options file (options.h), by socket and option. */
#include "option.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dropin.h"
#include "kernel.h"
#include "real.h"

static struct sw_options *mapped SW_EARLY;
static bool datagrams_before SW_EARLY;

/* is_whole() - Is it an options file, and a whole one? Read, since the first look at a mapping costs more than a call. */
static SW_START bool is_whole(int fd)
{
	struct head {
		uint64_t magic;
		uint32_t size, clock;
		uint64_t unlisted, aborts, datagrams;
	} head;
	struct stat st;

	_Static_assert(offsetof(struct sw_options, datagrams) == offsetof(struct head, datagrams), "as it begins");
	if (sw_kernel_size(fd, &st) != (off_t)sizeof(*mapped) ||
	    sw_kernel(SYS_pread64, fd, (long)&head, sizeof(head), 0, 0, 0) != sizeof(head))
		return false;
	datagrams_before = head.datagrams != 0;
	return head.magic == SW_OPTIONS_MAGIC && head.size == sizeof(*mapped);
}

SW_START bool sw_datagrams_before(void)
{
	return datagrams_before;
}

SW_START struct sw_options *sw_kept_map(const char *dir)
{
	char path[PATH_MAX];
	long map = -1;
	int fd;

	if (!sw_path_in(path, dir, SW_EARLY_TEXT("options")))
		return NULL;
	fd = sw_kernel_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	if (is_whole(fd))
		map = sw_kernel_map(sizeof(*mapped), PROT_READ | PROT_WRITE, fd);
	sw_kernel_close(fd);
	return map < 0 && map > -4096 ? NULL : (struct sw_options *)map;
}

SW_START void sw_kept_use(struct sw_options *options)
{
	__atomic_store_n(&mapped, options, __ATOMIC_RELEASE);
}

SW_START struct sw_options *sw_options(void)
{
	return mapped;
}

static uint32_t key(int level, int name)
{
	return (uint32_t)level << 16 | (uint16_t)name;
}

uint64_t sw_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return mapped && sw_real(getsockopt)(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}

/* home() - Where the entries of a socket begin. Cookies follow each other: a multiplication spreads them. */
static struct sw_kept *home(uint64_t cookie)
{
	return &mapped->kept[cookie * 0x9e3779b97f4a7c15ull >> 47];
}

_Static_assert(SW_KEPT_HOMES == 1 << (64 - 47), "home() yields as many bits as there are homes");

static uint32_t now(void)
{
	return __atomic_add_fetch(&mapped->clock, 1, __ATOMIC_RELAXED) << 1;
}

static uint32_t state_of(struct sw_kept *kept)
{
	return __atomic_load_n(&kept->state, __ATOMIC_ACQUIRE);
}

/* read_entry() - A copy of an entry that nobody is writing; false where somebody is. */
static bool read_entry(struct sw_kept *kept, struct sw_kept *copy)
{
	for (int i = 0; i < 4; i++) {
		uint32_t state = state_of(kept);

		if (state & 1)
			return false;
		copy->cookie = __atomic_load_n(&kept->cookie, __ATOMIC_RELAXED);
		copy->option = __atomic_load_n(&kept->option, __ATOMIC_RELAXED);
		copy->value[0] = __atomic_load_n(&kept->value[0], __ATOMIC_RELAXED);
		copy->value[1] = __atomic_load_n(&kept->value[1], __ATOMIC_RELAXED);
		copy->state = state;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&kept->state, __ATOMIC_RELAXED) == state)
			return true;
	}
	return false;
}

/* write_entry() - False where somebody else was there first. */
static bool write_entry(struct sw_kept *kept, uint32_t state, uint64_t cookie, uint32_t option, const uint64_t value[2])
{
	uint32_t mine = now();

	if ((state & 1) || !__atomic_compare_exchange_n(&kept->state, &state, mine | 1, false, __ATOMIC_ACQUIRE,
							__ATOMIC_RELAXED))
		return false;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&kept->cookie, cookie, __ATOMIC_RELAXED);
	__atomic_store_n(&kept->option, option, __ATOMIC_RELAXED);
	__atomic_store_n(&kept->value[0], value[0], __ATOMIC_RELAXED);
	__atomic_store_n(&kept->value[1], value[1], __ATOMIC_RELAXED);
	__atomic_store_n(&kept->state, mine, __ATOMIC_RELEASE);
	return true;
}

static bool has(struct sw_kept *kept, uint64_t cookie, uint32_t option)
{
	return __atomic_load_n(&kept->cookie, __ATOMIC_RELAXED) == cookie &&
	       __atomic_load_n(&kept->option, __ATOMIC_RELAXED) == option;
}

/* put_entry() - Over the old value, or into an entry that was never used, or over the one that was used longest ago. */
static void put_entry(uint64_t cookie, uint32_t option, const uint64_t value[2])
{
	for (int attempt = 0; attempt < 4; attempt++) {
		struct sw_kept *first = home(cookie), *best = NULL;
		uint32_t best_state = 0, clock = __atomic_load_n(&mapped->clock, __ATOMIC_RELAXED) << 1, best_age = 0;

		for (int i = 0; i < SW_KEPT_WAYS; i++) {
			struct sw_kept *kept = first + i;
			uint32_t state = state_of(kept), age = clock - state;

			if (state & 1)
				continue;
			if (has(kept, cookie, option)) {
				best = kept;
				best_state = state;
				break;
			}
			if (__atomic_load_n(&kept->cookie, __ATOMIC_RELAXED) == 0)
				age = UINT32_MAX;
			if (!best || age > best_age) {
				best = kept;
				best_state = state;
				best_age = age;
			}
		}
		if (best && write_entry(best, best_state, cookie, option, value))
			return;
	}
}

bool sw_kept_read(uint64_t cookie, int level, int name, uint64_t value[2])
{
	struct sw_kept *first = home(cookie), copy;

	for (struct sw_kept *kept = first; kept < first + SW_KEPT_WAYS; kept++) {
		if (!has(kept, cookie, key(level, name)) || !read_entry(kept, &copy) || copy.cookie != cookie ||
		    copy.option != key(level, name))
			continue;
		/* Used just now; if somebody changes it meanwhile, it is young anyway. */
		__atomic_compare_exchange_n(&kept->state, &copy.state, now(), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		memcpy(value, copy.value, sizeof(copy.value));
		return true;
	}
	return false;
}

bool sw_kept_get(int fd, uint64_t tag, int level, int name, uint64_t value[2])
{
	uint64_t cookie = tag & SW_TAG_KEPT ? sw_cookie(fd) : 0;

	return cookie && sw_kept_read(cookie, level, name, value);
}

void sw_kept_write(uint64_t cookie, int level, int name, const uint64_t value[2])
{
	put_entry(cookie, key(level, name), value);
}

int sw_kept_put(int fd, uint64_t tag, int level, int name, const uint64_t value[2])
{
	uint64_t cookie = sw_cookie(fd);

	if (!cookie)
		return 0;
	put_entry(cookie, key(level, name), value);
	return tag & SW_TAG_KEPT ? 0 : sw_tag_set(fd, tag | SW_TAG_KEPT);
}

void sw_kept_copy(int from, int to, bool accepted)
{
	uint64_t old = sw_cookie(from), new = old ? sw_cookie(to) : 0;
	struct sw_kept *first, copy;
	int saved = errno;

	if (!new)
		return;
	first = home(old);
	for (struct sw_kept *kept = first; kept < first + SW_KEPT_WAYS; kept++) {
		int level, name;

		if (__atomic_load_n(&kept->cookie, __ATOMIC_RELAXED) != old || !read_entry(kept, &copy) ||
		    copy.cookie != old)
			continue;
		level = (int)(copy.option >> 16);
		name = (int)(copy.option & 0xffff);
		if (accepted && !sw_hands_down(level, name))
			continue;
		__atomic_compare_exchange_n(&kept->state, &copy.state, now(), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
		put_entry(new, copy.option, copy.value);
		if (level == SOL_SOCKET && sw_socket_option_size(name))
			sw_real(setsockopt)(to, level, name, copy.value, sw_socket_option_size(name));
	}
	errno = saved;
}
