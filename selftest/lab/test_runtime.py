"""A directory is trusted only if it is ours, closed to others, and no link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from swrap.lab import runtime
from swrap.lab.errors import Refused


def refusal(path: Path) -> str:
    """Why it is not trusted."""
    with pytest.raises(Refused) as caught, runtime.opened(path):
        pass
    return str(caught.value)


def test_labs_live_in_the_runtime_directory_if_it_is_ours(runtime_directory: Path) -> None:
    assert runtime.base_path() == runtime_directory / "swrap"


@pytest.mark.parametrize("value", ["", "relative/path", "/no/such/directory"])
def test_without_a_usable_runtime_directory_labs_live_in_tmp(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    with monkeypatch.context() as context:
        context.setenv("XDG_RUNTIME_DIR", value)
        assert runtime.base_path() == Path(f"/tmp/swrap-{os.geteuid()}")


def test_a_runtime_directory_that_others_may_write_to_is_not_used(
    runtime_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime_directory.chmod(0o770)
    assert runtime.base_path() == Path(f"/tmp/swrap-{os.geteuid()}")
    runtime_directory.chmod(0o700)


def test_a_directory_that_is_made_is_closed_to_others(runtime_directory: Path) -> None:
    old = os.umask(0)
    try:
        with runtime.base(create=True) as fd:
            assert os.fstat(fd).st_mode & 0o7777 == 0o700
    finally:
        os.umask(old)


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    assert "symbolic link" in refusal(tmp_path / "link")


def test_a_directory_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o750)
    assert "mode 0750" in refusal(tmp_path / "open")


def test_a_directory_of_another_user_is_refused_and_the_owner_named(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: only root can make a directory of another user")
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    os.chown(theirs, 65534, 65534)
    assert "belongs to nobody (uid 65534), not to you" in refusal(theirs)
    os.chown(theirs, 4242424, 65534)
    assert "belongs to uid 4242424, not to you" in refusal(theirs)


def test_a_file_where_a_directory_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "Not a directory" in refusal(tmp_path / "file")
