"""What a capture costs the flows that are captured. The file is /dev/null: a disk's speed is no figure of ours."""

from selftest.bench.contest import SPEED, Benchmark

BENCHMARKS = (Benchmark("bulk", "bulk, 64 KiB writes", "stream", SPEED, {"switched": 0.4}),)
FILE = "/dev/null"
