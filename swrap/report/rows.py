"""The rows below the picture of the network: channels, copies, the latest events.

Owns how each of them looks. Must not know the terminal; takes a width and gives lines. Called by
``screen``.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from . import units
from .canvas import Column, columns, cut, fit, styled
from .glyphs import Glyphs
from .sentences import Sentence, Tone
from .state import Channel, Copy, State

_OWNERS = ("cyan", "magenta", "yellow", "blue", "bright_red", "bright_green")
"""A colour for each process that serves, by first appearance: one owner for all channels is seen at once."""

TONES = {
    Tone.SILENT: "dim",
    Tone.QUIET: "dim",
    Tone.PLAIN: "blue",
    Tone.GOOD: "green",
    Tone.WARN: "yellow",
    Tone.BAD: "bold red",
}

_STANDING = {"open": "green", "stalled": "bold yellow", "closed": "", "reset": "red", "opening": "yellow"}

_SPARK = 16
_PACE = len("99.9 MB/s, 999 s left")


def chosen(state: State, most: int) -> list[Channel]:
    """The channels worth a row, oldest first; ended ones give way first, the oldest of them before all."""
    channels = list(state.channels.values())
    surplus = len(channels) - most
    if surplus <= 0:
        return channels
    ended = [channel for channel in channels if not channel.open]
    gone = {channel.flow for channel in ended[:surplus]}
    return [channel for channel in channels if channel.flow not in gone][:most]


def channel_rows(
    state: State, shown: Sequence[Channel], now: float, width: int, glyphs: Glyphs
) -> list[Text]:
    """A heading and one line for each of ``shown``."""
    if not shown:
        return []
    colours = _colours(state)
    peak = max((rate for channel in shown for rate in _history(channel)), default=0.0)
    cells = [_cells(channel, state, colours, peak, now, glyphs) for channel in shown]
    by_name = {name: [row[name] for row in cells] for name in cells[0]}
    return columns(
        [
            Column("channel", by_name["ends"], keep=9, short=by_name["client"]),
            Column("over", by_name["over"], keep=4, least=5),
            Column("owner", by_name["owner"], keep=7, least=5),
            Column("", by_name["role"], keep=3),
            Column("handed", by_name["handed"], keep=2),
            Column("speed", by_name["speed"], keep=8, right=True, least=11),
            Column("", by_name["spark"], keep=1),
            Column("un-acked", by_name["unacked"], keep=5, right=True, least=8),
            Column("state", by_name["state"], keep=6, least=7),
        ],
        width,
        glyphs.ellipsis,
    )


def _cells(
    channel: Channel, state: State, colours: dict[int, str], peak: float, now: float, glyphs: Glyphs
) -> dict[str, Text]:
    """What there is to say of one channel; an ended one is dim and has no numbers."""
    owner = state.owner_of(channel)
    handed = channel.handed_from if owner else None
    standing = channel.standing()
    faded = "" if channel.open else "dim"
    cells = {
        "ends": styled(f"{channel.client} {glyphs.arrow} {channel.server}", faded),
        "client": styled(channel.client, faded),
        "over": styled(_over(channel, glyphs), faded),
        "owner": styled(str(owner[0]) if owner else "", faded or (colours[owner[0]] if owner else "")),
        "role": styled(owner[1] if owner else "", "dim"),
        "handed": styled(f"from {handed}" if handed else "", "dim"),
        "speed": Text(),
        "spark": Text(),
        "unacked": Text(),
        "state": styled(standing, faded or _STANDING.get(standing, "yellow")),
    }
    if channel.open:
        cells["speed"] = _speed(channel, now, glyphs)
        cells["spark"] = _spark(channel, peak, glyphs)
        cells["unacked"] = styled(units.size(channel.unacked), "" if channel.unacked else "dim")
    return cells


def _colours(state: State) -> dict[int, str]:
    pids: dict[int, str] = {}
    for channel in state.channels.values():
        owner = state.owner_of(channel)
        if owner and owner[0] not in pids:
            pids[owner[0]] = _OWNERS[len(pids) % len(_OWNERS)]
    return pids


def _over(channel: Channel, glyphs: Glyphs) -> str:
    """`eth0` where both ends call it so, else both ends."""
    names = [name.partition(".")[2] or name for name in channel.interfaces]
    ends = [names[0], names[-1]] if names else []
    return ends[0] if len(set(ends)) == 1 else glyphs.arrow.join(ends)


def _speed(channel: Channel, now: float, glyphs: Glyphs) -> Text:
    there, back = channel.to_server.rate(now), channel.to_client.rate(now)
    if not there and not back:
        return styled(units.byte_rate(0), "dim")
    sign = glyphs.rightward if there >= back else glyphs.leftward
    return styled(f"{sign} {units.byte_rate(max(there, back))}", "cyan")


def _history(channel: Channel) -> list[float]:
    there, back = list(channel.to_server.history), list(channel.to_client.history)
    return [sum(pair) for pair in zip(there, back, strict=False)][-_SPARK:]


def _spark(channel: Channel, peak: float, glyphs: Glyphs) -> Text:
    steps = len(glyphs.blocks) - 1
    marks = [glyphs.blocks[round(rate / peak * steps) if peak else 0] for rate in _history(channel)]
    return styled("".join(marks).rjust(_SPARK), "cyan")


def copy_row(copy: Copy, state: State, now: float, width: int, glyphs: Glyphs) -> Text:
    """What is copied, a bar, how much of how much, how fast, how long still."""
    rate = copy.meter.rate(now)
    if copy.failed:
        pace, style = "failed", "bold red"
    elif copy.ended is not None:
        pace, style = f"in {units.duration(copy.ended - copy.started)}", "green"
    elif rate <= 0:
        pace, style = "waiting", "yellow"
    else:
        left = (copy.total - copy.done) / rate
        pace, style = units.byte_rate(rate) + (f", {left:.0f} s left" if left < 1000 else ""), "cyan"
    tail = Text(f" {int(copy.fraction * 100):3d} %  ")
    if width >= 90:
        tail.append(f"{units.part(copy.done, copy.total):>16}  ", style="dim")
    # Of a fixed width, so that the bar does not move while the numbers change.
    tail.append(f"{pace:<{_PACE}}"[: max(_PACE, len(pace))], style=style)
    name = cut(Text(copy.text), min(max(width // 3, 8), 40), glyphs.ellipsis).append(" ")
    room = min(width - name.cell_len - tail.cell_len, 60)
    if room >= 4:
        name.append_text(_bar(copy.fraction, room, glyphs, style))
    line = name.append_text(tail)
    line.rstrip()
    return cut(line, width, glyphs.ellipsis)


def _bar(fraction: float, width: int, glyphs: Glyphs, style: str) -> Text:
    halves = int(fraction * width * 2)
    full, half = divmod(halves, 2)
    bar = styled(glyphs.full * full + (glyphs.half if half else ""), style)
    return bar.append(glyphs.rest * (width - full - half), style="dim")


def worth_showing(lines: Sequence[Sentence], most: int) -> list[Sentence]:
    """The latest sentences that are news; the quiet ones are for the log."""
    news = [line for line in lines if line.tone not in (Tone.QUIET, Tone.SILENT)]
    return news[-most:] if most > 0 else []


def event_rows(lines: Sequence[Sentence], width: int, glyphs: Glyphs) -> list[Text]:
    """A line a sentence: time, a mark in the colour of its tone, who says it, what."""
    source = min(max((len(line.source) for line in lines), default=0), 12)
    rows = []
    for line in lines:
        row = styled(units.moment(line.at), "dim").append("  ")
        row.append(glyphs.up if line.tone is not Tone.BAD else glyphs.down, style=TONES[line.tone]).append(
            " "
        )
        row.append_text(fit(styled(line.source, "dim"), source, glyphs.ellipsis)).append("  ")
        text = line.text if glyphs.arrow == "→" else line.text.replace("→", glyphs.arrow)
        row.append(text, style="red" if line.tone is Tone.BAD else "")
        rows.append(cut(row, width, glyphs.ellipsis))
    return rows
