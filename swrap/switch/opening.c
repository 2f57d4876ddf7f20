/* The door: who comes in, and what the first message says. Nothing in it is trusted. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "twin.h"

#define RESERVE 64       /* fds that flows leave to the control side, Python and us */
#define FEWEST_NETLINK 4 /* and to netlink sockets: an eighth of the rest (most_sockets() in rtnetlink/service.py) */
#define MOST_NETLINK 512

#define OWN 16           /* and in another table than the first to that itself */
#define TWINS 16         /* flows leave that part of the first table to datagram sockets */

static uint32_t reserve(uint32_t max_fds)
{
	uint32_t netlink = max_fds > RESERVE ? (max_fds - RESERVE) / 8 : 0;

	if (netlink < FEWEST_NETLINK)
		netlink = FEWEST_NETLINK;
	return RESERVE + (netlink < MOST_NETLINK ? netlink : MOST_NETLINK);
}

/* taken() - Descriptors of @table that are not to be had any more: those in use, and those left to others than flows. */
static uint32_t taken(const struct sw *sw, uint32_t table)
{
	uint32_t flows = sw->tables[table].n_flows * 2;

	return table == 0 ? flows + sw->twins->n + reserve(sw->max_fds) : flows + OWN;
}

bool sw_fds_scarce(const struct sw *sw)
{
	return taken(sw, 0) >= sw->max_fds;
}

uint32_t sw_flows_of(uint32_t max_fds, uint32_t table)
{
	uint32_t rest = table == 0 ? reserve(max_fds) + max_fds / TWINS : OWN;

	return max_fds > rest ? (max_fds - rest) / 2 : 0;
}

/* place() - The table in which one more flow finds room: 0 while it does there. -errno: there is none. */
static int place(struct sw *sw)
{
	int r;

	if (taken(sw, 0) + sw->max_fds / TWINS < sw->max_fds)
		return 0;
	for (uint32_t table = 1; table < sw->n_tables; table++)
		if (taken(sw, table) < sw->max_fds)
			return (int)table;
	if (taken(sw, 0) >= sw->max_fds)
		return -EMFILE;
	r = sw_table_add(sw);
	return r < 0 ? r : (int)sw->n_tables - 1;
}

/* let_in() - Accept one, into the table in which we are. @error: set to why not, if that is not over soon. */
static void let_in(struct sw *sw, void *error)
{
	int fd = accept4(sw->door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct sw_flow *f;

	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			*(int *)error = -errno;
		return;
	}
	f = sw_peer_is_ours(sw, fd) ? sw_flow_new(sw, fd) : NULL;
	if (!f)
		close(fd);
	else if (sw_epoll_side(sw, f, 0, EPOLL_CTL_ADD, false) < 0)
		sw_flow_bury(sw, f);
}

/* sw_door_input() - Let one in; while there are more the door stays readable, and this is called again. */
void sw_door_input(struct sw *sw)
{
	int table = place(sw), error = table < 0 ? table : 0;

	if (table >= 0)
		sw_in(sw, (uint32_t)table, let_in, &error);
	if (error)
		sw_door_pause(sw); /* who knocks waits, as for a host whose backlog is full */
}

/* believable() - Could this have come from our shim? */
static bool believable(const struct sw *sw, const struct sw_syn *syn)
{
	if (syn->magic != SW_SYN_MAGIC || syn->length < sizeof(*syn) || syn->length > SW_MAX_SYN)
		return false;
	if (syn->opening == SW_ASK || syn->opening == SW_ABORT || syn->opening == SW_PATIENCE)
		return true;
	if (syn->opening == SW_UNAWAIT)
		return syn->more <= SW_MAX_SYN - syn->length;
	return syn->opening == SW_OPEN && syn->host < sw->page->n_hosts && syn->ino != 0 && syn->local.port != 0 &&
	       syn->remote.port != 0 && sw_addr_has(sw->page, syn->host, syn->local.ip);
}

struct question {
	const struct sw_syn *syn;
	struct sw_flow *asked; /* NULL: of no flow */
	int side;
	struct sw_answer reply;
};

/* consider() - In the table of the flow that is asked about. */
static void consider(struct sw *sw, void *argument)
{
	struct question *q = argument;
	const struct sw_syn *syn = q->syn;
	struct sw_flow *asked = syn->opening == SW_ASK ? NULL : q->asked;
	int side = q->side;

	if (asked && syn->opening == SW_ABORT)
		asked->side[side].abort = (uint8_t)syn->flags;
	if (asked && syn->opening == SW_PATIENCE) {
		asked->side[side].patience = syn->patience;
		if (asked->state == SW_FLOWING)
			sw_stall(sw, &asked->half[side]);
		else
			sw_syn_patience(sw, asked);
	}
	if (asked && syn->opening == SW_UNAWAIT && asked->state == SW_PENDING && asked->awaited) {
		asked->awaited = false;
		asked->more = syn->more;
		asked->syn_length += syn->more;
	}
	sw_answer_for(sw, syn->ino, &q->reply);
}

static void answer(struct sw *sw, struct sw_flow *f, const struct sw_syn *syn)
{
	struct question q = {.syn = syn};
	int fd = f->side[0].fd;

	q.asked = sw_flow_find(sw, syn->ino, &q.side);
	sw_in(sw, q.asked ? q.asked->table : 0, consider, &q);
	/* All is read first, so that the close behind the answer is no reset. */
	while (recv(fd, sw->scratch, sizeof(sw->scratch), MSG_DONTWAIT) > 0)
		;
	send(fd, &q.reply, sizeof(q.reply), MSG_DONTWAIT | MSG_NOSIGNAL);
	sw_flow_bury(sw, f);
}

/* sw_opening_input() - Something came on a connection whose opening message was not whole. */
void sw_opening_input(struct sw *sw, struct sw_flow *f)
{
	struct sw_syn syn;
	char tail;
	struct iovec iov[2] = {{&syn, sizeof(syn)}, {&tail, 1}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	int fd = f->side[0].fd, queued;
	ssize_t n = recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT);

	queued = (int)n;
	if (n >= (ssize_t)sizeof(syn)) {
		if (!believable(sw, &syn)) {
			sw_flow_bury(sw, f);
			return;
		}
		if (syn.length > sizeof(syn))
			ioctl(fd, FIONREAD, &queued);
		/* A SYN has its tail byte, which is what stays unread. */
		if ((uint32_t)queued >= syn.length + (syn.opening == SW_OPEN)) {
			if (syn.opening != SW_OPEN) {
				answer(sw, f, &syn);
				return;
			}
			f->syn_length = syn.length;
			f->awaited = syn.flags & SW_SYN_AWAITED;
			f->host[0] = syn.host;
			f->device = syn.device;
			f->end[0] = syn.local;
			f->end[1] = syn.remote;
			f->side[0].patience = syn.patience;
			sw_flow_own(sw, f, 0, syn.ino);
			sw_syn(sw, f);
			return;
		}
	}
	if (f->side[0].fin || (n < 0 && errno != EAGAIN && errno != EINTR))
		sw_flow_bury(sw, f);
}
