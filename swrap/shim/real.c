#include "real.h"

#include <dlfcn.h>
#include <stddef.h>

struct sw_real sw_real_table;

void sw_real_resolve(void)
{
#define SW_REAL_FIND(ret, name, args)                                                                                  \
	__atomic_store_n((void **)&sw_real_table.name, dlsym(RTLD_NEXT, #name), __ATOMIC_RELEASE);
	SW_REAL(SW_REAL_FIND)
#undef SW_REAL_FIND
}
