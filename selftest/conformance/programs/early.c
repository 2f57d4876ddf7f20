/*
 * A library whose constructor runs before ours and makes a whole connection; compiled with -DLIBRARY it is the library,
 * otherwise the program, which finds the connection made and goes on with it. early ADDRESS PROMISE; the library takes
 * the address from EARLY_ADDRESS, since a constructor has no arguments of its own.
 */
#include "around.h"

extern int early_ends[2];
extern bool early_ran;

#ifdef LIBRARY
int early_ends[2] = {-1, -1};
bool early_ran;

__attribute__((constructor(101))) static void begin(void)
{
	const char *address = getenv("EARLY_ADDRESS");

	MUST(address && inet_pton(AF_INET, address, &here.sin_addr) == 1);
	pair(early_ends);
	talk(early_ends[0], early_ends[1]);
	early_ran = true;
}
#else
static void found(void)
{
	struct sockaddr_in own, peer;

	MUST(early_ran);
	own = name_of(early_ends[0], getsockname);
	peer = name_of(early_ends[0], getpeername);
	MUST(own.sin_addr.s_addr == here.sin_addr.s_addr && own.sin_port != 0);
	must_be(early_ends[1], peer, own);
	talk(early_ends[1], early_ends[0]);
}

int main(int argc, char **argv)
{
	static const struct promise promises[] = {{"constructor", found}, {0}};

	return keep_one(promises, argc, argv);
}
#endif
