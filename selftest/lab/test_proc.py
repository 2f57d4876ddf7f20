"""/proc is read as it is, whatever a process calls itself, and one that is gone is absent."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from swrap.lab import proc


def test_a_name_with_parentheses_and_blanks_does_not_shift_the_fields(tmp_path: Path) -> None:
    program = tmp_path / "a) S (b 1 2"
    shutil.copy(shutil.which("cat") or "", program)
    with subprocess.Popen([program], stdin=subprocess.PIPE) as process:
        found = proc.stat(process.pid)
        assert found is not None
        assert (found.command, found.parent, found.dead) == ("a) S (b 1 2", os.getpid(), False)
        process.communicate()
    assert proc.stat(process.pid) is None
    assert proc.command_line(process.pid) == ""


def test_a_zombie_is_dead_and_not_among_the_processes() -> None:
    shell = subprocess.Popen(["true"])
    os.waitid(os.P_PID, shell.pid, os.WEXITED | os.WNOWAIT)
    found = proc.stat(shell.pid)
    assert found is not None
    assert found.dead
    assert not proc.same(shell.pid, found.started)
    assert shell.pid not in [one.pid for one in proc.processes()]
    shell.wait()


def test_descendants_are_children_and_theirs() -> None:
    with subprocess.Popen(
        ["sh", "-c", "exec 3<&0; sh -c 'cat <&3; :' & echo $!; cat; wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as shell:
        assert shell.stdout is not None
        assert shell.stdin is not None
        inner = int(shell.stdout.readline())
        found = [one.pid for one in proc.descendants(os.getpid())]
        assert shell.pid in found
        assert inner in found
        assert os.getpid() not in found
        shell.stdin.close()


def test_a_command_line_is_whole_and_who_has_none_is_told_by_name() -> None:
    with subprocess.Popen(["cat", "-", "-u"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"up\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"up\n"
        assert proc.command_line(process.pid) == "cat - -u"
        process.communicate()
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    assert proc.command_line(zombie.pid) == "[true]"
    zombie.wait()


def test_the_namespace_of_nobody_is_unknown() -> None:
    assert (proc.namespace("self") or "").startswith("net:[")
    assert proc.namespace(2**22 + 1) is None
