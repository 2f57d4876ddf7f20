/* How far the streams and datagrams of a capture have got: entries of the table in the network's folder (capture.h). */
#include "capture.h"

#include <poll.h>
#include <string.h>

#define PATIENCE_MS 20 /* for who was about to write; it takes microseconds, or was killed */

void sw_flow_restart(struct sw_flow *flow, enum sw_flow_open open)
{
	memset(flow->ways, 0, sizeof(flow->ways));
	__atomic_store_n(&flow->shook, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&flow->open, open, __ATOMIC_RELEASE);
}

struct sw_flow *sw_flow_entry(struct sw_flows *table, uint64_t key)
{
	struct sw_flow *home = &table->flows[key % SW_FLOW_HOMES], *best = home;
	uint32_t clock = __atomic_add_fetch(&table->clock, 1, __ATOMIC_RELAXED), oldest = 0;
	uint64_t held;

	for (struct sw_flow *flow = home; flow < home + SW_FLOW_WAYS; flow++) {
		uint32_t age = clock - flow->used;

		held = __atomic_load_n(&flow->key, __ATOMIC_ACQUIRE);
		if (held == key)
			return flow;
		if (held == 0)
			age = UINT32_MAX;
		if (age > oldest) {
			oldest = age;
			best = flow;
		}
	}
	held = __atomic_load_n(&best->key, __ATOMIC_ACQUIRE);
	if (__atomic_compare_exchange_n(&best->key, &held, key, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		best->used = clock;
		sw_flow_restart(best, SW_FLOW_UNSEEN);
	}
	return best;
}

uint32_t sw_flow_place(const struct sw_flow_way *way)
{
	return 1 + (uint32_t)__atomic_load_n(&way->written, __ATOMIC_ACQUIRE) +
	       __atomic_load_n(&way->fin, __ATOMIC_ACQUIRE);
}

bool sw_flow_step(struct sw_flow *flow, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&flow->open, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void sw_flow_await(const uint64_t *word, uint64_t value)
{
	struct pollfd nothing = {.fd = -1};

	for (int i = 0; i < PATIENCE_MS && __atomic_load_n(word, __ATOMIC_ACQUIRE) < value; i++)
		poll(&nothing, 1, 1);
}

uint64_t sw_flow_claim(struct sw_flow_way *way, uint64_t *count, size_t n, uint64_t *from)
{
	uint64_t start = __atomic_fetch_add(count, n, __ATOMIC_ACQ_REL), end = start + n;
	uint64_t claimed = __atomic_load_n(&way->claimed, __ATOMIC_ACQUIRE);

	do {
		*from = claimed > start ? claimed : start;
		if (claimed >= end) {
			sw_flow_await(&way->written, end);
			return *from = end;
		}
	} while (!__atomic_compare_exchange_n(&way->claimed, &claimed, end, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	sw_flow_await(&way->written, claimed);
	return end;
}
