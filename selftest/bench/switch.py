"""What the way through the switch costs, compared to the kernel's loopback."""

from selftest.bench.contest import RATE, SPEED, TIME, Benchmark

BENCHMARKS = (
    Benchmark("rtt", "1-byte round trip", "stream", TIME, {"kernel": 1.1}),
    Benchmark("bulk", "bulk, 64 KiB writes", "stream", SPEED, {"kernel": 1.4}),
    Benchmark("connect", "connect+accept+close", "stream", RATE, {"kernel": 0.7}),
    Benchmark("udp", "UDP 64-byte round trip", "datagram", RATE, {"kernel": 0.6}),
)
