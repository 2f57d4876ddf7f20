"""Whether many flows get as much out of the switch, all together, as one alone does."""

from selftest.bench.contest import SPEED, Benchmark

FLOWS = 100
BENCHMARKS = (
    Benchmark("parallel", "bulk, of all flows together", "flows", SPEED, {"one flow": 0.9}, str(FLOWS)),
)
