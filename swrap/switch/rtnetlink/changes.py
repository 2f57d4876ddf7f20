"""What changed between two views of a host, as the notifications that the kernel would send, in its order.

Pure. Called by `service`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from swrap.switch.rtnetlink import address, answer, route, wire
from swrap.switch.rtnetlink.view import Link, Route, View

RTNLGRP_LINK = 1
RTNLGRP_IFADDR: dict[int, int] = {socket.AF_INET: 5, socket.AF_INET6: 9}
RTNLGRP_ROUTE: dict[int, int] = {socket.AF_INET: 7, socket.AF_INET6: 11}


@dataclass(frozen=True, slots=True)
class Notification:
    """A message for the members of a group."""

    group: int
    message: bytes


def changes(before: View, after: View, link_body: Callable[[Link], bytes]) -> Iterator[Notification]:
    """What goes away comes first, and what depends on something goes before it and comes after it."""
    old, new = _routes(before), _routes(after)
    for key in old:
        if key not in new:
            yield _route(answer.RTM_DELROUTE, old[key])
    for one in before.addresses:
        if one not in after.addresses:
            yield _told(answer.RTM_DELADDR, RTNLGRP_IFADDR[address.family(one.value)], address.body(one))
    there = {link.index: link for link in before.links}
    still = {link.index for link in after.links}
    for link in before.links:
        if link.index not in still:
            yield _told(answer.RTM_DELLINK, RTNLGRP_LINK, link_body(link))
    for link in after.links:
        if there.get(link.index) != link:
            yield _told(answer.RTM_NEWLINK, RTNLGRP_LINK, link_body(link))
    for one in after.addresses:
        if one not in before.addresses:
            yield _told(answer.RTM_NEWADDR, RTNLGRP_IFADDR[address.family(one.value)], address.body(one))
    for key in new:
        if key not in old:
            yield _route(answer.RTM_NEWROUTE, new[key])


def _routes(view: View) -> dict[tuple[object, ...], Route]:
    """By what makes them one: a cable that is pulled marks a route, it does not take it away."""
    return {(one.to, one.index, one.kind): one for one in view.routes()}


def _route(kind: int, one: Route) -> Notification:
    return _told(kind, RTNLGRP_ROUTE[route.family(one)], route.body(one))


def _told(kind: int, group: int, body: bytes) -> Notification:
    return Notification(group, wire.message(kind, 0, 0, 0, body))
