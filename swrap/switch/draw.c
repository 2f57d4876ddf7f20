/* Chance that a seed decides, without a state that anything could disturb. */
#include "switch.h"

/* mix() - splitmix64: every bit of the input changes half of the output's. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

uint32_t sw_draw(uint64_t seed, uint32_t kind, uint64_t key, uint64_t n)
{
	return (uint32_t)(mix(mix(mix(mix(seed) ^ kind) ^ key) ^ n) >> 32);
}

uint64_t sw_spread(uint32_t drawn, uint64_t jitter_ns)
{
	return (uint64_t)((double)drawn * 2 * (double)jitter_ns / 4294967296.0);
}

void sw_seed(struct sw *sw, uint64_t seed)
{
	sw->seed = seed;
}
