"""What the fake network costs. `python -m selftest.bench.fake [NAME…]`; part of `make bench`.

A benchmark is a file beside this one with a `FIGURE` and what it measures. Rates are ratios against the same coroutines on the
kernel's loopback, one after the other in each round; times are of the machine's clock.
"""
