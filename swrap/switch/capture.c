/* The capture as a whole: its beginning and end, what it wants, and one packet into its file. */
#include "capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_ADDRESSES 64u /* of one interface that the file tells */

bool sw_captured(const struct sw *sw, const struct sw_packet *p)
{
	const struct sw_capture *c = sw->capture;

	return c && !c->finished && (c->all || sw_matches(&c->only, p));
}

static uint64_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SW_NS + (uint64_t)t.tv_nsec;
}

uint8_t *sw_capture_room(struct sw *sw, uint32_t n)
{
	struct sw_capture *c = sw->capture;
	uint8_t *room = sw_sink_room(c->sink, SW_PCAPNG_HEAD + n + SW_PCAPNG_TAIL);

	if (!room) {
		c->missing++;
		c->untold++;
		return NULL;
	}
	return room + SW_PCAPNG_HEAD;
}

void sw_capture_frame(struct sw *sw, uint8_t *room, uint32_t n, uint32_t iface, const char *comment)
{
	struct sw_capture *c = sw->capture;
	char words[SW_PCAPNG_COMMENT];
	struct sw_pcapng_packet packet = {
		.us = (monotonic() + (uint64_t)c->epoch) / 1000,
		.iface = iface,
		.length = n,
		.way = SW_PCAPNG_OUT,
		.comment = comment,
	};

	if (c->untold > 0) {
		snprintf(words, sizeof(words), "%llu packets before this one are missing: the file was too slow%s%s",
			 (unsigned long long)c->untold, comment ? "; " : "", comment ? comment : "");
		packet.comment = words;
		c->untold = 0;
	}
	c->packets++;
	sw_sink_commit(c->sink, sw_pcapng_packet(room - SW_PCAPNG_HEAD, &packet));
}

void sw_capture_route(const struct sw *sw, const struct sw_packet *p, struct sw_packet_route *r)
{
	const struct sw_iface *ifaces = sw_ifaces(sw->page);

	*r = (struct sw_packet_route){
		.from_port = p->end[0].port, .to_port = p->end[1].port, .ttl = 64, .id = sw->capture->id};
	memcpy(r->from_ip, p->end[0].ip, 16);
	memcpy(r->to_ip, p->end[1].ip, 16);
	if (p->path.n > 0)
		memcpy(r->from_mac, ifaces[p->path.hop[0].iface].mac, 6);
	if (p->path.n > 1)
		memcpy(r->to_mac, ifaces[p->path.hop[1].iface].mac, 6);
}

/* cut() - The first interface on the path that carries nothing. */
static const struct sw_iface *cut(const struct sw *sw, const struct sw_path *path)
{
	const struct sw_iface *iface = NULL;

	for (uint32_t i = 0; i < path->n; i++) {
		iface = &sw_ifaces(sw->page)[path->hop[i].iface];
		if (!(iface->flags & SW_IF_LOOPBACK) && !(iface->flags & SW_IF_RUNNING))
			break;
	}
	return iface;
}

const char *sw_capture_lost(const struct sw *sw, const struct sw_packet *p, int fate, char *words, size_t size)
{
	const struct sw_iface *iface;

	switch (fate) {
	case 0:
		return p->host[1] == SW_NO_HOST && p->flow ? "lost: nobody answers for the address" : NULL;
	case -ENETDOWN:
		iface = cut(sw, &p->path);
		snprintf(words, size, "lost: no carrier at %s.%s", sw_hosts(sw->page)[iface->host].name, iface->name);
		return words;
	case -ECONNREFUSED:
		return "rejected by a rule";
	case -EBUSY:
		return "held by a rule";
	case -EIO:
		return "lost: by chance";
	case -ENOBUFS:
		return "lost: a queue is full";
	default:
		return "lost: a rule drops it";
	}
}

/* describe() - The blocks in front of the packets: the section, and every interface. */
static int describe(struct sw *sw, struct sw_sink *sink)
{
	const struct sw_page *p = sw->page;
	uint8_t *room = sw_sink_room(sink, SW_PCAPNG_SECTION);

	sw_sink_commit(sink, sw_pcapng_section(room, "swrap"));
	for (uint32_t i = 0; i < p->n_ifaces; i++) {
		const struct sw_iface *iface = &sw_ifaces(p)[i];
		const struct sw_host *host = &sw_hosts(p)[iface->host];
		char name[SW_HOST_NAME + SW_IFACE_NAME], description[SW_HOST_NAME + SW_IFACE_NAME + 16];
		struct sw_pcapng_address addresses[MOST_ADDRESSES];
		struct sw_pcapng_iface what = {
			.name = name, .description = description, .mac = iface->mac, .speed = iface->speed, .addresses = addresses};

		for (uint32_t j = host->first_addr; j < host->first_addr + host->n_addrs; j++) {
			const struct sw_addr *a = &sw_addrs(p)[j];

			if (a->iface == i && what.n_addresses < MOST_ADDRESSES)
				addresses[what.n_addresses++] = (struct sw_pcapng_address){a->ip, a->prefix};
		}
		snprintf(name, sizeof(name), "%s.%s", host->name, iface->name);
		snprintf(description, sizeof(description), "%s of host %s", iface->name, host->name);
		room = sw_sink_room(sink, SW_PCAPNG_INTERFACE + 24 * MOST_ADDRESSES);
		if (!room)
			return -ENOSPC; /* more interfaces than a ring holds */
		sw_sink_commit(sink, sw_pcapng_interface(room, &what));
	}
	return 0;
}

/* join() - Flows that there are already. */
static void join(struct sw *sw, void *unused)
{
	(void)unused;
	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = sw_flow_here(sw, slot);

		if (f)
			sw_tap_join(sw, f);
	}
}

int sw_capture_start(struct sw *sw, int fd, const struct sw_match *only)
{
	struct sw_capture *c;
	struct timespec real;
	uint64_t written;
	int r;

	if (sw->capture)
		return -EBUSY;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->all = only == NULL;
	if (only)
		c->only = *only;
	r = only ? sw_match_own(sw, &c->only) : 0;
	if (r == 0)
		r = sw_sink_open(fd, &c->sink);
	if (r == 0 && (r = describe(sw, c->sink)) < 0)
		sw_sink_close(c->sink, &written);
	if (r < 0) {
		free(c->only.memory);
		free(c);
		return r;
	}
	clock_gettime(CLOCK_REALTIME, &real);
	c->epoch = (int64_t)((uint64_t)real.tv_sec * SW_NS + (uint64_t)real.tv_nsec - monotonic());
	sw->capture = c;
	sw_clock(sw);
	sw_everywhere(sw, join, NULL);
	return sw_sink_pidfd(c->sink);
}

void sw_capture_finish(struct sw *sw)
{
	if (!sw->capture || sw->capture->finished)
		return;
	sw->capture->finished = true;
	for (uint32_t slot = 0; slot < sw_slots(sw); slot++)
		sw_tap_free(sw, sw_flow_at(sw, slot));
	sw_sink_finish(sw->capture->sink);
}

int sw_capture_end(struct sw *sw, struct sw_capture_info *info)
{
	int r;

	if (!sw->capture)
		return -ENOENT;
	sw_capture_finish(sw);
	*info = (struct sw_capture_info){.packets = sw->capture->packets, .missing = sw->capture->missing};
	r = sw_sink_close(sw->capture->sink, &info->bytes);
	free(sw->capture->only.memory);
	free(sw->capture);
	sw->capture = NULL;
	return r;
}

int sw_capture_note(struct sw *sw, uint64_t id, const char *words)
{
	for (uint32_t slot = 0; slot < sw_slots(sw); slot++) {
		struct sw_flow *f = sw_flow_at(sw, slot);

		if (f->tap && f->id == id) {
			sw_tap_note(f, words);
			return 1;
		}
	}
	return 0;
}
