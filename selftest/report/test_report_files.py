"""A report is there whole or not at all; what goes wrong with it is one line that names the file, and exit 3."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swrap.events import Event, encode
from swrap.report import ReportError, reporters
from swrap.report.files import Growing, check, write

KINDS = ("events", "junit", "html")


def test_a_file_appears_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "r.txt"
    target.write_text("old")
    file = Growing(target)
    file.write("new")
    assert target.read_text() == "old"
    file.settle()
    assert target.read_text() == "new"
    file.write(" and more")
    file.settle()
    file.close()
    assert target.read_text() == "new and more"
    assert list(tmp_path.iterdir()) == [target]


def test_what_was_not_finished_leaves_nothing(tmp_path: Path) -> None:
    file = Growing(tmp_path / "r.txt")
    file.write("half")
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_the_umask_decides_who_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "r.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "r.txt").stat().st_mode) == 0o640


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/r.txt")
    write(tmp_path / "link", "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/r.txt").read_text() == "x"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = subprocess.Popen(
        [sys.executable, "-c", f"print(open({str(fifo)!r}).read())"], stdout=subprocess.PIPE
    )
    write(fifo, "through")
    assert reader.communicate(timeout=30)[0] == b"through\n"
    assert fifo.is_fifo()


def test_a_surrogate_is_no_reason_to_lose_a_report(tmp_path: Path) -> None:
    write(tmp_path / "r.txt", "a\udc80b")
    assert (tmp_path / "r.txt").read_text() == "a\\udc80b"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("no/r.txt", "there is no directory"), (".", "Is a directory"), ("file/r.txt", "Not a directory")],
)
def test_a_path_that_cannot_be_is_told_before_the_run(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match=reason):
        check(tmp_path / path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_directory_is_told_before_the_run(tmp_path: Path, kind: str) -> None:
    asked: dict[str, Any] = {kind: tmp_path / "no" / "r"}
    with pytest.raises(ReportError) as told:
        reporters(False, out=io.StringIO(), **asked)
    assert str(tmp_path / "no" / "r") in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_does_not_take_the_verdict_with_it(story: list[Event], kind: str) -> None:
    out = io.StringIO()
    asked: dict[str, Any] = {kind: Path("/dev/full")}
    reporter = reporters(False, out=out, **asked)
    for event in story:
        reporter.event(event)
    reporter.finish(0)
    assert "5 expectations held" in out.getvalue()
    with pytest.raises(ReportError, match=r"^cannot write /dev/full: No space left on device$") as told:
        reporter.close()
    assert told.value.exit_code == 3
    reporter.close()
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_one_full_disk_does_not_keep_the_other_reports(story: list[Event], tmp_path: Path) -> None:
    reporter = reporters(
        False, out=io.StringIO(), junit=Path("/dev/full"), html=tmp_path / "r.html", events=tmp_path / "e"
    )
    for event in story:
        reporter.event(event)
    reporter.finish(0)
    with pytest.raises(ReportError):
        reporter.close()
    assert "</html>" in (tmp_path / "r.html").read_text()
    assert len((tmp_path / "e").read_text().splitlines()) == len(story)


def command(record: Path, *options: str, out: Any = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "swrap.report", str(record), "--plain", *options],
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=60,
        check=False,
    )


@pytest.fixture
def record(story: list[Event], tmp_path: Path) -> Path:
    path = tmp_path / "recorded.jsonl"
    path.write_text("".join(encode(event) + "\n" for event in story))
    return path


@pytest.mark.parametrize("option", ["--events", "--junit", "--html"])
@pytest.mark.parametrize("target", ["/dev/full", "/no/such/directory/r"])
def test_the_command_says_so_in_a_line_and_exits_with_3(record: Path, option: str, target: str) -> None:
    done = command(record, option, target)
    assert done.returncode == 3
    assert done.stderr.startswith(f"swrap: cannot write {target}: ")
    assert done.stderr.count("\n") == 1
    if target == "/dev/full":
        assert "5 expectations held" in done.stdout


@pytest.mark.parametrize("option", ["--plain", "--json"])
def test_a_reader_that_leaves_does_not_end_the_run(record: Path, tmp_path: Path, option: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        done = command(
            record, *([option] if option != "--plain" else []), "--junit", str(tmp_path / "r.xml"), out=pipe
        )
    assert done.returncode == 0
    assert "Exception" not in done.stderr
    assert "</testsuites>" in (tmp_path / "r.xml").read_text()


def test_a_screen_that_is_full_is_told_and_the_files_are_written(record: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = command(record, "--junit", str(tmp_path / "r.xml"), out=full)
    assert done.returncode == 3
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "</testsuites>" in (tmp_path / "r.xml").read_text()
