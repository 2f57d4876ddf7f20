"""A lab from inside the process that owns it: programs in hosts, faults, and an end that is always the same."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from selftest.support.processes import DEADLINE, Watched, gone
from swrap.lab import members, proc, registry, runtime
from swrap.lab.errors import CannotWrap, LabError, NoProgram, Refused
from swrap.lab.lab import Lab
from swrap.topology import Limits, Topology

SERVE = "import socket; s = socket.create_server(('', 80)); print('up', flush=True); c, _ = s.accept(); c.sendall(c.recv(9)); c.recv(1)"
CALL = "import socket; c = socket.create_connection(('10.0.1.1', 80)); c.sendall(b'hello'); print(c.recv(9).decode(), flush=True); print(c.recv(9))"


def in_lab(topology: Topology, story: Callable[[Lab], Awaitable[None]], *, direct: bool = False) -> Path:
    """Play a story in a lab, to its end; the directory that it had."""

    async def main() -> Path:
        async with asyncio.timeout(DEADLINE), await Lab.start(topology, direct=direct) as lab:
            await story(lab)
            return lab.directory

    return asyncio.run(main())


async def python(lab: Lab, host: str, code: str) -> Process:
    """A Python program in a host, with a pipe from its stdout."""
    return await lab.spawn(host, [sys.executable, "-c", code], stdout=PIPE, stdin=PIPE)


async def line(process: Process) -> str:
    """Its next line."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().rstrip("\n")


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "switched"])
def test_programs_in_hosts_reach_each_other_and_end_with_the_lab(topology: Topology, direct: bool) -> None:
    async def story(lab: Lab) -> None:
        server = await python(lab, "server", SERVE)
        assert await line(server) == "up"
        client = await python(lab, "laptop", CALL)
        assert await line(client) == "hello"
        assert sorted(found.pid for found in members.programs(lab.directory)) == sorted(
            [server.pid, client.pid]
        )
        held.extend([server.pid, client.pid])

    held: list[int] = []
    directory = in_lab(topology, story, direct=direct)
    assert all(gone(pid) for pid in held)
    assert not directory.exists()
    assert not runtime.base_path().exists()


def test_a_cable_that_is_pulled_holds_a_connection_and_a_healed_one_lets_it_go_on(topology: Topology) -> None:
    async def story(lab: Lab) -> None:
        server = await python(lab, "server", SERVE)
        assert await line(server) == "up"
        pulled = await lab.control.call("link", interface="server.eth0", up=False)
        assert pulled == {"flows": 0, "bytes": 0}
        client = await python(lab, "laptop", CALL)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await line(client)
        await lab.control.call("heal")
        assert await line(client) == "hello"

    in_lab(topology, story)


def test_the_limits_of_the_topology_are_the_networks(topology: Topology) -> None:
    async def story(lab: Lab) -> None:
        await lab.control.call("link", interface="server.eth0", up=False)
        client = await python(
            lab,
            "laptop",
            "import socket\ntry: socket.create_connection(('10.0.1.1', 80))\nexcept OSError as e: print(e)",
        )
        assert await line(client) == "[Errno 110] Connection timed out"

    in_lab(Topology(topology.hosts, Limits(syn_timeout=0.3)), story)


def test_a_program_gets_the_environment_the_folder_and_the_descriptors_that_were_asked_for(
    topology: Topology, tmp_path: Path
) -> None:
    code = (
        "import os, sys; print(sorted(os.environ)); print(os.getcwd()); print(os.getsid(0) == os.getpid()); "
    )
    code += "print(sorted(map(int, os.listdir('/proc/self/fd'))))"

    async def story(lab: Lab) -> None:
        reader, writer = os.pipe()
        os.set_inheritable(reader, True)  # not asked for, so it is not inherited all the same
        program = await lab.spawn(
            "laptop",
            [sys.executable, "-c", code],
            env={"A": "b"},
            cwd=tmp_path,
            stdout=PIPE,
            pass_fds=[writer],
        )
        assert [name for name in eval(await line(program)) if name != "LC_CTYPE"] == [
            "A",
            "LD_PRELOAD",
            "SWRAP_HOST",
            "SWRAP_LAB",
        ]
        assert await line(program) == str(tmp_path)
        assert await line(program) == "True"
        fds = eval(await line(program))
        assert writer in fds
        assert len(fds) == 5, "three streams, the one that was passed, and the folder that it reads"
        os.close(reader)
        os.close(writer)

    in_lab(topology, story, direct=True)


def test_what_cannot_be_started_is_refused_and_the_lab_lives_on(topology: Topology, tmp_path: Path) -> None:
    async def story(lab: Lab) -> None:
        with pytest.raises(Refused, match=r"no host 'labtop' in this lab; did you mean 'laptop'\?"):
            await lab.spawn("labtop", ["true"])
        with pytest.raises(NoProgram):
            await lab.spawn("laptop", ["no-such-program"])
        (tmp_path / "text").write_text("hello")
        (tmp_path / "text").chmod(0o755)
        with pytest.raises(CannotWrap):
            await lab.spawn("laptop", ["./text"], cwd=tmp_path)
        assert await (await lab.spawn("laptop", ["true"])).wait() == 0

    in_lab(topology, story, direct=True)


def test_a_direct_lab_has_no_switch_to_talk_to(topology: Topology) -> None:
    async def story(lab: Lab) -> None:
        with pytest.raises(LabError, match="direct lab has no switch"):
            _ = lab.control

    in_lab(topology, story, direct=True)


@pytest.mark.parametrize("part", ["switch", "keeper"])
def test_a_lab_that_loses_a_part_says_so_and_is_over(topology: Topology, part: str) -> None:
    async def story(lab: Lab) -> None:
        program = await python(lab, "laptop", "input()")
        pid = getattr(lab.record, part).pid
        os.kill(pid, signal.SIGKILL)
        await lab.failed.wait()
        assert lab.failed.reason == f"the {part} was killed by SIGKILL"
        assert not lab.failed.told
        assert await program.wait() == -signal.SIGTERM
        with pytest.raises(LabError, match=f"the {part} was killed by SIGKILL"):
            await lab.spawn("laptop", ["true"])

    assert not in_lab(topology, story).exists()


def test_a_daemon_that_keeps_the_pipe_does_not_keep_its_parent_from_having_ended(topology: Topology) -> None:
    async def story(lab: Lab) -> None:
        program = await lab.spawn("laptop", ["sh", "-c", "cat /dev/zero & exit 3"], stdout=PIPE)
        assert await program.wait() == 3, "while another one writes to its stdout, more than anybody reads"

    in_lab(topology, story, direct=True)


def test_what_a_program_said_last_can_be_read_after_the_end(topology: Topology) -> None:
    async def story(lab: Lab) -> None:
        program = await python(
            lab,
            "laptop",
            "import signal, sys; signal.signal(15, lambda *_: sys.exit(print('bye'))); print('hi', flush=True); signal.pause()",
        )
        assert await line(program) == "hi"
        await lab.close()
        assert await line(program) == "bye"

    in_lab(topology, story, direct=True)


def test_closing_is_for_everybody_who_asks_and_happens_once(topology: Topology) -> None:
    async def story(lab: Lab) -> None:
        await asyncio.gather(lab.close(), lab.close())
        await lab.close()
        assert not lab.directory.exists()
        with pytest.raises(LabError, match="the lab is over"):
            await lab.spawn("laptop", ["true"])
        assert not lab.failed.is_set(), "we have closed it, nothing failed"

    in_lab(topology, story, direct=True)


@pytest.mark.parametrize("moments", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_start_that_is_interrupted_leaves_nothing(topology: Topology, moments: float) -> None:
    async def main() -> list[int]:
        task = asyncio.create_task(Lab.start(topology))
        await asyncio.wait([task], timeout=moments)
        started = [found.pid for found in proc.descendants(os.getpid())]
        task.cancel()
        try:
            lab = await task
        except asyncio.CancelledError:
            return started
        await lab.close()
        return started

    started = asyncio.run(main())
    assert all(gone(pid) for pid in started)
    assert not runtime.base_path().exists()


def test_a_close_that_is_interrupted_is_finished_all_the_same(topology: Topology) -> None:
    async def main() -> None:
        lab = await Lab.start(topology)
        program = await python(
            lab,
            "laptop",
            "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); signal.pause()",
        )
        assert await line(program) == "deaf"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await lab.close()
        await lab.close()
        assert program.returncode == -signal.SIGKILL
        assert not lab.directory.exists()

    asyncio.run(main())


def test_a_lab_that_cannot_start_its_switch_says_why_and_leaves_nothing(
    topology: Topology, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The switch is started by the same interpreter; without a module of that name it ends at once.
    monkeypatch.setattr("swrap.lab.lab.SWITCH", "swrap.no_such_module")
    with pytest.raises(LabError, match=r"the switch did not start: .*No module named swrap\.no_such_module"):
        in_lab(topology, lambda lab: asyncio.sleep(0))
    assert not runtime.base_path().exists()


def test_two_labs_at_once_do_not_see_each_other(topology: Topology) -> None:
    async def main() -> None:
        async with (
            asyncio.timeout(DEADLINE),
            await Lab.start(topology) as one,
            await Lab.start(topology) as other,
        ):
            assert {lab.directory for lab in registry.running()} == {one.directory, other.directory}
            servers = [await python(lab, "server", SERVE) for lab in (one, other)]
            for server in servers:
                assert await line(server) == "up", "the same address and port, in each of them"
            client = await python(other, "laptop", CALL)
            assert await line(client) == "hello"
            assert len(await other.control.call("flows")) == 1
            assert await one.control.call("flows") == []
            await one.control.call("link", interface="server.eth0", up=False)
            assert [i["up"] for i in await other.control.call("interfaces")] == [True] * 2
            with Watched([servers[1].pid, client.pid]) as alive:
                await one.close()
                assert alive.left_after(0.2) == sorted([servers[1].pid, client.pid])
            assert other.directory.exists()

    asyncio.run(main())


def test_orphans_come_to_an_owner_that_adopts_and_leave_no_zombies(topology: Topology) -> None:
    code = """
import asyncio, os, signal, sys
from pathlib import Path
from swrap.lab import proc
from swrap.lab.lab import Lab
from swrap.topology import Host, Topology

async def main():
    async with await Lab.start(Topology((Host("a", ()),)), direct=True, adopt=True) as lab:
        shell = await lab.spawn("a", ["sh", "-c", "env -i setsid sleep 1000 & echo $!"], stdout=asyncio.subprocess.PIPE)
        orphan = int(await shell.stdout.readline())
        assert await shell.wait() == 0
        assert proc.stat(orphan).parent == os.getpid()
        short = await lab.spawn("a", ["sh", "-c", "sh -c 'exit 5' & echo $!; exec >&-"], stdout=asyncio.subprocess.PIPE)
        brief = int(await short.stdout.readline())
        assert await short.wait() == 0
        while proc.stat(brief) is not None:
            await asyncio.sleep(0)
        many = [await lab.spawn("a", ["sh", "-c", f"exit {n}"]) for n in range(20)]
        assert [await one.wait() for one in many] == list(range(20)), "nobody else has asked after them"
    assert proc.stat(orphan) is None, "it had neither environment nor mapping of the lab"

asyncio.run(main())
"""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_told_as_such(
    topology: Topology, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: only root can mount a file system that is full")
    import subprocess

    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "none", disk], check=True)
    try:
        (disk / "fill").write_bytes(bytes(4096))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(disk))
        with pytest.raises(OSError, match="No space left on device"):
            in_lab(topology, lambda lab: asyncio.sleep(0))
        assert [path.name for path in disk.iterdir()] == ["fill"]
    finally:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
        subprocess.run(["umount", disk], check=True)
