/*
 * Finding the functions behind ours. dlsym(RTLD_NEXT) takes a lock, so it is not async-signal-safe, and to look all up before
 * they are needed is what every program that starts would pay for. So the symbol tables of the objects behind this one are
 * read here, by loops of our own: whatever is called of libc has to be found too. libc is among them and never unloaded, and has all of these: dlsym() is for an object without a DT_GNU_HASH.
 */
#include "real.h"

#include "plain.h"
#include "shim.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

struct sw_real sw_real_table SW_EARLY;

/* The symbols of one object. */
struct symbols {
	const ElfW(Sym) *table;
	const char *names;
	const uint32_t *hash;
	const ElfW(Versym) *versions; /* or NULL */
};

static bool read_symbols(const struct link_map *map, struct symbols *s)
{
	*s = (struct symbols){0};
	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		/* Absolute, as glibc has made them; of the vDSO they are not, and it has nothing for us. */
		if (d->d_un.d_ptr < map->l_addr)
			continue;
		if (d->d_tag == DT_SYMTAB)
			s->table = (const void *)d->d_un.d_ptr;
		else if (d->d_tag == DT_STRTAB)
			s->names = (const void *)d->d_un.d_ptr;
		else if (d->d_tag == DT_GNU_HASH)
			s->hash = (const void *)d->d_un.d_ptr;
		else if (d->d_tag == DT_VERSYM)
			s->versions = (const void *)d->d_un.d_ptr;
	}
	return s->table && s->names && s->hash;
}

/* hash_of() - As these tables have it. */
static uint32_t hash_of(const char *name)
{
	uint32_t h = 5381;

	while (*name)
		h = h * 33 + (uint8_t)*name++;
	return h;
}

static bool is_same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* is_it() - Is the @i-th symbol what has this name, in the version that dlsym(3) would choose? */
static bool is_it(const struct symbols *s, uint32_t i, const char *name)
{
	const ElfW(Sym) *sym = &s->table[i];
	const unsigned int type = ELF64_ST_TYPE(sym->st_info);

	return sym->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_OBJECT) &&
	       !(s->versions && (s->versions[i] & 0x8000)) && is_same(s->names + sym->st_name, name);
}

/* find() - The symbol of this name; NULL: there is none. */
static const ElfW(Sym) *find(const struct symbols *s, const char *name, uint32_t h)
{
	const uint32_t n_buckets = s->hash[0], first = s->hash[1], words = s->hash[2], shift = s->hash[3];
	const ElfW(Addr) *bloom = (const void *)(s->hash + 4);
	const uint32_t *buckets = (const void *)(bloom + words), *chain = buckets + n_buckets;
	const uint32_t bits = 8 * sizeof(*bloom);
	ElfW(Addr) word = bloom[h / bits & (words - 1)];

	if (!(word >> h % bits & word >> (h >> shift) % bits & 1))
		return NULL;
	for (uint32_t i = buckets[h % n_buckets]; i >= first && i; i++) {
		uint32_t one = chain[i - first];

		if ((one | 1) == (h | 1) && is_it(s, i, name))
			return &s->table[i];
		if (one & 1)
			break; /* the last of its bucket */
	}
	return NULL;
}

/* What is looked for, each name with its NUL: pointers to them would have to be relocated in every process. */
static char names[] SW_EARLY =
#define SW_REAL_NAME(ret, name, args) #name "\0"
	SW_REAL(SW_REAL_NAME)
#undef SW_REAL_NAME
	;

/* behind() - The first object behind ours that has it; NULL: none. */
static SW_START const struct link_map *behind(const char *name, const ElfW(Sym) **sym)
{
	const struct link_map *map = _r_debug.r_map;
	const uint32_t h = hash_of(name);
	struct symbols s;

	while (map && map->l_ld != _DYNAMIC)
		map = map->l_next;
	while (map && (map = map->l_next) != NULL)
		if (read_symbols(map, &s) && (*sym = find(&s, name, h)) != NULL)
			break;
	return map;
}

#define AT(name) (offsetof(struct sw_real, name) / sizeof(void *))

/* name_of() - Of the @n-th of the table. */
static const char *name_of(size_t n)
{
	const char *name = names;

	for (; n > 0; name++)
		if (*name == '\0')
			n--;
	return name;
}

bool sw_real_is_libc(const char *single)
{
	const ElfW(Sym) *sym;
	const struct link_map *libc = single ? behind("__libc_single_threaded", &sym) : NULL;

	if (!libc || (const char *)libc->l_addr + sym->st_value != single)
		return false; /* the program has a copy of that variable, which not every libc keeps in step with its own */
	return behind("read", &sym) == libc && behind("recv", &sym) == libc && behind("write", &sym) == libc &&
	       behind("send", &sym) == libc;
}

SW_START void *sw_real_find(size_t n)
{
	const char *name = name_of(n);
	const ElfW(Sym) *sym;
	const struct link_map *map = behind(name, &sym);
	void *found = map ? (void *)(map->l_addr + sym->st_value) : dlsym(RTLD_NEXT, name);

	__atomic_store_n((void **)&sw_real_table + n, found, __ATOMIC_RELAXED);
	if (n >= AT(read) && n <= AT(send)) /* one of these four, which stand together */
		sw_plain_try();
	return found;
}
