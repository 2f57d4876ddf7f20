/* SYNs: answered, refused, or repeated until something changes or time is up. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switch.h"

#define RETRY (10 * SW_MS) /* for what nothing announces: a backlog grows, its listener closes, an address is free again */

static void reset(struct sw *sw, void *flow)
{
	sw_end_reset(sw, flow, ECONNRESET);
}

/* evict() - The four-tuple is still taken: by a flow whose client is gone? Then its server meets a new SYN: a reset. */
static bool evict(struct sw *sw, const struct sw_flow *f)
{
	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *old = sw_flow_at(sw, slot);

		if (old->state != SW_FLOWING || old->host[0] != f->host[0] || old->host[1] != f->host[1] ||
		    __builtin_memcmp(old->end, f->end, sizeof(old->end)) != 0)
			continue;
		if (old->side[0].fd >= 0 && !old->side[0].gone && !old->side[0].reset)
			return false;
		sw_in(sw, old->table, reset, old);
		return true;
	}
	return false;
}

/* is_whole() - Has all of the SYN come, and its tail byte? */
static bool is_whole(const struct sw_flow *f)
{
	int queued = 0;

	return ioctl(f->side[0].fd, FIONREAD, &queued) == 0 && (uint32_t)queued > f->syn_length;
}

/* established() - @fd is the onward end: answer the SYN. */
static void established(struct sw *sw, struct sw_flow *f, int fd)
{
	int on = 1;

	f->side[1].fd = fd;
	if (sw_epoll_side(sw, f, 1, EPOLL_CTL_ADD, false) < 0 ||
	    recv(f->side[0].fd, sw->scratch, f->syn_length, MSG_DONTWAIT) != (ssize_t)f->syn_length) {
		sw_end_syn(sw, f, ECONNREFUSED);
		return;
	}
	if (f->awaited)
		send(f->side[0].fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* Urgent bytes stay in the stream instead of being dropped by the reads. */
	for (int i = 0; i < 2; i++)
		setsockopt(f->side[i].fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	sw_tap_open(sw, f);
	sw_list_del(&f->link);
	sw_list_del(&f->retry);
	sw_timer_clear(sw, &f->timer);
	sw_timer_clear(sw, &f->half[0].patience);
	f->state = SW_FLOWING;
	f->since = sw->now;
	f->told = false;
	f->side[0].greeted = true;
	f->side[0].lag = 1;
	sw_event(sw, f, SW_EV_OPENED, 0);
	sw_review(sw, f); /* other rules may be for established flows */
	/* The program may have written behind its SYN before we came, if it did not sleep. */
	if (!f->awaited)
		sw_ready(sw, &f->half[0]);
}

/* try_later() - Nothing may tell us when it is time, so the clock does. */
static void try_later(struct sw *sw, struct sw_flow *f)
{
	if (sw_list_empty(&f->retry))
		sw_list_add(&sw->retries, &f->retry);
	if (sw->retry_at == 0)
		sw->retry_at = sw->now + RETRY;
}

/* wait() - Silence: the SYN stays where it is. @reason is the errno that says why. */
static void wait(struct sw *sw, struct sw_flow *f, int reason, bool retry)
{
	if (!f->told)
		sw_event(sw, f, SW_EV_WAITING, reason);
	f->told = true;
	if (retry)
		try_later(sw, f);
}

/* on_its_way() - Is the answer of a peer that is far away still to come? */
static bool on_its_way(struct sw *sw, struct sw_flow *f, const struct sw_verdict v[2])
{
	uint64_t at = f->since + sw_line_syn(sw, f, v);

	return at > sw->now && sw_timer_set(sw, &f->timer, at) == 0;
}

/* sw_syn_try() - Let @f, PENDING, find its listener if it can now. Return: true where it did, and there was no room. */
bool sw_syn_try(struct sw *sw, struct sw_flow *f)
{
	struct sw_verdict v[2];
	int r, fd;

	if (f->more && !is_whole(f))
		return false; /* EPOLLIN says when there is more */
	r = sw_path_find(sw, f);
	if (r == -ENETUNREACH) {
		sw_end_syn(sw, f, ENETUNREACH);
		return false;
	}
	f->half[0].dead = r < 0;
	sw_tap_syn(sw, f);
	for (int dir = 0; r == 0 && dir < 2; dir++) {
		r = sw_judge_half(sw, f, dir, &v[dir]);
		f->half[dir].dead = r < 0;
		if (r == -ECONNREFUSED && dir == 0) {
			sw_end_syn(sw, f, ECONNREFUSED);
			return false;
		}
	}
	if (r < 0) {
		wait(sw, f, -r, false);
		return false;
	}
	if (on_its_way(sw, f, v))
		return false;
	fd = sw_onward(sw, f);
	if (fd == -EADDRINUSE && evict(sw, f))
		fd = sw_onward(sw, f);
	if (fd >= 0)
		established(sw, f, fd);
	else if (fd == -ECONNREFUSED)
		sw_end_syn(sw, f, ECONNREFUSED);
	else
		wait(sw, f, -fd, true);
	return fd == -EAGAIN;
}

struct attempt {
	struct sw_flow *flow;
	bool full;
};

static void attempt(struct sw *sw, void *argument)
{
	struct attempt *a = argument;

	a->full = sw_syn_try(sw, a->flow);
}

bool sw_syn_again(struct sw *sw, struct sw_flow *f)
{
	struct attempt a = {.flow = f};

	sw_in(sw, f->table, attempt, &a);
	return a.full;
}

/* sw_syn_patience() - No longer than the lab's limit, after which all give up. */
void sw_syn_patience(struct sw *sw, struct sw_flow *f)
{
	const struct sw_patience *p = &f->side[0].patience;
	uint64_t most = UINT64_MAX;

	/* After 1, 2, 4 … seconds it is repeated, and after the last time waited for as much again (RFC 6298, 5). */
	if (p->syn_count > 0 && p->syn_count < 16)
		most = ((2ull << p->syn_count) - 1) * SW_NS;
	if (p->user_timeout_ms > 0 && p->user_timeout_ms * SW_MS < most)
		most = p->user_timeout_ms * SW_MS;
	if (most < sw->limits.syn_ns)
		sw_timer_set(sw, &f->half[0].patience, f->since + most);
	else
		sw_timer_clear(sw, &f->half[0].patience);
}

/* sw_syn() - The opening message of @f is whole: it is a SYN from now on. */
void sw_syn(struct sw *sw, struct sw_flow *f)
{
	sw_list_del(&f->link);
	sw_list_add(&sw->pending, &f->link);
	f->state = SW_PENDING;
	f->since = sw->now;
	sw_syn_patience(sw, f);
	sw_syn_try(sw, f);
}

static bool same_listener(const struct sw_flow *a, const struct sw_flow *b)
{
	return a->host[1] == b->host[1] && __builtin_memcmp(&a->end[1], &b->end[1], sizeof(a->end[1])) == 0;
}

/* sw_syn_room() - A listener has accepted @taken: a SYN that waits for room in its backlog has its turn. */
void sw_syn_room(struct sw *sw, const struct sw_flow *taken)
{
	for (struct sw_list *l = sw->retries.next; l != &sw->retries; l = l->next) {
		struct sw_flow *f = sw_container(l, struct sw_flow, retry);

		if (f->host[1] == taken->host[1] && f->end[1].port == taken->end[1].port) {
			sw_list_del(&f->retry);
			sw_syn_again(sw, f);
			return;
		}
	}
}

/* sw_syn_retry() - Again, those that nothing will announce; where one finds no room the next need not look. */
void sw_syn_retry(struct sw *sw)
{
	const struct sw_flow *full = NULL;
	struct sw_list again;

	sw->retry_at = 0;
	sw_list_init(&again);
	sw_list_move(&again, &sw->retries);
	while (!sw_list_empty(&again)) {
		struct sw_flow *f = sw_container(again.next, struct sw_flow, retry);

		sw_list_del(&f->retry);
		if (full && same_listener(f, full)) {
			try_later(sw, f);
			continue;
		}
		if (sw_syn_again(sw, f))
			full = f;
	}
}
