"""A program's request and what the kernel of its host would answer.

Owns what can be asked and the errors of the rest. Changes are refused: the network is the lab's. Must not
know of sockets; nothing that a program sends makes it raise. Source: rtnetlink(7), and for the errors what
Linux answers.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterable, Iterator

from swrap.abi.page import Page
from swrap.switch.rtnetlink import address, link, route, wire
from swrap.switch.rtnetlink.view import Link, View, look, way

RTM_BASE = 16
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_GETNEIGH = 30
RTM_MAX = 123
GET = 2  # the last two bits of a type: NEW, DEL, GET, SET

CHUNK = 3776
"""Bytes of a datagram that is part of a dump: what the kernel makes of a page."""
MOST = 208 * 1024
"""Bytes of answers to one datagram; a program that asks for more has lost the rest."""

Body = bytes
Dump = Iterator[tuple[int, Body]]


class Refused(Exception):
    """The request has failed; `number` is the errno."""

    def __init__(self, number: int) -> None:
        super().__init__(errno.errorcode.get(number, number))
        self.number = number


class Answers:
    """For all hosts. `traffic` tells what an interface, by its index in the page, sent and received."""

    def __init__(self, page: Page, traffic: Callable[[int], link.Traffic]) -> None:
        self._page = page
        self._traffic = traffic

    def answer(self, host: int, port: int, datagram: bytes) -> tuple[list[bytes], bool]:
        """The datagrams that answer one of a program with this port id; True if there were to be more."""
        out: list[bytes] = []
        size, dumping = 0, False
        for request in wire.messages(datagram):
            if size > MOST:
                return out, True
            try:
                parts = self._one(host, port, request, dumping)
                dumping = dumping or _is_dump(request)
                if request.flags & wire.NLM_F_ACK and not _is_dump(request):
                    parts.append(_error(request, port, 0))
            except Refused as refused:
                parts = [_error(request, port, refused.number)]
            except struct.error:  # too short for what it says it is
                parts = [_error(request, port, errno.EINVAL)]
            out += parts
            size += sum(map(len, parts))
        return out, False

    def link_body(self, one: Link) -> Body:
        """An interface with what went over it."""
        return link.body(one, self._traffic(one.position))

    def _one(self, host: int, port: int, request: wire.Message, dumping: bool) -> list[bytes]:
        if not request.flags & wire.NLM_F_REQUEST or request.type < wire.MIN_TYPE:
            return []
        if request.type > RTM_MAX:
            raise Refused(errno.EOPNOTSUPP)
        if not request.body:
            return []
        if (request.type - RTM_BASE) % 4 != GET:
            raise Refused(errno.EPERM)
        view = look(self._page, host)
        if not _is_dump(request):
            kind, body = self._get(host, view, request)
            return [wire.message(kind, 0, request.sequence, port, body)]
        objects = self._dump(view, request)
        if dumping:
            raise Refused(errno.EBUSY)
        parts = (wire.message(kind, wire.NLM_F_MULTI, request.sequence, port, body) for kind, body in objects)
        done = wire.message(wire.NLMSG_DONE, wire.NLM_F_MULTI, request.sequence, port, bytes(4))
        return [*_chunks(parts), done]

    def _dump(self, view: View, request: wire.Message) -> Dump:
        family, body = request.body[0], request.body
        if request.type == RTM_GETLINK:
            shown = () if family == socket.AF_BRIDGE else view.links
            return ((RTM_NEWLINK, self.link_body(one)) for one in shown)
        if request.type == RTM_GETADDR:
            index = address.index_in(body)
            return (
                (RTM_NEWADDR, address.body(one))
                for one in view.addresses
                if _of(family, address.family(one.value)) and index in (0, one.index)
            )
        if request.type == RTM_GETROUTE:
            wanted = route.filter_in(body)
            return (
                (RTM_NEWROUTE, route.body(one))
                for one in view.routes()
                if _of(family, route.family(one)) and wanted.takes(one)
            )
        if request.type == RTM_GETNEIGH:
            return iter(())  # there is no ARP
        raise Refused(errno.EOPNOTSUPP)

    def _get(self, host: int, view: View, request: wire.Message) -> tuple[int, Body]:
        if request.type == RTM_GETLINK:
            return RTM_NEWLINK, self._get_link(view, request.body)
        if request.type == RTM_GETADDR and request.body[0] == socket.AF_INET6:
            wanted = address.wanted(request.body)
            for one in view.addresses:
                if one.value.packed == wanted:
                    return RTM_NEWADDR, address.body(one)
            raise Refused(errno.EADDRNOTAVAIL)
        if request.type == RTM_GETROUTE and request.body[0] in (socket.AF_INET, socket.AF_INET6):
            return RTM_NEWROUTE, self._get_route(host, view, request.body)
        raise Refused(errno.EOPNOTSUPP)

    def _get_link(self, view: View, body: Body) -> Body:
        index, name = link.index_in(body), link.name_in(body)
        if index <= 0 and name is None:
            raise Refused(errno.EINVAL)
        for one in view.links:
            if one.index == index if index > 0 else one.name == name:
                return self.link_body(one)
        raise Refused(errno.ENODEV)

    def _get_route(self, host: int, view: View, body: Body) -> Body:
        to = route.destination_in(body)
        if to is None:
            raise Refused(errno.EINVAL)
        found = way(self._page, host, to)
        if found is None:
            raise Refused(errno.ENETUNREACH)
        (out,) = (one for one in view.links if one.position == found[0])
        return route.looked_up(to, out.index, found[1], found[2], own=out.loopback)


def _is_dump(request: wire.Message) -> bool:
    return bool(request.flags & wire.NLM_F_DUMP) and (request.type - RTM_BASE) % 4 == GET


def _of(family: int, own: int) -> bool:
    """Is a dump about this family? One that is not known here is about all, as with the kernel."""
    return family == own or family not in (socket.AF_INET, socket.AF_INET6)


def _chunks(messages: Iterable[bytes]) -> list[bytes]:
    """As few datagrams as hold them."""
    chunks: list[bytes] = []
    for one in messages:
        if chunks and len(chunks[-1]) + len(one) <= CHUNK:
            chunks[-1] += one
        else:
            chunks.append(one)
    return chunks


def _error(request: wire.Message, port: int, number: int) -> bytes:
    """NLMSG_ERROR: the errno and the request; 0 is an acknowledgement, with the request's header alone."""
    echoed = request.raw if number else request.raw[:16]
    return wire.message(wire.NLMSG_ERROR, 0, request.sequence, port, struct.pack("=i", -number) + echoed)
