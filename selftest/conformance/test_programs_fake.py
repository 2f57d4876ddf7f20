"""The programs of `test_streams` and `test_datagrams` on the fake network: as they are, in a fake process that may block."""

from __future__ import annotations

import pytest

from selftest.conformance import test_datagrams as datagrams
from selftest.conformance import test_streams as streams
from selftest.conformance.test_portable_fake import address
from selftest.support.network import TOPOLOGY
from swrap.fake import Network

PROMISES = [
    *(("ipv4", name, streams.PRELUDE, text) for name, text in streams.PROMISES.items()),
    *(
        (family, name, datagrams.PRELUDE, text)
        for family in ("ipv4", "ipv6")
        for name, text in datagrams.PROMISES.items()
    ),
]


@pytest.mark.parametrize("backend", ["fake"])
@pytest.mark.parametrize(
    ("family", "promise", "prelude", "text"),
    PROMISES,
    ids=[f"{name}-{family}" for family, name, _, _ in PROMISES],
)
def test_a_promise(backend: str, family: str, promise: str, prelude: str, text: str) -> None:
    code = prelude.format(address=address(family, "server"), family=family) + text
    if "threading" in text:
        raise NotImplementedError("threads would use the machine's network")
    network = Network(TOPOLOGY, seed=3)

    async def program() -> None:
        exec(compile(code, promise, "exec"), {"__name__": "__main__"})  # as `python -c` does

    network.run(lambda: network.on("server", program))
