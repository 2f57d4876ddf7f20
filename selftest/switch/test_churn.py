"""Whatever happens in whatever order: what arrives is a beginning of what was sent, and healed, all of it arrives.

The same seeded story is told to the switch as it is, and to one built with AddressSanitizer and UBSan.
"""

from __future__ import annotations

import contextlib
import random
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from selftest.switch import driver
from selftest.switch.driver import Switched, soon, switched, wait

ROOT = Path(__file__).resolve().parents[2]
BUILD = """
import runpy, sys
from setuptools import Distribution
from setuptools.command.build_ext import build_ext
ffi = runpy.run_path("swrap/switch/build.py")["ffi"]
made = ffi.distutils_extension(sys.argv[1])
sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
made.extra_compile_args = [*made.extra_compile_args, "-g", "-O1", *sanitize]
made.extra_link_args = sanitize
command = build_ext(Distribution({"name": "sanitized", "ext_modules": [made], "packages": []}))
command.build_temp = sys.argv[1]
command.build_lib = sys.argv[1]
command.ensure_finalized()
command.run()
"""
RUN = """
import importlib.util, pathlib, sys
here = pathlib.Path(__file__).parent
spec = importlib.util.spec_from_file_location("swrap._switch", next(here.glob("swrap/_switch*.so")))
sys.modules["swrap._switch"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["swrap._switch"])
from swrap.switch.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that starts a sanitized switch."""
    made = tmp_path_factory.mktemp("sanitized")
    runtime = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True
    ).stdout.strip()
    if not Path(runtime).is_absolute():
        pytest.skip("gcc's libasan is missing")
    subprocess.run([sys.executable, "-c", BUILD, str(made)], cwd=ROOT, check=True, capture_output=True)
    (made / "run.py").write_text(RUN)
    environment = [
        "env",
        f"LD_PRELOAD={runtime}",
        "ASAN_OPTIONS=detect_leaks=0:exitcode=77",
        f"PYTHONPATH={ROOT}",
    ]
    return [*environment, sys.executable, str(made / "run.py")]


@pytest.fixture(params=["plain", "sanitized"])
def victim(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Switched]:
    """A switch to be maltreated."""
    command = driver.SWITCH if request.param == "plain" else request.getfixturevalue("sanitized")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "SWITCH", command)
        nofile = request.getfixturevalue("nofile") if "nofile" in request.fixturenames else None
        with switched(tmp_path / "lab", nofile=nofile) as running:
            yield running


CRAMPED = pytest.mark.parametrize("nofile", [None, 84], ids=["roomy", "cramped"])
"""With 84 descriptors the first table of the switch has room for five flows; the others are in a second one."""


@dataclass
class End:
    """One end of a flow: what it sent and what it got."""

    socket: socket.socket
    sent: bytearray = field(default_factory=bytearray)
    got: bytearray = field(default_factory=bytearray)
    finished: bool = False
    over: bool = False
    broken: bool = False

    def send(self, dice: random.Random) -> None:
        """Some bytes, as many as are taken."""
        if not self.finished and not self.over:
            data = dice.randbytes(dice.choice((1, 3, 100, 5000, 16384, 16385, 70_000, 200_000)))
            try:
                self.sent += data[: self.socket.send(data)]
            except BlockingIOError:
                pass
            except OSError:
                self.over = self.broken = True

    def read(self, most: int) -> None:
        """What is there, or a part of it."""
        try:
            part = self.socket.recv(most)
            self.got += part
            self.over |= not part
        except BlockingIOError:
            pass
        except OSError:
            self.over = self.broken = True

    def finish(self) -> None:
        """FIN."""
        if not self.finished:
            self.finished = True
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)


class Story:
    """Flows, and what befalls them."""

    def __init__(self, lab: Switched, seed: int) -> None:
        self.lab = lab
        self.dice = random.Random(seed)
        self.listener = lab.listen("server", "10.0.1.1", 445, 4096)
        self.flows: list[tuple[End, End]] = []
        for _ in range(12):
            self.open()

    def open(self) -> None:
        """One flow more."""
        client = self.lab.connect()
        server = self.lab.accept(self.listener)
        for one in client, server:
            one.setblocking(False)
        self.flows.append((End(client), End(server)))

    def fault(self) -> None:
        """Something happens to the network."""
        dice, do = self.dice, self.lab.do
        interface = dice.choice(("server.eth0", "laptop.eth0"))
        what = dice.randrange(9)
        if what == 0:
            do("link", interface=interface, up=False)
        elif what == 1:
            do("link", interface=interface, up=True)
        elif what == 2:
            do("rate", interface=interface, rate=dice.choice((None, 20_000_000, 400_000_000)))
        elif what == 3:
            do("block", host=dice.choice(("server", "laptop")), direction=dice.choice(("in", "out")))
        elif what == 4:
            verb = dice.choice(("hold", "lose-acks", "block"))
            do(verb, interface=interface, direction=dice.choice(("in", "out")), state="established")
        elif what == 5:
            time = dice.choice((0.0, 0.0003, 0.002))
            do("delay", host="server", direction=dice.choice(("in", "out")), time=time, jitter=time / 2)
        elif what == 6:
            do("loss", port=445, chance=dice.choice((0.0001, 0.01)))
        elif what == 7:
            do("heal")
        else:
            do("unblock")

    def step(self) -> None:
        """One end does something."""
        dice = self.dice
        one = dice.choice(dice.choice(self.flows))
        what = dice.randrange(100)
        if what < 50:
            one.send(dice)
        elif what < 97:
            one.read(dice.choice((1, 1000, 1 << 20)))
        elif what < 98:
            one.finish()
        else:
            self.fault()

    def drain(self) -> None:
        """All FINs, and all that is still to come."""
        self.lab.do("heal")
        ends = {one.socket.fileno(): one for flow in self.flows for one in flow}
        poll = select.poll()
        for fd, one in ends.items():
            one.finish()
            if not one.over:
                poll.register(fd, select.POLLIN)
        while any(not one.over for one in ends.values()):
            ready = poll.poll(10_000)
            assert ready, "something that was sent never arrived"
            for fd, _ in ready:
                ends[fd].read(1 << 20)
                if ends[fd].over:
                    poll.unregister(fd)


@CRAMPED
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("nofile")
def test_nothing_is_lost_doubled_or_mixed_up(victim: Switched, seed: int) -> None:
    story = Story(victim, seed)
    for _ in range(2500):
        story.step()
    story.drain()
    for client, server in story.flows:
        assert not client.broken
        assert not server.broken
        assert server.got == client.sent
        assert client.got == server.sent
    soon(lambda: victim.do("flows") == [])


@CRAMPED
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("nofile")
def test_flows_that_are_torn_down_anyhow_end_short_but_right(victim: Switched, seed: int) -> None:
    story = Story(victim, seed + 100)
    closed: list[tuple[End, End]] = []
    for _ in range(1500):
        story.step()
        if story.dice.random() < 0.02:
            client, server = pair = story.dice.choice(story.flows)
            story.dice.choice(pair).socket.close()
            story.flows.remove(pair)
            closed.append(pair)
            victim.do("heal")
            story.open()
        if story.dice.random() < 0.005:
            victim.do("reset", port=story.dice.choice((445, 1)))
            closed += story.flows
            story.flows = []
            victim.do("heal")
            for _ in range(4):
                story.open()
    victim.do("heal")
    for client, server in closed + story.flows:
        for one, other in ((client, server), (server, client)):
            if one.socket.fileno() >= 0:
                while not one.over and wait(one.socket, select.POLLIN, 0.05):
                    one.read(1 << 20)
            assert other.sent.startswith(one.got)
            one.socket.close()
    soon(lambda: victim.do("flows") == [])
