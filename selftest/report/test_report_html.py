"""The page stands alone: well-formed, nothing loaded from anywhere, no text of a run is ever markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from swrap.events import Event
from swrap.report.html import HtmlReporter

Make = Callable[..., Event]
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that tags nest, and collects what the page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str, style: str = "") -> list[dict[str, str | None]]:
        return [
            attrs
            for name, attrs in self.tags
            if name == tag and (not style or style in str(attrs.get("class")).split())
        ]


def page(path: Path, *runs: list[Event], verdict: int | None = None) -> tuple[Page, str]:
    reporter = HtmlReporter(path)
    for run in runs:
        for event in run:
            reporter.event(event)
        reporter.finish(verdict)
    text = path.read_text(encoding="utf-8")
    return Page(text), text


def test_the_page_loads_nothing(story: list[Event], tmp_path: Path) -> None:
    made, text = page(tmp_path / "r.html", story)
    assert "http" not in text
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in made.tags}
    assert not {"src", "href", "style"} & {name for _, attrs in made.tags for name in attrs}
    assert not re.search(r"@import|url\(", text)


def test_result_and_events_can_be_read(failed_story: list[Event], tmp_path: Path) -> None:
    made, _ = page(tmp_path / "r.html", failed_story)
    text = " ".join(made.words)
    assert "fail: 1 of 5 expectations did not hold" in text
    assert "00aa11bb" in text
    assert "lan-to-wifi.yaml:30" in text
    assert "server.eth0 is pulled" in text


def test_the_timeline_shows_when_the_cable_was_out(story: list[Event], tmp_path: Path) -> None:
    made, _ = page(tmp_path / "r.html", story)
    (out,) = made.all("rect", "down")
    end = story[-1].at
    scale = (1100 - 280 - 90) / end
    assert float(str(out["x"])) == pytest.approx(280 + 3.662 * scale, abs=1)
    assert float(str(out["width"])) == pytest.approx((8.77 - 3.662) * scale, abs=3)
    assert len(made.all("rect", "up")) == 5
    assert len(made.all("polygon", "flow")) == 6
    assert made.all("line", "fault")


def test_throughput_is_drawn_to_one_scale(story: list[Event], tmp_path: Path) -> None:
    made, _ = page(tmp_path / "r.html", story)

    def height(polygon: dict[str, str | None]) -> float:
        levels = [float(point.split(",")[1]) for point in str(polygon["points"]).split()]
        return max(levels) - min(levels)

    heights = [height(polygon) for polygon in made.all("polygon", "flow")]
    assert heights[2] / heights[0] == pytest.approx(1.875 / 5, rel=0.15)


def test_no_text_is_ever_markup(event: Make, tmp_path: Path) -> None:
    nasty = "</title></svg><script>alert(1)</script><img src=x onerror=y>&amp;\"'"
    flow = {
        "id": nasty,
        "client": nasty,
        "server": nasty,
        "interfaces": [nasty],
        "server_holders": [[1, nasty]],
    }
    told = [
        event("run-started", title=nasty, file=nasty, topology={"hosts": {nasty: {nasty: "10.0.0.1/8"}}}),
        event("link-down", 1.0, interface=nasty, source=nasty),
        event("flow-opened", 1.0, **flow),
        event("flow-sample", 2.0, **flow, to_server={"bytes": 5000}),
        event("flow-closed", 3.0, **flow, how=nasty),
        event("step-failed", 3.0, step=1, text=nasty, error=nasty, where=nasty),
        event("expectation", 3.0, text=nasty, status=nasty, expected=nasty, seen=nasty, where=nasty),
        event(nasty, 3.0, **{nasty: nasty}),
    ]
    made, _ = page(tmp_path / "r.html", told, verdict=1)
    assert not made.all("script")
    assert not made.all("img")
    assert made.all("polygon", "flow")


def test_several_runs_are_sections_of_one_page(
    story: list[Event], failed_story: list[Event], tmp_path: Path
) -> None:
    made, _ = page(tmp_path / "r.html", story, failed_story)
    assert len(made.all("section")) == len(made.all("svg")) == 2


def test_a_run_without_anything_is_a_page_too(event: Make, tmp_path: Path) -> None:
    made, _ = page(tmp_path / "r.html", [event("run-started", title="nothing")], verdict=3)
    assert "harness failed" in " ".join(made.words)


def test_a_thousand_connections_are_counted_and_forty_drawn(event: Make, tmp_path: Path) -> None:
    ends = [{"id": n, "client": f"10.0.1.2:{n}", "server": "10.0.1.1:80"} for n in range(1000)]
    told = [event("flow-opened", n / 10, **each) for n, each in enumerate(ends)]
    made, text = page(tmp_path / "r.html", told, verdict=0)
    assert len(made.all("line", "life")) == 40
    assert "and 960 more channels" in text


def test_an_hour_of_samples_is_a_page_of_a_sane_size(event: Make, tmp_path: Path) -> None:
    ends = {"id": 1, "client": "10.0.1.2:4", "server": "10.0.1.1:80"}
    told = [event("flow-sample", n / 10, **ends, to_server={"bytes": n * 1000}) for n in range(36_000)]
    made, text = page(tmp_path / "r.html", told, verdict=0)
    assert len(text) < 100_000
    assert any("10.0 kB/s" in word for word in made.words)
