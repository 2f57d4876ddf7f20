"""All faults by their verb. A new fault is a new file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from swrap.faults.base import Fault
from swrap.faults.block import Block
from swrap.faults.heal import Heal
from swrap.faults.kill import Kill
from swrap.faults.link_down import LinkDown
from swrap.faults.link_up import LinkUp
from swrap.faults.reset import Reset
from swrap.faults.unblock import Unblock

FAULTS: Mapping[str, type[Fault]] = MappingProxyType(
    {fault.verb: fault for fault in (LinkDown, LinkUp, Block, Unblock, Reset, Heal, Kill)}
)
