/* Beginning and end of the data plane. */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switch.h"

#define BACKLOG 4096

/* open_door() - Listen where the shims connect. */
static int open_door(struct sw *sw)
{
	struct sockaddr_un sun;
	socklen_t len = sw_name_service(sw->page, SW_SERVICE_STREAM, &sun), size = sizeof(int);
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)SW_EPOLL_DOOR << 56};
	int sndbuf = 0;

	sw->door = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sw->door < 0 || bind(sw->door, (struct sockaddr *)&sun, len) < 0 || listen(sw->door, BACKLOG) < 0 ||
	    getsockopt(sw->door, SOL_SOCKET, SO_SNDBUF, &sndbuf, &size) < 0 ||
	    epoll_ctl(sw->epoll, EPOLL_CTL_ADD, sw->door, &e) < 0)
		return -errno;
	sw->sndbuf = (uint32_t)sndbuf;
	return 0;
}

int sw_new(const void *page, const uint8_t *devices, const struct sw_limits *limits, struct sw **out)
{
	struct sw *sw = calloc(1, sizeof(*sw));
	struct rlimit limit = {0};
	int r;

	if (!sw)
		return -ENOMEM;
	sw->page = page;
	sw->devices = devices;
	sw->limits = *limits;
	sw->uid = geteuid();
	sw->door = -1;
	r = getrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : sw_flows_init(sw);
	sw->max_fds = limit.rlim_cur < UINT32_MAX ? (uint32_t)limit.rlim_cur : UINT32_MAX;
	if (r == 0)
		r = sw_tables_init(sw);
	if (r == 0)
		r = sw_ended_init(sw);
	if (r == 0)
		r = sw_events_init(sw);
	if (r == 0)
		r = sw_shape_init(sw);
	if (r == 0)
		r = open_door(sw);
	if (r == 0)
		r = sw_twins_init(sw);
	if (r < 0) {
		sw_free(sw);
		return r;
	}
	sw_clock(sw);
	*out = sw;
	return 0;
}

void sw_free(struct sw *sw)
{
	if (sw->door >= 0)
		close(sw->door);
	sw_tables_free(sw);
	sw_capture_finish(sw);
	sw_flows_free(sw);
	sw_twins_free(sw);
	sw_capture_end(sw, &(struct sw_capture_info){0});
	free(sw->ended);
	free(sw->events);
	free(sw->buckets);
	sw_rules_free(sw);
	free(sw->timers.heap);
	free(sw);
}
