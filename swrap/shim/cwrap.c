/* What libsocket_wrapper exports, socket_wrapper.h: programs that care look it up, or are linked to its empty stand-in. */
#include "shim.h"

bool socket_wrapper_enabled(void);
void socket_wrapper_indicate_no_inet_fd(int fd);

/* socket_wrapper_enabled() - Are sockets in a network of SOCKET_WRAPPER_DIR? */
SW_EXPORT bool socket_wrapper_enabled(void)
{
	int saved = errno;
	bool enabled = sw_lab_now() && sw_in_dropin();

	errno = saved;
	return enabled;
}

/* socket_wrapper_indicate_no_inet_fd() - Asks to forget @fd; nothing was ever noted of it. */
SW_EXPORT void socket_wrapper_indicate_no_inet_fd(int fd)
{
	(void)fd;
}
