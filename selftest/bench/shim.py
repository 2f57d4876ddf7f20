"""What a virtual socket costs without a switch: level with the AF_UNIX socket that it is."""

from selftest.bench.contest import RATE, SIZE, SPEED, TIME, Benchmark

BENCHMARKS = (
    Benchmark("rtt", "1-byte round trip", "stream", TIME, {"AF_UNIX": 1.05}),
    Benchmark("bulk", "bulk, 64 KiB writes", "stream", SPEED, {"AF_UNIX": 0.97}),
    Benchmark("connect", "connect+accept+close", "stream", RATE, {"AF_UNIX": 0.80, "kernel": 1.5}),
    Benchmark("socket", "socket+close", "stream", RATE, {"AF_UNIX": 0.90}),
    Benchmark("rights", "SCM_RIGHTS pass", "stream", RATE, {"AF_UNIX": 0.97}),
    Benchmark("udp", "UDP 64-byte round trip", "datagram", RATE, {"AF_UNIX": 0.85}),
    Benchmark("exec", "exec+first socket+exit", "process", TIME, {"kernel": 1.10}),
    Benchmark("memory", "memory of a process", "process", SIZE, {"kernel": 1024}),
    Benchmark("write", "write to /dev/null", "process", RATE, {"kernel": 0.97}),
)
"""`kernel` is without the shim: TCP and UDP on loopback, or no socket at all."""
