/*
 * SO_LINGER with a time of 0: the last close of the socket, whoever's it is, resets the connection.
 *
 * Nobody can act at that moment, so it is said beforehand: to the switch, which sees the close; or in the options file,
 * for the peer, which looks there when its stream has ended and nobody is left at the other end. There an entry stands
 * for one end of a connection, known by both of its names. Each end begins with its own, so that none is left over from
 * an earlier connection of these names.
 */
#include "option.h"

#include <poll.h>
#include <sys/un.h>

#include "real.h"

/* Both names and this are what an entry stands for: of the end that connected, or of the one that was accepted. */
enum end { CONNECTED = 1, ACCEPTED = 2 };

typedef int name_getter(int fd, struct sockaddr *addr, socklen_t *len);

/* mix() - FNV-1a over the name that @get yields. */
static bool mix(uint64_t *hash, int fd, name_getter *get)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);

	if (get(fd, (struct sockaddr *)&sun, &len) < 0 || len > sizeof(sun))
		return false;
	for (socklen_t i = 0; i < len; i++)
		*hash = (*hash ^ ((const uint8_t *)&sun)[i]) * 0x100000001b3ull;
	return true;
}

/* entry_of() - What stands for one end of @fd's connection where others have a cookie; 0 where there is none any more. */
static uint64_t entry_of(int fd, uint64_t tag, bool peers)
{
	bool accepted = tag & SW_TAG_ACCEPTED;
	uint64_t hash = 0xcbf29ce484222325ull;

	if (!mix(&hash, fd, accepted ? sw_real(getpeername) : sw_real(getsockname)) ||
	    !mix(&hash, fd, accepted ? sw_real(getsockname) : sw_real(getpeername)))
		return 0;
	/* No cookie is ever so large: they count sockets. */
	return ((hash ^ (accepted != peers ? ACCEPTED : CONNECTED)) * 0x9e3779b97f4a7c15ull) | 1ull << 63;
}

static void note(int fd, uint64_t tag, enum sw_abort how)
{
	struct sw_options *options = sw_options();
	uint64_t entry, old[2];

	if (!options || (!how && !options->aborts))
		return;
	__atomic_store_n(&options->aborts, 1, __ATOMIC_RELAXED);
	entry = entry_of(fd, tag, false);
	if (entry && (how || sw_kept_read(entry, SOL_SOCKET, SO_LINGER, old)))
		sw_kept_write(entry, SOL_SOCKET, SO_LINGER, (uint64_t[2]){how, 0});
}

static void tell(int fd, uint64_t tag, enum sw_abort how)
{
	struct sw_syn word = {.opening = SW_ABORT, .flags = how, .host = sw_self(), .ino = sw_inode(fd)};
	struct sw_answer answer;
	int saved = errno;

	if (sw_lab()->flags & SW_DIRECT)
		note(fd, tag, how);
	else
		sw_request(&word, &answer);
	errno = saved;
}

int sw_abort_set(int fd, uint64_t *tag, const struct linger *linger)
{
	bool on = linger->l_onoff && !linger->l_linger;

	if ((*tag & SW_TAG_DGRAM) || !(*tag & SW_TAG_ABORT) == !on)
		return 0;
	*tag = sw_settle(fd, *tag) ^ SW_TAG_ABORT;
	if (*tag & (SW_TAG_CONNECTED | SW_TAG_CONNECTING))
		tell(fd, *tag, on ? SW_ABORT_CLOSE : SW_ABORT_NOT);
	return sw_tag_set(fd, *tag);
}

void sw_abort_begin(int fd, uint64_t tag)
{
	if (tag & SW_TAG_ABORT)
		tell(fd, tag, SW_ABORT_CLOSE);
	else if (sw_lab()->flags & SW_DIRECT)
		note(fd, tag, SW_ABORT_NOT);
}

void sw_abort_shut(int fd, uint64_t tag, int how)
{
	struct pollfd one = {.fd = fd, .events = POLLRDHUP};

	if (!(tag & SW_TAG_ABORT))
		return;
	/* Both ways, or behind the peer's: what is left to do is not TCP's any more, or cannot be told from a close. */
	if (how != SHUT_WR || poll(&one, 1, 0) != 0)
		tell(fd, tag, SW_ABORT_NOT);
	else
		tell(fd, tag, SW_ABORT_SHUT);
}

int sw_abort_met(int fd, bool receive)
{
	struct sw_options *options = sw_options();
	struct pollfd one = {.fd = fd};
	uint64_t tag, entry, how[2];

	if (!options || !__atomic_load_n(&options->aborts, __ATOMIC_RELAXED) || !sw_tag_get(fd, &tag) ||
	    (tag & SW_TAG_DGRAM) || poll(&one, 1, 0) != 1 || !(one.revents & POLLHUP))
		return 0;
	entry = entry_of(fd, tag, true);
	if (!entry || !sw_kept_read(entry, SOL_SOCKET, SO_LINGER, how) || !how[0] ||
	    (how[0] == SW_ABORT_SHUT && (tag & SW_TAG_SHUT)))
		return 0;
	if (how[0] == SW_ABORT_SHUT && receive)
		return 0; /* who has had the FIN reads no more: the news is for its writes */
	sw_kept_write(entry, SOL_SOCKET, SO_LINGER, (uint64_t[2]){SW_ABORT_NOT, 0});
	sw_tag_set(fd, tag | SW_TAG_PIPE);
	return how[0] == SW_ABORT_SHUT ? EPIPE : ECONNRESET;
}
