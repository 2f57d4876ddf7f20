"""What cannot be wrapped is refused before it starts, and the reason is the true one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from swrap.lab import target
from swrap.lab.errors import CannotWrap, NoProgram

MAIN = "int main(void) { return 0; }\n"
GO_NOTE = """
__attribute__((section(".note.go.buildid"), used, aligned(4)))
static const struct { unsigned name, size, kind; char go[4]; char id[4]; } note = {4, 4, 4, "Go\\0", "abc"};
"""


def build(path: Path, source: str, *options: str) -> Path:
    """Compile a program."""
    subprocess.run(["gcc", "-x", "c", "-o", str(path), *options, "-"], input=source, text=True, check=True)
    return path


def script(path: Path, *lines: str) -> Path:
    """An executable script."""
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(0o755)
    return path


def refusal(program: Path | str) -> str:
    """Why it is refused."""
    with pytest.raises((CannotWrap, NoProgram)) as caught:
        target.check([str(program)], env=os.environ)
    return str(caught.value)


def test_a_dynamic_program_is_found_in_path_and_can_be_wrapped(tmp_path: Path) -> None:
    program = build(tmp_path / "prog", MAIN)
    assert target.check(["prog"], env={"PATH": f"/nowhere:{tmp_path}"}) == program


def test_a_static_program_is_refused(tmp_path: Path) -> None:
    assert "statically linked" in refusal(build(tmp_path / "static", MAIN, "-static"))
    assert "statically linked" in refusal(build(tmp_path / "static-pie", MAIN, "-static-pie"))


def test_a_go_program_is_refused_though_it_has_a_loader(tmp_path: Path) -> None:
    assert "Go program" in refusal(build(tmp_path / "go", GO_NOTE + MAIN))


@pytest.mark.parametrize(("bits", "word"), [(0o4000, "setuid"), (0o2000, "setgid")])
def test_a_program_that_would_change_its_user_is_refused(tmp_path: Path, bits: int, word: str) -> None:
    program = build(tmp_path / "privileged", MAIN)
    program.chmod(0o755 | bits)
    assert word in refusal(program)


def test_a_program_with_file_capabilities_is_refused(tmp_path: Path) -> None:
    program = build(tmp_path / "capable", MAIN)
    # struct vfs_cap_data, revision 2, effective: cap_net_bind_service.
    value = (0x02000001).to_bytes(4, "little") + (1 << 10).to_bytes(4, "little") + bytes(12)
    try:
        os.setxattr(program, "security.capability", value)
    except PermissionError:
        pytest.skip("needs root: only root may give a file capabilities")
    assert "file capabilities" in refusal(program)


def test_a_program_of_another_architecture_is_refused(tmp_path: Path) -> None:
    program = build(tmp_path / "other", MAIN)
    raw = bytearray(program.read_bytes())
    raw[18:20] = (243).to_bytes(2, "little")
    program.write_bytes(raw)
    assert "RISC-V" in refusal(program)


def test_a_program_for_another_c_library_is_refused(tmp_path: Path) -> None:
    program = build(tmp_path / "musl", MAIN, "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
    assert "/lib/ld-musl-x86_64.so.1" in refusal(program)


def test_a_script_is_judged_by_its_interpreter(tmp_path: Path) -> None:
    assert target.check([str(script(tmp_path / "fine", "#!/bin/sh"))], env=os.environ) == tmp_path / "fine"
    static = build(tmp_path / "static", MAIN, "-static")
    reason = refusal(script(tmp_path / "script", f"#! {static} -x"))
    assert f"{tmp_path / 'script'}: its interpreter cannot be wrapped: {static}: statically linked" in reason


def test_a_script_that_asks_env_is_judged_by_what_env_would_run(tmp_path: Path) -> None:
    build(tmp_path / "static", MAIN, "-static")
    through_env = script(tmp_path / "script", "#!/usr/bin/env -S static")
    with pytest.raises(CannotWrap, match="statically linked"):
        target.check([str(through_env)], env={"PATH": str(tmp_path)})


def test_scripts_that_interpret_each_other_come_to_an_end(tmp_path: Path) -> None:
    script(tmp_path / "a", f"#!{tmp_path}/b")
    script(tmp_path / "b", f"#!{tmp_path}/a")
    assert "too many interpreters" in refusal(tmp_path / "a")


def test_what_is_no_program_is_called_by_its_name(tmp_path: Path) -> None:
    assert "neither an ELF program nor a script" in refusal(script(tmp_path / "text", "hello"))
    (tmp_path / "empty").touch(0o755)
    assert "empty" in refusal(tmp_path / "empty")
    assert "is a directory" in refusal(tmp_path)
    (tmp_path / "plain").touch(0o644)
    assert "not executable" in refusal(tmp_path / "plain")
    assert "no such file" in refusal(tmp_path / "nothing")
    assert "not found in PATH" in refusal("no-such-program-anywhere")
    assert "interpreter" in refusal(script(tmp_path / "lost", "#!/no/such/interpreter"))


def test_a_relative_program_is_looked_up_from_where_it_will_run(tmp_path: Path) -> None:
    program = build(tmp_path / "prog", MAIN)
    assert target.check(["./prog"], env=os.environ, cwd=tmp_path).samefile(program)


def test_this_python_can_be_wrapped() -> None:
    assert target.check([sys.executable], env=os.environ) == Path(sys.executable)
