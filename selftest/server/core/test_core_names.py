"""A name that a client sends means a place below the share, or nothing."""

from __future__ import annotations

import pytest

from server.core.errors import StatusError
from server.core.names import parse_path, pattern
from server.wire.status import NTSTATUS


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("", ()),
        ("a", ("a",)),
        ("dir\\file.txt", ("dir", "file.txt")),
        ("dir\\", ("dir",)),
        ("file::$DATA", ("file",)),
        ("dir\\file:stream:$data", ("dir", "file:stream")),
        (":of the root", (":of the root",)),
        ("ünïcödé", ("ünïcödé",)),
        ("raw\udcff", ("raw\udcff",)),
    ],
)
def test_paths(name: str, path: tuple[str, ...]) -> None:
    assert parse_path(name) == path


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("\\a", NTSTATUS.INVALID_PARAMETER),
        ("..", NTSTATUS.OBJECT_PATH_SYNTAX_BAD),
        ("a\\..\\..\\b", NTSTATUS.OBJECT_PATH_SYNTAX_BAD),
        ("a\\.\\b", NTSTATUS.OBJECT_NAME_INVALID),
        ("a\\\\b", NTSTATUS.OBJECT_NAME_INVALID),
        ("a/b", NTSTATUS.OBJECT_NAME_INVALID),
        ("a*", NTSTATUS.OBJECT_NAME_INVALID),
        ("a:stream:$FOO", NTSTATUS.OBJECT_NAME_INVALID),
        ("a:b\\c", NTSTATUS.OBJECT_NAME_INVALID),
        ("a\0b", NTSTATUS.OBJECT_NAME_INVALID),
        ("x" * 256, NTSTATUS.OBJECT_NAME_INVALID),
        ("high\ud800", NTSTATUS.OBJECT_NAME_INVALID),
    ],
)
def test_what_is_no_path(name: str, status: NTSTATUS) -> None:
    with pytest.raises(StatusError) as refused:
        parse_path(name)
    assert refused.value.status is status


@pytest.mark.parametrize(
    ("text", "matching", "others"),
    [
        ("*", ["a", "a.b", ".x"], []),
        ("*.*", ["a", "a.b"], []),
        ("*.TXT", ["a.txt", "b.TxT"], ["a.text", "txt"]),
        ("a?c", ["abc", "AxC"], ["ac", "abbc"]),
        ("[a]", ["[A]"], ["a"]),
        ('<"txt', ["a.txt"], ["a.tx"]),
    ],
)
def test_patterns(text: str, matching: list[str], others: list[str]) -> None:
    expression = pattern(text)
    assert [name for name in matching + others if expression.fullmatch(name)] == matching


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    assert pattern("*" * 200 + "b").fullmatch("a" * 200) is None
