"""A size and a seed are a file's content: always the same, and not another seed's."""

from __future__ import annotations

import pytest

from server.actor.content import content, size_of


def test_how_it_is_cut_does_not_change_it() -> None:
    whole = b"".join(content(7, 100_000))
    assert len(whole) == 100_000
    assert b"".join(content(7, 100_000, chunk=999)) == whole
    assert b"".join(content(8, 100_000)) != whole
    assert b"".join(content(7, 50_000)) == whole[:50_000]
    assert list(content(7, 0)) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (4096, 4096),
        ("4096", 4096),
        ("10MB", 10_000_000),
        ("64MiB", 64 << 20),
        ("1.5 KiB", 1536),
        ("2g", 2 * 10**9),
    ],
)
def test_sizes_as_people_write_them(text: int | str, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "many", "-1", "1XB", True])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sizes look like"):
        size_of(text)
