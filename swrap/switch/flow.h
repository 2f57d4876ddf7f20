/*
 * A flow: a connection of two programs, and its life (syn.h has the other end's view):
 *
 *   FREE     in the free list
 *   OPENING  accepted at the door; its opening message is not whole yet          opening.c
 *   PENDING  its SYN is known and unanswered: a dead path, or a full backlog     syn.c
 *   FLOWING  both ends are there; bytes move, wait or are held                   pump.c
 *   RESET    it was told to end: nothing passes, and its sides will be closed    end.c
 *   DEAD     closed in this turn of the loop; events of the turn may still name it, so it is freed at the turn's end
 *
 * A flow has two *sides*, 0 the client's (S) and 1 the server's (O), and two *halves*, the directions: half d carries
 * from side d to side !d. A half is always in exactly one of these conditions, each with the event that ends it, so that
 * edge-triggered epoll can miss nothing:
 *
 *   idle        nothing fresh in the queue of its side         EPOLLIN of that side
 *   ready       on the ready list                              its turn
 *   full        its output has no room                         EPOLLOUT of the other side (armed only then)
 *   shaped      in the queue of a bucket without tokens        the bucket's time
 *   queued      others have the floor                          a place on it (floor.c)
 *   held        its path is dead: bytes wait                   sw_refresh()
 *   on the way  its packets take time                          the timer of its line
 *   done        its FIN has passed
 *
 * A side is *gone* when its program closed it, *reset* when that was with unread data, and *vanished* (fd -1) when the
 * switch closed it alone, as TCP gives up one end without telling the other.
 */
#ifndef SW_FLOW_H
#define SW_FLOW_H

#include "api.h"
#include "list.h"
#include "page.h"
#include "syn.h"
#include "timer.h"

struct sw;

enum sw_state {
	SW_FREE = 0,
	SW_OPENING,
	SW_PENDING,
	SW_FLOWING,
	SW_RESET,
	SW_DEAD,
};

struct sw_side {
	int fd;            /* -1: vanished, or not there yet */
	uint8_t index;     /* in the flow */
	uint8_t lag;       /* 1: the first byte in the queue was already taken */
	bool greeted;      /* the queue holds payload: SYN or hello are out of it */
	bool fin, gone, reset;
	bool armed;        /* EPOLLOUT is asked for */
	bool full;         /* and a half waits for it */
	bool odd;          /* urgent bytes or passed fds: a peek may stop short */
	bool deaf;         /* the program shut its reading: bytes to it are taken and lost */
	uint8_t abort;     /* enum sw_abort: what its close is */
	bool wide;         /* its buffer was made as large as it may be */
	uint32_t sndbuf;
	struct sw_patience patience;
	uint64_t ino;      /* of the program's socket; 0 unknown */
	struct sw_list by_ino;
};

struct sw_half {
	struct sw_list ready, shaped;
	struct sw_list floor;  /* on it, or in the queue for it */
	struct sw_timer patience; /* of its sender: when it gives up */
	uint64_t moved_at;     /* ns, when it had the floor */
	uint32_t share;        /* bytes that it may still move there; 0: it had its share */
	uint64_t delivered;    /* bytes handed to the receiver's buffer */
	uint64_t acked;        /* while it is mute: what was acked when that began */
	uint64_t silent_since; /* ns, since when no ACK can come; 0: it can */
	uint64_t stall_since;  /* and something waits for one */
	struct sw_path path;
	struct sw_line *line;  /* NULL where bytes pass at once (line.h) */
	struct sw_count count; /* of packets alone */
	uint8_t *stash;        /* taken from the sender, not yet delivered */
	uint32_t stash_at, stash_len, stash_size;
	uint32_t need;         /* tokens that a shaped half waits for */
	uint8_t dir;           /* index in the flow */
	bool dead;             /* the path is: an interface is down, or a rule drops, holds or rejects */
	bool rejected;         /* and who sends into it gets a RST */
	bool mute;             /* no ACK of what it delivers comes back */
	bool done;             /* its FIN has passed */
	bool bulk;             /* the last turn found much: ask for the length first */
	bool has_floor;
	bool turn;             /* a bucket is serving it */
};

struct sw_flow {
	struct sw_list link;  /* of its state: openings, pending, dead, free */
	struct sw_list retry; /* SYNs to try again soon */
	struct sw_timer timer; /* of a SYN that is on its way */
	uint32_t slot, generation;
	uint32_t state; /* enum sw_state */
	uint16_t table; /* whose descriptors its sides are (table.h) */
	uint32_t syn_length;
	uint32_t more;        /* of that is still to come: padding behind a SYN that is not awaited any more */
	uint64_t id, since; /* since: of its state, ns */
	bool awaited;       /* the SYN-ACK is a byte that the client is asleep for */
	bool told;          /* its end was made an event, or its SYN's wait was */
	struct sw_tap *tap; /* NULL: it is not captured */
	uint16_t host[2];
	uint16_t device;    /* ifindex of the client's only interface that will do; 0: any */
	uint16_t arrival;   /* and of the server's by which its SYN comes */
	struct sw_endpoint end[2];
	struct sw_side side[2];
	struct sw_half half[2];
};

static inline struct sw_flow *sw_flow_of(struct sw_half *h)
{
	return sw_container(h - h->dir, struct sw_flow, half);
}

static inline struct sw_half *sw_back(struct sw_half *h)
{
	return h->dir ? h - 1 : h + 1;
}

static inline struct sw_side *sw_from(struct sw_half *h)
{
	return &sw_flow_of(h)->side[h->dir];
}

static inline struct sw_side *sw_to(struct sw_half *h)
{
	return &sw_flow_of(h)->side[!h->dir];
}

#define SW_SLAB 64
int sw_flows_init(struct sw *sw);
void sw_flows_free(struct sw *sw);
struct sw_flow *sw_flow_at(const struct sw *sw, uint32_t slot);
struct sw_flow *sw_flow_new(struct sw *sw, int fd);
void sw_flow_own(struct sw *sw, struct sw_flow *f, int side, uint64_t ino);
struct sw_flow *sw_flow_find(struct sw *sw, uint64_t ino, int *side);
/* sw_flow_here() - What is at @slot, if it is a flow that a fault can touch, in the table in which we are; or NULL. */
struct sw_flow *sw_flow_here(const struct sw *sw, uint32_t slot);
void sw_side_close(struct sw_side *s);
void sw_flow_bury(struct sw *sw, struct sw_flow *f);
void sw_flows_reap(struct sw *sw);
void sw_ready(struct sw *sw, struct sw_half *h);

#endif
