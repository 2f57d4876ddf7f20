/* The loop: waits for what may happen next, and gives each ready half its turn. */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "twin.h"

#define DOOR_PAUSE (50 * SW_MS)
#define EVENTS 256 /* in one go */

void sw_clock(struct sw *sw)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	sw->now = (uint64_t)t.tv_sec * SW_NS + (uint64_t)t.tv_nsec;
}

uint64_t sw_epoll_key(uint32_t kind, uint32_t generation, uint32_t value)
{
	return (uint64_t)kind << 56 | (uint64_t)generation << 32 | value;
}

int sw_epoll(struct sw *sw, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event e = {.events = events, .data.u64 = data};

	return epoll_ctl(sw->epoll, op, fd, &e) < 0 ? -errno : 0;
}

/* sw_epoll_side() - Let epoll know one side of @f; @out: its EPOLLOUT too, which is asked for only while it matters. */
int sw_epoll_side(struct sw *sw, struct sw_flow *f, int side, int op, bool out)
{
	uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET | (out ? (uint32_t)EPOLLOUT : 0);

	return sw_epoll(sw, op, f->side[side].fd, events,
		   sw_epoll_key(SW_EPOLL_SIDE + (uint32_t)side, f->generation, f->slot));
}

/* doors() - What is asked of those through which programs come. */
static void doors(struct sw *sw, uint32_t events)
{
	sw_epoll(sw, EPOLL_CTL_MOD, sw->door, events, sw_epoll_key(SW_EPOLL_DOOR, 0, 0));
	sw_epoll(sw, EPOLL_CTL_MOD, sw->twins->door, events, sw_epoll_key(SW_EPOLL_TWIN_DOOR, 0, 0));
}

/* sw_door_pause() - There are no fds left: a door that stays readable would keep the loop busy for nothing. */
void sw_door_pause(struct sw *sw)
{
	if (sw->door_again == 0)
		doors(sw, 0);
	sw->door_again = sw->now + DOOR_PAUSE;
}

int sw_watch(struct sw *sw, int fd, uint32_t events)
{
	uint64_t data = sw_epoll_key(SW_EPOLL_WATCH, 0, (uint32_t)fd);
	int r = sw_epoll(sw, EPOLL_CTL_MOD, fd, events, data);

	return r == -ENOENT ? sw_epoll(sw, EPOLL_CTL_ADD, fd, events, data) : r;
}

int sw_unwatch(struct sw *sw, int fd)
{
	return sw_epoll(sw, EPOLL_CTL_DEL, fd, 0, 0);
}

int sw_fired(struct sw *sw, uint32_t *events)
{
	if (sw->next_fired == sw->n_fired)
		return -1;
	*events = sw->fired[sw->next_fired].events;
	return (int)(uint32_t)sw->fired[sw->next_fired++].data.u64;
}

static void side_event(struct sw *sw, struct sw_flow *f, int side, uint32_t events)
{
	struct sw_side *s = &f->side[side];

	if (events & EPOLLERR)
		s->reset = true;
	if ((events & EPOLLHUP) && s->abort && !(s->abort == SW_ABORT_SHUT && f->half[!side].done))
		s->reset = true;
	/* Both directions shut look like a close, which matters only if something is still on its way to it. */
	if ((events & EPOLLHUP) && !f->half[!side].done)
		s->gone = true;
	if (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP))
		s->fin = true;
	if (events & EPOLLPRI)
		s->odd = true;
	switch (f->state) {
	case SW_OPENING:
		sw_opening_input(sw, f);
		if (f->state == SW_PENDING && (s->gone || s->reset)) /* it left with its SYN, and no event will tell again */
			sw_end_syn(sw, f, ECANCELED);
		return;
	case SW_PENDING:
		if (s->gone || s->reset)
			sw_end_syn(sw, f, ECANCELED);
		else
			sw_syn_try(sw, f);
		return;
	case SW_FLOWING:
		sw_ready(sw, &f->half[side]);
		if (s->full && (events & EPOLLOUT))
			sw_ready(sw, &f->half[!side]);
		else if (s->gone || s->reset)
			sw_ready(sw, &f->half[!side]);
		if (s->armed && !s->full && (events & EPOLLOUT) && sw_epoll_side(sw, f, side, EPOLL_CTL_MOD, false) == 0)
			s->armed = false;
		if (events & EPOLLOUT)
			s->full = false;
		return;
	}
}

static void dispatch(struct sw *sw, const struct epoll_event *e)
{
	uint32_t kind = (uint32_t)(e->data.u64 >> 56), generation = (uint32_t)(e->data.u64 >> 32) & 0xffffff;
	struct sw_flow *f;

	if (kind == SW_EPOLL_DOOR) {
		sw_door_input(sw);
	} else if (kind == SW_EPOLL_TWIN_DOOR) {
		sw_twin_door(sw);
	} else if (kind == SW_EPOLL_TABLE) {
		sw->tables[(uint32_t)e->data.u64].fired = true;
	} else if (kind == SW_EPOLL_TWIN) {
		sw_twin_event(sw, (uint32_t)e->data.u64, generation, e->events);
	} else if (kind == SW_EPOLL_WATCH) {
		if (sw->n_fired < sizeof(sw->fired) / sizeof(*sw->fired))
			sw->fired[sw->n_fired++] = *e;
	} else {
		f = sw_flow_at(sw, (uint32_t)e->data.u64);
		if (f->generation == generation && f->side[kind - SW_EPOLL_SIDE].fd >= 0)
			side_event(sw, f, (int)(kind - SW_EPOLL_SIDE), e->events);
	}
}

/* turns() - One turn for each half that is ready here; those that become so meanwhile have theirs next time. */
static void turns(struct sw *sw)
{
	struct sw_list round;

	sw_list_init(&round);
	sw_list_move(&round, &sw->tables[sw->here].ready);
	while (!sw_list_empty(&round)) {
		struct sw_half *h = sw_container(round.next, struct sw_half, ready);

		sw_list_del(&h->ready);
		sw_pump(sw, h);
	}
}

/* table_turn() - All that there is to do in the table in which we are, which is not the first. */
static void table_turn(struct sw *sw, void *unused)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(sw->epoll, events, EVENTS, 0);

	(void)unused;
	for (int i = 0; i < n; i++)
		dispatch(sw, &events[i]);
	turns(sw);
	sw_end_resets(sw, NULL);
}

static bool has_work(const struct sw_table *table)
{
	return !sw_list_empty(&table->ready) || !sw_list_empty(&table->resets);
}

static bool any_has_work(const struct sw *sw)
{
	for (uint32_t i = 0; i < sw->n_tables; i++)
		if (has_work(&sw->tables[i]))
			return true;
	return false;
}

static void tables(struct sw *sw)
{
	for (uint32_t i = 1; i < sw->n_tables; i++) {
		struct sw_table *table = &sw->tables[i];

		if (table->fired || has_work(table)) {
			table->fired = false;
			sw_in(sw, i, table_turn, NULL);
		}
	}
}

static void forget(struct sw *sw, void *flow)
{
	sw_flow_bury(sw, flow);
}

static void time_out(struct sw *sw, void *flow)
{
	sw_end_syn(sw, flow, ETIMEDOUT);
}

/* deadlines() - Each list has one duration, so its first is always the next that is due. */
static void deadlines(struct sw *sw)
{
	struct sw_list *l;

	while ((l = sw->openings.next) != &sw->openings) {
		struct sw_flow *f = sw_container(l, struct sw_flow, link);

		if (sw->now < f->since + sw->limits.opening_ns)
			break;
		sw_in(sw, f->table, forget, f);
	}
	while ((l = sw->pending.next) != &sw->pending) {
		struct sw_flow *f = sw_container(l, struct sw_flow, link);

		if (sw->now < f->since + sw->limits.syn_ns)
			break;
		sw_in(sw, f->table, time_out, f);
	}
	sw_twins_expire(sw);
	if (sw->retry_at && sw->now >= sw->retry_at)
		sw_syn_retry(sw);
	if (sw->door_again && sw->now >= sw->door_again) {
		sw->door_again = 0;
		doors(sw, EPOLLIN);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* next() - When something is due without anything coming in, ns. */
static uint64_t next(const struct sw *sw)
{
	uint64_t at = earlier(earlier(sw_shape_next(sw), sw_events_next(sw)), sw_twins_next(sw));

	at = earlier(earlier(at, sw_timers_next(sw)), sw_floor_next(sw));
	if (any_has_work(sw))
		return 0;
	if (!sw_list_empty(&sw->openings))
		at = earlier(at, sw_container(sw->openings.next, struct sw_flow, link)->since + sw->limits.opening_ns);
	if (!sw_list_empty(&sw->pending))
		at = earlier(at, sw_container(sw->pending.next, struct sw_flow, link)->since + sw->limits.syn_ns);
	if (sw->retry_at)
		at = earlier(at, sw->retry_at);
	if (sw->door_again)
		at = earlier(at, sw->door_again);
	return at;
}

int sw_run(struct sw *sw)
{
	struct epoll_event events[EVENTS];

	sw->n_fired = sw->next_fired = 0;
	sw_clock(sw);
	for (;;) {
		int n = sw_rest(sw, events, EVENTS, next(sw));

		if (n < 0)
			return n;
		for (int i = 0; i < n; i++)
			dispatch(sw, &events[i]);
		sw_timers_run(sw);
		turns(sw);
		sw_end_resets(sw, NULL);
		tables(sw);
		sw_shape_run(sw);
		sw_floor_run(sw);
		deadlines(sw);
		sw_flows_reap(sw);
		if (sw->n_fired > 0)
			return SW_WAKE_FD;
		if (sw_events_due(sw))
			return SW_WAKE_EVENTS;
	}
}
