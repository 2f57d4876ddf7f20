"""The file of users is its owner's alone, changes in one step, and every mistake in it is told with its line."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest

from server import accounts, admin
from server.accounts import AccountsError
from server.config import UserConfig

HASH = "878d8014606cda29677a44efa1353fc7"
"""Of «secret»."""


def user(path: Path, *arguments: str, monkeypatch: pytest.MonkeyPatch, password: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    return admin.main(["user", arguments[0], *arguments[1:], "--file", str(path)])


def test_users_are_added_changed_listed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "users"
    assert user(path, "add", "alice", monkeypatch=monkeypatch, password="secret") == 0
    assert user(path, "add", "bob", monkeypatch=monkeypatch, password="x") == 0
    assert accounts.read(path)[0] == UserConfig("alice", HASH)
    assert user(path, "add", "Alice", monkeypatch=monkeypatch, password="other") == 0
    assert user(path, "list", monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out.split() == ["bob", "Alice"]
    assert user(path, "remove", "ALICE", monkeypatch=monkeypatch) == 0
    assert [one.name for one in accounts.read(path)] == ["bob"]
    assert "secret" not in path.read_text()


def test_it_is_readable_by_its_owner_alone_and_nothing_is_left_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "users"
    user(path, "add", "alice", monkeypatch=monkeypatch, password="secret")
    user(path, "add", "bob", monkeypatch=monkeypatch, password="secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "users"
    accounts.write(path, [UserConfig("alice", HASH)])
    path.chmod(0o640)
    with pytest.raises(AccountsError, match="others may read it"):
        accounts.read(path)


@pytest.mark.parametrize(
    ("line", "says"),
    [("alice", "not NAME:NTHASH"), ("alice:12", "32 hexadecimal"), (f"Bob:{HASH}", "Bob is there twice")],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "users"
    path.touch(0o600)
    path.write_text(f"# users\n\nbob:{HASH}\n{line}\n")
    with pytest.raises(AccountsError, match=f"{path}:4: .*{says}"):
        accounts.read(path)


@pytest.mark.parametrize("name", ["", "a:b", "a%b", "a/b"])
def test_a_name_that_cannot_be_said_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert user(tmp_path / "users", "add", name, monkeypatch=monkeypatch, password="x") == 1
    assert "is no name" in capsys.readouterr().err
    assert not (tmp_path / "users").exists()


def test_who_is_not_there_cannot_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts.write(tmp_path / "users", [UserConfig("alice", HASH)])
    assert user(tmp_path / "users", "remove", "bob", monkeypatch=monkeypatch) == 1
    assert "no user bob" in capsys.readouterr().err
    assert user(tmp_path / "nowhere", "list", monkeypatch=monkeypatch) == 1
    assert "No such file" in capsys.readouterr().err
