"""The network of a real lab, as faults and the log see it: the switch's control socket.

Owns the translation between faults and commands, and between the switch's events and ours. Must not know
processes, nor how a lab comes to be. Used by ``shim_backend``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from swrap.document import JSON
from swrap.faults import FAULTS, Match, Rule, Touched, effects
from swrap.scenario.backend import Notice
from swrap.scenario.failure import HarnessFailure
from swrap.switch.client import ControlClient, ControlError

_COMMANDS = frozenset({"link", *FAULTS})
"""Those that the switch tells of as events, under the same word."""


class ShimNetwork:
    """Implements ``swrap.faults.Network``; ``notice`` gets what happens on the network.

    The switch tells everybody of each command. Of our own, the step that gave it tells; of those that
    others gave by hand while the scenario runs, ``notice`` does.
    """

    def __init__(self, control: ControlClient, notice: Notice) -> None:
        self._control = control
        self._notice = notice
        self._own: Counter[str] = Counter()

    async def listen(self) -> None:
        """Pass on the switch's events as they come; ends with the switch."""
        async for event in self._control.events():
            kind = event["kind"]
            if kind not in _COMMANDS:
                self._tell(kind, event)
            elif self._own[kind]:
                self._own[kind] -= 1
            elif kind == "link":
                self._tell("link-up" if event["up"] else "link-down", event)
            else:
                self._tell(kind, event)

    def _tell(self, kind: str, event: Mapping[str, Any]) -> None:
        # `at` is when the switch saw it; the log tells all events by one clock, when they came.
        # The numbers of inodes mean nothing to a reader.
        hidden = {"kind", "at", "up", "client_ino", "server_ino"}
        self._notice(kind, {key: value for key, value in event.items() if key not in hidden})

    async def link(self, interface: str, up: bool) -> Touched:
        """See ``swrap.faults.Network``."""
        return await self._command("link", interface=interface, up=up)

    async def rate(self, interface: str, rate: int | None) -> Touched:
        """See ``swrap.faults.Network``."""
        return await self._command("rate", interface=interface, rate=rate)

    async def speed(self, interface: str, speed: int) -> Touched:
        """See ``swrap.faults.Network``."""
        return await self._command("speed", interface=interface, speed=speed)

    async def add_address(self, interface: str, address: str) -> Touched:
        """See ``swrap.faults.Network``."""
        return await self._command("add-address", interface=interface, address=address)

    async def remove_address(self, address: str) -> Touched:
        """See ``swrap.faults.Network``."""
        return await self._command("remove-address", address=address)

    async def move(self, address: str, to: str, reset: bool) -> Touched:
        """See ``swrap.faults.Network``."""
        return await self._command("move", address=address, to=to, reset=reset)

    async def impose(self, rule: Rule) -> Touched:
        """See ``swrap.faults.Network``."""
        return await self._command(rule.verb, **rule.what.data(), **effects.data(rule.effect))

    async def lift(self, verb: str, rule: int | None) -> Touched:
        """See ``swrap.faults.Network``."""
        return await self._command(verb, **({} if rule is None else {"rule": rule}))

    async def reset(self, match: Match) -> Touched:
        """See ``swrap.faults.Network``."""
        return await self._command("reset", **match.data())

    async def flows(self) -> list[dict[str, Any]]:
        """All flows, as the control protocol tells them. Raises HarnessFailure."""
        found: list[dict[str, Any]] = await self._call("flows")
        return found

    async def _command(self, do: str, **args: JSON) -> Touched:
        self._own[do] += 1
        try:
            said: dict[str, Any] = await self._call(do, **args)
        except ValueError:
            self._own[do] -= 1  # refused: nothing has changed, nothing is told
            raise
        details: dict[str, JSON] = {"rule": said["rule"]} if "rule" in said else {}
        return Touched(said["flows"], said["bytes"], details=details)

    async def _call(self, do: str, **args: JSON) -> Any:
        """One command. Raises ValueError where the switch refuses it, HarnessFailure where there is none."""
        try:
            return await self._control.call(do, **args)
        except ControlError as error:
            try:
                await self._control.call("ping")
            except ControlError as gone:
                raise HarnessFailure(str(gone)) from error
            raise ValueError(str(error)) from error
