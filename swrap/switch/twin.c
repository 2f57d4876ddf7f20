/* Twins: how they come, what they hear, how they end. Nothing that comes up is trusted. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "twin.h"

#define BACKLOG 4096
#define TURN 1024	/* datagrams that one twin passes on before the others' turn */
#define SNDBUF 212992	/* doubled by the kernel, which charges up to twice the payload */
#define EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLET)

static int open_door(struct sw *sw)
{
	struct sockaddr_un sun;
	socklen_t len = sw_name_service(sw->page, SW_SERVICE_DATAGRAM, &sun);
	int door = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	sw->twins->door = door;
	if (door < 0 || bind(door, (struct sockaddr *)&sun, len) < 0 || listen(door, BACKLOG) < 0)
		return -errno;
	return sw_epoll(sw, EPOLL_CTL_ADD, door, EPOLLIN, sw_epoll_key(SW_EPOLL_TWIN_DOOR, 0, 0));
}

int sw_twins_init(struct sw *sw)
{
	struct sw_twins *all = calloc(1, sizeof(*all));

	sw->twins = all;
	if (!all)
		return -ENOMEM;
	all->door = -1;
	sw_list_init(&all->free);
	sw_list_init(&all->strangers);
	sw_list_init(&all->late);
	for (uint32_t i = 0; i < SW_PORTS; i++) {
		sw_list_init(&all->by_port[i]);
		sw_list_init(&all->by_ino[i]);
	}
	if (getrandom(&all->port, sizeof(all->port), GRND_NONBLOCK) < 0)
		all->port = (uint32_t)sw->now;
	int r = sw_segments(sw);

	return r < 0 ? r : open_door(sw);
}

void sw_twins_free(struct sw *sw)
{
	struct sw_twins *all = sw->twins;

	if (!all)
		return;
	if (all->door >= 0)
		close(all->door);
	for (uint32_t i = 0; i < all->n_slots; i++) {
		if (all->slots[i]->fd >= 0)
			close(all->slots[i]->fd);
		free(all->slots[i]);
	}
	sw_late_free(sw);
	free(all->slots);
	free(all->segment);
	free(all);
}

/* place() - A free slot, or a new one; NULL without memory. */
static struct sw_twin *place(struct sw_twins *all)
{
	struct sw_twin **slots, *t;

	if (!sw_list_empty(&all->free)) {
		t = sw_container(all->free.next, struct sw_twin, link);
		sw_list_del(&t->link);
		return t;
	}
	slots = realloc(all->slots, (all->n_slots + 1) * sizeof(*slots));
	if (!slots)
		return NULL;
	all->slots = slots;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->slot = all->n_slots;
	t->fd = -1;
	slots[all->n_slots++] = t;
	return t;
}

static int admit(struct sw *sw, int fd)
{
	static const uint32_t defaults[SW_OPTIONS] = SW_OPTION_DEFAULTS;
	struct sw_twin *t = place(sw->twins);
	uint32_t slot, generation;
	int size = SNDBUF;

	if (!t)
		return -ENOMEM;
	slot = t->slot;
	generation = t->generation;
	memset(t, 0, sizeof(*t));
	t->slot = slot;
	t->generation = generation;
	t->fd = fd;
	t->host = SW_NO_HOST;
	t->since = sw->now;
	t->serial = ++sw->twins->serials;
	memcpy(t->options, defaults, sizeof(defaults));
	sw_list_init(&t->link);
	sw_list_init(&t->by_port);
	sw_list_init(&t->by_ino);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0 ||
	    sw_epoll(sw, EPOLL_CTL_ADD, fd, EVENTS, sw_epoll_key(SW_EPOLL_TWIN, generation, slot)) < 0) {
		t->fd = -1;
		sw_list_add(&sw->twins->free, &t->link);
		return -ENOMEM;
	}
	sw_list_add(&sw->twins->strangers, &t->link);
	sw->twins->n++;
	return 0;
}

/* sw_twin_door() - As sw_door_input(). */
void sw_twin_door(struct sw *sw)
{
	int fd;

	if (sw_fds_scarce(sw)) {
		sw_door_pause(sw);
		return;
	}
	fd = accept4(sw->twins->door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			sw_door_pause(sw);
		return;
	}
	if (!sw_peer_is_ours(sw, fd) || admit(sw, fd) < 0)
		close(fd);
}

/* end() - Close it, and forget all about it; an event that still names it has another generation. */
static void end(struct sw *sw, struct sw_twin *t)
{
	close(t->fd);
	t->fd = -1;
	t->generation = (t->generation + 1) & 0xffffff;
	sw_list_del(&t->by_port);
	sw_list_del(&t->by_ino);
	sw_list_del(&t->link);
	sw_list_add(&sw->twins->free, &t->link);
	sw->twins->n--;
}

void sw_twin_tell(struct sw_twin *t, const struct sw_dgram *head)
{
	send(t->fd, head, sizeof(*head), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* take() - One message of @n bytes is in the buffer. False: it is none of our shim's. */
static bool take(struct sw *sw, struct sw_twin *t, size_t n, bool cut)
{
	struct sw_dgram head = sw->twins->head;

	if (n < sizeof(head) || head.magic != SW_DGRAM_MAGIC || cut)
		return false;
	if (t->host == SW_NO_HOST && head.kind != SW_DGRAM_HELLO)
		return false;
	if (head.kind != SW_DGRAM_DATA)
		return sw_twin_word(sw, t, &head, (uint32_t)(n - sizeof(head)));
	sw_datagram(sw, t, &head, (uint32_t)(n - sizeof(head)));
	return true;
}

/* input() - Empty the queue of @t, but no more than a turn's worth. True: there may be more. */
static bool input(struct sw *sw, struct sw_twin *t)
{
	for (int i = 0; i < TURN; i++) {
		struct iovec iov[2] = {{&sw->twins->head, sizeof(sw->twins->head)},
				       {sw->twins->payload, sizeof(sw->twins->payload)}};
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
		ssize_t n = recvmsg(t->fd, &msg, MSG_DONTWAIT);

		/* A program that ends with something unread leaves an error in front of what it sent. */
		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (n <= 0)
			return false;
		if (!take(sw, t, (size_t)n, msg.msg_flags & MSG_TRUNC)) {
			end(sw, t);
			return false;
		}
	}
	return true;
}

void sw_twin_input(struct sw *sw, struct sw_twin *t)
{
	/* Asking again for the same events puts it behind the others that are ready. */
	if (input(sw, t))
		sw_epoll(sw, EPOLL_CTL_MOD, t->fd, EVENTS, sw_epoll_key(SW_EPOLL_TWIN, t->generation, t->slot));
}

/* finish() - Its program is gone: what it sent before goes on. */
static void finish(struct sw *sw, struct sw_twin *t)
{
	while (input(sw, t))
		;
	if (t->fd >= 0)
		end(sw, t);
}

/* sw_twin_gone() - Has @t's program gone, though the event that says so has not had its turn? Then @t goes now. */
bool sw_twin_gone(struct sw *sw, struct sw_twin *t)
{
	struct pollfd one = {.fd = t->fd};

	if (poll(&one, 1, 0) != 1 || !(one.revents & POLLHUP))
		return false;
	finish(sw, t);
	return true;
}

void sw_twin_event(struct sw *sw, uint32_t slot, uint32_t generation, uint32_t events)
{
	struct sw_twin *t = sw->twins->slots[slot];

	if (t->fd < 0 || t->generation != generation)
		return;
	if (events & EPOLLHUP)
		finish(sw, t);
	else
		sw_twin_input(sw, t);
}

struct sw_twin *sw_twin_find(struct sw *sw, uint64_t ino)
{
	struct sw_list *head = &sw->twins->by_ino[ino % SW_PORTS];

	for (struct sw_list *l = head->prev; l != head; l = l->prev) {
		struct sw_twin *t = sw_container(l, struct sw_twin, by_ino);

		if (t->ino == ino)
			return t;
	}
	return NULL;
}

bool sw_twin_answer(struct sw *sw, uint64_t ino, struct sw_answer *a)
{
	struct sw_twin *t = sw_twin_find(sw, ino);

	if (t)
		sw_twin_input(sw, t); /* what the program said before it asked comes first */
	t = sw_twin_find(sw, ino);
	if (!t)
		return false;
	a->state = t->connected ? SW_FLOW_ESTABLISHED : SW_FLOW_NONE;
	a->error = t->error;
	a->local = t->connected ? t->local : t->own;
	if (t->connected)
		a->remote = t->peer;
	memcpy(a->options, t->options, sizeof(t->options));
	return true;
}

uint64_t sw_twins_next(const struct sw *sw)
{
	const struct sw_list *l = &sw->twins->strangers;

	if (sw_list_empty(l))
		return UINT64_MAX;
	return sw_container(l->next, struct sw_twin, link)->since + sw->limits.opening_ns;
}

void sw_twins_expire(struct sw *sw)
{
	while (sw->now >= sw_twins_next(sw))
		end(sw, sw_container(sw->twins->strangers.next, struct sw_twin, link));
}
