"""``python -m swrap.report EVENTS.jsonl``: shows a recorded run again, or makes reports of it.

--speed N             N times as fast as it was (0: all at once; the default for plain lines)
--live | --plain      instead of what the terminal suggests
--json --junit F --html F --events F     as of `swrap run`
--picture F [--at S]  an SVG of the live view at S seconds of the run (default: the most telling moment)
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from .picture import picture
from .record import BadRecord, read
from .replay import replay
from .reporter import ReportError
from .reporters import can_live, reporters


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0; 2 for a record that cannot be read, 3 for a report that cannot be; 130: Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m swrap.report", description="Show a recorded run again.")
    parser.add_argument("record", type=Path, metavar="EVENTS.jsonl")
    parser.add_argument("--speed", type=_speed, metavar="N", help="times as fast as it was; 0: all at once")
    view = parser.add_mutually_exclusive_group()
    view.add_argument("--live", action="store_true", help="the live view; needs a terminal")
    view.add_argument("--plain", action="store_true", help="a line an event")
    parser.add_argument("--json", action="store_true")
    for name in ("junit", "html", "events", "picture"):
        parser.add_argument(f"--{name}", type=Path, metavar="F")
    parser.add_argument("--at", type=float, metavar="S", help="the moment of the picture, in s")
    parser.add_argument(
        "--size", type=_size, default=(100, 30), metavar="WxH", help="the picture's, in characters"
    )
    options = parser.parse_args(argv)
    if options.live and not can_live(sys.stderr if options.json else sys.stdout):
        parser.error("--live needs a terminal")
    live = options.live or (not options.plain and can_live(sys.stderr if options.json else sys.stdout))
    speed = options.speed if options.speed is not None else (1.0 if live else 0.0)
    try:
        if options.picture is not None:
            picture(list(read(options.record)), options.picture, options.at, *options.size)
            return 0
        with reporters(
            live, options.json, options.events, options.junit, options.html, speed=speed or 1.0
        ) as reporter:
            asyncio.run(replay(read(options.record), reporter, speed or None))
    except (BadRecord, OSError) as error:
        print(f"swrap: {error}", file=sys.stderr)
        return 2
    except ReportError as error:
        print(f"swrap: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    return 0


def _speed(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError("a speed is 0 or more")
    return value


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    size = int(width), int(height)
    if min(size) < 20:
        raise argparse.ArgumentTypeError("a picture has 20x20 characters at least")
    return size


if __name__ == "__main__":
    sys.exit(main())
