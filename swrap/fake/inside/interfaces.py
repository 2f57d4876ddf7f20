"""What a program asks the kernel about interfaces: SIOCGIF* and SIOCETHTOOL, from the world's topology."""

from __future__ import annotations

from swrap.fake.process import Process


def ioctl(process: Process, request: int, arg: bytes) -> bytes:
    """The answer, as many bytes as there are. A gap for all that is not there."""
    raise NotImplementedError(f"the fake network has no ioctl {request:#x}")
