"""The data plane as Python objects.

Owns the one instance of the C switch and every conversion between its structures and plain values. Must not
know of the control protocol. Called by `network` and by the main loop.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from swrap._switch import ffi, lib
from swrap.abi import ffi as abi_ffi
from swrap.abi.names import Endpoint, unpack_ip
from swrap.abi.options import NAME, DevicePorts
from swrap.abi.page import Page
from swrap.faults import effects
from swrap.faults.effects import Effect
from swrap.faults.rule import nanoseconds, whole
from swrap.switch.match import Match

NANOSECONDS = 1_000_000_000
DIRECTIONS = {"out": lib.SW_OUT, "in": lib.SW_IN, "both": lib.SW_OUT | lib.SW_IN}
STATES = {"new": lib.SW_NEW, "established": lib.SW_ESTABLISHED, "any": lib.SW_NEW | lib.SW_ESTABLISHED}
EFFECTS: dict[type[Effect], int] = {
    effects.Drop: lib.SW_DROP,
    effects.Reject: lib.SW_REJECT,
    effects.Hold: lib.SW_HOLD,
    effects.LoseAcks: lib.SW_LOSE_ACKS,
    effects.Delay: lib.SW_DELAY,
    effects.Loss: lib.SW_LOSS,
    effects.Corrupt: lib.SW_CORRUPT,
    effects.Duplicate: lib.SW_DUPLICATE,
    effects.Reorder: lib.SW_REORDER,
}


def flows_of(descriptors: int, table: int) -> int:
    """How many flows find room in one table of the switch (`table.h`; 0: its first) of so many descriptors."""
    return int(lib.sw_flows_of(descriptors, table))


def tables_for(flows: int, descriptors: int) -> int:
    """How many tables so many flows take."""
    more = flows - flows_of(descriptors, 0)
    return 1 if more <= 0 else 1 - -more // flows_of(descriptors, 1)


@dataclass(frozen=True, slots=True)
class Touched:
    """What a fault took hold of: flows, and their bytes that were un-acked at that moment."""

    flows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Count:
    """Payload bytes, packets that carried them, and packets that a fault stopped."""

    bytes: int
    packets: int
    lost: int


@dataclass(frozen=True, slots=True)
class Record:
    """Something that happened to a flow; `kind` and `reason` as in api.h.

    Of two, the first is the client's, or towards the server; so in `Flow`.
    """

    at: float
    kind: int
    reason: int
    id: int
    hosts: tuple[int, int]
    ends: tuple[Endpoint, Endpoint]
    inodes: tuple[int, int]
    counts: tuple[Count, Count]


@dataclass(frozen=True, slots=True)
class Half:
    """One direction of a flow: what was delivered, un-acked bytes, whether its path is dead, what it crosses."""

    count: Count
    unacked: int
    blocked: bool
    interfaces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as it is now; `states` are `enum sw_flow_state`."""

    id: int
    opened: float
    states: tuple[int, int]
    inodes: tuple[int, int]
    hosts: tuple[int, int]
    ends: tuple[Endpoint, Endpoint]
    halves: tuple[Half, Half]


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture: packets in it, those that its file was too slow for, and the file's bytes."""

    packets: int
    missing: int
    bytes: int


class Plane:
    """The switch on this page, listening for shims; time-outs in seconds. Raises OSError where it cannot."""

    def __init__(
        self, page: Page, *, syn_timeout: float, retransmit_timeout: float, opening_timeout: float
    ) -> None:
        limits = ffi.new(
            "struct sw_limits *",
            {
                "syn_ns": int(syn_timeout * NANOSECONDS),
                "retransmit_ns": int(retransmit_timeout * NANOSECONDS),
                "opening_ns": int(opening_timeout * NANOSECONDS),
            },
        )
        made = ffi.new("struct sw **")
        address = ffi.cast("void *", int(abi_ffi.cast("uintptr_t", page.address)))
        self._devices = DevicePorts(page.path.with_name(NAME))  # likewise
        devices = ffi.cast("uint8_t *", int(abi_ffi.cast("uintptr_t", self._devices.address)))
        _check(lib.sw_new(address, devices, limits, made))
        self._page = page  # the C side reads it
        self._switch: Any = made[0]
        self._touched = ffi.new("struct sw_touched *")

    def close(self) -> None:
        """Every flow ends with a reset."""
        lib.sw_free(self._switch)
        self._switch = ffi.NULL
        self._devices.close()

    def run(self) -> Iterator[tuple[int, int]]:
        """Move bytes until Python has something to do: ready fds with their EPOLL* events, maybe none."""
        _check(lib.sw_run(self._switch))
        events = ffi.new("uint32_t *")
        while (fd := lib.sw_fired(self._switch, events)) >= 0:
            yield fd, events[0]

    def watch(self, fd: int, events: int) -> None:
        """Let `run` return when `fd` is ready for `events`; again, to change them."""
        _check(lib.sw_watch(self._switch, fd, events))

    def unwatch(self, fd: int) -> None:
        """Forget `fd`."""
        _check(lib.sw_unwatch(self._switch, fd))

    def subscribe(self, on: bool) -> None:
        """Record what happens to flows, or stop that."""
        lib.sw_subscribe(self._switch, on)

    def records(self) -> Iterator[Record | int]:
        """What happened since the last call; a number says how many records did not fit the ring."""
        event = ffi.new("struct sw_event *")
        lost = ffi.new("uint64_t *")
        while True:
            more = lib.sw_event_next(self._switch, event, lost)
            if lost[0]:
                yield lost[0]
            if not more:
                return
            yield Record(
                event.at / NANOSECONDS,
                event.kind,
                event.reason,
                event.id,
                (event.host[0], event.host[1]),
                (_endpoint(event.end[0]), _endpoint(event.end[1])),
                (event.ino[0], event.ino[1]),
                (_count(event.count[0]), _count(event.count[1])),
            )

    def flows(self) -> Iterator[Flow]:
        """All flows, SYNs that wait included."""
        info = ffi.new("struct sw_info *")
        for slot in range(lib.sw_slots(self._switch)):
            if lib.sw_flow_info(self._switch, slot, info):
                yield Flow(
                    info.id,
                    info.opened / NANOSECONDS,
                    (info.state, info.peer_state),
                    (info.ino[0], info.ino[1]),
                    (info.host[0], info.host[1]),
                    (_endpoint(info.end[0]), _endpoint(info.end[1])),
                    (_half(info.half[0]), _half(info.half[1])),
                )

    def interface_counts(self, index: int) -> tuple[Count, Count]:
        """What the interface sent and received."""
        counts = ffi.new("struct sw_count[2]")
        lib.sw_iface_counts(self._switch, index, counts, counts + 1)
        return _count(counts[0]), _count(counts[1])

    def touch(self, match: Match) -> Touched:
        """What the match takes hold of now."""
        with packed(match, self._page.address.n_hosts) as raw:
            lib.sw_touch(self._switch, raw, self._touched)
        return self._told()

    def refresh(self) -> None:
        """The page's flags changed: put that in force for every flow."""
        lib.sw_refresh(self._switch, ffi.NULL)

    def addresses(self) -> Touched:
        """The page's addresses changed: put that in force; the flows for which it makes a difference."""
        _check(lib.sw_addresses(self._switch, self._touched))
        return self._told()

    def rates(self) -> None:
        """The page's rates changed: put that in force."""
        lib.sw_rates(self._switch)

    def impose(self, match: Match, effect: Effect) -> tuple[int, Touched]:
        """A rule from now on, behind all others: its number, and what it took hold of."""
        with packed(match, self._page.address.n_hosts) as raw:
            rule = _check(lib.sw_impose(self._switch, raw, pack_effect(effect), self._touched))
        return rule, self._told()

    def lift(self, rules: Sequence[int]) -> Touched:
        """Take rules away by their numbers; the flows for which that makes a difference."""
        lib.sw_lift(self._switch, ffi.new("uint32_t[]", list(rules)), len(rules), self._touched)
        return self._told()

    def seed(self, seed: int) -> None:
        """What decides all chances from now on."""
        lib.sw_seed(self._switch, seed)

    def reset(self, match: Match) -> Touched:
        """A RST to both ends of all that matches."""
        with packed(match, self._page.address.n_hosts) as raw:
            lib.sw_reset(self._switch, raw, self._touched)
        return self._told()

    def capture(self, file: int, only: Match | None) -> int:
        """Write the packets of what matches (None: of everything) to this file descriptor, as pcapng.

        The fd that it returns is readable once the capture has ended; `end_capture` closes it. Raises OSError.
        """
        if only is None:
            return _check(lib.sw_capture_start(self._switch, file, ffi.NULL))
        with packed(only, self._page.address.n_hosts) as raw:
            return _check(lib.sw_capture_start(self._switch, file, raw))

    def finish_capture(self) -> None:
        """Capture nothing more; what was captured is still being written."""
        lib.sw_capture_finish(self._switch)

    def end_capture(self) -> tuple[Captured, int]:
        """Wait until all is written, and forget the capture; 0, or the errno that stopped it."""
        info = ffi.new("struct sw_capture_info *")
        error = -int(lib.sw_capture_end(self._switch, info))
        return Captured(info.packets, info.missing, info.bytes), error

    def note(self, flow: int, words: str) -> bool:
        """Say something with the next packet of a flow; False where that is not captured."""
        return bool(lib.sw_capture_note(self._switch, flow, words.encode()))

    def _told(self) -> Touched:
        return Touched(self._touched.flows, self._touched.bytes)


@contextmanager
def packed(match: Match, hosts: int) -> Iterator[Any]:
    """The `struct sw_match *` of a match in a lab with so many hosts, for as long as the block lasts."""
    sets = [match.hosts, *(match.between or (None, None))]
    maps = [ffi.NULL if one is None else ffi.from_buffer("uint8_t[]", _bitmap(one, hosts)) for one in sets]
    raw = ffi.new(
        "struct sw_match *",
        {
            "iface": _index(match.interface),
            "port": _index(match.port),
            "sport": _index(match.sport),
            "dport": _index(match.dport),
            "flow": match.flow or 0,
            "hosts": maps[0],
            "between": maps[1:],
            "directions": DIRECTIONS[match.direction],
            "states": STATES[match.state],
            "has_ip": match.address is not None,
            "ip": match.address or bytes(16),
        },
    )
    yield raw


def pack_effect(effect: Effect) -> Any:
    """The `struct sw_effect *` of an effect."""
    return ffi.new(
        "struct sw_effect *",
        {
            "kind": EFFECTS[type(effect)],
            "chance": whole(effect.chance) if isinstance(effect, effects.Chance) else 0,
            "time_ns": nanoseconds(getattr(effect, "time", 0.0)),
            "jitter_ns": nanoseconds(getattr(effect, "jitter", 0.0)),
        },
    )


def _bitmap(members: Iterable[int], hosts: int) -> bytes:
    bits = bytearray((hosts + 7) // 8)
    for one in members:
        bits[one // 8] |= 1 << one % 8
    return bytes(bits)


def _index(value: int | None) -> int:
    return int(lib.SW_ANY) if value is None else value


def _check(result: int) -> int:
    if result < 0:
        raise OSError(-result, os.strerror(-result), errno.errorcode.get(-result))
    return result


def _endpoint(raw: Any) -> Endpoint:
    return Endpoint(unpack_ip(bytes(raw.ip)), raw.port)


def _count(raw: Any) -> Count:
    return Count(raw.bytes, raw.packets, raw.lost)


def _half(raw: Any) -> Half:
    return Half(_count(raw.count), raw.unacked, bool(raw.blocked), tuple(raw.ifaces[0 : raw.n_ifaces]))
